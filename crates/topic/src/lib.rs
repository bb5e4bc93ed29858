//! The SNS API: calls in, signed messages out to those who subscribed.
//!
//! Topics and subscriptions live in the state database, deliveries in a durable queue. Offered are
//! topics of the standard kind and subscriptions over http and https, with AWS's confirmation
//! handshake and signature; whatever else SNS knows is refused in its own words.

mod topic;

mod subscription;

mod message;

mod signing;

mod api;

mod publish;

mod delivery;

mod error;

mod run;

pub use crate::error::Error;
pub use crate::run::{Config, Topics, run};
