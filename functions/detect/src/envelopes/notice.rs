//! What one message tells, out of its SNS wrapping.

use percent_encoding::percent_decode;
use serde_json::Value;

use super::{Unrecognised, bounded, source};

/// One thing that an event tells.
#[derive(Clone, Debug, PartialEq)]
pub enum Notice {
    /// Something happened to an object.
    Object(ObjectEvent),
    /// CloudTrail reports a record itself, by way of EventBridge.
    Record(Reported),
    /// It is known, and there is nothing to read.
    Nothing(Nothing),
}

/// What happened to one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectEvent {
    /// The bucket's name.
    pub bucket: String,
    /// The key, decoded.
    pub key: String,
    /// Whether the object is there now: it was created, not removed, tagged or restored.
    pub created: bool,
}

/// A record that came without a log file.
#[derive(Clone, Debug, PartialEq)]
pub struct Reported {
    /// EventBridge's id of the event.
    pub id: String,
    /// The record.
    pub record: Value,
}

/// Why there is nothing to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Nothing {
    /// S3 tries a new configuration of notifications.
    S3Test,
    /// CloudTrail tries a trail's new topic.
    CloudTrailValidation,
    /// CloudTrail Insights report something, which is no API call.
    Insight,
    /// A topic asks to confirm a subscription. The URL in it is not called: whoever may write to
    /// the queue could have put it there.
    Subscription {
        /// The topic, as the message names it.
        topic: String,
    },
    /// A topic says that a subscription ended.
    Unsubscription {
        /// The topic, as the message names it.
        topic: String,
    },
}

/// All that CloudTrail says to a topic that a trail is about to use, as text or in an object.
const VALIDATION: &str = "CloudTrail validation message.";
/// How EventBridge names what it has from CloudTrail, such as `AWS API Call via CloudTrail`.
const VIA_CLOUDTRAIL: &str = " via CloudTrail";
/// The longest foreign text in a message, in characters.
const NAME_CHARS_MAX: usize = 40;
/// The longest topic, in characters: ARNs of topics have up to 320.
const TOPIC_CHARS_MAX: usize = 320;

/// What the body of a message tells, with or without SNS's wrapping.
pub(super) fn message(body: &str) -> Result<Vec<Notice>, Unrecognised> {
    let Some(value) = parsed(body)? else {
        return Ok(vec![Notice::Nothing(Nothing::CloudTrailValidation)]);
    };
    let wrapped = ["Type", "TopicArn"].iter().all(|name| value.get(name).is_some());
    if wrapped { from_topic(&value) } else { payload(&value) }
}

/// What SNS delivers: a notification, or a word about the subscription.
pub(super) fn from_topic(sns: &Value) -> Result<Vec<Notice>, Unrecognised> {
    let text = |name: &str| sns.get(name).and_then(Value::as_str);
    let topic = || cut(text("TopicArn").unwrap_or("?"), TOPIC_CHARS_MAX);
    match text("Type") {
        Some("Notification") => {
            let inner = text("Message")
                .ok_or_else(|| Unrecognised::of("an SNS notification without its Message"))?;
            match parsed(inner)? {
                Some(value) => payload(&value),
                None => Ok(vec![Notice::Nothing(Nothing::CloudTrailValidation)]),
            }
        }
        Some("SubscriptionConfirmation") => {
            Ok(vec![Notice::Nothing(Nothing::Subscription { topic: topic() })])
        }
        Some("UnsubscribeConfirmation") => {
            Ok(vec![Notice::Nothing(Nothing::Unsubscription { topic: topic() })])
        }
        Some(other) => Err(Unrecognised::of(format!("SNS's `{}`", shortened(other)))),
        None => Err(Unrecognised::of("an SNS message without its Type")),
    }
}

/// A message's JSON; `None` for the one text that CloudTrail sends.
fn parsed(text: &str) -> Result<Option<Value>, Unrecognised> {
    if text.trim() == VALIDATION {
        return Ok(None);
    }
    match serde_json::from_str(text) {
        Ok(value) => Ok(Some(value)),
        Err(error) => Err(Unrecognised::of(format!("a message that is no JSON ({error})"))),
    }
}

/// What S3, CloudTrail or EventBridge say themselves.
pub(super) fn payload(value: &Value) -> Result<Vec<Notice>, Unrecognised> {
    let text = |name: &str| value.get(name).and_then(Value::as_str);
    if text("Event") == Some("s3:TestEvent") {
        return Ok(vec![Notice::Nothing(Nothing::S3Test)]);
    }
    if text("message").or_else(|| text("Message")) == Some(VALIDATION) {
        return Ok(vec![Notice::Nothing(Nothing::CloudTrailValidation)]);
    }
    if let Some(records) = value.get("Records").and_then(Value::as_array) {
        bounded(records.len())?;
        return records.iter().map(object_event).collect();
    }
    if value.get("s3Bucket").is_some() {
        return log_files(value);
    }
    match text("detail-type") {
        Some(kind) => from_bus(value, kind).map(|notice| vec![notice]),
        None => Err(Unrecognised::of(other_shape(value))),
    }
}

/// One record of S3's notification: `s3.bucket.name` as it is, `s3.object.key` encoded as in forms.
fn object_event(record: &Value) -> Result<Notice, Unrecognised> {
    let text = |pointer: &str| record.pointer(pointer).and_then(Value::as_str);
    match source(record) {
        Some("aws:s3") => {}
        Some(other) => {
            return Err(Unrecognised::of(format!("a list of `{}` records", shortened(other))));
        }
        None => return Err(Unrecognised::of("a list of records without an eventSource")),
    }
    let lacking = |name: &str| Unrecognised::of(format!("an S3 notification without its {name}"));
    let bucket = text("/s3/bucket/name").filter(|name| !name.is_empty());
    let key = text("/s3/object/key").filter(|key| !key.is_empty());
    let event_name = text("/eventName").ok_or_else(|| lacking("eventName"))?;
    Ok(Notice::Object(ObjectEvent {
        bucket: bucket.ok_or_else(|| lacking("bucket's name"))?.to_owned(),
        key: decoded(key.ok_or_else(|| lacking("object's key"))?)?,
        created: event_name.trim_start_matches("s3:").starts_with("ObjectCreated:"),
    }))
}

/// A key as it was before S3 encoded it: `+` is a space, `%40` an `@`.
fn decoded(key: &str) -> Result<String, Unrecognised> {
    let spaced = key.replace('+', " ");
    match percent_decode(spaced.as_bytes()).decode_utf8() {
        Ok(key) => Ok(key.into_owned()),
        Err(_) => Err(Unrecognised::of(format!(
            "an S3 notification whose key `{}` is no UTF-8",
            shortened(key)
        ))),
    }
}

/// CloudTrail's own notice: a bucket, and the keys of log files in it as they are.
fn log_files(notice: &Value) -> Result<Vec<Notice>, Unrecognised> {
    let wrong = |what: &str| Unrecognised::of(format!("a notice of CloudTrail {what}"));
    let bucket = notice.get("s3Bucket").and_then(Value::as_str).filter(|name| !name.is_empty());
    let bucket = bucket.ok_or_else(|| wrong("whose s3Bucket is no name"))?;
    let keys = notice.get("s3ObjectKey").and_then(Value::as_array);
    let keys = keys.ok_or_else(|| wrong("without its list s3ObjectKey"))?;
    bounded(keys.len())?;
    let object = |key: &Value| match key.as_str() {
        Some(key) if !key.is_empty() => Ok(Notice::Object(ObjectEvent {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            created: true,
        })),
        _ => Err(wrong("whose s3ObjectKey holds something that is no key")),
    };
    keys.iter().map(object).collect()
}

/// An event of EventBridge: a record itself, or an object whose key is *not* encoded.
fn from_bus(event: &Value, kind: &str) -> Result<Notice, Unrecognised> {
    let text = |pointer: &str| event.pointer(pointer).and_then(Value::as_str);
    let unknown = || {
        let (kind, source) = (shortened(kind), shortened(text("/source").unwrap_or("?")));
        Unrecognised::of(format!("EventBridge's `{kind}` from `{source}`"))
    };
    let lacking = |name: &str| {
        Unrecognised::of(format!("EventBridge's `{}` without its {name}", shortened(kind)))
    };
    // Nobody but AWS may send under these names.
    let source = text("/source").filter(|source| source.starts_with("aws.")).ok_or_else(unknown)?;
    if source == "aws.s3" && kind.starts_with("Object ") {
        let bucket = text("/detail/bucket/name").filter(|name| !name.is_empty());
        let key = text("/detail/object/key").filter(|key| !key.is_empty());
        return Ok(Notice::Object(ObjectEvent {
            bucket: bucket.ok_or_else(|| lacking("bucket's name"))?.to_owned(),
            key: key.ok_or_else(|| lacking("object's key"))?.to_owned(),
            created: kind == "Object Created",
        }));
    }
    if !kind.ends_with(VIA_CLOUDTRAIL) {
        return Err(unknown());
    }
    let record = event.get("detail").filter(|detail| detail.get("eventName").is_some());
    let insight = text("/detail/eventType") == Some("AwsCloudTrailInsight");
    if insight || kind.starts_with("AWS Insight") {
        return Ok(Notice::Nothing(Nothing::Insight));
    }
    Ok(Notice::Record(Reported {
        id: text("/id").unwrap_or_default().to_owned(),
        record: record.ok_or_else(|| lacking("record"))?.clone(),
    }))
}

fn other_shape(event: &Value) -> String {
    match event {
        Value::Object(members) if members.is_empty() => "an empty object".to_owned(),
        Value::Object(members) => {
            let names: Vec<_> = members.keys().take(5).map(|name| shortened(name)).collect();
            format!("an object of {}", names.join(", "))
        }
        Value::Array(_) => "a list".to_owned(),
        Value::String(_) => "a text".to_owned(),
        other => format!("`{other}`"),
    }
}

/// Foreign text as a log line may hold it.
fn shortened(text: &str) -> String {
    cut(text, NAME_CHARS_MAX)
}

fn cut(text: &str, chars_max: usize) -> String {
    text.chars().take(chars_max).flat_map(char::escape_debug).collect()
}
