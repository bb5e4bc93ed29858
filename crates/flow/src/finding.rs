//! What a rule says of a record, on its way to an alert.

use std::{fmt, str::FromStr};

use sha2::{Digest, Sha256};

/// A rule that holds for a record.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Finding {
    /// The alert's id, from [`alert_id`]: the same rule and event give the same id, always.
    pub id: String,
    /// The rule.
    pub rule: RuleRef,
    /// The whole record.
    pub record: serde_json::Value,
    /// Where the record was read: `s3://bucket/key` or a path.
    pub object: String,
}

/// What an alert says of its rule.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct RuleRef {
    /// The rule's id, a UUID in Sigma's rules.
    pub id: String,
    /// The title.
    pub title: String,
    /// The severity.
    pub level: Level,
}

/// Sigma's levels, in rising order.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Of interest together with other events.
    Informational,
    /// Worth noting.
    Low,
    /// Worth a look.
    Medium,
    /// Worth a prompt look.
    High,
    /// Worth waking somebody.
    Critical,
}

impl Level {
    /// The level's name in lower case.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Informational => "informational",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Level {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Informational, Self::Low, Self::Medium, Self::High, Self::Critical]
            .into_iter()
            .find(|level| level.as_str() == text)
            .ok_or_else(|| {
                format!(
                    "`{text}` is not a level: give informational, low, medium, high or critical"
                )
            })
    }
}

/// The id under which `rule_id` alerts on a record: 32 hex digits of a SHA-256 over rule, account,
/// region and event id, or over the record's bytes where it has no event id.
pub fn alert_id(rule_id: &str, record: &serde_json::Value, raw: &[u8]) -> String {
    let field = |name| record.get(name).and_then(serde_json::Value::as_str).unwrap_or_default();
    let mut hash = Sha256::new();
    let mut part = |bytes: &[u8]| {
        // Lengths keep `ab` + `c` apart from `a` + `bc`.
        hash.update((bytes.len() as u64).to_be_bytes());
        hash.update(bytes);
    };
    part(rule_id.as_bytes());
    match field("eventID") {
        "" => part(raw),
        event_id => {
            part(field("recipientAccountId").as_bytes());
            part(field("awsRegion").as_bytes());
            part(event_id.as_bytes());
        }
    }
    let digest = hash.finalize();
    digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}
