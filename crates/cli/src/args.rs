//! The command line, as `--help` shows it.

mod bucket;
mod events;
mod logs;
mod replay;
mod rules;
mod scan;
mod users;
mod watch;

use std::{net::SocketAddr, path::PathBuf};

use clap::{Parser, Subcommand};

pub(crate) use crate::args::events::Events;
pub(crate) use crate::args::logs::Logs;
pub(crate) use crate::args::replay::{Emit, Replay};
pub(crate) use crate::args::rules::{Explain, Rules, RulesCommand};
pub(crate) use crate::args::scan::{Format, Scan};
pub(crate) use crate::args::users::{Account, Users, UsersCommand};
pub(crate) use crate::args::watch::Watch;

/// CloudTrail on one machine: records API calls, delivers log files, runs detections, raises alerts.
#[derive(Debug, Parser)]
#[command(name = "trailhound", version, max_term_width = 100)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show the whole road on a server of its own: a call becomes an alert
    Demo(Demo),
    /// Serve until stopped
    Up(Up),
    /// Print export lines for a shell: endpoint, keys, region
    Env(Env),
    /// Tell, hop by hop, what waits and what is dead; exit 1 when a hop is over its limit
    Status(Status),
    /// Records of a running server: the newest, those of a kind, what comes, or a wait for one
    Events(Events),
    /// Put given records onto a running server's road, marked as such
    Replay(Replay),
    /// Make a record of a call from the model, for tests
    Emit(Emit),
    /// What a function printed, and what became of its invocations
    Logs(Logs),
    /// Users and their keys
    Users(Users),
    /// Follow a real bucket's queue: alert on what its log files hold
    Watch(Watch),
    /// Dead letters: what gave up, why, and once more
    Dead(Dead),
    /// Ask rules of an archive: which records they hold for
    Scan(Scan),
    /// The Sigma rules that raise alerts
    Rules(Rules),
    /// Be a function's process
    #[command(hide = true)]
    Runtime(Runtime),
}

/// Where a server keeps its data.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Place {
    /// The data directory
    #[arg(long, env = "TRAILHOUND_DIR", default_value = "trailhound-data", value_name = "DIR")]
    pub(crate) dir: PathBuf,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Env {
    #[command(flatten)]
    pub(crate) place: Place,
    /// Wait so long, such as 10s, until the server answers: for scripts that have just started it
    #[arg(long, value_name = "TIME")]
    pub(crate) wait: Option<flow::Span>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Demo {
    /// Keep what the demo's server wrote in this new folder, rather than in a temporary one
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
    /// Print one JSON object at the end, and nothing else
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) log: Log,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Up {
    #[command(flatten)]
    pub(crate) place: Place,
    /// Where the AWS endpoint listens; port 0 picks a free one
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: Option<SocketAddr>,
    /// A TOML file that overrides single keys of the defaults
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// A question that alerts as a rule does, such as s3:DeleteBucket; beside the rules
    #[arg(long, value_name = "EXPR")]
    pub(crate) when: Option<String>,
    /// Print one JSON line when ready
    #[arg(long)]
    pub(crate) json: bool,
    /// Serve plain HTTP beyond this machine: whoever is on the way reads along
    #[arg(long)]
    pub(crate) insecure_plaintext: bool,
    #[command(flatten)]
    pub(crate) log: Log,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Log {
    /// What to log on standard error: error, warn, info, debug, or a filter such as trail=debug
    #[arg(long = "log", env = "TRAILHOUND_LOG", default_value = "warn", value_name = "FILTER")]
    pub(crate) filter: String,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Status {
    #[command(flatten)]
    pub(crate) place: Place,
    /// One JSON object a line, one line a hop
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Dead {
    #[command(subcommand)]
    pub(crate) command: DeadCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DeadCommand {
    /// List dead letters of every hop
    List {
        #[command(flatten)]
        place: Place,
        /// One JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Show one dead letter whole
    Show {
        #[command(flatten)]
        place: Place,
        /// Its id, as `dead list` shows it
        id: String,
    },
    /// Try dead letters once more: those named, or all
    Replay {
        #[command(flatten)]
        place: Place,
        /// Ids, as `dead list` shows them; all where none is given
        ids: Vec<String>,
        /// Only of this hop
        #[arg(long)]
        hop: Option<String>,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct Runtime {
    /// Which function
    pub(crate) function: String,
}
