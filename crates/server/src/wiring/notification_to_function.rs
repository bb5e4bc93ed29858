//! notification → function: events are accepted under their ids, and a bucket's configuration may
//! name functions that exist.

use bucket::TargetCheck;
use bytes::Bytes;
use flow::{Accepted, Invoke, InvokeError, Pending, TargetKind};
use function::Functions;

use crate::passage::{Passage, Passages};

/// Hands events to functions.
pub(crate) struct Events {
    pub(crate) functions: Functions,
    pub(crate) passages: Passages,
}

impl Invoke for Events {
    fn invoke<'a>(
        &'a self,
        arn: &'a str,
        delivery_id: &'a str,
        event: Bytes,
    ) -> Pending<'a, Result<Accepted, InvokeError>> {
        Box::pin(async move {
            let accepted = self.functions.invoke(arn, delivery_id, event.clone()).await?;
            self.passages.tell(|| Passage::Notified { function: arn.to_owned(), event });
            Ok(accepted)
        })
    }
}

/// Answers a bucket that asks whether a target is there.
pub(crate) struct Targets {
    pub(crate) functions: Functions,
}

impl TargetCheck for Targets {
    fn check(&self, kind: TargetKind, arn: &str) -> Result<(), String> {
        match kind {
            TargetKind::Function if self.functions.exists(arn) => Ok(()),
            TargetKind::Function => Err(format!("Not authorized to invoke function [{arn}]")),
            TargetKind::Queue => Err("The destination queue does not exist".to_owned()),
            TargetKind::Topic => Err("The destination topic does not exist".to_owned()),
        }
    }
}
