//! The calls of IAM.

use flow::{Answer, Fault, Request};

use crate::Identity;

/// How long a role's sessions may last at most where nobody says, in seconds.
pub(crate) const SESSION_SECONDS_DEFAULT: i64 = 3_600;

impl Identity {
    pub(crate) async fn iam(&self, request: &Request) -> Result<Answer, Fault> {
        Err(Fault::new("UnsupportedOperation", request.operation.clone()))
    }
}
