//! The few places where one room's work is another's, as small traits.

use std::{error::Error, future::Future, pin::Pin};

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;

use crate::{
    AccountId, Answer, Caller, Delivery, DeliveryError, Fault, Request, Secret, Timestamp,
};

/// A future that a port returns.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What can go wrong in the middle of a body.
pub type BodyError = Box<dyn Error + Send + Sync>;

/// A body of HTTP that may stream.
pub type Body = UnsyncBoxBody<Bytes, BodyError>;

/// An embedded service behind the gateway: a decoded call in, an answer out.
pub trait Service: Send + Sync {
    /// Serves one call.
    fn call(&self, request: Request) -> Pending<'_, Result<Answer, Fault>>;
}

/// An embedded service that speaks HTTP itself: S3, whose bodies stream.
///
/// The request is verified, its body de-chunked, and carries these extensions: [`Caller`],
/// [`crate::Timestamp`] (when it arrived), [`crate::Region`], and [`RequestId`] texts. The answer
/// of a failed call carries a [`Fault`] extension, so that the record can say what went wrong.
pub trait HttpService: Send + Sync {
    /// Serves one call.
    fn serve(&self, request: http::Request<Body>) -> Pending<'_, http::Response<Body>>;

    /// Whether there is such a bucket: a call that nobody signed belongs to the log of the account
    /// that owns it, and to none where nobody does.
    fn has_bucket<'a>(&'a self, name: &'a str) -> Pending<'a, bool>;
}

/// What an access key id stands for.
#[derive(Clone, Debug)]
pub struct Key {
    /// The secret that signs.
    pub secret: Secret,
    /// The token that must come with it, where the credentials are temporary.
    pub session_token: Option<Secret>,
    /// From when on the key is refused.
    pub expires: Option<Timestamp>,
    /// Who stands behind it.
    pub caller: Caller,
}

/// Knows access keys. Answers from memory: every request asks.
pub trait Keys: Send + Sync {
    /// The key with this id.
    fn find(&self, access_key_id: &str) -> Option<Key>;
}

/// Stores whole objects.
pub trait Deliver: Send + Sync {
    /// Stores `bytes` under `key` unless something stands there; the same bytes standing there is
    /// [`Delivery::AlreadyThere`], others are [`DeliveryError::Conflict`].
    /// `headers` are `Content-Type`, `Content-Encoding` and `x-amz-meta-*`.
    fn put_if_absent<'a>(
        &'a self,
        bucket: &'a str,
        key: &'a str,
        bytes: Bytes,
        headers: &'a [(&'a str, &'a str)],
    ) -> Pending<'a, Result<Delivery, DeliveryError>>;

    /// The account that owns `bucket`; `None` where there is no such bucket.
    fn bucket_owner<'a>(
        &'a self,
        bucket: &'a str,
    ) -> Pending<'a, Result<Option<AccountId>, DeliveryError>>;
}

/// An event was accepted under this id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted(pub String);

/// Why an event was not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvokeError {
    /// There is no such function; trying again helps once there is.
    #[error("function `{0}` does not exist")]
    NoSuchFunction(String),
    /// Worth another try later.
    #[error("{0}")]
    Retry(String),
}

/// Invokes functions asynchronously (`InvocationType: Event`).
pub trait Invoke: Send + Sync {
    /// Accepts `event` for the function named by `arn`; durable when it returns. The same
    /// `delivery_id` twice is one invocation.
    fn invoke<'a>(
        &'a self,
        arn: &'a str,
        delivery_id: &'a str,
        event: Bytes,
    ) -> Pending<'a, Result<Accepted, InvokeError>>;
}

/// Why an object was not read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// There is no such bucket or object.
    #[error("the object s3://{bucket}/{key} does not exist")]
    Missing {
        /// The bucket.
        bucket: String,
        /// The key.
        key: String,
    },
    /// It is larger than asked for.
    #[error("the object is larger than {0} bytes")]
    TooLarge(u64),
    /// Worth another try later.
    #[error("{0}")]
    Retry(String),
}

/// Reads whole objects of this server's buckets. Whoever asks has asked whether it may be.
pub trait Fetch: Send + Sync {
    /// The bytes of the object, at most `bytes_max`.
    fn get<'a>(
        &'a self,
        bucket: &'a str,
        key: &'a str,
        bytes_max: u64,
    ) -> Pending<'a, Result<Bytes, FetchError>>;
}

/// Why a message was not published.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    /// There is no such topic.
    #[error("topic `{0}` does not exist")]
    NoSuchTopic(String),
    /// Worth another try later.
    #[error("{0}")]
    Retry(String),
}

/// Publishes to topics.
pub trait Publish: Send + Sync {
    /// Publishes to the topic of that ARN; durable when it returns. The same `delivery_id` twice
    /// is one message.
    fn publish<'a>(
        &'a self,
        topic_arn: &'a str,
        delivery_id: &'a str,
        subject: Option<&'a str>,
        message: &'a str,
    ) -> Pending<'a, Result<Accepted, PublishError>>;
}

/// The two ids of an S3 answer, as a request's extension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId {
    /// `x-amz-request-id`.
    pub request_id: String,
    /// `x-amz-id-2`.
    pub host_id: String,
    /// Where the call came from: an address without a port.
    pub source_ip: String,
}
