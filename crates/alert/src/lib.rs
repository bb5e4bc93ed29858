//! Findings in, alerts out, to each destination.
//!
//! A finding becomes one durable row a destination, under the finding's id: accepting it again
//! changes nothing, even after it was sent. Each destination is sent to at its own pace, at least
//! once, the same id in header and body on a repeat; what cannot be sent in time is buried with
//! its reason. Text from records is hostile and escaped for where it goes.
//!
//! Without the feature `outbox` there is no database: [`Sender`] sends one alert at once, for whoever
//! is tried again as a whole.
#![warn(missing_docs)]

#[cfg(feature = "outbox")]
mod alerts;
mod destination;

mod message;
#[cfg(feature = "outbox")]
mod run;
mod send;
mod signature;

mod publish;

mod error;

#[cfg(feature = "outbox")]
pub use crate::alerts::{Alerts, Config};
pub use crate::destination::{Destination, InvalidDestination};
pub use crate::error::Error;
pub use crate::publish::PublishCall;
#[cfg(feature = "outbox")]
pub use crate::run::run;
pub use crate::send::{Failure, Means, Output, Sender};
