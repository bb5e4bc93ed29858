//! Who wants to know what happens in a bucket; queue, retry, dead letter.
//!
//! In comes a [`flow::BucketEvent`] with the targets that its bucket fixed for it; each target
//! becomes a durable row of its own. Out goes S3's event JSON, at least once, to the function, the
//! queue or the topic that the target's ARN names, as long as its policy lets the bucket. A target
//! that cannot be reached is tried again with growing waits, then its row is buried with a reason
//! that names bucket and key.
#![warn(missing_docs)]

mod notifications;

mod event;
mod run;

mod error;

pub use crate::error::Error;
pub use crate::notifications::{Config, Notifications, Reach};
pub use crate::run::run;
