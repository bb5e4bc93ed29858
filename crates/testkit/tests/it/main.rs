//! Promises of the repository as a whole.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod architecture;
mod repository;
