//! The SQS API: messages in, and out again to whoever receives them, until somebody deletes them.
//!
//! Queues and messages live in a database of their own. What `SendMessage` answered, and what
//! `DeleteMessage` did, outlives a failure of power; who holds a message at the moment outlives
//! the process, and a failure of power at worst shows it again early.
//!
//! Offered are queues of the standard kind. Messages come about in the order in which they became
//! visible, without a promise, as with AWS. FIFO queues and keys of KMS are refused by name. Unlike
//! with AWS a deleted or purged queue is gone at once, so neither has to be waited for: the errors
//! `QueueDeletedRecently` and `PurgeQueueInProgress` do not come up.

mod queue;

mod attributes;
mod redrive;

mod digest;
mod handle;
mod message;

mod api;
mod batch;
mod move_task;
mod permission;
mod receive;
mod send;
mod settings;
mod settle;

mod port;

mod room;
mod rows;
mod run;

mod error;
mod refusal;

pub use crate::error::Error;
pub use crate::port::Ask;
pub use crate::receive::Received;
pub use crate::room::{Config, Queues};
pub use crate::rows::Counts;
pub use crate::run::run;
