//! The room alone: a real database, a clock that the test moves.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

mod api;
mod conservation;
mod dead_letter;
mod inside;
mod message;
mod wait;
mod world;
