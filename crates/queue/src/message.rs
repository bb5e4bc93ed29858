//! A message on its way in: what may be said, and how much of it.

use std::collections::BTreeMap;

use flow::{AttributeValue, Fault, MessageAttribute, QueueMessage, Tree};

use crate::refusal::{self, unfit};

/// Attributes of one message.
const ATTRIBUTES_MAX: usize = 10;

/// Characters of an attribute's name and of its type.
const NAME_CHARS_MAX: usize = 256;

/// Digits of an attribute's number.
const NUMBER_DIGITS_MAX: usize = 38;

/// Characters of `MessageGroupId`.
const GROUP_CHARS_MAX: usize = 128;

/// Seconds of a message's own delay.
const DELAY_SECONDS_MAX: i64 = 900;

/// The one system attribute that a sender may give.
const TRACE: &str = "AWSTraceHeader";

/// A message that may be sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Draft {
    pub(crate) body: String,
    pub(crate) attributes: BTreeMap<String, MessageAttribute>,
    pub(crate) trace: Option<String>,
    pub(crate) group: Option<String>,
    /// `None`: as long as the queue says.
    pub(crate) delay_seconds: Option<u32>,
}

impl Draft {
    /// Reads `SendMessage`'s input, or an entry of a batch.
    pub(crate) fn of_tree(input: &Tree) -> Result<Self, Fault> {
        let body = input.text("MessageBody").filter(|body| !body.is_empty());
        let body = body.ok_or_else(|| refusal::missing("MessageBody"))?;
        if let Some(id) = input.text("MessageDeduplicationId") {
            return Err(wrong_kind(id, "MessageDeduplicationId"));
        }
        let group = input.text("MessageGroupId").map(group).transpose()?;
        let draft = Self {
            body: body.to_owned(),
            attributes: attributes_of(input.get("MessageAttributes"))?,
            trace: trace_of(input.get("MessageSystemAttributes"))?,
            group,
            delay_seconds: delay(input)?,
        };
        draft.check()?;
        Ok(draft)
    }

    /// Takes what another room sends.
    pub(crate) fn of_message(message: QueueMessage) -> Result<Self, Fault> {
        let QueueMessage { body, attributes, group } = message;
        let group = group.as_deref().map(self::group).transpose()?;
        let draft = Self { body, attributes, group, ..Self::default() };
        draft.check()?;
        Ok(draft)
    }

    fn check(&self) -> Result<(), Fault> {
        if let Some(wrong) = self.body.chars().find(|c| !may_be_said(*c)) {
            let code = u32::from(wrong);
            return Err(Fault::new(
                "InvalidMessageContents",
                format!(
                    "Invalid binary character '#x{code:X}' was found in the message body, the set \
                     of allowed characters is #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD \
                     | #x10000 to #x10FFFF"
                ),
            ));
        }
        if self.attributes.len() > ATTRIBUTES_MAX {
            let count = self.attributes.len();
            return Err(unfit(&format!(
                "Number of message attributes [{count}] exceeds the allowed maximum [10]."
            )));
        }
        self.attributes.iter().try_for_each(|(name, attribute)| check(name, attribute))
    }

    /// What counts against the limits, in bytes: the body, and attributes with names and types.
    pub(crate) fn bytes(&self) -> usize {
        let attribute = |(name, attribute): (&String, &MessageAttribute)| {
            name.len() + attribute.data_type.len() + value_bytes(&attribute.value).len()
        };
        self.body.len() + self.attributes.iter().map(attribute).sum::<usize>()
    }

    /// Refuses a message that is larger than the queue takes.
    pub(crate) fn fits(&self, bytes_max: u32) -> Result<(), Fault> {
        if usize::try_from(bytes_max).is_ok_and(|most| self.bytes() <= most) {
            return Ok(());
        }
        Err(unfit(&format!("Message must be shorter than {bytes_max} bytes.")))
    }
}

/// A parameter that queues of the standard kind do not have.
pub(crate) fn wrong_kind(value: &str, parameter: &str) -> Fault {
    let why = "The request include parameter that is not valid for this queue type";
    refusal::invalid(value, parameter, why)
}

fn group(text: &str) -> Result<String, Fault> {
    let fits = (1..=GROUP_CHARS_MAX).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_graphic());
    let why = "MessageGroupId can only include alphanumeric and punctuation characters. 1 to 128 in length.";
    fits.then(|| text.to_owned()).ok_or_else(|| refusal::invalid(text, "MessageGroupId", why))
}

fn delay(input: &Tree) -> Result<Option<u32>, Fault> {
    let Some(seconds) = input.int("DelaySeconds") else { return Ok(None) };
    let fits = (0..=DELAY_SECONDS_MAX).contains(&seconds);
    let seconds_ = u32::try_from(seconds).ok().filter(|_| fits).ok_or_else(|| {
        let why = "DelaySeconds must be >= 0 and <= 900.";
        refusal::invalid(&seconds.to_string(), "DelaySeconds", why)
    })?;
    Ok(Some(seconds_))
}

fn attributes_of(given: Option<&Tree>) -> Result<BTreeMap<String, MessageAttribute>, Fault> {
    let given = given.map(Tree::members).unwrap_or_default();
    given.iter().map(|(name, value)| Ok((name.clone(), attribute_of(name, value)?))).collect()
}

fn attribute_of(name: &str, given: &Tree) -> Result<MessageAttribute, Fault> {
    let data_type = given.text("DataType").unwrap_or_default();
    if data_type.is_empty() {
        return Err(refusal::invalid_attribute(&format!(
            "The message attribute '{name}' must contain non-empty message attribute type."
        )));
    }
    if !given.list("StringListValues").is_empty() || !given.list("BinaryListValues").is_empty() {
        return Err(refusal::invalid_attribute(&format!(
            "Message attribute list values in SendMessage operation are not supported: '{name}'."
        )));
    }
    let is_binary = kind_of(data_type) == "Binary";
    let value = match (given.get("StringValue"), given.get("BinaryValue")) {
        (Some(Tree::Text(text)), None) if !is_binary => AttributeValue::Text(text.clone()),
        (None, Some(Tree::Blob(bytes))) if is_binary => AttributeValue::Bytes(bytes.clone()),
        (None, None) => AttributeValue::Text(String::new()),
        _ => {
            return Err(refusal::invalid_attribute(&format!(
                "The message attribute '{name}' with type '{data_type}' must use field '{}'.",
                if is_binary { "Binary" } else { "String" }
            )));
        }
    };
    Ok(MessageAttribute { data_type: data_type.to_owned(), value })
}

/// A type without its label.
fn kind_of(data_type: &str) -> &str {
    data_type.split_once('.').map_or(data_type, |(kind, _)| kind)
}

fn value_bytes(value: &AttributeValue) -> &[u8] {
    match value {
        AttributeValue::Text(text) => text.as_bytes(),
        AttributeValue::Bytes(bytes) => bytes,
    }
}

fn check(name: &str, attribute: &MessageAttribute) -> Result<(), Fault> {
    let refuse = |why: String| Err(refusal::invalid_attribute(&why));
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    if name.is_empty() || name.len() > NAME_CHARS_MAX || !name.bytes().all(allowed) {
        return refuse(format!(
            "Message attribute name '{name}' is invalid: it can contain A-Z, a-z, 0-9, underscores, \
             hyphens and periods, and be 256 characters long."
        ));
    }
    let lower = name.to_ascii_lowercase();
    if lower.starts_with("aws.") || lower.starts_with("amazon.") {
        return refuse(format!("Message attribute name '{name}' uses a reserved prefix."));
    }
    if name.starts_with('.') || name.ends_with('.') || name.contains("..") {
        return refuse(format!(
            "Message attribute name '{name}' must not begin or end with a period, nor have two in \
             succession."
        ));
    }
    let data_type = attribute.data_type.as_str();
    let kind = kind_of(data_type);
    if !matches!(kind, "String" | "Number" | "Binary") || data_type.len() > NAME_CHARS_MAX {
        return refuse(format!(
            "The type of message (user) attribute '{name}' is invalid. You must use only the \
             following supported type prefixes: Binary, Number, String."
        ));
    }
    if value_bytes(&attribute.value).is_empty() {
        return refuse(format!(
            "The message attribute '{name}' must contain non-empty message attribute value for \
             message attribute type ({kind})."
        ));
    }
    match &attribute.value {
        AttributeValue::Text(text) if kind == "Number" && !is_number(text) => {
            refuse(format!("Could not cast message attribute '{name}' value to number."))
        }
        AttributeValue::Text(text) if !text.chars().all(may_be_said) => {
            refuse(format!("Invalid binary character was found in the message attribute '{name}'."))
        }
        _ => Ok(()),
    }
}

/// Whether XML 1.0 knows the character, which is what SQS takes.
fn may_be_said(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

fn is_number(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let signs =
        |byte: u8| byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.' | b'e' | b'E');
    (1..=NUMBER_DIGITS_MAX + 3).contains(&digits)
        && text.bytes().all(signs)
        && text.parse::<f64>().is_ok_and(f64::is_finite)
}

fn trace_of(given: Option<&Tree>) -> Result<Option<String>, Fault> {
    let mut trace = None;
    for (name, value) in given.map(Tree::members).unwrap_or_default() {
        let text = value.text("StringValue").filter(|text| !text.is_empty());
        match (name.as_str(), value.text("DataType"), text) {
            (TRACE, Some("String"), Some(text)) => trace = Some(text.to_owned()),
            (TRACE, _, _) => {
                return Err(refusal::invalid_attribute(&format!(
                    "The message system attribute '{TRACE}' must be a non-empty String."
                )));
            }
            _ => {
                return Err(refusal::invalid_attribute(&format!(
                    "Message system attribute name '{name}' is invalid."
                )));
            }
        }
    }
    Ok(trace)
}

/// The trace as the one system attribute that its digest is made of.
pub(crate) fn trace_attributes(trace: Option<&str>) -> BTreeMap<String, MessageAttribute> {
    let attribute = |text: &str| MessageAttribute {
        data_type: "String".to_owned(),
        value: AttributeValue::Text(text.to_owned()),
    };
    trace.map(|text| (TRACE.to_owned(), attribute(text))).into_iter().collect()
}

#[cfg(test)]
mod tests;
