//! The alert as text: for a terminal, and a topic's subject.

use super::{
    Message,
    escape::{ascii, plain},
};

/// SNS takes subjects of less than 100 characters.
const SUBJECT_CHARS_MAX: usize = 99;

/// A few lines for a person at a terminal, the last one ended too.
pub(crate) fn render(message: &Message) -> String {
    let Message { id, level, rule_title, rule_id, .. } = message;
    let place = format!("{} {}", message.account, message.region);
    let from = format!("{}, {}", message.source_ip, message.user_agent);
    let mut text = format!("[{level}] {}\n", plain(rule_title));
    for (name, value) in [
        ("what", &message.what),
        ("who", &message.who),
        ("where", &place),
        ("from", &from),
        ("outcome", &message.outcome),
        ("when", &message.when),
        ("rule", rule_id),
        ("object", &message.object),
        ("alert", id),
    ] {
        text.push_str(&format!("  {name:<8} {}\n", plain(value)));
    }
    text
}

/// One line of printable ASCII that says the most in the least.
pub(crate) fn subject(message: &Message) -> String {
    let Message { level, rule_title, what, .. } = message;
    ascii(&format!("[{level}] {rule_title}: {what}"), SUBJECT_CHARS_MAX)
}
