//! What can be set of a queue.

use std::ops::RangeInclusive;

use flow::{Fault, Tree};
use policy::{Kind, Policy};
use serde::{Deserialize, Serialize};

use crate::{
    redrive::{Allow, Redrive},
    refusal,
};

const DELAY_SECONDS: RangeInclusive<u32> = 0..=900;
const MESSAGE_BYTES: RangeInclusive<u32> = 1_024..=1_048_576;
const RETENTION_SECONDS: RangeInclusive<u32> = 60..=1_209_600;
const WAIT_SECONDS: RangeInclusive<u32> = 0..=20;
pub(crate) const VISIBILITY_SECONDS: RangeInclusive<u32> = 0..=43_200;
const KEY_REUSE_SECONDS: RangeInclusive<u32> = 60..=86_400;

/// The largest policy, in bytes.
const POLICY_BYTES_MAX: usize = 64 * 1024;

/// The names that can be set, in the order in which they are told.
pub(crate) const SETTABLE: &[&str] = &[
    "VisibilityTimeout",
    "MaximumMessageSize",
    "MessageRetentionPeriod",
    "DelaySeconds",
    "ReceiveMessageWaitTimeSeconds",
    "Policy",
    "RedrivePolicy",
    "RedriveAllowPolicy",
    "KmsDataKeyReusePeriodSeconds",
    "SqsManagedSseEnabled",
];

/// The attributes of one queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Attributes {
    pub(crate) delay_seconds: u32,
    pub(crate) message_bytes_max: u32,
    pub(crate) retention_seconds: u32,
    pub(crate) wait_seconds: u32,
    pub(crate) visibility_seconds: u32,
    pub(crate) policy: Option<String>,
    pub(crate) redrive: Option<Redrive>,
    pub(crate) redrive_allow: Option<Allow>,
    /// Kept and told, as AWS does for queues without a key of KMS, where it means nothing.
    pub(crate) key_reuse_seconds: Option<u32>,
    /// Kept and told: messages lie in the data directory as everything else does.
    pub(crate) managed_encryption: bool,
}

impl Default for Attributes {
    fn default() -> Self {
        Self {
            delay_seconds: 0,
            message_bytes_max: *MESSAGE_BYTES.end(),
            retention_seconds: 345_600,
            wait_seconds: 0,
            visibility_seconds: 30,
            policy: None,
            redrive: None,
            redrive_allow: None,
            key_reuse_seconds: None,
            managed_encryption: true,
        }
    }
}

impl Attributes {
    /// Sets each member of `given`; all of them or, where one is refused, none.
    pub(crate) fn with(&self, given: Option<&Tree>) -> Result<Self, Fault> {
        let mut changed = self.clone();
        for (name, value) in given.map(Tree::members).unwrap_or_default() {
            changed.set(name, value.as_text().ok_or_else(|| refusal::attribute_value(name))?)?;
        }
        Ok(changed)
    }

    /// Sets one; an empty text takes a policy away.
    fn set(&mut self, name: &str, value: &str) -> Result<(), Fault> {
        let number = |range| number(name, value, range);
        let invalid = |reason| refusal::invalid(value, name, reason);
        let given = Some(value).filter(|value| !value.is_empty());
        match name {
            "DelaySeconds" => self.delay_seconds = number(DELAY_SECONDS)?,
            "MaximumMessageSize" => self.message_bytes_max = number(MESSAGE_BYTES)?,
            "MessageRetentionPeriod" => self.retention_seconds = number(RETENTION_SECONDS)?,
            "ReceiveMessageWaitTimeSeconds" => self.wait_seconds = number(WAIT_SECONDS)?,
            "VisibilityTimeout" => self.visibility_seconds = number(VISIBILITY_SECONDS)?,
            "KmsDataKeyReusePeriodSeconds" => {
                self.key_reuse_seconds = Some(number(KEY_REUSE_SECONDS)?);
            }
            "SqsManagedSseEnabled" => {
                self.managed_encryption = match value.to_ascii_lowercase().as_str() {
                    "true" => true,
                    "false" => false,
                    _ => return Err(refusal::attribute_value(name)),
                }
            }
            "Policy" => self.policy = given.map(policy).transpose()?,
            "RedrivePolicy" => {
                self.redrive = given.map(Redrive::parse).transpose().map_err(invalid)?;
            }
            "RedriveAllowPolicy" => {
                self.redrive_allow = given.map(Allow::parse).transpose().map_err(invalid)?;
            }
            "KmsMasterKeyId" if value.is_empty() => {}
            "KmsMasterKeyId" => {
                return Err(refusal::unsupported("Encryption by keys of KMS (KmsMasterKeyId) is"));
            }
            "FifoQueue" if value.eq_ignore_ascii_case("true") => {
                return Err(refusal::unsupported("FIFO queues are"));
            }
            _ => return Err(refusal::attribute_name(name)),
        }
        Ok(())
    }

    /// The value of one that can be set, where it is set.
    pub(crate) fn tell(&self, name: &str) -> Option<String> {
        match name {
            "DelaySeconds" => Some(self.delay_seconds.to_string()),
            "MaximumMessageSize" => Some(self.message_bytes_max.to_string()),
            "MessageRetentionPeriod" => Some(self.retention_seconds.to_string()),
            "ReceiveMessageWaitTimeSeconds" => Some(self.wait_seconds.to_string()),
            "VisibilityTimeout" => Some(self.visibility_seconds.to_string()),
            "Policy" => self.policy.clone(),
            "RedrivePolicy" => self.redrive.as_ref().map(Redrive::to_text),
            "RedriveAllowPolicy" => self.redrive_allow.as_ref().map(Allow::to_text),
            "KmsDataKeyReusePeriodSeconds" => self.key_reuse_seconds.map(|n| n.to_string()),
            "SqsManagedSseEnabled" => Some(self.managed_encryption.to_string()),
            _ => None,
        }
    }

    /// The first of `given` by which these differ from `other`.
    pub(crate) fn difference<'a>(&self, other: &Self, given: Option<&'a Tree>) -> Option<&'a str> {
        let names = given.map(Tree::members).unwrap_or_default().iter().map(|(name, _)| &**name);
        names.into_iter().find(|name| self.tell(name) != other.tell(name))
    }

    pub(crate) fn retention_millis(&self) -> i64 {
        i64::from(self.retention_seconds) * 1000
    }
}

fn number(name: &str, value: &str, range: RangeInclusive<u32>) -> Result<u32, Fault> {
    let number = value.parse().ok().filter(|number| range.contains(number));
    number.ok_or_else(|| refusal::attribute_value(name))
}

/// A policy as it came, once it is one that can be honoured.
pub(crate) fn policy(text: &str) -> Result<String, Fault> {
    if text.len() > POLICY_BYTES_MAX {
        return Err(refusal::policy(&format!("It is longer than {POLICY_BYTES_MAX} bytes.")));
    }
    Policy::parse(text, Kind::Queue).map_err(|why| refusal::policy(&why.to_string()))?;
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, value: &str) -> Result<Option<String>, String> {
        let given = Tree::map([(name, Tree::from(value))]);
        let set = Attributes::default().with(Some(&given)).map_err(|fault| fault.code)?;
        Ok(set.tell(name))
    }

    #[test]
    fn every_number_has_the_range_that_aws_documents() {
        for (name, least, most) in [
            ("DelaySeconds", 0, 900),
            ("MaximumMessageSize", 1_024, 1_048_576),
            ("MessageRetentionPeriod", 60, 1_209_600),
            ("ReceiveMessageWaitTimeSeconds", 0, 20),
            ("VisibilityTimeout", 0, 43_200),
        ] {
            for fits in [least, most] {
                assert_eq!(check(name, &fits.to_string()), Ok(Some(fits.to_string())), "{name}");
            }
            for wrong in [(least - 1).to_string(), (most + 1).to_string(), "x".into(), "".into()] {
                assert_eq!(
                    check(name, &wrong),
                    Err("InvalidAttributeValue".to_owned()),
                    "{name}={wrong}"
                );
            }
        }
    }

    #[test]
    fn what_cannot_be_honoured_is_refused_by_name() {
        let unsupported = Err("UnsupportedOperation".to_owned());
        assert_eq!(check("FifoQueue", "true"), unsupported);
        assert_eq!(check("KmsMasterKeyId", "alias/aws/sqs"), unsupported);
        assert_eq!(check("FifoQueue", "false"), Err("InvalidAttributeName".to_owned()));
        assert_eq!(check("Colour", "red"), Err("InvalidAttributeName".to_owned()));
        assert_eq!(check("Policy", "nonsense"), Err("InvalidAttributeValue".to_owned()));
        assert_eq!(check("SqsManagedSseEnabled", "x"), Err("InvalidAttributeValue".to_owned()));
    }

    const POLICY: &str = r#"{"Statement": {
        "Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage",
        "Resource": "arn:aws:sqs:us-east-2:123456789012:jobs"
    }}"#;

    #[test]
    fn a_policy_that_cannot_be_honoured_is_refused_with_its_place() {
        let tells = |text: &str| {
            let given = Tree::map([("Policy", Tree::from(text))]);
            Attributes::default().with(Some(&given)).map_err(|fault| fault.message)
        };
        for (from, to, place) in [
            (r#""Principal": "*","#, "", "Statement[0]"),
            (r#""Allow""#, r#""Maybe""#, "Statement[0].Effect"),
            (r#""Resource""#, r#""Ressource""#, "Statement[0].Ressource"),
        ] {
            let why = tells(&POLICY.replace(from, to)).expect_err(to);
            assert!(why.starts_with("Invalid value for the parameter Policy."), "{why}");
            assert!(why.contains(place), "{why}");
        }
        let own = r#""Resource": "arn:aws:sqs:us-east-2:123456789012:jobs""#;
        let without = POLICY.replace(own, r#""Sid": "s""#);
        assert!(!without.contains("Resource"), "{without}");
        assert_eq!(tells(&without).map(drop), Ok(()), "it is the queue's own");
        let long = " ".repeat(POLICY_BYTES_MAX) + POLICY;
        assert!(tells(&long).expect_err("too long").contains("65536 bytes"));
    }

    #[test]
    fn an_empty_policy_takes_it_away() {
        assert_eq!(check("Policy", POLICY), Ok(Some(POLICY.into())));
        assert_eq!(check("Policy", ""), Ok(None));
        assert_eq!(check("RedrivePolicy", ""), Ok(None));
    }

    #[test]
    fn attributes_of_an_older_row_have_their_defaults() {
        let read: Attributes = serde_json::from_str(r#"{"delay_seconds":7}"#).unwrap();
        assert_eq!(read, Attributes { delay_seconds: 7, ..Attributes::default() });
    }
}
