//! The arguments of `trailhound watch`.

use std::{net::SocketAddr, path::PathBuf};

use crate::args::{Log, Place};

#[derive(Debug, clap::Args)]
pub(crate) struct Watch {
    /// The URL of the SQS queue that the bucket notifies
    #[arg(long, value_name = "URL")]
    pub(crate) queue: Option<String>,
    /// A bucket whose objects may be read; may be given several times
    #[arg(long, value_name = "NAME")]
    pub(crate) bucket: Vec<String>,
    /// Folders or files that replace the shipped rules; read again when they change
    #[arg(long, value_name = "DIR")]
    pub(crate) rules: Vec<PathBuf>,
    /// A question that alerts as a rule does, such as s3:DeleteBucket; alone, or beside --rules
    #[arg(long, value_name = "EXPR")]
    pub(crate) when: Option<String>,
    /// Where alerts go: webhook:URL, slack:URL, sns:ARN, file:PATH, stdout; may be given several times
    #[arg(long, value_name = "DEST")]
    pub(crate) alert: Vec<String>,
    /// A TOML file for the rest: keys, roles and endpoints of queue, buckets and destinations
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) place: Place,
    /// Serve Prometheus's /metrics here: a port of this machine, or an address and a port
    #[arg(long, value_name = "ADDR", value_parser = ::watch::listen_address)]
    pub(crate) metrics: Option<SocketAddr>,
    /// Show findings as JSON lines on standard output; alert nobody, delete no message, keep nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Rules below this level alert nobody: informational, low, medium, high, critical
    #[arg(long, value_name = "LEVEL")]
    pub(crate) min_level: Option<flow::Level>,
    /// Findings whose event is older go to a file of the data directory, such as 2d
    #[arg(long, value_name = "AGE")]
    pub(crate) max_age: Option<flow::Span>,
    #[command(flatten)]
    pub(crate) log: Log,
}
