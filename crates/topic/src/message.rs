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
    /// For queues that have subscribed, beside the envelope.
    #[serde(default)]
    pub(crate) group: Option<String>,
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
    pub(crate) fn subscribe_url(&self, endpoint: &str) -> Option<String> {
        let token = self.token.as_ref()?;
        let topic = &self.topic_arn;
        Some(format!("{endpoint}/?Action=ConfirmSubscription&TopicArn={topic}&Token={token}"))
    }

    /// The URL that ends the subscription.
    pub(crate) fn unsubscribe_url(&self, endpoint: &str) -> Option<String> {
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
    pub(crate) fn envelope(&self, endpoint: &str, signed: &Signed) -> String {
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
        put("SignatureVersion", Some(signed.version.to_owned()));
        put("Signature", Some(signed.signature.clone()));
        put("SigningCertURL", Some(format!("{endpoint}{}", signed.certificate_path)));
        if self.kind == MessageKind::Notification {
            put("UnsubscribeURL", self.unsubscribe_url(endpoint));
        }
        if !self.attributes.is_empty() {
            envelope.insert("MessageAttributes".to_owned(), self.attributes());
        }
        serde_json::to_string_pretty(&Value::Object(envelope)).expect("text and maps are JSON")
    }

    /// The event that a function receives.
    pub(crate) fn event(&self, endpoint: &str, signed: &Signed) -> String {
        json!({"Records": [{
            "EventSource": "aws:sns",
            "EventVersion": "1.0",
            "EventSubscriptionArn": self.subscription_arn,
            "Sns": {
                "Type": self.kind.as_str(),
                "MessageId": self.message_id,
                "TopicArn": self.topic_arn,
                "Subject": self.subject,
                "Message": self.text,
                "Timestamp": self.time.to_millis_text(),
                "SignatureVersion": signed.version,
                "Signature": signed.signature,
                "SigningCertUrl": format!("{endpoint}{}", signed.certificate_path),
                "UnsubscribeUrl": self.unsubscribe_url(endpoint),
                "MessageAttributes": self.attributes(),
            },
        }]})
        .to_string()
    }

    fn attributes(&self) -> Value {
        let attribute = |(name, kind, value): &(String, String, String)| -> (String, Value) {
            (name.clone(), json!({"Type": kind, "Value": value}))
        };
        Value::Object(self.attributes.iter().map(attribute).collect())
    }
}

/// A message's signature.
pub(crate) struct Signed {
    pub(crate) version: &'static str,
    /// Base64.
    pub(crate) signature: String,
    pub(crate) certificate_path: String,
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
            group: None,
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

    fn signed() -> Signed {
        Signed { version: "1", signature: "sig".into(), certificate_path: "/c.pem".into() }
    }

    #[test]
    fn a_function_gets_lambdas_event() {
        let mut message = message(MessageKind::Notification);
        message.subject = None;
        message.attributes = vec![("who".into(), "String".into(), "me".into())];
        let event: Value = serde_json::from_str(&message.event("http://h", &signed())).unwrap();
        let record = &event["Records"][0];
        assert_eq!(record["EventSource"], "aws:sns");
        assert_eq!(record["EventSubscriptionArn"], "arn:aws:sns:us-east-2:123456789012:t:s-1");
        let sns = record["Sns"].as_object().unwrap();
        assert_eq!(sns["Subject"], Value::Null);
        assert_eq!(sns["SigningCertUrl"], "http://h/c.pem");
        assert_eq!(sns["MessageAttributes"]["who"], json!({"Type": "String", "Value": "me"}));
    }

    #[test]
    fn the_envelope_has_sns_order() {
        let text = message(MessageKind::Notification).envelope("http://h", &signed());
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
