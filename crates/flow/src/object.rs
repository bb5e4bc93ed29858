//! Objects on their way into a bucket, and events on their way from it to those who want to know.

use crate::Timestamp;

/// Something happened in a bucket, and these targets want to know.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct BucketEvent {
    /// The event without its `s3:` prefix, such as `ObjectCreated:Put`, or [`BucketEvent::TEST`].
    pub event_name: String,
    /// The bucket's name.
    pub bucket: String,
    /// The object's key, not encoded; empty where the event is about no object.
    pub key: String,
    /// The object's size in bytes, where the event tells it.
    pub size: Option<u64>,
    /// The ETag without quotes, where the event tells it.
    pub e_tag: Option<String>,
    /// Orders events of one key, and tells them apart: upper-case hex.
    pub sequencer: String,
    /// When it happened.
    pub time: Timestamp,
    /// Who did it, such as `AWS:AIDA…`; a trail's own delivery is `AWS:cloudtrail.amazonaws.com`.
    pub principal_id: String,
    /// Where the call came from.
    pub source_ip: String,
    /// `x-amz-request-id` of the call.
    pub request_id: String,
    /// `x-amz-id-2` of the call.
    pub host_id: String,
    /// Who wants to know, fixed when it happened.
    pub targets: Vec<Target>,
}

impl BucketEvent {
    /// The event that queues and topics get once a bucket was told to notify them.
    pub const TEST: &str = "TestEvent";
}

/// Somebody who wants to know of events.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Target {
    /// The id of the configuration that named it.
    pub configuration_id: String,
    /// The ARN of the function, queue or topic.
    pub arn: String,
}

/// How a delivery of a whole object ended well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// The object is stored now.
    Stored,
    /// The same bytes stood there already.
    AlreadyThere,
}

/// How a delivery failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeliveryError {
    /// Worth another try later.
    #[error("{code}: {message}")]
    Retry {
        /// The code as S3 names it, such as `NoSuchBucket` or `SlowDown`.
        code: String,
        /// What went wrong.
        message: String,
    },
    /// Other bytes stand under the key: another file must be named.
    #[error("other bytes stand under the key already")]
    Conflict,
}
