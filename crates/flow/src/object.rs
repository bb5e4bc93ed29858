//! An object on its way from a trail through a bucket to those who want to know of it.

use crate::Timestamp;

/// An object was created in a bucket, and these targets want to know.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ObjectCreated {
    /// The event without its `s3:` prefix, such as `ObjectCreated:Put`.
    pub event_name: String,
    /// The bucket's name.
    pub bucket: String,
    /// The key, not encoded.
    pub key: String,
    /// The object's size in bytes.
    pub size: u64,
    /// The ETag without quotes.
    pub e_tag: String,
    /// Orders events of one key: upper-case hex.
    pub sequencer: String,
    /// When the object was created.
    pub time: Timestamp,
    /// Who put it, such as `AWS:AIDA…`; a trail's own delivery is `AWS:cloudtrail.amazonaws.com`.
    pub principal_id: String,
    /// Where the call came from.
    pub source_ip: String,
    /// `x-amz-request-id` of the call.
    pub request_id: String,
    /// `x-amz-id-2` of the call.
    pub host_id: String,
    /// Who wants to know, fixed when the object was stored.
    pub targets: Vec<Target>,
}

/// Somebody who wants to know of an object.
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
