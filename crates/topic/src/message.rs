//! A message as an endpoint receives it: the JSON envelope and what of it is signed.

use flow::Timestamp;
use serde_json::{Map, Value, json};

/// One message to one endpoint, before it is signed.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Message {
    pub(crate) kind: MessageKind,
    pub(crate) message_id: String,
    pub(crate) topic_arn: String,
    pub(crate) subscription_arn: Option<String>,
    pub(crate) subject: Option<String>,
    pub(crate) text: String,
    pub(crate) time: Timestamp,
    /// The confirmation's token.
    pub(crate) token: Option<String>,
    /// Name, type and value, in the order given.
    pub(crate) attributes: Vec<(String, String, String)>,
}

/// The kinds of messages (`Type`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) enum MessageKind {
    Notification,
    SubscriptionConfirmation,
    UnsubscribeConfirmation,
}

impl MessageKind {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Notification => "Notification",
            Self::SubscriptionConfirmation => "SubscriptionConfirmation",
            Self::UnsubscribeConfirmation => "UnsubscribeConfirmation",
        }
    }
}

impl Message {
    /// The URL that confirms, below the server's endpoint.
    fn subscribe_url(&self, endpoint: &str) -> Option<String> {
        let token = self.token.as_ref()?;
        let topic = &self.topic_arn;
        Some(format!("{endpoint}/?Action=ConfirmSubscription&TopicArn={topic}&Token={token}"))
    }

    /// The URL that ends the subscription.
    fn unsubscribe_url(&self, endpoint: &str) -> Option<String> {
        let arn = self.subscription_arn.as_ref()?;
        Some(format!("{endpoint}/?Action=Unsubscribe&SubscriptionArn={arn}"))
    }

    /// What is signed: `Key\nValue\n` of the fixed keys, in byte order of their names
    /// (SNS developer guide, "Verifying the signatures of Amazon SNS messages").
    pub(crate) fn signed_text(&self, endpoint: &str) -> String {
        let mut parts =
            vec![("Message", self.text.clone()), ("MessageId", self.message_id.clone())];
        if self.kind == MessageKind::Notification {
            parts.extend(self.subject.clone().map(|subject| ("Subject", subject)));
        } else {
            parts.extend(self.subscribe_url(endpoint).map(|url| ("SubscribeURL", url)));
        }
        parts.push(("Timestamp", self.time.to_millis_text()));
        if self.kind != MessageKind::Notification {
            parts.extend(self.token.clone().map(|token| ("Token", token)));
        }
        parts.push(("TopicArn", self.topic_arn.clone()));
        parts.push(("Type", self.kind.as_str().to_owned()));
        parts.into_iter().map(|(name, value)| format!("{name}\n{value}\n")).collect()
    }

    /// The envelope, keys in SNS's order.
    pub(crate) fn envelope(
        &self,
        endpoint: &str,
        version: &str,
        signature: &str,
        certificate_path: &str,
    ) -> String {
        let mut envelope = Map::new();
        let mut put = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                envelope.insert(name.to_owned(), Value::String(value));
            }
        };
        put("Type", Some(self.kind.as_str().to_owned()));
        put("MessageId", Some(self.message_id.clone()));
        put("Token", self.token.clone());
        put("TopicArn", Some(self.topic_arn.clone()));
        put("Subject", self.subject.clone());
        put("Message", Some(self.text.clone()));
        put("SubscribeURL", self.subscribe_url(endpoint));
        put("Timestamp", Some(self.time.to_millis_text()));
        put("SignatureVersion", Some(version.to_owned()));
        put("Signature", Some(signature.to_owned()));
        put("SigningCertURL", Some(format!("{endpoint}{certificate_path}")));
        if self.kind == MessageKind::Notification {
            put("UnsubscribeURL", self.unsubscribe_url(endpoint));
        }
        if !self.attributes.is_empty() {
            let attributes: Map<String, Value> = self
                .attributes
                .iter()
                .map(|(name, kind, value)| (name.clone(), json!({"Type": kind, "Value": value})))
                .collect();
            envelope.insert("MessageAttributes".to_owned(), Value::Object(attributes));
        }
        serde_json::to_string_pretty(&Value::Object(envelope)).expect("text and maps are JSON")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: MessageKind) -> Message {
        Message {
            kind,
            message_id: "m-1".into(),
            topic_arn: "arn:aws:sns:us-east-2:123456789012:t".into(),
            subscription_arn: Some("arn:aws:sns:us-east-2:123456789012:t:s-1".into()),
            subject: Some("hello".into()),
            text: "body".into(),
            time: Timestamp::from_millis(1_700_000_000_123),
            token: (kind != MessageKind::Notification).then(|| "abc".into()),
            attributes: Vec::new(),
        }
    }

    #[test]
    fn a_notification_signs_its_fields_in_byte_order() {
        assert_eq!(
            message(MessageKind::Notification).signed_text("http://h"),
            "Message\nbody\nMessageId\nm-1\nSubject\nhello\nTimestamp\n2023-11-14T22:13:20.123Z\n\
             TopicArn\narn:aws:sns:us-east-2:123456789012:t\nType\nNotification\n"
        );
    }

    #[test]
    fn a_confirmation_signs_its_url_and_token() {
        assert_eq!(
            message(MessageKind::SubscriptionConfirmation).signed_text("http://h"),
            "Message\nbody\nMessageId\nm-1\nSubscribeURL\n\
             http://h/?Action=ConfirmSubscription&TopicArn=arn:aws:sns:us-east-2:123456789012:t&Token=abc\n\
             Timestamp\n2023-11-14T22:13:20.123Z\nToken\nabc\n\
             TopicArn\narn:aws:sns:us-east-2:123456789012:t\nType\nSubscriptionConfirmation\n"
        );
    }

    #[test]
    fn the_envelope_has_sns_order() {
        let text = message(MessageKind::Notification).envelope("http://h", "1", "sig", "/c.pem");
        let value: Map<String, Value> = serde_json::from_str(&text).unwrap();
        let keys: Vec<_> = value.keys().map(String::as_str).collect();
        assert_eq!(
            keys,
            [
                "Type",
                "MessageId",
                "TopicArn",
                "Subject",
                "Message",
                "Timestamp",
                "SignatureVersion",
                "Signature",
                "SigningCertURL",
                "UnsubscribeURL"
            ]
        );
    }
}
