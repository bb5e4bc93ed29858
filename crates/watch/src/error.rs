//! Why a watch cannot begin.

/// Why a watch cannot begin, by what the operator can do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What was given does not go together, or lacks something.
    #[error("{0}")]
    Settings(String),
    /// The queue cannot be asked.
    #[error("the queue {url} cannot be asked: {why}")]
    Queue {
        /// Its URL.
        url: String,
        /// What it said, or why it was not reached.
        why: String,
    },
    /// There is no way to a bucket, a queue or a topic.
    #[error("{what}")]
    Access {
        /// What was to be opened.
        what: String,
        /// Why it cannot be.
        source: credentials::Error,
    },
    /// The rules cannot be used.
    #[error("{0}")]
    Rules(String),
    /// The outbox or the dead letters cannot be opened.
    #[error("the data directory cannot be used: {0}")]
    Store(#[from] store::Error),
    /// A destination cannot be used.
    #[error(transparent)]
    Alert(#[from] alert::Error),
    /// Outgoing HTTP cannot be used.
    #[error(transparent)]
    Outgoing(#[from] outgoing::Error),
    /// The metrics' address cannot be listened on.
    #[error("--metrics: cannot listen on {address}: {source}")]
    Metrics {
        /// The address.
        address: std::net::SocketAddr,
        /// Why not.
        source: std::io::Error,
    },
}
