//! The configuration: `config.default.toml` is the defaults, a user's file overrides single keys.

use std::path::Path;

use flow::{AccountId, Region, Span};
use serde::Deserialize;

/// Every key with its default and a comment, as shipped.
pub const DEFAULTS: &str = include_str!("../../../config.default.toml");

/// The configuration cannot be used: which file, which line, and what to do.
#[derive(Debug, thiserror::Error)]
#[error("{file}:{line}: {why}")]
pub struct Invalid {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong there and what to give instead.
    pub why: String,
}

/// Declares a section twice: as the server reads it, all keys present, and as a file gives it.
macro_rules! section {
    ($(#[$about:meta])* $name:ident from $file:ident { $($(#[$doc:meta])* $key:ident: $type:ty,)* }) => {
        $(#[$about])*
        #[derive(Clone, Debug)]
        pub struct $name { $($(#[$doc])* pub $key: $type,)* }

        #[derive(Debug, Default, Deserialize)]
        #[serde(deny_unknown_fields)]
        struct $file { $($key: Option<$type>,)* }

        impl $file {
            fn over(self, base: Self) -> Self {
                Self { $($key: self.$key.or(base.$key),)* }
            }

            fn whole(self) -> $name {
                $name { $($key: self.$key.expect("config.default.toml names every key"),)* }
            }
        }
    };
}

section! {
    /// Where the AWS endpoint listens.
    Listen from ListenFile {
        /// Address and port.
        address: std::net::SocketAddr,
        /// The URL under which clients reach it, or empty.
        url: String,
        /// A PEM file, or empty.
        tls_cert: String,
        /// A PEM file, or empty.
        tls_key: String,
    }
}
section! {
    /// Where the admin API listens.
    Admin from AdminFile {
        /// Address and port.
        address: std::net::SocketAddr,
    }
}
section! {
    /// How trails deliver.
    Trail from TrailFile {
        /// How long a record waits for company.
        wait_max: Span,
        /// Whether there is a default trail.
        default: bool,
        /// Its name.
        default_name: String,
        /// Its bucket, or empty.
        default_bucket: String,
    }
}
section! {
    /// How long the journal keeps.
    Journal from JournalFile {
        /// After every trail has delivered.
        retention: Span,
    }
}
section! {
    /// How events are offered to their targets.
    Notification from NotificationFile {
        /// How long they are offered.
        age_max: Span,
        /// The longest wait between two.
        retry_wait_max: Span,
    }
}
section! {
    /// How functions run.
    Function from FunctionFile {
        /// The wait before each further try.
        retry_waits: Vec<Span>,
        /// How long one invocation of the shipped function may take.
        timeout: Span,
        /// Memory of an instance of the shipped function in MiB.
        memory_mib: u64,
        /// Instances of one function at once.
        instances_max: usize,
        /// The program that runs Python functions.
        python: String,
        /// The program that runs Node.js functions.
        node: String,
        /// Whether all walls must stand.
        isolation: Isolation,
    }
}
section! {
    /// Which rules are asked.
    Rule from RuleFile {
        /// Folders that replace the shipped rules.
        dirs: Vec<std::path::PathBuf>,
        /// A question that alerts as a rule does, or empty.
        when: String,
    }
}
section! {
    /// Where alerts go.
    Alert from AlertFile {
        /// The destinations.
        destinations: Vec<String>,
    }
}
section! {
    /// What outgoing HTTP may reach.
    Outgoing from OutgoingFile {
        /// Loopback and private addresses too.
        allow_private: bool,
    }
}
section! {
    /// The server that takes mail to subscribers.
    Smtp from SmtpFile {
        /// Its name or address; empty where there is none.
        host: String,
        /// Its port.
        port: u16,
        /// Who signs in, or empty.
        user: String,
        /// A file that holds the password, or empty.
        password_file: String,
        /// Whom mail is from.
        from: String,
        /// How the connection is kept private.
        tls: topic::MailTls,
    }
}
section! {
    /// When the server counts as healthy.
    Status from StatusFile {
        /// The longest wait.
        oldest_max: Span,
        /// The most dead letters of a hop.
        dead_max: u64,
    }
}

/// Whether all walls around a function must stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Isolation {
    /// As many as this machine offers.
    BestEffort,
    /// All, or nothing runs.
    Required,
}

/// The whole configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// A laptop or CI: outgoing HTTP may reach private addresses.
    pub dev: bool,
    /// The account.
    pub account_id: AccountId,
    /// The region.
    pub region: Region,
    /// `[listen]`
    pub listen: Listen,
    /// `[admin]`
    pub admin: Admin,
    /// `[trail]`
    pub trail: Trail,
    /// `[journal]`
    pub journal: Journal,
    /// `[notification]`
    pub notification: Notification,
    /// `[function]`
    pub function: Function,
    /// `[rule]`
    pub rule: Rule,
    /// `[alert]`
    pub alert: Alert,
    /// `[outgoing]`
    pub outgoing: Outgoing,
    /// `[smtp]`
    pub smtp: Smtp,
    /// `[status]`
    pub status: Status,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    dev: Option<bool>,
    account_id: Option<AccountId>,
    region: Option<Region>,
    listen: ListenFile,
    admin: AdminFile,
    trail: TrailFile,
    journal: JournalFile,
    notification: NotificationFile,
    function: FunctionFile,
    rule: RuleFile,
    alert: AlertFile,
    outgoing: OutgoingFile,
    smtp: SmtpFile,
    status: StatusFile,
}

impl Default for Config {
    fn default() -> Self {
        Self::parse("", Path::new("config.default.toml")).expect("a test reads the shipped file")
    }
}

impl Config {
    /// The defaults with what the file at `path` names.
    ///
    /// # Errors
    /// [`Invalid`] names file, line and remedy; an unreadable file is line 0.
    pub fn read(path: &Path) -> Result<Self, Invalid> {
        let text = std::fs::read_to_string(path).map_err(|why| Invalid {
            file: path.display().to_string(),
            line: 0,
            why: format!("cannot be read: {why}"),
        })?;
        Self::parse(&text, path)
    }

    /// The defaults with what `text` names; `path` is for errors.
    ///
    /// # Errors
    /// [`Invalid`] names file, line and remedy.
    pub fn parse(text: &str, path: &Path) -> Result<Self, Invalid> {
        let base = read(DEFAULTS, Path::new("config.default.toml"))?;
        let given = read(text, path)?;
        let expected = "config.default.toml names every key";
        let config = Self {
            dev: given.dev.or(base.dev).expect(expected),
            account_id: given.account_id.or(base.account_id).expect(expected),
            region: given.region.or(base.region).expect(expected),
            listen: given.listen.over(base.listen).whole(),
            admin: given.admin.over(base.admin).whole(),
            trail: given.trail.over(base.trail).whole(),
            journal: given.journal.over(base.journal).whole(),
            notification: given.notification.over(base.notification).whole(),
            function: given.function.over(base.function).whole(),
            rule: given.rule.over(base.rule).whole(),
            alert: given.alert.over(base.alert).whole(),
            outgoing: given.outgoing.over(base.outgoing).whole(),
            smtp: given.smtp.over(base.smtp).whole(),
            status: given.status.over(base.status).whole(),
        };
        config.check().map_err(|(key, why)| {
            let line = line_of_key(text, key);
            Invalid { file: path.display().to_string(), line, why: format!("`{key}`: {why}") }
        })?;
        Ok(config)
    }

    /// The default trail's bucket.
    pub fn default_bucket(&self) -> String {
        match self.trail.default_bucket.as_str() {
            "" => format!("trailhound-logs-{}-{}", self.account_id, self.region),
            name => name.to_owned(),
        }
    }

    /// What single values cannot say for themselves: the key and what is wrong with it.
    fn check(&self) -> Result<(), (&'static str, String)> {
        let wrong = |key, why: &str| Err((key, why.to_owned()));
        if self.listen.tls_cert.is_empty() != self.listen.tls_key.is_empty() {
            return wrong("listen.tls_cert", "give both `tls_cert` and `tls_key`, or neither");
        }
        if !self.admin.address.ip().is_loopback() {
            return wrong("admin.address", "give a loopback address, such as 127.0.0.1:4581");
        }
        if !self.listen.url.is_empty()
            && !self.listen.url.starts_with("http://")
            && !self.listen.url.starts_with("https://")
        {
            let why = "give a URL that begins with http:// or https://, or nothing";
            return wrong("listen.url", why);
        }
        if !self.smtp.host.is_empty() && !self.smtp.from.contains('@') {
            return wrong("smtp.from", "give an address, such as \"Alerts <alerts@example.com>\"");
        }
        if self.smtp.user.is_empty() != self.smtp.password_file.is_empty() {
            return wrong("smtp.user", "give both `user` and `password_file`, or neither");
        }
        if self.function.memory_mib < 64 {
            return wrong("function.memory_mib", "give at least 64");
        }
        if self.function.timeout.millis() < 1000 || self.function.timeout.millis() > 900_000 {
            return wrong("function.timeout", "give 1s to 15m, as AWS does");
        }
        if !(1..=1_000).contains(&self.function.instances_max) {
            return wrong("function.instances_max", "give 1 to 1000");
        }
        for (key, program) in
            [("function.python", &self.function.python), ("function.node", &self.function.node)]
        {
            if program.is_empty() {
                return wrong(key, "give a program, such as python3, or its path");
            }
        }
        self.check_names()
    }

    /// Names whose rules are those of the rooms that take them.
    fn check_names(&self) -> Result<(), (&'static str, String)> {
        if let Some(why) = trail::name_fault(&self.trail.default_name) {
            return Err(("trail.default_name", why));
        }
        if let Some(why) = bucket::name_fault(&self.default_bucket()) {
            return Err(("trail.default_bucket", why.to_owned()));
        }
        for text in &self.alert.destinations {
            if let Err(why) = text.parse::<alert::Destination>() {
                return Err(("alert.destinations", why.to_string()));
            }
        }
        if !self.rule.when.is_empty()
            && let Err(why) = rule::when(&self.rule.when)
        {
            return Err(("rule.when", why.to_string()));
        }
        for folder in &self.rule.dirs {
            if let Err(why) = std::fs::read_dir(folder) {
                return Err(("rule.dirs", format!("{}: {why}", folder.display())));
            }
        }
        Ok(())
    }
}

fn read(text: &str, path: &Path) -> Result<File, Invalid> {
    toml::from_str(text).map_err(|error| Invalid {
        file: path.display().to_string(),
        line: error.span().map_or(1, |span| line_at(text, span.start)),
        why: error.message().to_owned(),
    })
}

/// The line, from 1, in which the byte `at` stands.
fn line_at(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}

/// The line of `key`, which is `section.name`; 1 where none names it.
fn line_of_key(text: &str, key: &str) -> usize {
    let (wanted, name) = key.split_once('.').unwrap_or(("", key));
    let mut section = "";
    for (at, line) in text.lines().map(str::trim).enumerate() {
        if let Some(header) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = header.trim();
        }
        let given = line.split_once('=').map(|(given, _)| given.trim());
        if given == Some(key) || (section == wanted && given == Some(name)) {
            return at + 1;
        }
    }
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        Config::parse(text, Path::new("my.toml")).unwrap_err().to_string()
    }

    #[test]
    fn the_shipped_file_is_the_defaults() {
        let config = Config::default();
        assert_eq!(config.trail.wait_max.millis(), 1000);
        assert_eq!(config.default_bucket(), "trailhound-logs-123456789012-us-east-1");
    }

    #[test]
    fn a_file_overrides_single_keys() {
        let config = Config::parse("[trail]\nwait_max = \"20ms\"\n", Path::new("my.toml")).unwrap();
        assert_eq!(config.trail.wait_max.millis(), 20);
        assert_eq!(config.trail.default_name, "default");
    }

    #[test]
    fn an_unknown_key_names_file_line_and_the_known_ones() {
        let text = error("\n[trail]\nwait = \"1s\"\n");
        assert!(text.starts_with("my.toml:3: unknown field `wait`"), "{text}");
        assert!(text.contains("wait_max"), "{text}");
    }

    #[test]
    fn a_bad_value_names_file_line_and_remedy() {
        let text = error("[trail]\nwait_max = \"soon\"\n");
        assert!(text.starts_with("my.toml:2: `soon` is not a duration"), "{text}");
        let text = error("[listen]\naddress = \"here\"\n");
        assert!(text.starts_with("my.toml:2: "), "{text}");
        let text = error("region = \"US\"\n");
        assert!(text.contains("us-east-2"), "{text}");
    }

    #[test]
    fn a_name_that_a_room_would_refuse_is_refused_with_its_line() {
        for (given, named) in [
            ("[alert]\ndestinations = [\"pigeon:x\"]\n", "`alert.destinations`: `pigeon` is not"),
            ("[trail]\ndefault_name = \"x\"\n", "`trail.default_name`: Trail name too short"),
            ("[trail]\ndefault_bucket = \"A B\"\n", "`trail.default_bucket`: "),
            ("[rule]\ndirs = [\"/nowhere\"]\n", "`rule.dirs`: /nowhere: "),
            ("[rule]\nwhen = \"a and\"\n", "`rule.when`: "),
        ] {
            let text = error(given);
            assert!(text.starts_with(&format!("my.toml:2: {named}")), "{text}");
        }
    }

    #[test]
    fn half_of_a_pair_is_refused() {
        let text = error("[smtp]\nuser = \"me\"\n");
        assert!(text.starts_with("my.toml:2: `smtp.user`: give both"), "{text}");
        let text = error("[listen]\ntls_cert = \"a.pem\"\n");
        assert!(text.starts_with("my.toml:2: `listen.tls_cert`: give both"), "{text}");
    }
}
