//! Publishing: a message becomes one durable delivery for each confirmed subscription.

use std::sync::Arc;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use flow::{Accepted, Fault, Pending, Publish, PublishError, Tree};
use sha2::{Digest, Sha256};

use crate::{
    Topics,
    api::required,
    delivery::Delivery,
    error::Error,
    message::{Message, MessageKind},
    run::{Inner, row_key, write_row},
    subscription::Subscription,
    topic::{Topic, invalid},
};

/// The largest message, in bytes, its attributes included (API_Publish).
const MESSAGE_BYTES_MAX: usize = 256 * 1024;
/// The longest subject, in characters (API_Publish).
const SUBJECT_CHARS_MAX: usize = 100;

/// What is published, once it is checked.
struct Draft {
    subject: Option<String>,
    text: String,
    /// Texts for single protocols, from `MessageStructure: json`.
    by_protocol: Vec<(String, String)>,
    attributes: Vec<(String, String, String)>,
}

impl Publish for Topics {
    fn publish<'a>(
        &'a self,
        topic_arn: &'a str,
        delivery_id: &'a str,
        subject: Option<&'a str>,
        message: &'a str,
    ) -> Pending<'a, Result<Accepted, PublishError>> {
        let inner = Arc::clone(&self.inner);
        Box::pin(async move {
            let topic = inner.topic(topic_arn).await.map_err(|fault| match fault.status {
                404 => PublishError::NoSuchTopic(topic_arn.to_owned()),
                _ => PublishError::Retry(fault.message),
            })?;
            let draft = Draft {
                subject: subject.map(str::to_owned),
                text: message.to_owned(),
                by_protocol: Vec::new(),
                attributes: Vec::new(),
            };
            // The same delivery gives the same message id, hence the same rows.
            let id = uuid_of(delivery_id);
            inner
                .publish(&topic, &id, &draft)
                .await
                .map_err(|why| PublishError::Retry(why.to_string()))?;
            Ok(Accepted(id))
        })
    }
}

impl Inner {
    pub(crate) async fn publish_call(&self, input: &Tree) -> Result<Tree, Fault> {
        for name in ["PhoneNumber", "MessageDeduplicationId", "MessageGroupId"] {
            if input.get(name).is_some() {
                return Err(invalid(name, "it is not offered by this server"));
            }
        }
        let arn = input.text("TopicArn").or_else(|| input.text("TargetArn"));
        let Some(arn) = arn else {
            return Err(invalid("TopicArn or TargetArn", "no value for required parameter"));
        };
        let draft = Draft::from_tree(input)?;
        let topic = self.topic(arn).await?;
        let id = self.chance.uuid();
        self.publish(&topic, &id, &draft).await?;
        Ok(Tree::map([("MessageId", Tree::from(id))]))
    }

    async fn publish(&self, topic: &Topic, message_id: &str, draft: &Draft) -> Result<(), Error> {
        let now = self.clock.now();
        for row in self.subscriptions(&format!("{}/", topic.name)).await? {
            if !row.confirmed() {
                continue;
            }
            let own = draft.by_protocol.iter().find(|(protocol, _)| *protocol == row.protocol);
            let message = Message {
                kind: MessageKind::Notification,
                message_id: message_id.to_owned(),
                topic_arn: topic.arn.clone(),
                subscription_arn: Some(row.arn.clone()),
                subject: draft.subject.clone(),
                text: own.map_or_else(|| draft.text.clone(), |(_, text)| text.clone()),
                time: now,
                token: None,
                attributes: draft.attributes.clone(),
            };
            self.enqueue(&message, &row).await?;
        }
        Ok(())
    }

    /// Puts one delivery, durable when this returns; the same message to the same subscription
    /// again changes nothing.
    pub(crate) async fn enqueue(&self, message: &Message, to: &Subscription) -> Result<(), Error> {
        let id = format!("{}/{}", message.message_id, row_key(&to.arn));
        let delivery =
            Delivery { message: message.clone(), endpoint: to.endpoint.clone(), raw: to.raw };
        self.deliveries.put(&id, write_row(&delivery), self.clock.now()).await?;
        Ok(())
    }
}

impl Draft {
    fn from_tree(input: &Tree) -> Result<Self, Fault> {
        let text = required(input, "Message").map_err(|_| {
            Fault::new("InvalidParameterException", "Invalid parameter: Empty message")
        })?;
        let attributes = attributes(input.get("MessageAttributes"))?;
        let size: usize = attributes.iter().map(|(n, k, v)| n.len() + k.len() + v.len()).sum();
        if text.len() + size > MESSAGE_BYTES_MAX {
            return Err(Fault::new(
                "InvalidParameterException",
                "Invalid parameter: Message too long",
            ));
        }
        let subject = input.text("Subject").map(str::to_owned);
        if let Some(subject) = &subject {
            check_subject(subject)?;
        }
        match input.text("MessageStructure") {
            None => {
                Ok(Self { subject, text: text.to_owned(), by_protocol: Vec::new(), attributes })
            }
            Some("json") => {
                let (text, by_protocol) = structure(text)?;
                Ok(Self { subject, text, by_protocol, attributes })
            }
            Some(_) => Err(invalid("MessageStructure", "it must be json")),
        }
    }
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

fn attributes(tree: Option<&Tree>) -> Result<Vec<(String, String, String)>, Fault> {
    let mut attributes = Vec::new();
    for (name, value) in tree.map(Tree::members).unwrap_or_default() {
        let kind = value.text("DataType").unwrap_or_default();
        let text = match (kind.split('.').next(), value.get("BinaryValue")) {
            (Some("Binary"), Some(Tree::Blob(bytes))) => Some(BASE64_STANDARD.encode(bytes)),
            (Some("String" | "Number"), _) => value.text("StringValue").map(str::to_owned),
            _ => None,
        };
        let Some(text) = text else {
            let why = format!(
                "The message attribute '{name}' must have a DataType of String, String.Array, \
                 Number or Binary, and a value of that type"
            );
            return Err(Fault::new("ParameterValueInvalid", why));
        };
        attributes.push((name.clone(), kind.to_owned(), text));
    }
    Ok(attributes)
}

/// A UUID that is a function of `text`.
fn uuid_of(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    let hex: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    let mut uuid = String::with_capacity(36);
    for (at, digit) in hex.chars().enumerate() {
        if matches!(at, 8 | 12 | 16 | 20) {
            uuid.push('-');
        }
        // The version digit of name-based ids by a hash of one's own (RFC 9562, version 8).
        uuid.push(if at == 12 { '8' } else { digit });
    }
    uuid
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
    fn the_same_delivery_has_the_same_message_id() {
        assert_eq!(uuid_of("a/sns"), uuid_of("a/sns"));
        assert_ne!(uuid_of("a/sns"), uuid_of("b/sns"));
        assert_eq!(uuid_of("a").len(), 36);
    }
}
