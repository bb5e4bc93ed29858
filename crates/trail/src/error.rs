//! What can go wrong with what the room keeps.

use std::sync::Arc;

/// Why a trail was not read, kept or moved on.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The store failed: worth another try.
    #[error("the store of trails failed: {0}")]
    Retry(#[from] store::Error),
    /// A kept row is not what this version wrote: a person has to look.
    #[error("the kept trail `{row}` cannot be read: {source}")]
    Damaged {
        /// The row's key.
        row: String,
        /// What the reader stumbled over.
        source: Arc<serde_json::Error>,
    },
    /// Not a trail's name: another must be given.
    #[error("`{name}`: {why}")]
    Name {
        /// What was given.
        name: String,
        /// What is wrong with it, in CloudTrail's words.
        why: String,
    },
    /// The journal no longer holds what a log file was cut from: a person has to look.
    #[error("the journal holds other records than those that {key} was cut from")]
    Lost {
        /// The log file's key.
        key: String,
    },
}
