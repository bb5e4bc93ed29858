//! Why bytes are not a log file.

/// The bytes will never be readable: reject them, a retry does not help.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The text is not JSON, or not JSON that records are kept in.
    #[error("expected {expected} at byte {offset}")]
    Malformed {
        /// Where in the inflated text.
        offset: usize,
        /// What should stand there.
        expected: String,
    },
    /// The gzip layer is damaged or ends early.
    #[error("the gzip member that begins at byte {offset} is damaged or ends early")]
    Damaged {
        /// Where in the compressed bytes the damaged member begins.
        offset: usize,
    },
    /// The object is larger than a log file may be.
    #[error("{what} exceed the limit of {limit}")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// The limit, in bytes, or for a ratio in bytes for each compressed byte.
        limit: u64,
    },
}

impl Error {
    /// Where the trouble is: in the inflated text where it is malformed, in the compressed bytes
    /// where gzip is damaged.
    pub fn offset(&self) -> Option<usize> {
        match self {
            Self::Malformed { offset, .. } | Self::Damaged { offset } => Some(*offset),
            Self::TooLarge { .. } => None,
        }
    }
}
