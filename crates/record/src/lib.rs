//! A call in, its CloudTrail record out; records in, log-file bytes out, and back.
//!
//! [`make`] writes what CloudTrail would write of a call, in CloudTrail's order, and never a
//! secret: members that the model calls sensitive, members that AWS is known to leave out, and
//! anything the model does not know stay out. [`select`] says which records a trail keeps.
//! [`log_file`] turns final records into the one gzip member that a trail delivers, and any object
//! of a log bucket into records with their byte offsets. Nothing here knows a clock, chance, a
//! disk or a socket.
#![warn(missing_docs)]

mod make;

mod cap;
mod identity;
mod parameters;
mod redaction;
mod resource;
mod s3;

pub mod log_file;
pub mod outline;
pub mod select;

mod error;
pub mod scan;

pub use crate::cap::json_bytes;
pub use crate::error::Error;
pub use crate::make::{EVENT_VERSION, Record, make};
