//! Where alerts go, as the configuration spells it.

use std::{fmt, path::PathBuf, str::FromStr};

use flow::Arn;
use sha2::{Digest, Sha256};
use url::Url;

/// The longest name of a topic, in bytes.
const TOPIC_BYTES_MAX: usize = 256;

/// A place that alerts go to. Its `Display` and `Debug` hide what is secret of a URL.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Destination {
    /// An SNS topic: its name, in our own account and region, or its ARN.
    Sns(String),
    /// An HTTP endpoint that gets signed JSON.
    Webhook(Url),
    /// A Slack incoming webhook.
    Slack(Url),
    /// A file that gets a line of JSON an alert.
    File(PathBuf),
    /// The program's standard output, as text.
    Stdout,
}

/// The text names no destination.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDestination {
    /// None of the kinds.
    #[error(
        "`{0}` is not a destination: give sns:NAME, webhook:URL, slack:URL, file:PATH or stdout"
    )]
    Kind(String),
    /// A kind that goes on with something else.
    #[error("a destination `{kind}:` goes on with {expected}, such as {kind}:{example}")]
    Rest {
        /// The kind.
        kind: &'static str,
        /// What is to follow.
        expected: &'static str,
        /// What would do.
        example: &'static str,
    },
}

impl FromStr for Destination {
    type Err = InvalidDestination;

    fn from_str(text: &str) -> Result<Self, InvalidDestination> {
        let (kind, rest) = text.split_once(':').unwrap_or((text, ""));
        match kind {
            "sns" => topic(rest).map(Self::Sns),
            "webhook" => http("webhook", rest).map(Self::Webhook),
            "slack" => http("slack", rest).map(Self::Slack),
            "file" if rest.is_empty() => Err(InvalidDestination::Rest {
                kind: "file",
                expected: "a path",
                example: "/var/log/alerts.ndjson",
            }),
            "file" => Ok(Self::File(rest.into())),
            "stdout" if text == "stdout" => Ok(Self::Stdout),
            // What follows the colon may be a secret URL.
            _ => Err(InvalidDestination::Kind(kind.to_owned())),
        }
    }
}

fn topic(name: &str) -> Result<String, InvalidDestination> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    let stem = name.strip_suffix(".fifo").unwrap_or(name);
    let plain = !stem.is_empty() && name.len() <= TOPIC_BYTES_MAX && stem.bytes().all(allowed);
    if plain || name.parse::<Arn>().is_ok_and(|arn| arn.service == "sns") {
        return Ok(name.to_owned());
    }
    Err(InvalidDestination::Rest {
        kind: "sns",
        expected: "a topic's name (letters, digits, - and _) or its ARN",
        example: "alerts",
    })
}

fn http(kind: &'static str, url: &str) -> Result<Url, InvalidDestination> {
    let example = match kind {
        "slack" => "https://hooks.slack.com/services/…",
        _ => "https://example.com/alerts",
    };
    let invalid = InvalidDestination::Rest { kind, expected: "an http or https URL", example };
    match Url::parse(url) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => Ok(url),
        Ok(_) | Err(_) => Err(invalid),
    }
}

/// The name that rows, logs and people know the destination by; it tells two URLs of one host
/// apart and neither's path or query.
impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sns(topic) => write!(f, "sns:{topic}"),
            Self::Webhook(url) => write!(f, "webhook:{}", shown(url)),
            Self::Slack(url) => write!(f, "slack:{}", shown(url)),
            Self::File(path) => write!(f, "file:{}", path.display()),
            Self::Stdout => f.write_str("stdout"),
        }
    }
}

impl fmt::Debug for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn shown(url: &Url) -> String {
    let digest = hex::encode(Sha256::digest(url.as_str()));
    let mark = digest.get(..8).unwrap_or_default();
    format!("{}://{}#{mark}", url.scheme(), url.host_str().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_text_panics(text in "(sns|webhook|slack|file|stdout|.{0,5}):?.{0,40}") {
            drop(text.parse::<Destination>().map(|destination| destination.to_string()));
        }
    }

    #[test]
    fn each_kind_is_read_and_shown_without_its_secrets() {
        for (text, shown) in [
            ("sns:alerts", "sns:alerts"),
            ("sns:a.fifo", "sns:a.fifo"),
            (
                "sns:arn:aws:sns:us-east-2:123456789012:alerts",
                "sns:arn:aws:sns:us-east-2:123456789012:alerts",
            ),
            ("webhook:https://example.com/?key=hush", "webhook:https://example.com#"),
            ("slack:https://hooks.slack.com/a/hush", "slack:https://hooks.slack.com#"),
            ("file:/var/log/a.ndjson", "file:/var/log/a.ndjson"),
            ("stdout", "stdout"),
        ] {
            let parsed: Destination = text.parse().unwrap();
            assert!(parsed.to_string().starts_with(shown), "{parsed}");
            assert!(!format!("{parsed} {parsed:?}").contains("hush"));
        }
        let label = |text: &str| text.parse::<Destination>().unwrap().to_string();
        assert_ne!(label("slack:https://h.example/a"), label("slack:https://h.example/b"));
    }

    #[test]
    fn what_is_no_destination_says_what_is() {
        for (text, hint) in [
            ("", "sns:NAME"),
            ("email:a@example.com", "sns:NAME"),
            ("stdout:x", "sns:NAME"),
            ("sns:", "topic's name"),
            ("sns:a b", "topic's name"),
            ("webhook:", "http or https"),
            ("webhook:file:///etc/passwd", "http or https"),
            ("slack:hooks.slack.com", "http or https"),
            ("file:", "a path"),
        ] {
            let error = text.parse::<Destination>().unwrap_err().to_string();
            assert!(error.contains(hint), "{text}: {error}");
        }
        let error = "teams:https://h.example/hush".parse::<Destination>().unwrap_err();
        assert!(!error.to_string().contains("hush"), "{error}");
    }
}
