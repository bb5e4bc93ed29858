//! What can go wrong in the room itself, as opposed to what a caller did wrong.

use flow::Fault;

/// Why the queues cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store failed; it says itself whether another try helps.
    #[error("queues: {0}")]
    Store(#[from] store::Error),
    /// What the database holds cannot be read: it was written by something else.
    #[error("queues: the row of the queue `{queue}` cannot be read: {source}")]
    Corrupt {
        /// The queue's name.
        queue: String,
        /// What is wrong with it.
        source: serde_json::Error,
    },
}

/// Why a call was not served: what the caller reads, or a failure of the room's own.
#[derive(Debug)]
pub(crate) enum Refusal {
    Fault(Fault),
    Store(store::Error),
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<store::Error> for Refusal {
    fn from(error: store::Error) -> Self {
        Self::Store(error)
    }
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Fault(fault) => fault,
            Refusal::Store(error) => {
                tracing::error!(%error, "A call to SQS failed: {error}");
                Fault::internal()
            }
        }
    }
}
