//! Whose keys open a bucket or a queue.
//!
//! An [`Access`] says what an operator chose: a profile, a role with its external id, an endpoint, a
//! region, or nothing, which means what AWS's own tools would find by themselves. Out comes an S3
//! client for a bucket, or the settings for another client of AWS. Keys are fetched when they are
//! needed and renewed before they expire. [`Trouble`] tells what an S3 client's error means, and
//! [`said`] what S3's words were.

mod access;

mod ask;
mod bucket;
mod encryption;
mod keys;
mod region;
mod trust;

mod trouble;

mod error;

pub use crate::access::Access;
pub use crate::bucket::Bucket;
pub use crate::encryption::Encryption;
pub use crate::error::Error;
pub use crate::trouble::{Trouble, said};
