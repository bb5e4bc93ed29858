//! What a function is, and what all functions of a server share.

use std::{ffi::OsString, net::TcpListener, path::PathBuf, sync::Arc};

use flow::{AccountId, Region, Secret, Timestamp};

use tokio_util::sync::CancellationToken;

use crate::Error;

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
    /// How long one invocation may take, in milliseconds.
    pub timeout_millis: i64,
    /// How much memory an instance may use, in bytes.
    pub memory_bytes: u64,
    /// Whether functions run where a wall is missing.
    pub isolation: Isolation,
    /// Instances' scratch folders and functions' logs.
    pub dir: PathBuf,
    /// The AWS endpoint's URL, as processes outside any walls reach it.
    pub endpoint: String,
    /// The program and arguments that end in [`crate::launch`].
    pub launcher: Vec<OsString>,
}

impl Config {
    /// Lambda's waits between the tries of an asynchronous invocation, in milliseconds.
    pub const RETRY_WAITS_MILLIS: [i64; 2] = [60_000, 120_000];
    /// A time limit that leaves room for a large log file, in milliseconds.
    pub const TIMEOUT_MILLIS: i64 = 60_000;
    /// Memory that leaves room for a large log file, in bytes.
    pub const MEMORY_BYTES: u64 = 512 * 1024 * 1024;
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
}

impl Function {
    pub(crate) fn check(&self) -> Result<(), Error> {
        let reject = |why| Err(Error::Reject { name: self.name.clone(), why });
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        if self.name.is_empty()
            || self.name.len() > NAME_BYTES_MAX
            || !self.name.bytes().all(allowed)
        {
            return reject("a name is 1 to 64 letters, digits, dashes and underscores");
        }
        if !self.command.first().is_some_and(|program| PathBuf::from(program).is_absolute()) {
            return reject("its command needs a program with an absolute path");
        }
        Ok(())
    }
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

/// Issues credentials for a role's ARN.
pub type Roles = Arc<dyn Fn(&str) -> RoleCredentials + Send + Sync>;

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
