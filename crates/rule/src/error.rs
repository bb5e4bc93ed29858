//! What is wrong with a rule, and what is wrong with a record.

use std::fmt;

/// A rule that was refused: where, and what would have to change.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Problem {
    /// The name under which the text was given, a path as a rule.
    pub file: String,
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong, for the rule's author.
    pub reason: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.reason)
    }
}

/// Why a record could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It never will be: the bytes are no record.
    #[error("the record is not a JSON object")]
    NotARecord(#[source] Option<serde_json::Error>),
}
