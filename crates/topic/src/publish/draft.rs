//! What is published, once it is checked.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use flow::{AttributeValue, Fault, QueueMessage, Tree};

use crate::{api::required, topic::invalid};

/// The largest message, in bytes, its attributes included (API_Publish).
pub(super) const MESSAGE_BYTES_MAX: usize = 256 * 1024;
/// The longest subject, in characters (API_Publish).
const SUBJECT_CHARS_MAX: usize = 100;
/// The longest group id, in characters (API_Publish).
const GROUP_CHARS_MAX: usize = 128;
/// The longest name of an attribute, in characters.
const NAME_CHARS_MAX: usize = 256;

/// A message for all subscribers.
pub(super) struct Draft {
    pub(super) subject: Option<String>,
    pub(super) text: String,
    /// Texts for single protocols, from `MessageStructure: json`.
    pub(super) by_protocol: Vec<(String, String)>,
    pub(super) attributes: Vec<(String, String, String)>,
    /// For queues that have subscribed.
    pub(super) group: Option<String>,
    /// What of it counts against the limit, in bytes.
    pub(super) bytes: usize,
}

impl Draft {
    /// A text without more.
    pub(super) fn plain(subject: Option<&str>, text: &str) -> Self {
        Self {
            subject: subject.map(str::to_owned),
            text: text.to_owned(),
            by_protocol: Vec::new(),
            attributes: Vec::new(),
            group: None,
            bytes: text.len(),
        }
    }

    /// A text with attributes.
    pub(super) fn of_message(message: QueueMessage) -> Self {
        let attributes = message.attributes.into_iter().map(|(name, attribute)| {
            let value = match attribute.value {
                AttributeValue::Text(text) => text,
                AttributeValue::Bytes(bytes) => BASE64_STANDARD.encode(bytes),
            };
            (name, attribute.data_type, value)
        });
        let attributes: Vec<_> = attributes.collect();
        let size: usize = attributes.iter().map(|(n, k, v)| n.len() + k.len() + v.len()).sum();
        Self {
            subject: None,
            bytes: message.body.len() + size,
            text: message.body,
            by_protocol: Vec::new(),
            attributes,
            group: message.group,
        }
    }

    /// Reads `Publish` or an entry of `PublishBatch`.
    pub(super) fn from_tree(input: &Tree) -> Result<Self, Fault> {
        if input.get("MessageDeduplicationId").is_some() {
            let why = "The request includes MessageDeduplicationId parameter that is not valid for this topic type";
            return Err(invalid("MessageDeduplicationId", why));
        }
        let group = input.text("MessageGroupId").map(str::to_owned);
        if let Some(group) = &group {
            check_group(group)?;
        }
        let text = required(input, "Message").map_err(|_| {
            Fault::new("InvalidParameterException", "Invalid parameter: Empty message")
        })?;
        let attributes = attributes(input.get("MessageAttributes"))?;
        let size: usize = attributes.iter().map(|(n, k, v)| n.len() + k.len() + v.len()).sum();
        let bytes = text.len() + size;
        if bytes > MESSAGE_BYTES_MAX {
            return Err(Fault::new(
                "InvalidParameterException",
                "Invalid parameter: Message too long",
            ));
        }
        let subject = input.text("Subject").map(str::to_owned);
        if let Some(subject) = &subject {
            check_subject(subject)?;
        }
        let (text, by_protocol) = match input.text("MessageStructure") {
            None => (text.to_owned(), Vec::new()),
            Some("json") => structure(text)?,
            Some(_) => return Err(invalid("MessageStructure", "it must be json")),
        };
        Ok(Self { subject, text, by_protocol, attributes, group, bytes })
    }
}

/// Checks `MessageGroupId`, which standard topics give to the queues that have subscribed.
fn check_group(group: &str) -> Result<(), Fault> {
    let plain = group.bytes().all(|b| b.is_ascii_graphic());
    if plain && (1..=GROUP_CHARS_MAX).contains(&group.len()) {
        return Ok(());
    }
    let why = "it must be 1 to 128 letters, digits and punctuation marks";
    Err(invalid("MessageGroupId", why))
}

fn check_subject(subject: &str) -> Result<(), Fault> {
    let starts = subject.bytes().next().is_some_and(|b| b.is_ascii_graphic());
    let plain = subject.chars().all(|c| c.is_ascii() && !c.is_ascii_control());
    if starts && plain && subject.len() <= SUBJECT_CHARS_MAX {
        return Ok(());
    }
    Err(Fault::new("InvalidParameterException", "Invalid parameter: Subject"))
}

/// The default text and those for single protocols.
fn structure(text: &str) -> Result<(String, Vec<(String, String)>), Fault> {
    let wrong = |why: &str| {
        Fault::new(
            "InvalidParameterException",
            format!("Invalid parameter: Message Structure - {why}"),
        )
    };
    let value: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(text).map_err(|_| wrong("JSON message body failed to parse"))?;
    let texts: Vec<(String, String)> = value
        .into_iter()
        .filter_map(|(name, value)| value.as_str().map(|text| (name, text.to_owned())))
        .collect();
    let default = texts.iter().find(|(name, _)| name == "default");
    let default = default.ok_or_else(|| wrong("No default entry in JSON message body"))?.1.clone();
    Ok((default, texts))
}

/// Reads the attributes of a message: name, type and value, that of binary ones in base64.
fn attributes(tree: Option<&Tree>) -> Result<Vec<(String, String, String)>, Fault> {
    let wrong = |why: String| Fault::new("ParameterValueInvalid", why);
    let mut attributes = Vec::new();
    for (name, value) in tree.map(Tree::members).unwrap_or_default() {
        check_name(name).map_err(|why| {
            wrong(format!("The message attribute name '{name}' is invalid: {why}"))
        })?;
        let kind = value.text("DataType").unwrap_or_default();
        let text = match (kind.split('.').next(), value.get("BinaryValue")) {
            (Some("Binary"), Some(Tree::Blob(bytes))) => Some(BASE64_STANDARD.encode(bytes)),
            (Some("String" | "Number"), _) => value.text("StringValue").map(str::to_owned),
            (Some("Binary"), _) => None,
            _ => {
                return Err(wrong(format!(
                    "The message attribute '{name}' has an invalid message attribute type, the set \
                     of supported type prefixes is Binary, Number, and String."
                )));
            }
        };
        let Some(text) = text.filter(|text| !text.is_empty()) else {
            return Err(wrong(format!(
                "The message attribute '{name}' must contain non-empty message attribute value for \
                 message attribute type '{kind}'."
            )));
        };
        let is_number = text.parse::<f64>().is_ok_and(f64::is_finite);
        if kind.split('.').next() == Some("Number") && !is_number {
            return Err(wrong(format!(
                "Could not cast message attribute '{name}' value to number."
            )));
        }
        attributes.push((name.clone(), kind.to_owned(), text));
    }
    Ok(attributes)
}

/// Checks an attribute's name, by the rules that SQS has for it too.
fn check_name(name: &str) -> Result<(), &'static str> {
    let lower = name.to_ascii_lowercase();
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
    if name.is_empty() || name.len() > NAME_CHARS_MAX {
        Err("it has 1 to 256 characters")
    } else if !name.bytes().all(allowed) {
        Err("it has letters, digits, underscores, dashes and dots only")
    } else if name.starts_with('.') || name.ends_with('.') || name.contains("..") {
        Err("it has no dot at either end, and no two in a row")
    } else if lower.starts_with("aws.") || lower.starts_with("amazon.") {
        Err("it begins like names that AWS keeps for itself")
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_structured_message_needs_a_default() {
        let (text, by_protocol) = structure(r#"{"default":"d","http":"h"}"#).unwrap();
        assert_eq!(text, "d");
        assert!(by_protocol.contains(&("http".to_owned(), "h".to_owned())));
        assert!(structure(r#"{"http":"h"}"#).is_err());
        assert!(structure("plain").is_err());
    }

    #[test]
    fn a_subject_is_short_plain_text() {
        assert!(check_subject("Amazon S3 Notification").is_ok());
        for wrong in ["", " x", "a\nb", "é", &"x".repeat(101)] {
            assert!(check_subject(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_group_is_short_and_visible() {
        assert!(check_group("tenant-1/a!~").is_ok());
        for wrong in ["", "a b", "ä", "a\n", &"x".repeat(129)] {
            assert!(check_group(wrong).is_err(), "{wrong:?}");
        }
    }

    fn attribute(name: &str, kind: &str, text: &str) -> Tree {
        let value = [("DataType", Tree::from(kind)), ("StringValue", Tree::from(text))];
        Tree::map([(name, Tree::map(value))])
    }

    #[test]
    fn an_attribute_has_a_name_a_type_and_a_value() {
        for (name, kind, text) in
            [("a.b-c_1", "String", "x"), ("n", "Number", "-1.5e3"), ("l", "String.Array", "[1]")]
        {
            attributes(Some(&attribute(name, kind, text))).unwrap();
        }
        for (name, kind, text) in [
            ("", "String", "x"),
            ("a..b", "String", "x"),
            (".a", "String", "x"),
            ("AWS.a", "String", "x"),
            ("a b", "String", "x"),
            ("a", "Text", "x"),
            ("a", "String", ""),
            ("a", "Number", "one"),
        ] {
            assert!(
                attributes(Some(&attribute(name, kind, text))).is_err(),
                "{name} {kind} {text}"
            );
        }
    }
}
