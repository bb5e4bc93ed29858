//! The alert as Slack's blocks (Slack, "Reference: Layout blocks" and "Formatting text").
//!
//! Whatever a record holds stands inside a code span: there Slack turns nothing into a link, a
//! mention or bold text. `&`, `<` and `>` are escaped everywhere.

use serde_json::{Value, json};

use super::{Message, escape::plain};

/// Slack takes headers of 150 characters and fields of 2,000, escapes included.
const HEADER_CHARS_MAX: usize = 150;
const FIELD_CHARS_MAX: usize = 2_000;

/// The body of a post to an incoming webhook.
pub(crate) fn render(message: &Message) -> String {
    let Message { id, level, rule_title, rule_id, .. } = message;
    let header = format!("[{level}] {rule_title}");
    let place = format!("{} {}", message.account, message.region);
    let from = format!("{}, {}", message.source_ip, message.user_agent);
    let fields: Vec<Value> = [
        ("What", message.what.as_str()),
        ("Who", &message.who),
        ("Where", &place),
        ("From", &from),
        ("Outcome", &message.outcome),
        ("When", &message.when),
        ("Rule", rule_id),
        ("Object", &message.object),
    ]
    .into_iter()
    .map(|(name, value)| markdown(&format!("*{name}*\n"), value))
    .collect();
    json!({
        "text": format!(
            "{} {}", code(&header, HEADER_CHARS_MAX), code(&message.what, FIELD_CHARS_MAX)
        ),
        "blocks": [
            {"type": "header", "text": {
                "type": "plain_text", "emoji": false, "text": fit(&plain(&header), HEADER_CHARS_MAX),
            }},
            {"type": "section", "fields": fields},
            {"type": "context", "elements": [markdown("Alert ", id)]},
        ],
        "unfurl_links": false,
        "unfurl_media": false,
    })
    .to_string()
}

fn markdown(name: &str, value: &str) -> Value {
    let room = FIELD_CHARS_MAX - name.chars().count();
    json!({"type": "mrkdwn", "verbatim": true, "text": format!("{name}{}", code(value, room))})
}

/// A code span of at most `max` characters that nothing in `text` can end.
fn code(text: &str, max: usize) -> String {
    format!("`{}`", fit(&plain(text).replace('`', "'"), max.saturating_sub(2)))
}

/// `text` with Slack's three special characters escaped, cut to `max` characters between escapes.
fn fit(text: &str, max: usize) -> String {
    let mut out = String::new();
    let mut left = max;
    for c in text.chars() {
        let mut itself = [0; 4];
        let piece = match c {
            '&' => "&amp;",
            '<' => "&lt;",
            '>' => "&gt;",
            _ => c.encode_utf8(&mut itself),
        };
        let Some(rest) = left.checked_sub(piece.chars().count()) else { break };
        left = rest;
        out.push_str(piece);
    }
    out
}
