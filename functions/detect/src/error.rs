//! Why an invocation fails as a whole, by what can be done about it.

use lambda_runtime::Diagnostic;

use crate::envelopes::Unrecognised;

/// An invocation that gave no response.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Worth another try: an object could not be fetched now.
    #[error("could not fetch s3://{bucket}/{key}: {source}")]
    Retry {
        /// The bucket.
        bucket: String,
        /// The key.
        key: String,
        /// What the store said.
        source: object_store::Error,
    },
    /// Will fail until the configuration changes: nobody said that this bucket may be read.
    #[error(
        "s3://{bucket}/{key} was not read: TRAILHOUND_BUCKETS does not list the bucket {bucket:?}"
    )]
    NotAllowed {
        /// The bucket.
        bucket: String,
        /// The key.
        key: String,
    },
    /// Worth another try: an alert could not be sent now. The same ids are sent again.
    #[error("{failed} alerts were not sent; the first of them, {id}, to {destination}: {source}")]
    Send {
        /// The first alert's id.
        id: String,
        /// Where it was to go, without what is secret of a URL.
        destination: String,
        /// How many were not sent.
        failed: u64,
        /// What went wrong with the first.
        source: alert::Failure,
    },
    /// Will fail again: the event is of no known shape.
    #[error(transparent)]
    Unrecognised(#[from] Unrecognised),
    /// Will fail again: more was found than a response can hold.
    #[error(
        "{findings} findings take {bytes} bytes even when trimmed, more than the {bytes_max} that a \
         response may hold: invoke with fewer objects, or leave out the rule that matches so often"
    )]
    TooMuch {
        /// How many findings there are.
        findings: usize,
        /// How long the shortest response would be.
        bytes: usize,
        /// How long it may be.
        bytes_max: usize,
    },
}

impl From<Error> for Diagnostic {
    fn from(error: Error) -> Self {
        let error_type = match &error {
            Error::Retry { .. } => "Detect.FetchFailed",
            Error::NotAllowed { .. } => "Detect.BucketNotAllowed",
            Error::Send { .. } => "Detect.SendFailed",
            Error::Unrecognised(_) => "Detect.UnrecognisedEvent",
            Error::TooMuch { .. } => "Detect.TooMuch",
        };
        Self { error_type: error_type.to_owned(), error_message: error.to_string() }
    }
}
