//! queue → function: messages that functions are invoked with, chosen by the patterns that topics
//! filter by too.

use std::sync::Arc;

use flow::{Pending, SendError};
use function::{Filters, Matcher, Message, NotReceived, Source};
use queue::{Ask, Queues, Received};
use tokio_util::sync::CancellationToken;
use topic::{FilterPolicy, FilterScope};

/// The queues that functions' mappings name.
pub(crate) struct FromQueues(pub(crate) Queues);

/// Reads the patterns of mappings' filters.
pub(crate) fn filters() -> Filters {
    Arc::new(|pattern| {
        let policy = FilterPolicy::parse(pattern, FilterScope::MessageBody)
            .map_err(|wrong| wrong.to_string().replace("FilterPolicy: ", ""))?;
        let matcher: Matcher = Arc::new(move |record| policy.matches(record));
        Ok(matcher)
    })
}

impl Source for FromQueues {
    fn visibility_seconds(&self, arn: &str) -> Option<u32> {
        self.0.visibility_seconds(arn)
    }

    fn receive<'a>(
        &'a self,
        arn: &'a str,
        max: u32,
        wait_seconds: u32,
        stop: &'a CancellationToken,
    ) -> Pending<'a, Result<Vec<Message>, NotReceived>> {
        Box::pin(async move {
            let ask = Ask { max, wait_seconds: Some(wait_seconds), visibility_seconds: None };
            let received = self.0.receive(arn, ask, stop).await.map_err(not_received)?;
            Ok(received.into_iter().map(message).collect())
        })
    }

    fn delete<'a>(
        &'a self,
        arn: &'a str,
        handles: &'a [String],
    ) -> Pending<'a, Result<(), NotReceived>> {
        Box::pin(async move { self.0.delete(arn, handles).await.map_err(not_received) })
    }

    fn release<'a>(
        &'a self,
        arn: &'a str,
        handles: &'a [String],
    ) -> Pending<'a, Result<(), NotReceived>> {
        Box::pin(async move {
            for handle in handles {
                match self.0.change_visibility(arn, handle, 0).await {
                    // It is shown already, or gone.
                    Ok(()) | Err(SendError::Rejected(_)) => {}
                    Err(failure) => return Err(not_received(failure)),
                }
            }
            Ok(())
        })
    }
}

fn message(received: Received) -> Message {
    let md5_of_attributes = received.md5_of_attributes();
    let system = received.system.into_iter().map(|(name, text)| (name.to_owned(), text));
    Message {
        message_id: received.message_id,
        receipt_handle: received.receipt_handle,
        body: received.body,
        md5_of_body: received.md5_of_body,
        attributes: received.attributes,
        md5_of_attributes,
        system: system.collect(),
    }
}

fn not_received(failure: SendError) -> NotReceived {
    match failure {
        SendError::NoSuchQueue(_) => NotReceived::Gone,
        SendError::Rejected(why) | SendError::Retry(why) => NotReceived::Retry(why),
    }
}
