//! notification → function: events are accepted under their ids.

use bytes::Bytes;
use flow::{Accepted, Invoke, InvokeError, Pending};
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
