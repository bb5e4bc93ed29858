//! The room alone.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

mod http;
mod inside;
mod mail;
mod room;
mod topic;
