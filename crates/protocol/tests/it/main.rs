//! The room judged from outside: by published vectors, by tables of our own, by arbitrary input.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic and tell")]

mod exceptions;
mod hostile;
mod loader;
mod round_trip;
mod sqs_query;
mod table;
mod vectors;
mod whole_model;
