//! Who wants to know of an object; queue, retry, dead letter.
//!
//! In comes an [`flow::ObjectCreated`] with the targets that its bucket fixed for it; each target
//! becomes a durable row of its own. Out goes S3's event JSON, at least once, to the function that
//! the target's ARN names. A target that cannot be reached is tried again with growing waits, then
//! its row is buried with a reason that names bucket and key.
#![warn(missing_docs)]

mod notifications;

mod event;
mod run;

mod error;

pub use crate::error::Error;
pub use crate::notifications::{Config, Notifications};
pub use crate::run::run;
