//! What can go wrong before an alert is in the outbox, or can be sent at all.

/// Why findings were not accepted, or the room could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store failed: none of the findings was accepted; the same call may succeed later.
    #[cfg(feature = "outbox")]
    #[error("{findings} findings cannot be stored: {source}")]
    Retry {
        /// How many findings.
        findings: usize,
        /// What the store said.
        source: store::Error,
    },
    /// The outbox cannot be opened.
    #[cfg(feature = "outbox")]
    #[error("the outbox of alerts cannot be opened: {0}")]
    Unusable(#[source] store::Error),
    /// A destination can never be reached as it is configured.
    #[error("alerts cannot go to {destination}: {why}")]
    Reject {
        /// The destination, without its secrets.
        destination: String,
        /// Why not.
        why: String,
    },
}
