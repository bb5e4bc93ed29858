//! What can go wrong in the room itself; what goes wrong in a function is its outcome.

use std::{io, path::PathBuf};

/// Why functions cannot be hosted.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// `isolation = "required"`, and not every wall stands.
    #[error("functions are to be isolated, and these walls are missing: {}", list(.0))]
    Exposed(Vec<crate::Wall>),
    /// The function's name, ARN or command cannot be.
    #[error("function `{name}`: {why}")]
    Reject {
        /// The name as given.
        name: String,
        /// What to change.
        why: &'static str,
    },
    /// A folder or log file cannot be used.
    #[error("{}: {source}", path.display())]
    Disk {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// An instance could not be started; the host is at fault, not the function.
    #[error("no instance could be started: {step}: {source}")]
    Start {
        /// What was being done.
        step: &'static str,
        /// What the operating system or the launcher said.
        source: io::Error,
    },
    /// The function cannot begin as it is configured: its invocations fail, and say so.
    #[error("{0}")]
    Unfit(String),
    /// What is remembered of a function cannot be read: the database was changed by others.
    #[error("what is stored of function `{name}` cannot be read: {source}")]
    Damaged {
        /// The function's name.
        name: String,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// The queue cannot be used.
    #[error(transparent)]
    Store(#[from] store::Error),
}

fn list(walls: &[crate::Wall]) -> String {
    let missing: Vec<String> =
        walls.iter().map(|wall| format!("{} ({})", wall.name, wall.why)).collect();
    missing.join(", ")
}
