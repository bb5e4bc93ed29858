//! What `trailhound events` takes.

use std::num::NonZeroUsize;

use flow::Span;

use crate::args::Place;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Without --since, --follow or --wait it shows the newest 100, the newest last.\n\n\
                  Exit codes: 0 done, or seen; 1 with --wait, not seen in time; 2 the command is wrong or \
                  no server answers."
)]
pub(crate) struct Events {
    #[command(flatten)]
    pub(crate) place: Place,
    /// Only records that this holds for: sns:CreateTopic, or
    /// "errorCode=AccessDenied and userIdentity.arn|contains=ci"
    #[arg(long, value_name = "EXPR")]
    pub(crate) when: Option<String>,
    /// Only calls of this user: a name, a role's or a session's name, an ARN, an access key id
    #[arg(long, value_name = "NAME")]
    pub(crate) user: Option<String>,
    /// Only calls of this service: sns, or sns.amazonaws.com
    #[arg(long, value_name = "SERVICE")]
    pub(crate) source: Option<String>,
    /// Only calls that ended in an error
    #[arg(long)]
    pub(crate) errors: bool,
    /// Only what was recorded since: 1h, 30d, 2026-11-22 or 2026-11-22T10:00:00Z
    #[arg(long, value_name = "T")]
    pub(crate) since: Option<String>,
    /// Only the newest so many
    #[arg(long, value_name = "N", conflicts_with_all = ["since", "wait"])]
    pub(crate) last: Option<NonZeroUsize>,
    /// Go on with what is recorded from now on, until Ctrl-C
    #[arg(long, conflicts_with = "wait")]
    pub(crate) follow: bool,
    /// Wait so long for one such record, such as 10s, and exit 0 when it is seen; one that was
    /// recorded before counts, since --since or the server's start
    #[arg(long, value_name = "TIME")]
    pub(crate) wait: Option<Span>,
    /// The records themselves, one a line, exactly as they stand in log files
    #[arg(long)]
    pub(crate) json: bool,
}
