//! The gateway over real sockets, with services of the tests' own behind it.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod anonymous;
mod calls;
mod door;
mod objects;
mod world;
