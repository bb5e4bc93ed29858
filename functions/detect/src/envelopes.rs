//! What wakes the function: the shapes of events that it knows, and what each of them tells.
//!
//! Nothing here reads or calls anything: an event is only looked at. URLs that a message names are
//! never followed.

mod notice;

use serde_json::Value;

pub use self::notice::{Nothing, Notice, ObjectEvent, Reported};
use self::notice::{from_topic, message, payload};

/// The most that one event may tell: S3 sends one object, queues batch at most 10,000.
const NOTICES_MAX: usize = 10_000;

/// An event that is understood.
#[derive(Clone, Debug, PartialEq)]
pub enum Envelope {
    /// What succeeds or fails as a whole.
    Event(Vec<Notice>),
    /// A batch out of an SQS queue, whose messages succeed or fail each by itself.
    Batch(Vec<Message>),
}

/// One message of a queue.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// SQS's id of it, by which its failure is reported.
    pub id: String,
    /// What it tells.
    pub told: Result<Vec<Notice>, Unrecognised>,
}

/// The event or message has no shape that is known here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the event is {found}: notices of objects from S3, SNS, SQS, EventBridge and CloudTrail are \
     what this function reads"
)]
pub struct Unrecognised {
    found: String,
}

/// Recognises an event by its shape.
///
/// # Errors
/// The shape is another; the message names it. A message of a batch that is of another shape is no
/// error of the batch.
pub fn sniff(event: &Value) -> Result<Envelope, Unrecognised> {
    let Some(records) = event.get("Records").and_then(Value::as_array) else {
        return payload(event).map(Envelope::Event);
    };
    match records.first().and_then(source) {
        Some("aws:sqs") => {
            let messages = records.iter().map(queued).collect::<Result<Vec<_>, _>>()?;
            let told = messages.iter().filter_map(|message| message.told.as_ref().ok());
            bounded(told.map(Vec::len).sum())?;
            Ok(Envelope::Batch(messages))
        }
        Some("aws:sns") => {
            let told = records.iter().map(published).collect::<Result<Vec<_>, _>>()?;
            let notices: Vec<_> = told.into_iter().flatten().collect();
            bounded(notices.len())?;
            Ok(Envelope::Event(notices))
        }
        _ => payload(event).map(Envelope::Event),
    }
}

/// As [`sniff`], from the event's bytes.
///
/// # Errors
/// The bytes are no JSON, or the shape is another.
pub fn sniff_bytes(event: &[u8]) -> Result<Envelope, Unrecognised> {
    match serde_json::from_slice(event) {
        Ok(event) => sniff(&event),
        Err(error) => Err(Unrecognised::of(format!("no JSON ({error})"))),
    }
}

/// What the body of one message of a queue tells, however it came there: from S3, EventBridge or
/// CloudTrail's topic, with or without SNS's wrapping.
///
/// # Errors
/// The body is of no known shape.
pub fn sniff_message(body: &str) -> Result<Vec<Notice>, Unrecognised> {
    message(body)
}

impl Unrecognised {
    fn of(found: impl Into<String>) -> Self {
        Self { found: found.into() }
    }
}

/// Where a record of a list says it comes from. SNS alone writes the name with a capital.
fn source(record: &Value) -> Option<&str> {
    record.get("eventSource").or_else(|| record.get("EventSource")).and_then(Value::as_str)
}

fn queued(record: &Value) -> Result<Message, Unrecognised> {
    let text = |name: &str| record.get(name).and_then(Value::as_str);
    if source(record) != Some("aws:sqs") {
        return Err(Unrecognised::of("a batch of SQS messages with something else among them"));
    }
    // Without its id, a message's failure could not be told.
    let id = text("messageId").filter(|id| !id.is_empty());
    let id = id.ok_or_else(|| Unrecognised::of("an SQS message without its messageId"))?;
    let told = match text("body") {
        Some(body) => message(body),
        None => Err(Unrecognised::of("an SQS message without its body")),
    };
    Ok(Message { id: id.to_owned(), told })
}

fn published(record: &Value) -> Result<Vec<Notice>, Unrecognised> {
    match record.get("Sns") {
        Some(sns) if source(record) == Some("aws:sns") => from_topic(sns),
        _ => Err(Unrecognised::of("a list of SNS notifications with something else among them")),
    }
}

fn bounded(notices: usize) -> Result<(), Unrecognised> {
    if notices <= NOTICES_MAX {
        return Ok(());
    }
    Err(Unrecognised::of(format!("one that tells of more than {NOTICES_MAX} objects")))
}

#[cfg(test)]
mod tests;
