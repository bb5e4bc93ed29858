//! Findings in, alerts out, to each destination.
//!
//! A finding becomes one durable row a destination, under the finding's id: accepting it again
//! changes nothing, even after it was sent. Each destination is sent to at its own pace, at least
//! once, the same id in header and body on a repeat; what cannot be sent in time is buried with
//! its reason. Text from records is hostile and escaped for where it goes.
#![warn(missing_docs)]

mod alerts;
mod destination;

mod message;
mod run;
mod send;
mod signature;

mod error;

pub use crate::alerts::{Alerts, Config, Output};
pub use crate::destination::{Destination, InvalidDestination};
pub use crate::error::Error;
pub use crate::run::run;
