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
    /// The response as it may leave: where it is too long, the longest records are trimmed first.
    pub(crate) fn fitted(self) -> Result<Self, Error> {
        self.fitted_to(RESPONSE_BYTES_MAX)
    }

    fn fitted_to(mut self, bytes_max: usize) -> Result<Self, Error> {
        let mut bytes = json_bytes(&self);
        if bytes <= bytes_max {
            return Ok(self);
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
                return Ok(self);
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

fn trimmed(record: &Value) -> Value {
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
        let fitted = response.clone().fitted_to(2000).unwrap();
        assert_eq!(fitted.findings[0], response.findings[0]);
        assert_eq!(
            fitted.findings[1].record,
            json!({"eventName": "CreateTopic", "userIdentity": {"type": "Root"}, "trimmed": true})
        );
        assert!(json_bytes(&fitted) <= 2000);
    }

    #[test]
    fn what_does_not_fit_even_trimmed_fails_loudly() {
        let response = Response { findings: vec![finding(9000); 20], ..Response::default() };
        let error = response.fitted_to(2000).unwrap_err();
        assert!(matches!(error, Error::TooMuch { findings: 20, .. }), "{error}");
    }
}
