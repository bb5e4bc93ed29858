//! What can go wrong when a notification is taken over.

/// Why an object's notifications were not taken over.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store failed: none of the object's targets has a row from this call; the same call may
    /// succeed later and is harmless if it repeats one that succeeded.
    #[error("the notifications of s3://{bucket}/{key} cannot be stored: {source}")]
    Retry {
        /// The object's bucket.
        bucket: String,
        /// The object's key.
        key: String,
        /// What the store said.
        source: store::Error,
    },
    /// The queue cannot be opened.
    #[error("the notifications' queue cannot be opened: {0}")]
    Unusable(#[source] store::Error),
}
