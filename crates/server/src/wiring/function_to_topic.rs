//! function → topic: what became of events is published to topics.

use flow::{Pending, QueueMessage, SendError};
use function::Outlet;
use topic::Topics;

/// Publishes outcomes to topics.
pub(crate) struct ToTopics(pub(crate) Topics);

impl Outlet for ToTopics {
    fn exists(&self, arn: &str) -> bool {
        self.0.exists(arn)
    }

    fn send<'a>(
        &'a self,
        arn: &'a str,
        delivery_id: &'a str,
        message: QueueMessage,
    ) -> Pending<'a, Result<(), SendError>> {
        Box::pin(self.0.send(arn, delivery_id, message))
    }
}
