//! What can go wrong in the room itself, as opposed to what a caller did wrong.

/// Why the room could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store failed; worth another try later.
    #[error("topics: {0}")]
    Store(#[from] store::Error),
    /// What the store holds cannot be read: it was written by something else.
    #[error("topics: the row `{row}` of the state database cannot be read: {why}")]
    Corrupt {
        /// The row's key.
        row: String,
        /// What is wrong with it.
        why: String,
    },
    /// The signing key could not be made.
    #[error("topics: the signing key cannot be used: {0}")]
    Signing(String),
    /// The configured SMTP server cannot be used as it is configured.
    #[error("`smtp`: {0}")]
    Mail(String),
}

impl From<Error> for flow::Fault {
    fn from(error: Error) -> Self {
        tracing::error!(error = %error, "A call to SNS failed: {error}");
        flow::Fault::new("InternalErrorException", "The request failed for a reason of its own.")
            .with_status(500)
    }
}
