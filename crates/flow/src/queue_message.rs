//! What is sent to queues from inside.

use std::collections::BTreeMap;

use crate::{Accepted, Pending};

/// A message for a queue.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct QueueMessage {
    /// The body.
    pub body: String,
    /// Message attributes, by name.
    pub attributes: BTreeMap<String, MessageAttribute>,
    /// Whom it is from among those who share the queue (`MessageGroupId`).
    #[serde(default)]
    pub group: Option<String>,
}

/// An attribute of a message, as SQS and SNS have it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct MessageAttribute {
    /// `String`, `Number` or `Binary`, with a label of the sender's own after a dot; SNS has
    /// `String.Array` too.
    pub data_type: String,
    /// The value.
    pub value: AttributeValue,
}

/// The value of a message's attribute.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum AttributeValue {
    /// Of the types `String` and `Number`.
    Text(String),
    /// Of the type `Binary`.
    Bytes(Vec<u8>),
}

/// Why a message was not sent, or something else not done that was asked of a queue from inside.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// There is no such queue; trying again helps once there is.
    #[error("queue `{0}` does not exist")]
    NoSuchQueue(String),
    /// Nothing that the queue takes: trying again cannot help.
    #[error("{0}")]
    Rejected(String),
    /// Worth another try later.
    #[error("{0}")]
    Retry(String),
}

/// Sends to queues.
pub trait Enqueue: Send + Sync {
    /// Sends `message` to the queue of that ARN; durable when it returns. The same `delivery_id`
    /// twice is one message, while the first is still remembered.
    fn enqueue<'a>(
        &'a self,
        queue_arn: &'a str,
        delivery_id: &'a str,
        message: QueueMessage,
    ) -> Pending<'a, Result<Accepted, SendError>>;
}
