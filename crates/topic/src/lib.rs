//! The SNS API: calls in, signed messages out to those who subscribed.
//!
//! Topics and subscriptions live in the state database, deliveries in a durable queue. Offered are
//! topics of the standard kind and subscriptions of queues and functions, over http and https, and
//! by mail, with AWS's confirmation handshake, signature, filter policies and dead letters; whatever
//! else SNS knows is refused in its own words.

mod permission;
mod tags;
mod topic;

mod delivery_policy;
mod filter;
mod protocol;
mod subscription;

mod message;

mod signing;

mod api;

mod publish;

mod delivery;
mod mail;

mod error;

mod run;

pub use crate::error::Error;
pub use crate::filter::{FilterPolicy, FilterScope, InvalidFilter};
pub use crate::mail::{MailTls, Smtp};
pub use crate::run::{Config, Reach, Topics, run};
