//! What is remembered of a mapping, and the state that it is in.

use std::collections::BTreeMap;

use flow::Timestamp;
use serde::{Deserialize, Serialize};

/// Messages of a batch where nothing is said.
pub(crate) const BATCH_SIZE: u16 = 10;

/// A queue and the function that is invoked with its messages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mapping {
    /// The queue's ARN.
    pub(crate) source: String,
    /// The function's ARN.
    pub(crate) function: String,
    pub(crate) enabled: bool,
    pub(crate) batch_size: u16,
    /// How long a batch may be waited for.
    pub(crate) window_seconds: u16,
    /// Whether the function says which messages it failed at.
    pub(crate) partial: bool,
    /// Patterns, of which one must want a message; none wants all.
    pub(crate) filters: Vec<String>,
    /// Batches at once, where that was said.
    pub(crate) concurrency: Option<u16>,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) modified: Timestamp,
    /// Changes with every change that a poller must know of.
    pub(crate) revision: u64,
    /// What was last asked for.
    pub(crate) step: Step,
}

/// What was last asked for of a mapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Step {
    Creating,
    Enabling,
    Updating,
    Disabling,
    Deleting,
}

impl Step {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Creating => "Creating",
            Self::Enabling => "Enabling",
            Self::Updating => "Updating",
            Self::Disabling => "Disabling",
            Self::Deleting => "Deleting",
        }
    }
}

impl Mapping {
    /// The state, where `live` is the revision that is polled for.
    pub(crate) fn state(&self, live: Option<u64>) -> &'static str {
        match (self.step, self.enabled, live) {
            (Step::Deleting, ..) => Step::Deleting.as_str(),
            (_, false, None) => "Disabled",
            (_, true, Some(revision)) if revision == self.revision => "Enabled",
            (step, ..) => step.as_str(),
        }
    }

    /// The poller to be there: that for this revision, or none.
    pub(crate) fn wanted(&self) -> Option<u64> {
        (self.enabled && self.step != Step::Deleting).then_some(self.revision)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in super::super) fn mapping() -> Mapping {
        Mapping {
            source: "arn:aws:sqs:us-east-2:123456789012:jobs".to_owned(),
            function: "arn:aws:lambda:us-east-2:123456789012:function:f".to_owned(),
            enabled: true,
            batch_size: BATCH_SIZE,
            window_seconds: 0,
            partial: false,
            filters: Vec::new(),
            concurrency: None,
            tags: BTreeMap::new(),
            modified: Timestamp::from_secs(0),
            revision: 2,
            step: Step::Updating,
        }
    }

    #[test]
    fn a_state_lasts_until_the_poller_follows() {
        let check = |enabled, step, live, expected| {
            let state = Mapping { enabled, step, ..mapping() }.state(live);
            assert_eq!(state, expected);
        };
        check(true, Step::Creating, None, "Creating");
        check(true, Step::Creating, Some(2), "Enabled");
        check(true, Step::Updating, Some(1), "Updating");
        check(true, Step::Updating, None, "Updating");
        check(true, Step::Enabling, None, "Enabling");
        check(true, Step::Updating, Some(2), "Enabled");
        check(false, Step::Disabling, Some(1), "Disabling");
        check(false, Step::Disabling, None, "Disabled");
        check(true, Step::Deleting, Some(2), "Deleting");
        check(false, Step::Deleting, None, "Deleting");
    }
}
