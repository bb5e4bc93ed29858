//! Objects in, events out; the S3 API.
//!
//! In come S3 requests that the gateway has verified, and the log files of trails. Out come
//! answers, objects, and an event for each change that somebody wants to know of: it waits until
//! whoever took it over clears it.
//!
//! Bytes lie in files of their own, named by chance; the index (SQLite) names them. A file is
//! durable before its row is, and deleted after its row is gone, so that a crash leaves at most
//! bytes that nobody names. The next start deletes those.
#![warn(missing_docs)]

mod serve;

mod offered;
mod s3;

mod attributes;
mod bucket;
mod copy;
mod delete;
mod list;
mod multipart;
mod notification;
mod object_get;
mod object_put;

mod policy;
mod settings;
mod tagging;

mod deliver;
mod event;

mod blob;
mod checksum;
mod condition;
mod index;
mod meta;
mod moment;
mod refusal;
mod room;
mod trailer;

mod buckets;
mod error;

pub use crate::bucket::name_fault;
pub use crate::buckets::{Buckets, Config, TargetCheck};
pub use crate::error::Error;
pub use crate::event::PendingId;
