//! Which messages of a batch a function has not dealt with, by what it answered.

use std::collections::HashSet;

use serde_json::Value;

use super::batch::Batch;

/// The ids of the messages that are to come again; `None` where the whole batch is, since the
/// answer names no failures in the one form that there is.
pub(super) fn failures(batch: &Batch, payload: &[u8]) -> Option<HashSet<String>> {
    if payload.iter().all(u8::is_ascii_whitespace) {
        return Some(HashSet::new());
    }
    let answer: Value = serde_json::from_slice(payload).ok()?;
    let items = match &answer {
        Value::Null => return Some(HashSet::new()),
        Value::String(text) if text.is_empty() => return Some(HashSet::new()),
        Value::Array(items) if items.is_empty() => return Some(HashSet::new()),
        Value::Object(members) => match members.get("batchItemFailures") {
            None | Some(Value::Null) => return Some(HashSet::new()),
            Some(items) => items.as_array()?,
        },
        _ => return None,
    };
    let known: HashSet<&str> = batch.0.iter().map(|held| held.message_id.as_str()).collect();
    let failed = items.iter().map(|item| {
        let id = item.get("itemIdentifier")?.as_str()?;
        known.contains(id).then(|| id.to_owned())
    });
    failed.collect()
}

#[cfg(test)]
mod tests {
    use flow::Timestamp;

    use super::*;
    use crate::source::batch::Held;

    fn check(payload: &str, expected: Option<&[&str]>) {
        let held = |id: &str| Held {
            message_id: id.to_owned(),
            handle: String::new(),
            record: String::new(),
            received: Timestamp::from_secs(0),
        };
        let failed = failures(&Batch(vec![held("a"), held("b")]), payload.as_bytes());
        let expected = expected.map(|ids| ids.iter().map(|id| (*id).to_owned()).collect());
        assert_eq!(failed, expected, "{payload}");
    }

    #[test]
    fn nothing_said_is_nothing_failed() {
        for nothing in
            ["", " \n", "null", "{}", "[]", "\"\"", r#"{"batchItemFailures":null}"#, r#"{"a":[]}"#]
        {
            check(nothing, Some(&[]));
        }
    }

    #[test]
    fn named_messages_have_failed() {
        check(r#"{"batchItemFailures":[{"itemIdentifier":"b"}]}"#, Some(&["b"]));
        let both = r#"{"batchItemFailures":[{"itemIdentifier":"a"},{"itemIdentifier":"b"}]}"#;
        check(both, Some(&["a", "b"]));
    }

    #[test]
    fn an_answer_of_another_form_fails_the_whole_batch() {
        for wrong in [
            "{",
            "\"done\"",
            r#"{"batchItemFailures":{}}"#,
            r#"{"batchItemFailures":["a"]}"#,
            r#"{"batchItemFailures":[{"itemIdentifier":""}]}"#,
            r#"{"batchItemFailures":[{"itemIdentifier":null}]}"#,
            r#"{"batchItemFailures":[{"id":"a"}]}"#,
            r#"{"batchItemFailures":[{"itemIdentifier":"a"},{"itemIdentifier":"c"}]}"#,
        ] {
            check(wrong, None);
        }
    }
}
