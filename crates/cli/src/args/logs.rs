//! What `trailhound logs` takes.

use std::num::NonZeroUsize;

use crate::args::Place;

#[derive(Debug, clap::Args)]
pub(crate) struct Logs {
    #[command(flatten)]
    pub(crate) place: Place,
    /// The function's name, such as detect
    #[arg(value_name = "FUNCTION")]
    pub(crate) function: String,
    /// Go on with what it prints from now on, until Ctrl-C
    #[arg(long)]
    pub(crate) follow: bool,
    /// Only the newest so many lines
    #[arg(long, value_name = "N")]
    pub(crate) last: Option<NonZeroUsize>,
    /// One JSON object a line: time, request_id, instance, stream, message
    #[arg(long)]
    pub(crate) json: bool,
}
