//! What is remembered of a function from start to start: one row of a table each.

use std::collections::BTreeMap;

use flow::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    Error, Resources, code::Stored, policy::Policy, runtime::Architecture, version::LATEST,
};

/// All that is remembered of one function.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Row {
    /// `None` where the function is one of ours: the server itself says what it runs.
    pub(crate) deployment: Option<Deployment>,
    /// Changes with every change; callers may ask for none in between.
    pub(crate) revision: String,
    pub(crate) modified: Timestamp,
    pub(crate) tags: BTreeMap<String, String>,
    /// Instances that the function may have, where that was said.
    pub(crate) reserved: Option<u32>,
    #[serde(rename = "statements")]
    pub(crate) policy: Policy,
    /// What becomes of events that it fails at, where that was said.
    pub(crate) events: Option<EventSettings>,
    /// Tells it apart from another of the same name, before or after it.
    #[serde(default)]
    pub(crate) born: String,
    /// The number of the version that was published last.
    #[serde(default)]
    pub(crate) published: u64,
    /// Whether it was changed since then.
    #[serde(default)]
    pub(crate) changed: bool,
    /// By name.
    #[serde(default)]
    pub(crate) aliases: BTreeMap<String, Alias>,
    /// What is set beside a version or an alias, by number or name.
    #[serde(default)]
    pub(crate) beside: BTreeMap<String, Beside>,
}

/// A name for a version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Alias {
    /// A number, or `$LATEST`.
    pub(crate) version: String,
    pub(crate) description: String,
    pub(crate) revision: String,
}

/// What may be set for a version or an alias alone.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Beside {
    pub(crate) policy: Policy,
    pub(crate) events: Option<EventSettings>,
    /// Changes with the policy.
    pub(crate) revision: Option<String>,
}

/// What a user deployed, and how it is to run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Deployment {
    pub(crate) runtime: String,
    pub(crate) handler: String,
    pub(crate) role: String,
    pub(crate) description: String,
    pub(crate) timeout_seconds: u16,
    pub(crate) memory_mib: u16,
    pub(crate) scratch_mib: u16,
    pub(crate) architecture: Architecture,
    /// `None` where the caller named no variables.
    pub(crate) variables: Option<BTreeMap<String, String>>,
    pub(crate) code: Stored,
    /// The ARN of the queue or topic that receives events which it fails at.
    #[serde(default)]
    pub(crate) dead_letters: Option<String>,
}

/// How events are tried again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct EventSettings {
    pub(crate) modified: Timestamp,
    /// Tries after the first.
    pub(crate) retries: Option<u8>,
    /// How old an event may become.
    pub(crate) age_seconds: Option<u32>,
    /// The ARN of what is told of events that it succeeds at.
    #[serde(default)]
    pub(crate) on_success: Option<String>,
    /// The ARN of what is told of events that it fails at.
    #[serde(default)]
    pub(crate) on_failure: Option<String>,
}

impl Row {
    /// The policy of the function, or of one of its versions or aliases.
    pub(crate) fn policy(&self, qualifier: Option<&str>) -> Option<&Policy> {
        match qualifier {
            None | Some(LATEST) => Some(&self.policy),
            Some(other) => self.beside.get(other).map(|beside| &beside.policy),
        }
    }

    pub(crate) fn set_policy(&mut self, qualifier: Option<&str>, policy: Policy, revision: String) {
        match qualifier {
            None | Some(LATEST) => (self.policy, self.revision) = (policy, revision),
            Some(other) => {
                let beside = self.beside.entry(other.to_owned()).or_default();
                (beside.policy, beside.revision) = (policy, Some(revision));
            }
        }
    }

    /// The revision of an alias.
    pub(crate) fn alias_revision(&self, name: &str) -> Option<&str> {
        let alias = self.aliases.get(name)?;
        Some(self.revision_beside(name).unwrap_or(&alias.revision))
    }

    /// The revision that the policy of a version or an alias has given it.
    pub(crate) fn revision_beside(&self, qualifier: &str) -> Option<&str> {
        self.beside.get(qualifier)?.revision.as_deref()
    }

    /// What becomes of events for the function, or for one of its versions or aliases.
    pub(crate) fn events(&self, qualifier: Option<&str>) -> Option<&EventSettings> {
        match qualifier {
            None | Some(LATEST) => self.events.as_ref(),
            Some(other) => self.beside.get(other)?.events.as_ref(),
        }
    }

    pub(crate) fn set_events(&mut self, qualifier: Option<&str>, events: Option<EventSettings>) {
        match qualifier {
            None | Some(LATEST) => self.events = events,
            Some(other) => self.beside.entry(other.to_owned()).or_default().events = events,
        }
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a row is JSON")
    }

    /// Reads the row of `name`.
    pub(crate) fn from_bytes(name: &str, bytes: &[u8]) -> Result<Self, Error> {
        serde_json::from_slice(bytes)
            .map_err(|source| Error::Damaged { name: name.to_owned(), source })
    }
}

impl Deployment {
    pub(crate) fn resources(&self) -> Resources {
        let mebibytes = |count: u16| u64::from(count) * 1024 * 1024;
        Resources {
            timeout_millis: i64::from(self.timeout_seconds) * 1_000,
            memory_bytes: mebibytes(self.memory_mib),
            scratch_bytes: mebibytes(self.scratch_mib),
        }
    }
}
