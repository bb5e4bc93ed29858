//! What can go wrong with what the room keeps.

/// Why keys could not be read or kept.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store failed: worth another try.
    #[error("the store of access keys failed")]
    Retry(#[from] store::Error),
    /// A kept row is not what this version wrote: a person has to look.
    #[error("the kept access key `{row}` cannot be read")]
    Damaged {
        /// The row's key, which is no secret.
        row: String,
        /// What the reader stumbled over.
        source: serde_json::Error,
    },
}
