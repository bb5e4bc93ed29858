//! Access key ids in, callers out; and the calls of STS that hand out more of them.
//!
//! The root key is made on the first start and kept. Sessions of `GetSessionToken` are kept until
//! they expire; sessions of roles live in memory, as long as the process that uses them.

mod credentials;
mod error;
mod identity;
mod kept;
mod role;
mod sts;

pub use crate::credentials::Credentials;
pub use crate::error::Error;
pub use crate::identity::{Config, Identity};
