//! function → queue: what became of events is sent to queues.

use flow::{Enqueue, Pending, QueueMessage, SendError};
use function::Outlet;
use queue::Queues;

/// Sends outcomes to queues.
pub(crate) struct ToQueues(pub(crate) Queues);

impl Outlet for ToQueues {
    fn exists(&self, arn: &str) -> bool {
        self.0.exists(arn)
    }

    fn send<'a>(
        &'a self,
        arn: &'a str,
        delivery_id: &'a str,
        message: QueueMessage,
    ) -> Pending<'a, Result<(), SendError>> {
        Box::pin(async move { self.0.enqueue(arn, delivery_id, message).await.map(drop) })
    }
}
