//! What the function answers, within what Lambda lets through.

use flow::Finding;
use record::json_bytes;
use serde_json::{Map, Value, json};

use crate::error::Error;

/// The longest response that Lambda takes, in bytes, less some room for its own wrapping.
const RESPONSE_BYTES_MAX: usize = 6 * 1024 * 1024 - 4 * 1024;
/// The longest text that a trimmed record keeps, in characters.
const TRIMMED_TEXT_CHARS_MAX: usize = 256;

/// What was found in the objects of one event.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Response {
    /// Each rule that holds, for each record. Where the whole records would not fit, the longest
    /// are trimmed to who, what and where, with `"trimmed": true` among their members.
    pub findings: Vec<Finding>,
    /// Objects, or parts of them, that cannot be read and never will be.
    pub rejected: Vec<Rejected>,
    /// How many log objects were read.
    pub objects: u64,
    /// How many records they held.
    pub records: u64,
    /// How many objects are no logs, or are gone by the event itself.
    pub skipped: u64,
    /// How many alerts the function itself has sent.
    #[serde(default)]
    pub sent: u64,
    /// How many messages of a batch are of no known shape. They are among the failures.
    #[serde(default)]
    pub unrecognised: u64,
    /// Which messages of a batch are to come again; `None` where the event is no batch. Lambda
    /// looks for the name.
    #[serde(rename = "batchItemFailures", default, skip_serializing_if = "Option::is_none")]
    pub batch_item_failures: Option<Vec<ItemFailure>>,
}

/// A message that was not dealt with.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ItemFailure {
    /// SQS's id of it.
    #[serde(rename = "itemIdentifier")]
    pub item_identifier: String,
}

/// Why an object was not read, or not to its end.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Rejected {
    /// The bucket.
    pub bucket: String,
    /// The key.
    pub key: String,
    /// The byte of the inflated text at which it went wrong, where there is one.
    pub offset: Option<u64>,
    /// What is wrong, or what was expected there.
    pub reason: String,
}

impl Response {
    /// Takes in what another object gave.
    pub(crate) fn take(&mut self, other: Self) {
        let Self { findings, rejected, objects, records, skipped, .. } = other;
        self.findings.extend(findings);
        self.rejected.extend(rejected);
        self.objects += objects;
        self.records += records;
        self.skipped += skipped;
    }

    /// The response as it may leave: where it is too long, the longest records are trimmed first.
    /// What was sent already need not be answered too: it is left out where it does not fit.
    pub(crate) fn fitted(self) -> Result<Self, Error> {
        self.fitted_to(RESPONSE_BYTES_MAX)
    }

    fn fitted_to(mut self, bytes_max: usize) -> Result<Self, Error> {
        match self.fit(bytes_max) {
            Ok(()) => Ok(self),
            Err(_) if self.sent > 0 => {
                self.findings.clear();
                Ok(self)
            }
            Err(error) => Err(error),
        }
    }

    fn fit(&mut self, bytes_max: usize) -> Result<(), Error> {
        let mut bytes = json_bytes(self);
        if bytes <= bytes_max {
            return Ok(());
        }
        let mut longest_first: Vec<(usize, usize)> = self
            .findings
            .iter()
            .map(|f| json_bytes(&f.record))
            .enumerate()
            .map(|(i, l)| (l, i))
            .collect();
        longest_first.sort_unstable_by(|a, b| b.cmp(a));
        for (whole, index) in longest_first {
            let Some(finding) = self.findings.get_mut(index) else { continue };
            let trimmed = trimmed(&finding.record);
            let short = json_bytes(&trimmed);
            if short < whole {
                finding.record = trimmed;
                bytes -= whole - short;
            }
            if bytes <= bytes_max {
                return Ok(());
            }
        }
        Err(Error::TooMuch { findings: self.findings.len(), bytes, bytes_max })
    }
}

/// The members that say who, what, where, from where and how it ended.
const KEPT: [&str; 15] = [
    "eventVersion",
    "eventTime",
    "eventSource",
    "eventName",
    "awsRegion",
    "sourceIPAddress",
    "userAgent",
    "errorCode",
    "errorMessage",
    "requestID",
    "eventID",
    "readOnly",
    "eventType",
    "recipientAccountId",
    "eventCategory",
];
const KEPT_OF_IDENTITY: [&str; 6] =
    ["type", "principalId", "arn", "accountId", "userName", "invokedBy"];

/// The record's members that say who, what and where.
pub(crate) fn trimmed(record: &Value) -> Value {
    let keep = |from: Option<&Value>, names: &[&str]| -> Map<String, Value> {
        let member = |name: &&str| {
            let value = match from?.get(name)? {
                Value::String(text) => {
                    Value::String(text.chars().take(TRIMMED_TEXT_CHARS_MAX).collect())
                }
                Value::Array(_) | Value::Object(_) => return None,
                other => other.clone(),
            };
            Some(((*name).to_owned(), value))
        };
        names.iter().filter_map(member).collect()
    };
    let mut kept = keep(Some(record), &KEPT);
    let identity = keep(record.get("userIdentity"), &KEPT_OF_IDENTITY);
    kept.insert("userIdentity".to_owned(), Value::Object(identity));
    kept.insert("trimmed".to_owned(), json!(true));
    Value::Object(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(padding: usize) -> Finding {
        Finding {
            id: "0".repeat(32),
            rule: flow::RuleRef {
                id: "r".to_owned(),
                title: "A rule".to_owned(),
                level: flow::Level::Low,
            },
            record: json!({"eventName": "CreateTopic", "userIdentity": {"type": "Root",
                "sessionContext": {}}, "requestParameters": {"name": "x".repeat(padding)}}),
            object: "s3://b/k".to_owned(),
        }
    }

    #[test]
    fn a_response_that_fits_is_left_alone() {
        let response = Response { findings: vec![finding(10)], ..Response::default() };
        assert_eq!(response.clone().fitted().unwrap(), response);
    }

    #[test]
    fn the_longest_records_are_trimmed_first_and_say_so() {
        let response =
            Response { findings: vec![finding(10), finding(9000)], ..Response::default() };
        let mut fitted = response.clone();
        fitted.fit(2000).unwrap();
        assert_eq!(fitted.findings[0], response.findings[0]);
        assert_eq!(
            fitted.findings[1].record,
            json!({"eventName": "CreateTopic", "userIdentity": {"type": "Root"}, "trimmed": true})
        );
        assert!(json_bytes(&fitted) <= 2000);
    }

    #[test]
    fn what_does_not_fit_even_trimmed_fails_loudly() {
        let mut response = Response { findings: vec![finding(9000); 20], ..Response::default() };
        let error = response.fit(2000).unwrap_err();
        assert!(matches!(error, Error::TooMuch { findings: 20, .. }), "{error}");
    }

    #[test]
    fn what_was_sent_and_does_not_fit_is_not_answered_too() {
        let response = Response { findings: vec![finding(9000); 20], ..Response::default() };
        assert!(matches!(response.clone().fitted_to(2000), Err(Error::TooMuch { .. })));
        let sent = Response { sent: 20, ..response };
        assert_eq!(sent.fitted_to(2000).unwrap(), Response { sent: 20, ..Response::default() });
    }

    #[test]
    fn an_answer_of_an_earlier_version_is_still_read() {
        let old = json!({"findings": [], "rejected": [], "objects": 1, "records": 2, "skipped": 3});
        let read: Response = serde_json::from_value(old).unwrap();
        assert_eq!((read.objects, read.batch_item_failures), (1, None));
    }

    #[test]
    fn lambda_finds_the_failures_of_a_batch_under_its_own_names() {
        let failure = ItemFailure { item_identifier: "m1".to_owned() };
        let batch = Response { batch_item_failures: Some(vec![failure]), ..Response::default() };
        let wire = serde_json::to_value(&batch).unwrap();
        assert_eq!(wire["batchItemFailures"], json!([{"itemIdentifier": "m1"}]));
        let wire = serde_json::to_value(Response::default()).unwrap();
        assert!(wire.get("batchItemFailures").is_none(), "{wire}");
    }
}
