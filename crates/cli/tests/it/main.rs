//! The executable and the whole road, from a signed call to an alert.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod given;

mod road;

mod example;
mod executable;
mod kill;

/// The executable that is tested.
const EXECUTABLE: &str = env!("CARGO_BIN_EXE_trailhound");
