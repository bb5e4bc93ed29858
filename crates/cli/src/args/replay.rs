//! What `trailhound replay` and `trailhound emit` take.

use std::path::PathBuf;

use crate::args::Place;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "The server's configuration must say `dev = true`. Each record says of itself that it was \
                  replayed (additionalEventData.trailhound), and keeps its account and region.\n\n\
                  Exit codes: 0 all are on the road; 1 no trail selects any of them; 2 something could not be \
                  read or is no record, the rest is on the road, or the command is wrong."
)]
pub(crate) struct Replay {
    #[command(flatten)]
    pub(crate) place: Place,
    /// Files of records, as log files or one a line, packed or not; - for standard input
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Move the latest record to now and all others with it, each with a new event id, so that they
    /// alert again
    #[arg(long)]
    pub(crate) now: bool,
    /// Print one JSON object at the end
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
#[command(
    after_help = "K=V sets a request parameter, by its name in records: userName=alice. With a dot it sets a part \
                  of the record: userIdentity.type=Root, userIdentity.userName=ci, responseElements.x=…, \
                  additionalEventData.x=…, requestParameters.x.y=…. The record's own fields are set by their \
                  names: errorCode, errorMessage, eventTime, eventID, requestID, sourceIPAddress, userAgent, \
                  awsRegion, recipientAccountId, readOnly, …; a request parameter of such a name is set with \
                  requestParameters. before it. Lists and objects are given as JSON; a plain list with commas.\n\n\
                  Exit codes: 0 done; 2 the model knows no such event or member, or the server refused it."
)]
pub(crate) struct Emit {
    #[command(flatten)]
    pub(crate) place: Place,
    /// The service, as in records: sns.amazonaws.com, or sns
    pub(crate) source: String,
    /// The call, as in records: CreateTopic
    pub(crate) event: String,
    /// What the record says
    #[arg(value_name = "K=V")]
    pub(crate) fields: Vec<String>,
    /// Put it onto the road of the running server too, as `replay` does
    #[arg(long)]
    pub(crate) send: bool,
}
