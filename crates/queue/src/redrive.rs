//! Where messages go that were received too often, and who may send them there.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// How often a message may be received at most before it moves (`maxReceiveCount`).
const RECEIVES_MAX: u64 = 1_000;

/// Queues that `sourceQueueArns` may name.
const SOURCES_MAX: usize = 10;

/// `RedrivePolicy`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Redrive {
    /// The ARN of the dead-letter queue.
    pub(crate) target: String,
    /// A message that was received so often moves at the next receive.
    pub(crate) receives_max: u32,
}

impl Redrive {
    /// Reads the attribute's JSON; the error is a reason, as SQS words it.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        let members = object(text).ok_or("Redrive policy is not a valid JSON map.")?;
        let target = members
            .get("deadLetterTargetArn")
            .and_then(Value::as_str)
            .ok_or("Redrive policy does not contain mandatory attribute: deadLetterTargetArn.")?;
        let receives = members
            .get("maxReceiveCount")
            .ok_or("Redrive policy does not contain mandatory attribute: maxReceiveCount.")?;
        // AWS takes the number as text too, and most tools send it so.
        let number = receives.as_u64().or_else(|| receives.as_str()?.parse().ok());
        let receives_max = number
            .filter(|number| (1..=RECEIVES_MAX).contains(number))
            .and_then(|number| u32::try_from(number).ok())
            .ok_or("Invalid value for maxReceiveCount: it must be from 1 to 1000.")?;
        if members.len() > 2 {
            return Err(
                "Only following attributes are supported: [deadLetterTargetArn, maxReceiveCount].",
            );
        }
        Ok(Self { target: target.to_owned(), receives_max })
    }

    pub(crate) fn to_text(&self) -> String {
        json!({"deadLetterTargetArn": self.target, "maxReceiveCount": self.receives_max})
            .to_string()
    }
}

/// `RedriveAllowPolicy`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Allow {
    All,
    Nobody,
    /// These queues.
    Sources(Vec<String>),
}

impl Allow {
    /// Reads the attribute's JSON; the error is a reason.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        let members = object(text).ok_or("Redrive allow policy is not a valid JSON map.")?;
        let sources = members.get("sourceQueueArns");
        match members.get("redrivePermission").and_then(Value::as_str) {
            Some("allowAll") if sources.is_none() => Ok(Self::All),
            Some("denyAll") if sources.is_none() => Ok(Self::Nobody),
            Some("byQueue") => {
                let arns =
                    sources.and_then(Value::as_array).ok_or("sourceQueueArns is missing.")?;
                let arns: Option<Vec<String>> =
                    arns.iter().map(|arn| arn.as_str().map(str::to_owned)).collect();
                arns.filter(|arns| (1..=SOURCES_MAX).contains(&arns.len()))
                    .map(Self::Sources)
                    .ok_or("sourceQueueArns must be 1 to 10 ARNs of queues.")
            }
            Some("allowAll" | "denyAll") => {
                Err("sourceQueueArns may only be given with redrivePermission byQueue.")
            }
            _ => Err("redrivePermission must be allowAll, denyAll or byQueue."),
        }
    }

    pub(crate) fn to_text(&self) -> String {
        match self {
            Self::All => json!({"redrivePermission": "allowAll"}),
            Self::Nobody => json!({"redrivePermission": "denyAll"}),
            Self::Sources(arns) => {
                json!({"redrivePermission": "byQueue", "sourceQueueArns": arns})
            }
        }
        .to_string()
    }

    /// Whether the queue `source` may send its dead letters here.
    pub(crate) fn admits(&self, source: &str) -> bool {
        match self {
            Self::All => true,
            Self::Nobody => false,
            Self::Sources(arns) => arns.iter().any(|arn| arn == source),
        }
    }
}

fn object(text: &str) -> Option<Map<String, Value>> {
    match serde_json::from_str(text) {
        Ok(Value::Object(members)) => Some(members),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TARGET: &str = "arn:aws:sqs:us-east-2:123456789012:dead";

    #[test]
    fn a_count_may_be_a_number_or_text() {
        for count in ["5", "\"5\""] {
            let text = format!(r#"{{"deadLetterTargetArn":"{TARGET}","maxReceiveCount":{count}}}"#);
            let read = Redrive::parse(&text).unwrap();
            assert_eq!(read.receives_max, 5);
            assert_eq!(Redrive::parse(&read.to_text()).unwrap(), read);
        }
    }

    #[test]
    fn a_policy_without_its_members_says_which() {
        for (text, expected) in [
            ("nonsense", "JSON"),
            (r#"{"maxReceiveCount":5}"#, "deadLetterTargetArn"),
            (r#"{"deadLetterTargetArn":"a"}"#, "maxReceiveCount"),
            (r#"{"deadLetterTargetArn":"a","maxReceiveCount":0}"#, "maxReceiveCount"),
            (r#"{"deadLetterTargetArn":"a","maxReceiveCount":1001}"#, "maxReceiveCount"),
        ] {
            let why = Redrive::parse(text).unwrap_err();
            assert!(why.contains(expected), "{text}: {why}");
        }
    }

    #[test]
    fn only_queues_that_are_named_are_admitted() {
        let text = format!(r#"{{"redrivePermission":"byQueue","sourceQueueArns":["{TARGET}"]}}"#);
        let allow = Allow::parse(&text).unwrap();
        assert!(allow.admits(TARGET) && !allow.admits("another"));
        assert!(!Allow::parse(r#"{"redrivePermission":"denyAll"}"#).unwrap().admits(TARGET));
        assert!(Allow::parse(r#"{"redrivePermission":"allowAll"}"#).unwrap().admits(TARGET));
        assert!(Allow::parse(r#"{"redrivePermission":"sometimes"}"#).is_err());
        assert!(Allow::parse(r#"{"redrivePermission":"byQueue","sourceQueueArns":[]}"#).is_err());
    }
}
