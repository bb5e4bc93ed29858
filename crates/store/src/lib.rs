//! What must survive a restart: journal, queue, table.
//!
//! In come bytes; what was acknowledged is on the disk and comes out again after any crash. Each
//! file is SQLite in WAL mode with `synchronous=FULL` and one writer thread: every write that
//! arrived while the last commit was syncing shares the next one. Readers never wait for writers.
//!
//! A [`Journal`] is append-only, a file per day. A [`Database`] holds [`Queue`]s, [`Table`]s and
//! SQL of a room's own; a [`Crew`] works off a queue. One process at a time may open a file: the
//! caller sees to that.
#![warn(missing_docs)]

mod journal;

mod database;
mod migration;
mod queue;
mod table;
mod work;

mod error;
mod file;
mod readers;
mod writer;

pub use crate::database::Database;
pub use crate::error::Error;
pub use crate::journal::{ENTRY_BYTES_MAX, Entry, Journal, Kind, Offset, READ_BYTES_MAX};
pub use crate::queue::{Counts, Dead, Lease, Put, Queue};
pub use crate::table::Table;
pub use crate::work::{BackOff, Crew, Verdict, Work};
