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

/// What the inside says of a wall is newer than what the outside feared; both are told where both
/// find it missing.
pub(crate) fn renew(newer: Vec<Wall>, older: Vec<Wall>) -> Vec<Wall> {
    let told = |wall: Wall| {
        let before = older.iter().find(|old| old.name == wall.name && !old.standing);
        match before.filter(|_| !wall.standing) {
            Some(old) if !wall.why.contains(&old.why) => {
                Wall::missing(&wall.name, format!("{}; {}", old.why, wall.why))
            }
            _ => wall,
        }
    };
    let newer: Vec<Wall> = newer.into_iter().map(told).collect();
    newer.into_iter().chain(older).collect()
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
    fn a_wall_is_as_it_was_last_seen_and_keeps_every_reason_why_it_is_missing() {
        let missing = |name, why: &str| Wall::missing(name, why);
        let older = vec![missing(NETWORK, "a"), missing(FILES, "b"), Wall::stands(LIFE, "c")];
        let newer = vec![missing(NETWORK, "d"), Wall::stands(FILES, "e")];
        let walls = complete(&renew(newer, older));
        let why = |name| walls.iter().find(|wall| wall.name == name).unwrap().why.as_str();
        assert_eq!((why(NETWORK), why(FILES), why(LIFE)), ("a; d", "e", "c"));
    }

    #[test]
    fn a_wall_that_nobody_reported_is_missing() {
        let walls = complete(&[Wall::stands(FILES, "an own root")]);
        assert_eq!(walls.len(), ALL.len());
        let standing: Vec<_> = walls.iter().filter(|w| w.standing).map(|w| &w.name).collect();
        assert_eq!(standing, [FILES]);
    }
}
