//! What stands between a function and everything else, one wall a promise.

use serde::{Deserialize, Serialize};

/// A promise about what a function cannot do, and whether it is kept here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wall {
    /// One of the names below, such as `network`.
    pub name: String,
    /// Whether the promise is kept.
    pub standing: bool,
    /// How it is kept, or why it is not.
    pub why: String,
}

/// The function ends with the server, whatever ends the server.
pub(crate) const LIFE: &str = "life";
/// The function reaches its Runtime API and our endpoint, and nothing else.
pub(crate) const NETWORK: &str = "network";
/// The function sees and signals only its own processes.
pub(crate) const PROCESSES: &str = "processes";
/// The function reads its own files and the system's libraries, and writes its scratch folder.
pub(crate) const FILES: &str = "files";
/// The function has no privileges and cannot gain any.
pub(crate) const PRIVILEGES: &str = "privileges";
/// The function cannot make the system calls that only tools of administration need.
pub(crate) const CALLS: &str = "system calls";
/// Memory, processes, open files, file sizes and processor time are bounded.
pub(crate) const LIMITS: &str = "limits";

/// All of them, in the order in which they are shown.
pub(crate) const ALL: [&str; 7] = [NETWORK, FILES, PROCESSES, PRIVILEGES, CALLS, LIMITS, LIFE];

impl Wall {
    pub(crate) fn stands(name: &str, how: impl Into<String>) -> Self {
        Self { name: name.to_owned(), standing: true, why: how.into() }
    }

    pub(crate) fn missing(name: &str, why: impl Into<String>) -> Self {
        Self { name: name.to_owned(), standing: false, why: why.into() }
    }
}

/// Every wall once, in order; what nobody reported does not stand.
pub(crate) fn complete(reported: &[Wall]) -> Vec<Wall> {
    let find = |name| reported.iter().find(|wall| wall.name == name).cloned();
    ALL.iter()
        .map(|name| find(*name).unwrap_or_else(|| Wall::missing(name, "was not reported")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wall_that_nobody_reported_is_missing() {
        let walls = complete(&[Wall::stands(FILES, "an own root")]);
        assert_eq!(walls.len(), ALL.len());
        let standing: Vec<_> = walls.iter().filter(|w| w.standing).map(|w| &w.name).collect();
        assert_eq!(standing, [FILES]);
    }
}
