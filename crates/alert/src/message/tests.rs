//! What an alert says, and what a hostile record cannot make it do.

use flow::{Finding, Level, RuleRef};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Message, escape, json as as_json, message, slack, text};

fn finding(record: Value) -> Finding {
    Finding {
        id: "0123456789abcdef0123456789abcdef".into(),
        rule: RuleRef {
            id: "6f6e7a52-1d0c-4a53-8f3b-2f3f6d4f1c11".into(),
            title: "SNS topic created".into(),
            level: Level::High,
        },
        record,
        object: "s3://logs/AWSLogs/123456789012/CloudTrail/a.json.gz".into(),
    }
}

fn plain_record() -> Value {
    json!({
        "userIdentity": {"type": "Root", "arn": "arn:aws:iam::123456789012:root"},
        "eventTime": "2026-11-23T10:00:00Z",
        "eventSource": "sns.amazonaws.com",
        "eventName": "CreateTopic",
        "awsRegion": "us-east-2",
        "sourceIPAddress": "192.0.2.1",
        "userAgent": "aws-cli/2",
        "recipientAccountId": "123456789012",
    })
}

const NASTY: &str = "\u{1b}[2J\u{9b}31m\r\n\n<!channel> <https://evil.example|click> *bold* `code` \
                     _it_ ~no~ <script>alert(1)</script> & \u{202e}gnp.exe\u{2066}\u{200b}\u{e0041}";

/// A record whose every text is hostile, a megabyte of it in one.
fn hostile() -> Finding {
    let mut finding = finding(json!({
        "userIdentity": {"arn": NASTY},
        "eventTime": NASTY,
        "eventSource": NASTY,
        "eventName": NASTY,
        "awsRegion": NASTY,
        "sourceIPAddress": NASTY,
        "userAgent": NASTY.repeat(1024 * 1024 / NASTY.len() + 1),
        "errorCode": NASTY,
        "errorMessage": NASTY,
        "recipientAccountId": NASTY,
    }));
    finding.object = format!("s3://logs/{NASTY}");
    finding.rule.title = NASTY.to_owned();
    finding
}

fn facts(record: Value) -> Message {
    message(&finding(record))
}

#[test]
fn an_alert_says_who_what_where_from_where_how_and_when() {
    let expected = "\
[high] SNS topic created
  what     sns.amazonaws.com:CreateTopic
  who      arn:aws:iam::123456789012:root
  where    123456789012 us-east-2
  from     192.0.2.1, aws-cli/2
  outcome  success
  when     2026-11-23T10:00:00Z
  rule     6f6e7a52-1d0c-4a53-8f3b-2f3f6d4f1c11
  object   s3://logs/AWSLogs/123456789012/CloudTrail/a.json.gz
  alert    0123456789abcdef0123456789abcdef
";
    let message = facts(plain_record());
    assert_eq!(text::render(&message), expected);
    assert_eq!(text::subject(&message), "[high] SNS topic created: sns.amazonaws.com:CreateTopic");
}

#[test]
fn who_and_outcome_are_told_from_what_the_record_has() {
    let who = |identity: Value| facts(json!({"userIdentity": identity})).who;
    assert_eq!(who(json!({"arn": "a", "userName": "b"})), "a");
    assert_eq!(who(json!({"userName": "b", "type": "IAMUser"})), "b");
    assert_eq!(
        who(json!({"type": "AWSService", "invokedBy": "s3.amazonaws.com"})),
        "s3.amazonaws.com"
    );
    let anonymous = json!({"type": "AWSAccount", "principalId": "", "accountId": "anonymous"});
    assert_eq!(who(anonymous), "anonymous");
    assert_eq!(who(json!({"arn": "", "type": "Unknown"})), "Unknown");
    assert_eq!(who(json!(null)), "unknown");
    let outcome = |record: Value| facts(record).outcome;
    assert_eq!(outcome(json!({"errorCode": "AccessDenied"})), "AccessDenied");
    let both = json!({"errorCode": "AccessDenied", "errorMessage": "No."});
    assert_eq!(outcome(both), "AccessDenied: No.");
    assert_eq!(outcome(json!({"errorCode": null})), "success");
}

#[test]
fn the_json_holds_the_whole_record_in_one_line() {
    let finding = finding(plain_record());
    let line = as_json::render(&message(&finding), &finding, 1_000_000);
    let alert: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(alert["record"], finding.record);
    assert_eq!(alert["id"], finding.id.as_str());
    assert_eq!(alert["rule"]["level"], "high");
    assert_eq!(alert["what"], "sns.amazonaws.com:CreateTopic");
}

#[test]
fn hostile_text_stays_text_in_json() {
    let hostile = hostile();
    for bytes_max in [256 * 1024, 8 * 1024 * 1024] {
        let line = as_json::render(&message(&hostile), &hostile, bytes_max);
        assert!(line.len() <= bytes_max);
        assert!(!line.contains(escape::acts));
        let alert: Value = serde_json::from_str(&line).unwrap();
        let whole = bytes_max > 1024 * 1024;
        assert_eq!(alert["record"] == hostile.record, whole, "exact, or not at all");
        assert_eq!(alert["record"].is_null(), !whole);
        assert_eq!(alert["who"], NASTY);
    }
}

#[test]
fn hostile_text_stays_text_in_a_terminal() {
    let shown = text::render(&message(&hostile()));
    assert_eq!(shown.lines().count(), 10);
    assert!(!shown.replace('\n', "").contains(escape::acts));
    assert!(shown.len() < 64 * 1024);
    assert!(shown.contains("\\u{1b}[2J\\u{9b}31m\\r\\n\\n"), "{shown}");
}

#[test]
fn hostile_text_stays_text_in_a_subject() {
    let subject = text::subject(&message(&hostile()));
    assert!(subject.len() < 100 && subject.bytes().all(|b| (b' '..=b'~').contains(&b)));
    assert!(subject.starts_with("[high] "));
}

/// All texts of Slack's blocks, with how Slack reads them.
fn texts(value: &Value, found: &mut Vec<(bool, String)>) {
    match value {
        Value::Object(members) => {
            if let Some(Value::String(text)) = members.get("text") {
                found.push((members.get("type") != Some(&json!("plain_text")), text.clone()));
            }
            members.values().for_each(|member| texts(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
        _ => {}
    }
}

#[test]
fn hostile_text_stays_text_in_slack() {
    let body: Value = serde_json::from_str(&slack::render(&message(&hostile()))).unwrap();
    let mut found = Vec::new();
    texts(&body, &mut found);
    assert_eq!(found.len(), 11, "the fallback, the header, eight facts and the id");
    for (markdown, text) in found {
        assert!(text.chars().count() <= if markdown { 4_000 } else { 150 });
        assert!(!text.contains(['<', '>']), "{text}");
        assert!(!text.replace('\n', "").contains(escape::acts), "{text}");
        if markdown {
            // Outside code spans stands only what we wrote.
            let outside: String = text.split('`').step_by(2).collect();
            assert_eq!(text.matches('`').count() % 2, 0, "{text}");
            assert!(outside.len() < 20 && !outside.contains("bold"), "{outside}");
            assert!(text.split('`').skip(1).step_by(2).all(|code| !code.contains('\n')));
        }
    }
    for field in body["blocks"][1]["fields"].as_array().unwrap() {
        assert!(field["text"].as_str().unwrap().chars().count() <= 2_000);
        assert_eq!(field["verbatim"], true);
    }
}

#[test]
fn slack_shows_a_plain_record() {
    let body: Value = serde_json::from_str(&slack::render(&facts(plain_record()))).unwrap();
    assert_eq!(body["blocks"][0]["text"]["text"], "[high] SNS topic created");
    assert_eq!(body["blocks"][1]["fields"][1]["text"], "*Who*\n`arn:aws:iam::123456789012:root`");
}

proptest! {
    #[test]
    fn escaped_json_means_the_same(text in "\\PC*|.*") {
        let value = json!({"a": text});
        let escaped = escape::json(&value.to_string());
        prop_assert!(!escaped.contains(escape::acts));
        prop_assert_eq!(serde_json::from_str::<Value>(&escaped).unwrap(), value);
    }

    #[test]
    fn no_text_breaks_out_of_any_form(text in ".{0,600}") {
        let record = json!({"userAgent": text, "eventName": text});
        let shown = text::render(&facts(record.clone()));
        prop_assert_eq!(shown.matches('\n').count(), 10);
        let slack: Value = serde_json::from_str(&slack::render(&facts(record))).unwrap();
        let mut found = Vec::new();
        texts(&slack, &mut found);
        prop_assert!(found.iter().all(|(_, text)| !text.contains(['<', '>'])));
    }
}
