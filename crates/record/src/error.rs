//! Why bytes are not JSON.

/// The bytes will never be readable: reject them, a retry does not help.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The text is not JSON, or not JSON that records are kept in.
    #[error("expected {expected} at byte {offset}")]
    Malformed {
        /// Where in the text.
        offset: usize,
        /// What should stand there.
        expected: String,
    },
}
