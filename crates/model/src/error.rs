//! What can be wrong with a table.

/// The table is damaged, or was written by another version of the generator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The bytes end early or say what the layout does not allow.
    #[error("the model table is damaged at byte {at}: expected {expected}")]
    Damaged {
        /// Where, in the index or in the inflated block.
        at: usize,
        /// What should stand there.
        expected: &'static str,
    },
    /// A block does not inflate to the size that the index states.
    #[error("the model of `{service}` does not inflate")]
    Deflate {
        /// The service's name in the model.
        service: String,
    },
}
