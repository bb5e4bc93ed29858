//! A bucket's notification configuration, and whom it names for an object.

use crate::Target;

/// All configurations of one bucket.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct NotificationConfiguration {
    /// In the order in which they were given.
    pub configurations: Vec<Configuration>,
}

/// Which events of which keys go to one target.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Configuration {
    /// Given, or made when it was not.
    pub id: String,
    /// What kind of target it is.
    pub kind: TargetKind,
    /// The target's ARN.
    pub arn: String,
    /// Which events, never empty.
    pub events: Vec<EventKind>,
    /// Which keys.
    pub filter: Filter,
}

/// The kinds of targets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum TargetKind {
    /// A Lambda function.
    Function,
    /// An SQS queue.
    Queue,
    /// An SNS topic.
    Topic,
}

/// An event or a family of events, with its `s3:` prefix: `s3:ObjectCreated:*`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct EventKind(pub String);

impl EventKind {
    /// Whether `event_name`, such as `ObjectCreated:Put`, is of this kind.
    pub fn covers(&self, event_name: &str) -> bool {
        let Some(kind) = self.0.strip_prefix("s3:") else { return false };
        match kind.strip_suffix('*') {
            Some(family) => event_name.starts_with(family),
            None => kind == event_name,
        }
    }

    /// Whether some event is of both kinds.
    pub fn overlaps(&self, other: &Self) -> bool {
        let plain = |kind: &Self| kind.0.trim_start_matches("s3:").to_owned();
        self.0 == other.0 || self.covers(&plain(other)) || other.covers(&plain(self))
    }
}

/// Which keys: those with both this prefix and this suffix.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Filter {
    /// `None` where no prefix rule was given; an empty one is kept apart from none.
    pub prefix: Option<String>,
    /// `None` where no suffix rule was given.
    pub suffix: Option<String>,
}

impl Filter {
    /// Whether `key` passes.
    pub fn passes(&self, key: &str) -> bool {
        self.prefix.as_deref().is_none_or(|prefix| key.starts_with(prefix))
            && self.suffix.as_deref().is_none_or(|suffix| key.ends_with(suffix))
    }
}

impl NotificationConfiguration {
    /// Whom to tell that `event_name` (without `s3:`) happened to `key` (not encoded).
    pub fn targets(&self, event_name: &str, key: &str) -> Vec<Target> {
        self.configurations
            .iter()
            .filter(|c| c.events.iter().any(|kind| kind.covers(event_name)))
            .filter(|c| c.filter.passes(key))
            .map(|c| Target { configuration_id: c.id.clone(), arn: c.arn.clone() })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_covers_its_events_and_no_others() {
        let created = EventKind("s3:ObjectCreated:*".to_owned());
        assert!(created.covers("ObjectCreated:Put"));
        assert!(!created.covers("ObjectRemoved:Delete"));
        assert!(created.overlaps(&EventKind("s3:ObjectCreated:Copy".to_owned())));
        assert!(!created.overlaps(&EventKind("s3:ObjectRemoved:*".to_owned())));
    }

    #[test]
    fn a_filter_asks_for_prefix_and_suffix() {
        let filter = Filter { prefix: Some("AWSLogs/".into()), suffix: Some(".gz".into()) };
        assert!(filter.passes("AWSLogs/a.json.gz"));
        assert!(!filter.passes("AWSLogs/a.json"));
        assert!(!filter.passes("other/a.json.gz"));
    }
}
