//! Access key ids in, callers and their policies out; and the calls of IAM and STS about them.
//!
//! The root key is made on the first start and kept, as are users, roles, policies and their keys.
//! Sessions that were asked for are kept until they expire; sessions of functions' roles live in
//! memory, as long as the process that uses them.

mod identity;
mod service;

mod granted;
mod iam;
mod sts;
mod users;

mod aws_managed;
mod credentials;
mod ensure;
mod entity;
mod error;
mod kept;
mod registry;
mod role;
mod session;

pub use crate::credentials::Credentials;
pub use crate::error::Error;
pub use crate::granted::Granted;
pub use crate::identity::{Config, Identity};
pub use crate::users::{KeySummary, NewKey, UserSummary};
