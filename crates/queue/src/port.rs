//! What other rooms ask for: to send, to receive, and what a queue's policy says.

use std::sync::Arc;

use flow::{Accepted, Enqueue, Pending, QueueMessage, ResourcePolicies, SendError};
use tokio_util::sync::CancellationToken;

use crate::{
    error::Refusal,
    message::Draft,
    queue::Queue,
    receive::Received,
    room::{Inner, Queues},
    rows::delivery,
    settle::told,
};

/// What a receive asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ask {
    /// Messages at most, 1 to 10.
    pub max: u32,
    /// How long to wait where there is none, in seconds, 0 to 20; `None`: as the queue says.
    pub wait_seconds: Option<u32>,
    /// How long they are hidden from others, in seconds; `None`: as the queue says.
    pub visibility_seconds: Option<u32>,
}

impl Queues {
    /// Whether there is a queue of that ARN.
    pub fn exists(&self, queue_arn: &str) -> bool {
        self.inner.by_arn(queue_arn).is_some()
    }

    /// How long the queue of that ARN hides what is received, in seconds, unless it is told
    /// otherwise; `None` where there is no such queue.
    pub fn visibility_seconds(&self, queue_arn: &str) -> Option<u32> {
        self.inner.by_arn(queue_arn).map(|queue| queue.attributes.visibility_seconds)
    }

    /// Receives as `ReceiveMessage` does, without a record. Ends early, with nothing, once `stop`
    /// is cancelled; a receive that is dropped may have taken messages, which come again.
    ///
    /// # Errors
    /// [`SendError`] where there is no such queue, or the store fails.
    pub async fn receive(
        &self,
        queue_arn: &str,
        ask: Ask,
        stop: &CancellationToken,
    ) -> Result<Vec<Received>, SendError> {
        let queue = self.queue(queue_arn)?;
        let received = self.inner.receive(&queue, &ask, stop).await;
        received.map_err(|refusal| failure(refusal, queue_arn))
    }

    /// Deletes what was received, durably, whoever it was given to since; what is not there any
    /// more is no error.
    ///
    /// # Errors
    /// [`SendError`] where there is no such queue, a handle is none of it, or the store fails.
    pub async fn delete(&self, queue_arn: &str, handles: &[String]) -> Result<(), SendError> {
        let queue = self.queue(queue_arn)?;
        let handles = handles.iter().map(|text| self.inner.handle(&queue, text));
        let handles = handles.collect::<Result<Vec<_>, _>>();
        let handles = handles.map_err(|fault| SendError::Rejected(fault.message))?;
        let deleted = self.inner.delete(&queue, handles).await;
        deleted.map_err(|refusal| failure(refusal, queue_arn))
    }

    /// Hides a message that was received for `seconds` from now on; 0 shows it to all at once.
    ///
    /// # Errors
    /// [`SendError`] where there is no such queue, the message is not in flight any more, or the
    /// store fails.
    pub async fn change_visibility(
        &self,
        queue_arn: &str,
        handle: &str,
        seconds: u32,
    ) -> Result<(), SendError> {
        let queue = self.queue(queue_arn)?;
        let read = self.inner.handle(&queue, handle);
        let read = read.map_err(|fault| SendError::Rejected(fault.message))?;
        let done = self.inner.change(&queue, vec![(read, seconds)]).await;
        let done = done.map_err(|refusal| failure(refusal, queue_arn))?;
        let told = done.into_iter().try_for_each(|hidden| told(hidden, handle, seconds));
        told.map_err(|fault| SendError::Rejected(fault.message))
    }

    fn queue(&self, arn: &str) -> Result<Arc<Queue>, SendError> {
        self.inner.by_arn(arn).ok_or_else(|| SendError::NoSuchQueue(arn.to_owned()))
    }
}

fn failure(refusal: Refusal, arn: &str) -> SendError {
    match refusal {
        Refusal::Fault(fault) if fault.code == "QueueDoesNotExist" => {
            SendError::NoSuchQueue(arn.to_owned())
        }
        Refusal::Fault(fault) if fault.code == "OverLimit" => SendError::Retry(fault.message),
        Refusal::Fault(fault) => SendError::Rejected(fault.message),
        Refusal::Store(error) => SendError::Retry(error.to_string()),
    }
}

/// The same `delivery_id` twice is one message for a day after the first.
impl Enqueue for Queues {
    fn enqueue<'a>(
        &'a self,
        queue_arn: &'a str,
        delivery_id: &'a str,
        message: QueueMessage,
    ) -> Pending<'a, Result<Accepted, SendError>> {
        Box::pin(async move {
            let queue = self.queue(queue_arn)?;
            let sent = self.inner.enqueue(&queue, delivery_id, message).await;
            sent.map(Accepted).map_err(|refusal| failure(refusal, queue_arn))
        })
    }
}

impl Inner {
    async fn enqueue(
        &self,
        queue: &Queue,
        delivery_id: &str,
        message: QueueMessage,
    ) -> Result<String, Refusal> {
        if message.body.is_empty() {
            return Err(crate::refusal::missing("MessageBody").into());
        }
        let draft = Draft::of_message(message)?;
        draft.fits(queue.attributes.message_bytes_max)?;
        let fresh = self.fresh(queue, &draft, self.config.account.to_string());
        let (id, now, delivery_id) = (queue.id, self.now(), delivery_id.to_owned());
        let store = move |db: &rusqlite::Transaction<'_>| {
            delivery::insert(db, id, &delivery_id, now, fresh)
        };
        let message_id = self.write(store).await?;
        queue.line.wake();
        Ok(message_id)
    }
}

impl ResourcePolicies for Queues {
    fn policy_of(&self, arn: &str) -> Option<Arc<str>> {
        self.inner.by_arn(arn)?.policy.clone()
    }
}
