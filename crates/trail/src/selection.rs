//! What a trail takes.

use std::sync::Arc;

use flow::{AccountId, Region, Timestamp};
use record::select::{DataResources, Facts, Selector, Union};

use crate::settings::{Scope, Settings};

/// Services that AWS runs once for all regions; what they record in [`GLOBAL_REGION`] is a global
/// service event. STS also answers in every region, and there its events are the region's own.
const GLOBAL_SOURCES: &[&str] = &[
    "cloudfront.amazonaws.com",
    "globalaccelerator.amazonaws.com",
    "iam.amazonaws.com",
    "organizations.amazonaws.com",
    "route53.amazonaws.com",
    "sts.amazonaws.com",
];
const GLOBAL_REGION: &str = "us-east-1";

/// What one trail takes.
#[derive(Debug, Default)]
pub(crate) struct Selection {
    selectors: Vec<Selector>,
    /// The only region it takes; all where there is none.
    only: Option<Region>,
    global_events: bool,
}

/// A record that a trail takes, as far as cutting is concerned.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) region: Region,
    /// When the event happened; `None` where the record does not say.
    pub(crate) time: Option<Timestamp>,
}

/// Why an entry is no record.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoRecord {
    #[error("{0}")]
    Json(#[from] serde_json::Error),
    #[error("{0}")]
    Region(#[from] flow::InvalidRegion),
}

impl Selection {
    /// What a trail of these settings takes, where trails deliver to the buckets `destinations`.
    pub(crate) fn of(settings: &Settings, account: &AccountId, destinations: &[&str]) -> Self {
        let mut excluded_arn_prefixes = vec![settings.destination(account)];
        let data = match settings.scope {
            Scope::Management => Vec::new(),
            Scope::ManagementAndS3Data => {
                let folders = destinations.iter().map(|name| format!("arn:aws:s3:::{name}/"));
                excluded_arn_prefixes.extend(folders);
                vec![DataResources::all("AWS::S3::Object")]
            }
        };
        Self {
            selectors: vec![Selector { data, excluded_arn_prefixes, ..Selector::default() }],
            only: (!settings.multi_region).then(|| settings.home.clone()),
            global_events: settings.global_events,
        }
    }

    /// The record `json`, if the trail takes it.
    pub(crate) fn take(&self, json: &[u8]) -> Result<Option<Taken>, NoRecord> {
        let facts = Facts::from_json(json)?;
        if !self.takes(&facts) {
            return Ok(None);
        }
        Ok(Some(Taken { region: facts.region.parse()?, time: facts.time }))
    }

    fn takes(&self, facts: &Facts) -> bool {
        let global =
            facts.region == GLOBAL_REGION && GLOBAL_SOURCES.contains(&facts.source.as_str());
        self.only.as_ref().is_none_or(|only| only.as_str() == facts.region)
            && (self.global_events || !global)
            && self.selectors.iter().any(|selector| selector.selects(facts))
    }
}

/// What any of `selections` may take.
pub(crate) fn union(selections: &[Arc<Selection>]) -> Union {
    Union::new(selections.iter().flat_map(|selection| selection.selectors.iter().cloned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(multi_region: bool, global_events: bool, scope: Scope) -> Settings {
        Settings {
            id: "id".to_owned(),
            name: "one".parse().unwrap(),
            home: "us-east-1".parse().unwrap(),
            bucket: "logs".to_owned(),
            prefix: "p".to_owned(),
            global_events,
            multi_region,
            scope,
            created: Timestamp::default(),
        }
    }

    fn check(settings: &Settings, record: &str, expected: bool) {
        let account = "123456789012".parse().unwrap();
        let selection = Selection::of(settings, &account, &["logs", "logs2"]);
        let taken = selection.take(record.as_bytes()).unwrap();
        assert_eq!(taken.is_some(), expected, "{settings:?} {record}");
    }

    #[test]
    fn a_trail_takes_the_regions_and_global_events_that_it_was_made_for() {
        let event = |source: &str, region: &str| {
            format!(
                r#"{{"eventSource":"{source}.amazonaws.com","awsRegion":"{region}","eventCategory":"Management"}}"#
            )
        };
        for (multi, global, source, region, expected) in [
            (true, true, "sns", "eu-west-1", true),
            (true, true, "iam", "us-east-1", true),
            (false, true, "sns", "us-east-1", true),
            (false, true, "sns", "eu-west-1", false),
            (false, true, "iam", "us-east-1", true),
            (false, false, "iam", "us-east-1", false),
            (false, false, "sts", "us-east-1", false),
            (false, false, "sns", "us-east-1", true),
        ] {
            check(&settings(multi, global, Scope::Management), &event(source, region), expected);
        }
    }

    #[test]
    fn data_events_are_taken_by_the_servers_own_trail_except_those_of_log_buckets() {
        let event = |arn: &str| {
            format!(
                r#"{{"eventSource":"s3.amazonaws.com","awsRegion":"us-east-1","eventCategory":"Data","resources":[{{"type":"AWS::S3::Object","ARN":"{arn}"}}]}}"#
            )
        };
        for (scope, arn, expected) in [
            (Scope::Management, "arn:aws:s3:::photos/x", false),
            (Scope::ManagementAndS3Data, "arn:aws:s3:::photos/x", true),
            (Scope::ManagementAndS3Data, "arn:aws:s3:::logs/p/AWSLogs/123456789012/x", false),
            (Scope::ManagementAndS3Data, "arn:aws:s3:::logs/else", false),
            (Scope::ManagementAndS3Data, "arn:aws:s3:::logs2/x", false),
            (Scope::ManagementAndS3Data, "arn:aws:s3:::logs3/x", true),
        ] {
            check(&settings(true, true, scope), &event(arn), expected);
        }
    }

    #[test]
    fn an_entry_without_a_region_is_no_record() {
        let selection =
            Selection { selectors: vec![Selector::default()], only: None, global_events: true };
        assert!(selection.take(b"{}").is_err());
        assert!(selection.take(b"not json").is_err());
    }
}
