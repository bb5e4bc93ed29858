//! The whole server in one process, a manual clock, faults; and the accounts that must balance.
//!
//! A [`World`] runs every room over a temporary directory under a clock that tests move. A
//! [`Program`] runs the real executable instead. Both are called by [`Hand`]s, which note each call
//! in a [`Ledger`], and alert to a [`Sink`], which notes what arrives and can be made to fail. At
//! the end [`Books`] compares what was called, recorded, delivered, notified, sent and alerted.

mod world;

mod family;
mod program;

mod hand;
mod messages;
mod rules;
mod sink;

mod admin;

mod accounts;
mod stage;
mod targets;

pub use crate::accounts::{Books, Targets};
pub use crate::admin::{Admin, drained};
pub use crate::hand::{Hand, Ledger};
pub use crate::messages::{Announced, Received, token};
pub use crate::program::{Ended, Program, Running};
pub use crate::rules::rules_of_tests;
pub use crate::sink::{Arrival, Sink};
pub use crate::stage::notification;
pub use crate::targets::zipped;
pub use crate::world::{Plan, World};
