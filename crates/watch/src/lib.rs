//! A real bucket's queue in, alerts out.
//!
//! A message of the queue names log objects; each is fetched and read, and its findings are in the
//! local outbox before the message is deleted. What cannot be read now leaves its message to come
//! again; what never can be is a local dead letter, with the reason. A crash loses nothing: alert
//! ids make repeats harmless.
#![warn(missing_docs)]

mod watch;

mod config;
mod settings;

mod plan;
mod verdict;

mod queue;
mod reader;
mod rules;
mod sink;
mod topics;
mod work;

mod late;
mod letters;

mod counts;
mod metrics;
mod status;

mod error;

pub use crate::config::{Config, DEFAULTS, Invalid, listen_address};
pub use crate::error::Error;
pub use crate::settings::{Given, Settings};
pub use crate::status::{Hop, Status};
pub use crate::watch::{Keeping, Options, Watch};
