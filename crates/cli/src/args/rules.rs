//! What `trailhound rules` takes.

use std::path::PathBuf;

use clap::Subcommand;

#[derive(Debug, clap::Args)]
pub(crate) struct Rules {
    #[command(subcommand)]
    pub(crate) command: RulesCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RulesCommand {
    /// List the rules: the shipped ones, or those of folders
    List {
        /// Folders or files that replace the shipped rules
        #[arg(long, value_name = "DIR")]
        rules: Vec<PathBuf>,
        /// One JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Write the shipped rules and their test records into a new or empty folder
    Export {
        /// The folder
        dir: PathBuf,
    },
    /// Name everything that is wrong with rules, with file and line; exit 2 where something is
    Check {
        /// Folders or files; the shipped rules where none is given
        paths: Vec<PathBuf>,
    },
    /// Try rules on the records beside them (`NAME.test.yml`); exit 1 where one is judged wrong
    Test {
        /// Folders or files; the shipped rules where none is given
        paths: Vec<PathBuf>,
        /// One JSON object a line
        #[arg(long)]
        json: bool,
        /// Write the results to this file too, as build servers read them
        #[arg(long, value_name = "FILE")]
        junit: Option<PathBuf>,
    },
    /// Show why a rule holds for a record or not: each condition, and the values that decided
    Explain(Explain),
}

#[derive(Debug, clap::Args)]
pub(crate) struct Explain {
    /// A rule's id, its title, or a file
    pub(crate) rule: String,
    /// A file of one record or several, packed or not; - for standard input
    pub(crate) record: PathBuf,
    /// Which record, where there are several: its eventID
    #[arg(long, value_name = "ID")]
    pub(crate) event_id: Option<String>,
    /// Folders or files that replace the shipped rules
    #[arg(long, value_name = "DIR")]
    pub(crate) rules: Vec<PathBuf>,
    /// One JSON object
    #[arg(long)]
    pub(crate) json: bool,
}
