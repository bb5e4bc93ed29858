//! Archives of log files in, findings out.
//!
//! [`Source`]s are what somebody points at: files, folders, patterns, standard input, buckets.
//! Threads take up their objects one after another, read each with a [`detect::Examiner`] of their
//! own and hand what they find to a [`Sink`]; at the end a [`Report`] says what was read, which
//! rules held how often, when and for whom, and what could not be read. What is damaged is
//! reported and keeps nothing else from being read. Whoever shows any of this lives elsewhere.
#![warn(missing_docs)]

mod source;
mod window;

mod archive;
mod item;
mod local;
mod supply;

mod read;
mod run;
mod worker;

mod fact;
mod tally;

mod progress;
mod report;

pub use crate::archive::{Archives, Kms, Plan, Resume, ResumeError, plan};
pub use crate::progress::Progress;
pub use crate::report::{FAILURES_MAX, Failure, Report, Requests, RuleReport, Skipped, Totals};
pub use crate::run::{Scan, Sink, measure, run};
pub use crate::source::Source;
pub use crate::window::Window;
