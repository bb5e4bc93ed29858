//! Calls, to the service that each is for.

use flow::{Answer, Fault, Pending, Request, Service};

use crate::Identity;

impl Service for Identity {
    fn call(&self, request: Request) -> Pending<'_, Result<Answer, Fault>> {
        Box::pin(async move {
            match request.service.as_str() {
                "iam" => self.iam(&request).await,
                _ => self.sts(&request).await,
            }
        })
    }
}
