//! The nouns that pass between rooms, and the few ports between them.
//!
//! Nothing here does I/O, reads a clock or rolls dice: time comes in through [`Clock`], chance
//! through [`Chance`]. A noun lives here only when two rooms name it.
#![warn(missing_docs)]

mod access;
mod account;
mod arn;
mod call;
mod caller;
mod chance;
mod clock;
mod finding;
mod notification;
mod object;
mod port;
mod queue_message;
mod secret;
mod span;
mod time;
mod tree;

pub use crate::access::{Access, Authorize, Decision, ResourcePolicies, Who};
pub use crate::account::{AccountId, InvalidAccountId, InvalidRegion, Region};
pub use crate::arn::{Arn, InvalidArn};
pub use crate::call::{Answer, Call, Fault, HttpFacts, Outcome, Request, Resource, TlsDetails};
pub use crate::caller::{Caller, Principal, Session};
pub use crate::chance::{Chance, SeededChance};
pub use crate::clock::{Clock, ManualClock};
pub use crate::finding::{Finding, Level, RuleRef, alert_id};
pub use crate::notification::{
    Configuration, EventKind, Filter, NotificationConfiguration, TargetKind,
};
pub use crate::object::{BucketEvent, Delivery, DeliveryError, Target};
pub use crate::port::{
    Accepted, Body, BodyError, Deliver, Fetch, FetchError, HttpService, Invoke, InvokeError, Key,
    Keys, Pending, Publish, PublishError, RequestId, Service,
};
pub use crate::queue_message::{
    AttributeValue, Enqueue, MessageAttribute, QueueMessage, SendError,
};
pub use crate::secret::Secret;
pub use crate::span::Span;
pub use crate::time::{InvalidTimestamp, Timestamp};
pub use crate::tree::Tree;
