//! What wakes the function: the shapes of events that it knows, and which objects they name.

use percent_encoding::percent_decode;
use serde_json::Value;

/// The most objects that one event may name: S3 sends one, queues batch at most 10,000.
const OBJECTS_MAX: usize = 10_000;

/// An event that is understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Envelope {
    /// S3's own notification of objects.
    ObjectEvents(Vec<ObjectEvent>),
    /// What S3 sends once to try a new configuration: nothing to do.
    TestEvent,
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

/// The event has no shape that is known here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the event is {found}: S3's own object notifications are what this function reads")]
pub struct Unrecognised {
    found: String,
}

/// Recognises an event by its shape.
///
/// # Errors
/// The shape is another; the message names it.
pub fn sniff(event: &Value) -> Result<Envelope, Unrecognised> {
    if event.get("Event").and_then(Value::as_str) == Some("s3:TestEvent") {
        return Ok(Envelope::TestEvent);
    }
    let Some(records) = event.get("Records").and_then(Value::as_array) else {
        return Err(unrecognised(other_shape(event)));
    };
    if records.len() > OBJECTS_MAX {
        return Err(unrecognised(format!("one of more than {OBJECTS_MAX} objects")));
    }
    records.iter().map(object_event).collect::<Result<_, _>>().map(Envelope::ObjectEvents)
}

/// As [`sniff`], from the event's bytes.
///
/// # Errors
/// The bytes are no JSON, or the shape is another.
pub fn sniff_bytes(event: &[u8]) -> Result<Envelope, Unrecognised> {
    match serde_json::from_slice(event) {
        Ok(event) => sniff(&event),
        Err(error) => Err(unrecognised(format!("no JSON ({error})"))),
    }
}

fn unrecognised(found: impl Into<String>) -> Unrecognised {
    Unrecognised { found: found.into() }
}

/// One record of a notification: `s3.bucket.name` as it is, `s3.object.key` encoded as in forms.
fn object_event(record: &Value) -> Result<ObjectEvent, Unrecognised> {
    let text = |pointer: &str| record.pointer(pointer).and_then(Value::as_str);
    // SNS alone writes the name with a capital.
    match text("/eventSource").or_else(|| text("/EventSource")) {
        Some("aws:s3") => {}
        Some("aws:sqs") => return Err(unrecognised("a batch of SQS messages")),
        Some("aws:sns") => return Err(unrecognised("an SNS notification")),
        Some(other) => return Err(unrecognised(format!("a list of `{other}` records"))),
        None => return Err(unrecognised("a list of records without an eventSource")),
    }
    let lacking = |name: &str| unrecognised(format!("an S3 notification without its {name}"));
    let bucket = text("/s3/bucket/name").filter(|name| !name.is_empty());
    let key = text("/s3/object/key").filter(|key| !key.is_empty());
    let event_name = text("/eventName").ok_or_else(|| lacking("eventName"))?;
    Ok(ObjectEvent {
        bucket: bucket.ok_or_else(|| lacking("bucket's name"))?.to_owned(),
        key: decoded(key.ok_or_else(|| lacking("object's key"))?)?,
        created: event_name.trim_start_matches("s3:").starts_with("ObjectCreated:"),
    })
}

/// A key as it was before S3 encoded it: `+` is a space, `%40` an `@`.
fn decoded(key: &str) -> Result<String, Unrecognised> {
    let spaced = key.replace('+', " ");
    match percent_decode(spaced.as_bytes()).decode_utf8() {
        Ok(key) => Ok(key.into_owned()),
        Err(_) => Err(unrecognised(format!("an S3 notification whose key `{key}` is no UTF-8"))),
    }
}

/// A name for what has no `Records`.
fn other_shape(event: &Value) -> String {
    match event {
        Value::Object(members) if members.contains_key("detail-type") => {
            let kind = event.get("detail-type").and_then(Value::as_str).unwrap_or("?");
            format!("an EventBridge event (`{}`)", shortened(kind))
        }
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

/// The longest foreign text in a message, in characters.
const NAME_CHARS_MAX: usize = 40;

fn shortened(text: &str) -> String {
    text.chars().take(NAME_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn notification(event_name: &str, key: &str) -> Value {
        json!({"Records": [{"eventVersion": "2.1", "eventSource": "aws:s3", "eventName": event_name,
            "s3": {"bucket": {"name": "logs"}, "object": {"key": key, "size": 3}}}]})
    }

    fn check(event: &Value, expected: &str) {
        let error = sniff(event).unwrap_err().to_string();
        assert!(error.contains(expected), "{event}: {error}");
    }

    #[test]
    fn keys_are_decoded_as_forms_are() {
        for (encoded, key) in [
            ("a/b.json.gz", "a/b.json.gz"),
            ("a+b%2Bc%40d", "a b+c@d"),
            ("%C3%A4/%25", "ä/%"),
            ("100%25+x%2", "100% x%2"),
        ] {
            let wanted = ObjectEvent { bucket: "logs".into(), key: key.into(), created: true };
            let found = sniff(&notification("ObjectCreated:Put", encoded));
            assert_eq!(found, Ok(Envelope::ObjectEvents(vec![wanted])));
        }
        check(&notification("ObjectCreated:Put", "%FF"), "no UTF-8");
    }

    #[test]
    fn only_created_objects_are_there_to_read() {
        for (name, created) in [
            ("ObjectCreated:Put", true),
            ("s3:ObjectCreated:CompleteMultipartUpload", true),
            ("ObjectRemoved:Delete", false),
            ("ObjectTagging:Put", false),
        ] {
            let Ok(Envelope::ObjectEvents(events)) = sniff(&notification(name, "k")) else {
                panic!("{name}")
            };
            assert_eq!(events[0].created, created, "{name}");
        }
    }

    #[test]
    fn the_test_event_is_nothing_to_do() {
        let event = json!({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "logs"});
        assert_eq!(sniff(&event), Ok(Envelope::TestEvent));
    }

    #[test]
    fn other_shapes_are_named() {
        check(&json!({"Records": [{"eventSource": "aws:sqs", "body": "{}"}]}), "a batch of SQS");
        check(&json!({"Records": [{"EventSource": "aws:sns", "Sns": {}}]}), "an SNS notification");
        check(&json!({"Records": [{"eventSource": "aws:kinesis"}]}), "`aws:kinesis`");
        check(&json!({"Records": [{}]}), "without an eventSource");
        check(
            &json!({"detail-type": "Object Created", "detail": {}}),
            "EventBridge event (`Object",
        );
        check(&json!({"a": 1, "b": 2}), "an object of a, b");
        check(&json!({}), "an empty object");
        check(&json!([]), "a list");
        check(&json!(7), "`7`");
        let bare =
            json!({"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put"}]});
        check(&bare, "without its bucket's name");
        assert!(sniff_bytes(b"{").unwrap_err().to_string().contains("no JSON"));
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_sniffer_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            sniff_bytes(&bytes).ok();
        }

        #[test]
        fn any_key_survives_its_encoding(key in "\\PC{1,30}") {
            let encoded: String = url::form_urlencoded::byte_serialize(key.as_bytes()).collect();
            let Ok(Envelope::ObjectEvents(events)) = sniff(&notification("ObjectCreated:Put", &encoded))
            else { panic!("{key}") };
            prop_assert_eq!(&events[0].key, &key);
        }
    }
}
