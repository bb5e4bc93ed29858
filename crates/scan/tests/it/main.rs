//! Archives on disk, read by the library: every form, every damage, and accounts that balance.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod given;

mod damage;
mod forms;
mod sources;
