//! What can go wrong with the room itself; what a caller of S3 reads is a refusal.

use std::{io, path::PathBuf};

/// Why the buckets cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The data directory cannot be used: mend it and start again.
    #[error("{} cannot be used: {source}", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The index refused or is busy; it says itself whether trying again helps.
    #[error(transparent)]
    Index(#[from] store::Error),
    /// There is no such bucket or object.
    #[error("there is no `{0}`")]
    Missing(String),
    /// Stored bytes could not be read, or are not those that were stored.
    #[error("`{name}` cannot be read: {source}")]
    Unreadable {
        /// The bucket and key.
        name: String,
        /// What went wrong.
        source: io::Error,
    },
    /// A bucket of that name may not be.
    #[error("`{name}` is no name of a bucket: {why}")]
    Name {
        /// The name.
        name: String,
        /// The rule that it breaks.
        why: &'static str,
    },
}
