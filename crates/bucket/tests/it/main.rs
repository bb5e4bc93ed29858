//! The S3 API as the gateway drives it: verified requests in, answers, objects and events out.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

mod crash;
mod deliver;
mod hostile;
mod multipart;
mod notification;
mod object;
mod settings;
mod world;
