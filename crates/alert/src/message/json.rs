//! The alert as JSON on one line: for webhooks, topics and files.

use flow::Finding;
use serde::Serialize;
use serde_json::Value;

use super::{Message, escape};

#[derive(Serialize)]
struct Alert<'a> {
    id: &'a str,
    rule: Rule<'a>,
    who: &'a str,
    what: &'a str,
    account: &'a str,
    region: &'a str,
    source_ip: &'a str,
    user_agent: &'a str,
    outcome: &'a str,
    time: &'a str,
    object: &'a str,
    record: Option<&'a Value>,
}

#[derive(Serialize)]
struct Rule<'a> {
    id: &'a str,
    title: &'a str,
    level: &'a str,
}

/// One line of JSON, at most `bytes_max` bytes where the facts alone fit: a record that does not
/// fit is null, and `object` says where it stands.
pub(crate) fn render(message: &Message, finding: &Finding, bytes_max: usize) -> String {
    let whole = line(message, Some(&finding.record));
    if whole.len() <= bytes_max { whole } else { line(message, None) }
}

fn line(message: &Message, record: Option<&Value>) -> String {
    let alert = Alert {
        id: &message.id,
        rule: Rule {
            id: &message.rule_id,
            title: &message.rule_title,
            level: message.level.as_str(),
        },
        who: &message.who,
        what: &message.what,
        account: &message.account,
        region: &message.region,
        source_ip: &message.source_ip,
        user_agent: &message.user_agent,
        outcome: &message.outcome,
        time: &message.when,
        object: &message.object,
        record,
    };
    escape::json(&serde_json::to_string(&alert).expect("an alert is plain data"))
}
