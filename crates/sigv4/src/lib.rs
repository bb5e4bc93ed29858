//! AWS Signature Version 4: verify and make.
//!
//! In: the head of a request, a secret, the time. Out: whether its signature holds and how its body
//! is vouched for — or, the other way round, the headers or query that sign a request. A body in
//! `aws-chunked` form goes through [`Chunks`], which checks it piece by piece. No clock, no I/O.
#![warn(missing_docs)]

mod authorization;
mod canonical;
mod chunks;
mod encode;
mod error;
mod key;
mod sign;
mod verify;

pub use crate::authorization::{Authorization, Scope};
pub use crate::chunks::{ChunkForm, Chunks, check_chunks};
pub use crate::error::{Error, Family, Reply};
pub use crate::key::sha256;
pub use crate::sign::{ChunkWriter, Content, Credentials, Signed, presign, sign};
pub use crate::verify::{Expect, Payload, Verified, unsigned_payload};
