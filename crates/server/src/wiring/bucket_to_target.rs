//! bucket → those whom it may notify: its configuration may name functions, queues and topics that
//! are there and whose policies let it.

use std::sync::Arc;

use bucket::TargetCheck;
use flow::{Access, AccountId, Authorize, Decision, TargetKind, Who};
use function::Functions;
use queue::Queues;
use topic::Topics;

use crate::wiring::authorization::Authorization;

/// Who asks for a bucket.
const SERVICE: &str = "s3.amazonaws.com";

/// Lets every bucket wake the shipped function, which has no policy that says so, and asks policies
/// of all else.
pub(crate) struct Shipped {
    pub(crate) authorization: Arc<Authorization>,
    /// The shipped function's ARN.
    pub(crate) detect: String,
}

impl Authorize for Shipped {
    fn decide(&self, who: Who<'_>, access: &Access) -> Decision {
        match who {
            Who::Service(SERVICE) if access.resource == self.detect => Decision::Allowed,
            _ => self.authorization.decide(who, access),
        }
    }
}

/// Answers a bucket that asks whether it may notify a target.
pub(crate) struct Targets {
    pub(crate) account: AccountId,
    pub(crate) functions: Functions,
    pub(crate) queues: Queues,
    pub(crate) topics: Topics,
    pub(crate) authorize: Arc<dyn Authorize>,
}

impl TargetCheck for Targets {
    fn check(&self, bucket: &str, kind: TargetKind, arn: &str) -> Result<(), String> {
        let allows = |action: &str| {
            let access = Access::new(action, arn)
                .with("aws:SourceArn", format!("arn:aws:s3:::{bucket}"))
                .with("aws:SourceAccount", self.account.as_str());
            self.authorize.decide(Who::Service(SERVICE), &access).is_allowed()
        };
        let (what, exists, action) = match kind {
            TargetKind::Function => {
                let allowed = self.functions.exists(arn) && allows("lambda:InvokeFunction");
                let refused = || format!("Not authorized to invoke function [{arn}]");
                return if allowed { Ok(()) } else { Err(refused()) };
            }
            TargetKind::Queue => ("queue", self.queues.exists(arn), "sqs:SendMessage"),
            TargetKind::Topic => ("topic", self.topics.exists(arn), "sns:Publish"),
        };
        if !exists {
            return Err(format!("The destination {what} does not exist"));
        }
        if !allows(action) {
            return Err(format!(
                "Permissions on the destination {what} do not allow S3 to publish notifications \
                 from this bucket"
            ));
        }
        Ok(())
    }
}
