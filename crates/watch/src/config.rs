//! The configuration file: what is not given on the command line.

use std::{collections::BTreeMap, net::SocketAddr, path::Path, path::PathBuf};

use credentials::Access;
use flow::{Level, Span};
use serde::Deserialize;

/// Every key with its default and a comment, as shipped.
pub const DEFAULTS: &str = include_str!("../../../watch.default.toml");

/// The file cannot be used: which file, which line, and what to do.
#[derive(Debug, thiserror::Error)]
#[error("{file}:{line}: {why}")]
pub struct Invalid {
    /// The file.
    pub file: String,
    /// The line, from 1; 0 where the file cannot be read.
    pub line: usize,
    /// What is wrong there.
    pub why: String,
}

/// What a file says.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// `[queue]`
    pub queue: QueueSection,
    /// `[bucket]`: how buckets are opened that say nothing of their own.
    pub bucket: Access,
    /// `[buckets."NAME"]`: buckets that are watched.
    pub buckets: BTreeMap<String, Access>,
    /// `[rule]`
    pub rule: RuleSection,
    /// `[alert]`
    pub alert: AlertSection,
    /// `[[destination]]`
    pub destination: Vec<DestinationSection>,
    /// `[outgoing]`
    pub outgoing: OutgoingSection,
    /// `[metrics]`
    pub metrics: MetricsSection,
}

/// The queue, and whose keys open it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct QueueSection {
    /// Its URL.
    pub url: String,
    /// How long one call waits for messages.
    pub wait: Span,
    /// After how many receives a message that cannot be read is a dead letter.
    pub receives_max: u32,
    /// As in [`Access`].
    pub profile: Option<String>,
    /// As in [`Access`].
    pub role_arn: Option<String>,
    /// As in [`Access`].
    pub external_id: Option<String>,
    /// As in [`Access`].
    pub endpoint: Option<String>,
    /// As in [`Access`].
    pub region: Option<String>,
}

impl Default for QueueSection {
    fn default() -> Self {
        Self {
            url: String::new(),
            wait: "10s".parse().expect("a duration"),
            receives_max: 20,
            profile: None,
            role_arn: None,
            external_id: None,
            endpoint: None,
            region: None,
        }
    }
}

impl QueueSection {
    /// Whose keys open the queue.
    pub(crate) fn access(&self) -> Access {
        Access {
            profile: self.profile.clone(),
            role_arn: self.role_arn.clone(),
            external_id: self.external_id.clone(),
            endpoint: self.endpoint.clone(),
            region: self.region.clone(),
            ..Access::default()
        }
    }
}

/// Which rules are asked.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RuleSection {
    /// Folders that replace the shipped rules.
    pub dirs: Vec<PathBuf>,
    /// One question more.
    pub when: String,
}

/// Which findings alert.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AlertSection {
    /// Rules below this level alert nobody.
    pub min_level: Level,
    /// Older events go to a file; all alert where it is missing.
    pub max_age: Option<Span>,
}

impl Default for AlertSection {
    fn default() -> Self {
        Self { min_level: Level::Informational, max_age: None }
    }
}

/// Where alerts go, and whose keys open it where it is a topic.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DestinationSection {
    /// The destination.
    pub to: String,
    /// As in [`Access`].
    pub profile: Option<String>,
    /// As in [`Access`].
    pub role_arn: Option<String>,
    /// As in [`Access`].
    pub external_id: Option<String>,
    /// As in [`Access`].
    pub endpoint: Option<String>,
}

/// What outgoing HTTP may reach.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OutgoingSection {
    /// Loopback and private addresses too.
    pub allow_private: bool,
}

/// Where metrics are served.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MetricsSection {
    /// A port, or an address with one; nowhere where it is empty.
    pub address: String,
}

impl Config {
    /// What the file at `path` says, and the defaults.
    ///
    /// # Errors
    /// [`Invalid`] names file, line and what is wrong.
    pub fn read(path: &Path) -> Result<Self, Invalid> {
        let file = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|why| Invalid {
            file: file.clone(),
            line: 0,
            why: format!("cannot be read: {why}"),
        })?;
        Self::parse(&text, &file)
    }

    /// What `text` says, and the defaults; `file` is for errors.
    ///
    /// # Errors
    /// [`Invalid`] names file, line and what is wrong.
    pub fn parse(text: &str, file: &str) -> Result<Self, Invalid> {
        toml::from_str(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            let line = text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1;
            Invalid { file: file.to_owned(), line, why: error.message().to_owned() }
        })
    }
}

/// Where metrics are served: `9100` is a port of loopback, `0.0.0.0:9100` what it says.
///
/// # Errors
/// The text is neither; the message says what would do.
pub fn listen_address(text: &str) -> Result<SocketAddr, String> {
    if let Ok(port) = text.parse::<u16>() {
        return Ok(SocketAddr::from(([127, 0, 0, 1], port)));
    }
    text.parse().map_err(|_| {
        format!(
            "`{}` is no address: give a port of this machine, such as 9100, or 0.0.0.0:9100",
            text.escape_default()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        Config::parse(text, "my.toml").unwrap_err().to_string()
    }

    #[test]
    fn the_shipped_file_is_the_defaults() {
        assert_eq!(Config::parse(DEFAULTS, "x").unwrap(), Config::default());
    }

    #[test]
    fn the_shipped_file_names_every_key() {
        // What stands behind `# ` with a `=` in it, or is a table's name, is an example.
        let examples: Vec<&str> = DEFAULTS
            .lines()
            .map(|line| match line.strip_prefix("#> ") {
                Some(example) => example,
                None => line,
            })
            .collect();
        let all = Config::parse(&examples.join("\n"), "x").unwrap();
        let queue = all.queue;
        for value in
            [queue.profile, queue.role_arn, queue.external_id, queue.endpoint, queue.region]
        {
            assert!(value.is_some());
        }
        let accesses = all.buckets.values().chain([&all.bucket]);
        for access in accesses {
            let Access { profile, role_arn, external_id, endpoint, region, path_style, .. } =
                access;
            for value in [profile, role_arn, external_id, endpoint, region] {
                assert!(value.is_some());
            }
            assert!(path_style.is_some() && (access.anonymous || access.requester_pays));
        }
        assert!(all.alert.max_age.is_some());
        let [destination] = all.destination.as_slice() else { panic!() };
        let DestinationSection { to, profile, role_arn, external_id, endpoint } = destination;
        assert!(!to.is_empty());
        for value in [profile, role_arn, external_id, endpoint] {
            assert!(value.is_some());
        }
    }

    #[test]
    fn an_unknown_key_names_file_line_and_the_known_ones() {
        let text = error("\n[queue]\nurll = \"x\"\n");
        assert!(text.starts_with("my.toml:3: unknown field `urll`"), "{text}");
        assert!(text.contains("`url`"), "{text}");
        let text = error("[buckets.\"a\"]\nrole = \"x\"\n");
        assert!(text.starts_with("my.toml:2: unknown field `role`"), "{text}");
    }

    #[test]
    fn a_bad_value_names_file_line_and_remedy() {
        let text = error("[queue]\nwait = \"soon\"\n");
        assert!(text.starts_with("my.toml:2: `soon` is not a duration"), "{text}");
        let text = error("[alert]\nmin_level = \"loud\"\n");
        assert!(text.starts_with("my.toml:2: ") && text.contains("critical"), "{text}");
    }

    #[test]
    fn a_port_alone_is_one_of_this_machine() {
        assert_eq!(listen_address("9100").unwrap().to_string(), "127.0.0.1:9100");
        assert_eq!(listen_address("0.0.0.0:9100").unwrap().to_string(), "0.0.0.0:9100");
        assert!(listen_address("here").unwrap_err().contains("9100"));
    }
}
