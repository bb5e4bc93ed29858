//! What an alert says: who did what, where, from where, how it ended, when, and by which rule.

pub(crate) mod escape;
pub(crate) mod json;
pub(crate) mod slack;
pub(crate) mod text;

use flow::{Finding, Level};
use serde_json::Value;

/// Characters of one fact; what follows is cut off. The record itself is never cut.
const FACT_CHARS_MAX: usize = 512;

/// The facts of a finding, cut to a readable length and *not* escaped: each form does that for
/// where it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) id: String,
    pub(crate) level: Level,
    pub(crate) rule_title: String,
    pub(crate) rule_id: String,
    /// `sns.amazonaws.com:CreateTopic`.
    pub(crate) what: String,
    pub(crate) who: String,
    pub(crate) account: String,
    pub(crate) region: String,
    pub(crate) source_ip: String,
    pub(crate) user_agent: String,
    /// `success`, or the error's code and message.
    pub(crate) outcome: String,
    pub(crate) when: String,
    pub(crate) object: String,
}

/// What stands for a fact that the record does not hold.
const UNKNOWN: &str = "unknown";

/// The facts of `finding`.
pub(crate) fn message(finding: &Finding) -> Message {
    let record = &finding.record;
    let fact = |pointers: &[&str]| {
        let found = pointers.iter().find_map(|pointer| text(record, pointer));
        found.map_or_else(|| UNKNOWN.to_owned(), |found| cut(&found))
    };
    let source = fact(&["/eventSource"]);
    let name = fact(&["/eventName"]);
    Message {
        id: cut(&finding.id),
        level: finding.rule.level,
        rule_title: cut(&finding.rule.title),
        rule_id: cut(&finding.rule.id),
        what: format!("{source}:{name}"),
        who: fact(&[
            "/userIdentity/arn",
            "/userIdentity/userName",
            "/userIdentity/invokedBy",
            "/userIdentity/principalId",
            "/userIdentity/accountId",
            "/userIdentity/type",
        ]),
        account: fact(&["/recipientAccountId", "/userIdentity/accountId"]),
        region: fact(&["/awsRegion"]),
        source_ip: fact(&["/sourceIPAddress"]),
        user_agent: fact(&["/userAgent"]),
        outcome: outcome(record),
        when: fact(&["/eventTime"]),
        object: cut(&finding.object),
    }
}

fn outcome(record: &Value) -> String {
    match (text(record, "/errorCode"), text(record, "/errorMessage")) {
        (None, None) => "success".to_owned(),
        (Some(code), None) => cut(&code),
        (None, Some(message)) => format!("failed: {}", cut(&message)),
        (Some(code), Some(message)) => format!("{}: {}", cut(&code), cut(&message)),
    }
}

/// A scalar of the record as text; `None` where it is missing, null or empty.
fn text(record: &Value, pointer: &str) -> Option<String> {
    match record.pointer(pointer)? {
        Value::String(text) if text.is_empty() => None,
        Value::String(text) => Some(text.clone()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
        scalar => Some(scalar.to_string()),
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(FACT_CHARS_MAX) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests;
