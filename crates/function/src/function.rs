//! What a function is, and what all functions of a server share.

use std::{ffi::OsString, net::TcpListener, path::PathBuf, sync::Arc};

use flow::{AccountId, Authorize, Chance, Clock, Fetch, Region, Secret, Timestamp};

use tokio_util::sync::CancellationToken;

use crate::{Error, Filters, Outlet, Settle, Source};

/// How long a function's name may be, in bytes; Lambda's limit.
const NAME_BYTES_MAX: usize = 64;

/// What all functions of a server share.
#[derive(Clone, Debug)]
pub struct Config {
    /// The account that owns the functions.
    pub account: AccountId,
    /// The region that they run in.
    pub region: Region,
    /// Waits before the second, third, … try, in milliseconds: one try more than there are waits.
    pub retry_waits: Vec<i64>,
    /// Instances of one function at once; calls beyond are throttled, events wait.
    pub instances_max: usize,
    /// Whether functions run where a wall is missing.
    pub isolation: Isolation,
    /// Functions' code and logs, and instances' scratch folders.
    pub dir: PathBuf,
    /// The AWS endpoint's URL, as processes outside any walls reach it.
    pub endpoint: String,
    /// The program and arguments that end in [`crate::launch`].
    pub launcher: Vec<OsString>,
    /// The program that runs Python functions, by name or path.
    pub python: String,
    /// The program that runs Node.js functions, by name or path.
    pub node: String,
}

/// What the room asks of others.
pub struct Ports {
    /// Asked for credentials once an instance.
    pub roles: Roles,
    /// Takes the shipped function's answers on.
    pub settle: Arc<dyn Settle>,
    /// Serves the AWS endpoint inside instances' networks.
    pub endpoint: Endpoint,
    /// Whether roles may be passed and assumed, and objects read.
    pub authorize: Arc<dyn Authorize>,
    /// Gives the objects that code is deployed from.
    pub fetch: Arc<dyn Fetch>,
    /// Takes outcomes on to queues.
    pub queues: Arc<dyn Outlet>,
    /// Takes outcomes on to topics.
    pub topics: Arc<dyn Outlet>,
    /// Gives the messages of queues that functions are invoked with.
    pub source: Arc<dyn Source>,
    /// Reads the patterns that choose among them.
    pub filters: Filters,
    /// Wall time.
    pub clock: Arc<dyn Clock>,
    /// Where ids come from.
    pub chance: Arc<dyn Chance>,
}

impl Config {
    /// Lambda's waits between the tries of an asynchronous invocation, in milliseconds.
    pub const RETRY_WAITS_MILLIS: [i64; 2] = [60_000, 120_000];
}

/// Whether functions run where a wall is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Isolation {
    /// They do, behind those walls that stand.
    BestEffort,
    /// They do not.
    Required,
}

/// A function.
#[derive(Clone, Debug)]
pub struct Function {
    /// Its name: letters, digits, `-` and `_`, at most 64.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// The program, by its absolute path, and its arguments.
    pub command: Vec<OsString>,
    /// Environment beyond that which Lambda gives.
    pub env: Vec<(OsString, OsString)>,
    /// Whether its answers hold findings; for whoever settles them.
    pub findings: bool,
    /// The ARN of the role that its calls are made under.
    pub role: String,
    /// Files and folders that it reads, beyond its program and the system's libraries.
    pub readable: Vec<PathBuf>,
    /// What each of its instances may use.
    pub resources: Resources,
}

/// What an instance may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resources {
    /// How long one invocation may take, in milliseconds.
    pub timeout_millis: i64,
    /// Memory, in bytes.
    pub memory_bytes: u64,
    /// The largest file in its scratch folder, in bytes.
    pub scratch_bytes: u64,
}

impl Resources {
    /// Room for a large log file: a minute, 512 MiB, and as much in its scratch folder.
    pub const LARGE: Self = Self {
        timeout_millis: 60_000,
        memory_bytes: 512 * 1024 * 1024,
        scratch_bytes: 512 * 1024 * 1024,
    };
}

impl Function {
    pub(crate) fn check(&self) -> Result<(), Error> {
        let reject = |why| Err(Error::Reject { name: self.name.clone(), why });
        if !is_name(&self.name) {
            return reject("a name is 1 to 64 letters, digits, dashes and underscores");
        }
        if !self.command.first().is_some_and(|program| PathBuf::from(program).is_absolute()) {
            return reject("its command needs a program with an absolute path");
        }
        Ok(())
    }
}

/// Whether a function may have this name.
pub(crate) fn is_name(name: &str) -> bool {
    is_word(name, NAME_BYTES_MAX)
}

/// Whether a text is spelled as Lambda's names are, and so long at most.
pub(crate) fn is_word(text: &str, bytes_max: usize) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    !text.is_empty() && text.len() <= bytes_max && text.bytes().all(allowed)
}

/// What a function signs its calls with.
#[derive(Clone, Debug)]
pub struct RoleCredentials {
    /// The access key's id.
    pub access_key_id: String,
    /// Its secret.
    pub secret_access_key: Secret,
    /// The session's token.
    pub session_token: Secret,
    /// From when on they are refused; an instance ends before.
    pub expires: Option<Timestamp>,
}

/// Issues credentials for a role's ARN and a session's name; an error says why there are none.
pub type Roles = Arc<dyn Fn(&str, &str) -> Result<RoleCredentials, String> + Send + Sync>;

/// Serves the AWS endpoint on a listener inside an instance's own network, until the token is
/// cancelled: the instance is gone then, and the listener must be dropped.
pub type Endpoint = Arc<dyn Fn(TcpListener, CancellationToken) + Send + Sync>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_has_a_plain_name_and_an_absolute_program() {
        let check = |name: &str, program: &str| {
            let function = Function {
                name: name.to_owned(),
                arn: String::new(),
                command: vec![program.into()],
                env: Vec::new(),
                findings: false,
                role: String::new(),
                readable: Vec::new(),
                resources: Resources::LARGE,
            };
            function.check().is_ok()
        };
        assert!(check("detect-1_a", "/bin/true"));
        assert!(!check("", "/bin/true"));
        assert!(!check("../x", "/bin/true"));
        assert!(!check(&"a".repeat(65), "/bin/true"));
        assert!(!check("detect", "true"));
    }
}
