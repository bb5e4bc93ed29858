//! What `trailhound users` takes.

use std::path::PathBuf;

use clap::Subcommand;

use crate::args::Place;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "These are calls of IAM by the server's root key: they are in the log, and what AWS's clients do \
                  with users they see here."
)]
pub(crate) struct Users {
    #[command(subcommand)]
    pub(crate) command: UsersCommand,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Account {
    #[command(flatten)]
    pub(crate) place: Place,
    /// A PEM file of who vouches for the endpoint's certificate, where the machine does not know it
    #[arg(long, env = "AWS_CA_BUNDLE", value_name = "FILE")]
    pub(crate) ca_bundle: Option<PathBuf>,
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum UsersCommand {
    /// List users and their keys
    List {
        #[command(flatten)]
        account: Account,
    },
    /// Make a user with a key, which is shown this once
    Add {
        #[command(flatten)]
        account: Account,
        /// The user's name
        name: String,
        /// What the user may: a policy's ARN, or the name of one of AWS's such as ReadOnlyAccess;
        /// nothing where none is given
        #[arg(long, value_name = "POLICY")]
        policy: Vec<String>,
    },
    /// Make a new key, which is shown this once, and disable the ones before
    Rotate {
        #[command(flatten)]
        account: Account,
        /// The user's name
        name: String,
        /// Leave the keys before as they are, until their users have the new one
        #[arg(long)]
        keep: bool,
    },
    /// Disable a user's keys: all, or those named
    Disable {
        #[command(flatten)]
        account: Account,
        /// The user's name
        name: String,
        /// Ids of keys, as `users list` shows them; all where none is given
        #[arg(value_name = "KEY")]
        keys: Vec<String>,
    },
}
