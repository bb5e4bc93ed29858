//! The shipped function: which API calls of a log object raise a finding.
//!
//! An event that names objects comes in; each object is fetched and read, each record is asked by
//! each rule, and a [`Response`] of findings goes out. Where the environment names destinations, each
//! finding is sent there before. What cannot be read for good is named in the response and does not
//! keep the other objects from being read; what cannot be fetched or sent now fails the invocation,
//! or its message of a queue, so that it is tried again. There is no memory: the same event gives
//! the same findings under the same ids.

mod run;

mod env;
mod folder;
mod reload;
mod rules;

mod envelopes;
mod plan;

mod allowed;
mod fetch;
mod key;

mod examine;
mod handle;

mod clock;
mod destinations;
mod secret;
mod services;

mod error;
mod response;

pub use crate::allowed::{Allowed, InvalidBucket};
pub use crate::envelopes::{
    Envelope, Message, Nothing, Notice, ObjectEvent, Reported, Unrecognised, sniff, sniff_bytes,
    sniff_message,
};
pub use crate::error::Error;
pub use crate::examine::{Contents, Damage, Examined, Examiner, Found};
pub use crate::fetch::{OpenBucket, whole};
pub use crate::folder::{files, load_rule_files, load_rules, rule_files};
pub use crate::handle::{Detect, handle};
pub use crate::key::{Promise, promise};
pub use crate::reload::{Look, RuleFiles, RuleFolders, Running};
pub use crate::response::{ItemFailure, Rejected, Response};
pub use crate::run::{log_to_stderr, run};
