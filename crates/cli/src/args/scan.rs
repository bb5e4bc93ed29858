//! What `trailhound scan` takes.

use std::{ffi::OsString, num::NonZeroUsize, path::PathBuf};

use crate::args::bucket::Bucket;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit codes: 0 done; 1 something was found at or above --fail-on; 2 something could not \
                  be read, a rule was refused, or the command is wrong, whatever was found; 130 stopped \
                  by Ctrl-C, with what was found until then."
)]
pub(crate) struct Scan {
    /// Files, folders, patterns, s3://BUCKET/PREFIX, - for standard input: gzip, zstd or plain
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<OsString>,
    /// Folders or files that replace the shipped rules
    #[arg(long, value_name = "DIR")]
    pub(crate) rules: Vec<PathBuf>,
    /// One question: sns:CreateTopic, or "errorCode=AccessDenied and userIdentity.arn|contains=ci";
    /// with --rules beside them, else alone
    #[arg(long, value_name = "EXPR")]
    pub(crate) when: Option<String>,
    /// table: by rule, at the end; ndjson: each finding with its whole record, one a line
    #[arg(long, value_enum, default_value_t = Format::Table, value_name = "FORMAT")]
    pub(crate) format: Format,
    /// How many threads read; as many as there are processors where not given
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<NonZeroUsize>,
    /// Write what was read, and what it took, to this file as one JSON object
    #[arg(long, value_name = "FILE")]
    pub(crate) stats: Option<PathBuf>,
    /// Exit 1 where something of this level or a graver one is found: informational, low, medium, high, critical
    #[arg(long, value_name = "LEVEL")]
    pub(crate) fail_on: Option<flow::Level>,
    /// Only events from this time or day on, by eventTime: 2026-11-22 or 2026-11-22T10:00:00Z
    #[arg(long, value_name = "T")]
    pub(crate) from: Option<String>,
    /// Only events up to this time, or to the end of this day; folders of later days are not read, but for the next
    #[arg(long, value_name = "T")]
    pub(crate) to: Option<String>,
    /// Only events of this account; may be given several times
    #[arg(long, value_name = "A")]
    pub(crate) account: Vec<String>,
    /// Only events of this region; may be given several times
    #[arg(long, value_name = "R")]
    pub(crate) region: Vec<String>,
    #[command(flatten)]
    pub(crate) bucket: Bucket,
}

/// How findings are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    Table,
    Ndjson,
}
