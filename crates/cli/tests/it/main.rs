//! The executable and the whole road, from a signed call to an alert.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]
#![expect(clippy::print_stdout, reason = "a test says what it skips")]

mod given;

mod accounts;
mod road;

mod example;
mod executable;
mod kill;
mod records;
mod rules;
mod scan;
mod sdk;

/// The executable that is tested.
const EXECUTABLE: &str = env!("CARGO_BIN_EXE_trailhound");
