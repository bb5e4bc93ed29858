//! Where an event's outcome goes once it is certain: a queue, a topic, another function.
//!
//! An outcome becomes a durable letter for each destination before the event's own row is ended,
//! so that a crash between the two repeats it under the same id.

mod deliver;
mod record;

use std::sync::Arc;

use flow::{Access, Authorize, Pending, QueueMessage, SendError, Timestamp, Who};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{Database, Queue};

pub(crate) use self::deliver::deliver;
use self::record::{dead_letter, invocation_record};
use crate::{Error, Functions, Job, invocation::subject, kept::EventSettings};

/// The queue's name, and the hop's in `status` and `dead`.
const QUEUE: &str = "destination";

/// Sends to queues, or to topics. Whoever sends has asked whether it may.
pub trait Outlet: Send + Sync {
    /// Whether there is a queue or topic of that ARN.
    fn exists(&self, arn: &str) -> bool;

    /// Sends `message` to the queue or topic of that ARN; durable when it returns. The same
    /// `delivery_id` twice is one message.
    fn send<'a>(
        &'a self,
        arn: &'a str,
        delivery_id: &'a str,
        message: QueueMessage,
    ) -> Pending<'a, Result<(), SendError>>;
}

/// What a destination is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Queue,
    Topic,
    Function,
}

impl Kind {
    /// What the ARN names; `None` where it is nothing that outcomes are sent to.
    pub(crate) fn of(arn: &str) -> Option<Self> {
        let parts: Vec<&str> = arn.split(':').collect();
        match parts.as_slice() {
            ["arn", "aws", "sqs", _, _, _] => Some(Self::Queue),
            ["arn", "aws", "sns", _, _, _] => Some(Self::Topic),
            ["arn", "aws", "lambda", _, _, "function", _]
            | ["arn", "aws", "lambda", _, _, "function", _, _] => Some(Self::Function),
            _ => None,
        }
    }

    /// The action that the function's role must be allowed: its service and its name.
    pub(crate) fn action(self) -> (&'static str, &'static str) {
        match self {
            Self::Queue => ("sqs", "SendMessage"),
            Self::Topic => ("sns", "Publish"),
            Self::Function => ("lambda", "InvokeFunction"),
        }
    }
}

/// Whether the role may send to what the ARN names.
pub(crate) fn may_send(authorize: &dyn Authorize, role: &str, kind: Kind, arn: &str) -> bool {
    let (service, name) = kind.action();
    let access = Access::new(format!("{service}:{name}"), arn);
    authorize.decide(Who::Role(role), &access).is_allowed()
}

/// How an event's journey ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    Success,
    RetriesExhausted,
    EventAgeExceeded,
    ZeroReservedConcurrency,
}

impl Condition {
    fn as_str(self) -> &'static str {
        match self {
            Self::Success => "Success",
            Self::RetriesExhausted => "RetriesExhausted",
            Self::EventAgeExceeded => "EventAgeExceeded",
            Self::ZeroReservedConcurrency => "ZeroReservedConcurrency",
        }
    }
}

/// What the function last gave: its payload, and what it failed with where it did.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Returned<'a> {
    pub(crate) payload: &'a [u8],
    pub(crate) error: Option<&'a str>,
}

/// An outcome that is certain.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outcome<'a> {
    pub(crate) job: &'a Job,
    pub(crate) condition: Condition,
    /// How often the function ran.
    pub(crate) tries: u32,
    /// `None` where it never ran.
    pub(crate) returned: Option<Returned<'a>>,
    /// When the event was put, or revived: a revived one has another outcome.
    pub(crate) put_at: Timestamp,
}

/// A message on its way to a destination: the body of a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Letter {
    to: String,
    /// The ARN of the function that it tells of.
    function: String,
    role: String,
    request_id: String,
    message: QueueMessage,
    /// What a dead letter says that it is about.
    about: Value,
}

/// What outcomes are sent by.
pub(crate) struct Destinations {
    pub(crate) queue: Queue,
    pub(crate) queues: Arc<dyn Outlet>,
    pub(crate) topics: Arc<dyn Outlet>,
}

impl Destinations {
    pub(crate) async fn open(
        work: &Database,
        queues: Arc<dyn Outlet>,
        topics: Arc<dyn Outlet>,
    ) -> Result<Self, Error> {
        Ok(Self { queue: work.queue(QUEUE).await?, queues, topics })
    }
}

impl Functions {
    /// Outcomes on their way to destinations.
    pub fn outcomes(&self) -> &Queue {
        &self.0.destinations.queue
    }

    /// Whether there is what the ARN names.
    pub(crate) fn destination_exists(&self, kind: Kind, arn: &str) -> bool {
        match kind {
            Kind::Queue => self.0.destinations.queues.exists(arn),
            Kind::Topic => self.0.destinations.topics.exists(arn),
            Kind::Function => self.exists(arn),
        }
    }

    /// Puts a letter for each destination that wants the outcome; whether one did. They are durable
    /// when this returns.
    pub(crate) async fn hand_on(&self, outcome: &Outcome<'_>) -> Result<bool, store::Error> {
        let letters = self.letters(outcome);
        if letters.is_empty() {
            return Ok(false);
        }
        self.0.destinations.queue.put_all(letters, self.0.host.clock.now()).await?;
        Ok(true)
    }

    fn letters(&self, outcome: &Outcome<'_>) -> Vec<(String, Vec<u8>)> {
        let Job { function, request_id, event, .. } = outcome.job;
        let Some(hosted) = self.hosted(function) else { return Vec::new() };
        let EventSettings { on_success, on_failure, .. } = self.event_settings(function);
        let deployed = hosted.deployed.as_ref();
        let dead_letters = deployed.and_then(|deployed| deployed.dead_letters.clone());
        let failed = outcome.condition != Condition::Success;
        let (wanted, dead_letters) =
            if failed { (on_failure, dead_letters) } else { (on_success, None) };
        let now = self.0.host.clock.now();
        let version = hosted.version.as_str();
        let record = wanted.map(|to| (to, "record", invocation_record(outcome, version, now)));
        let event_itself = dead_letters.map(|to| (to, "event", dead_letter(outcome)));
        let told = [record, event_itself].into_iter().flatten();
        let letters = told.map(|(to, kind, message)| {
            let letter = Letter {
                to,
                function: function.clone(),
                role: hosted.function.role.clone(),
                request_id: request_id.clone(),
                message,
                about: subject(event),
            };
            let id = format!("{request_id}/{}/{kind}", outcome.put_at.as_millis());
            (id, serde_json::to_vec(&letter).expect("a letter is JSON"))
        });
        letters.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(arn: &str, expected: Option<Kind>) {
        assert_eq!(Kind::of(arn), expected, "{arn}");
    }

    #[test]
    fn outcomes_go_to_queues_topics_and_functions() {
        check("arn:aws:sqs:us-east-2:123456789012:jobs", Some(Kind::Queue));
        check("arn:aws:sns:us-east-2:123456789012:news", Some(Kind::Topic));
        let function = "arn:aws:lambda:us-east-2:123456789012:function:f";
        check(function, Some(Kind::Function));
        check(&format!("{function}:$LATEST"), Some(Kind::Function));
        check(&format!("{function}:live"), Some(Kind::Function));
        for none in [
            &format!("{function}:live:on"),
            "arn:aws:events:us-east-2:123456789012:event-bus/default",
            "arn:aws:s3:::bucket",
            "arn:aws:sns:us-east-2:123456789012:news:3c2a1b00-0000-4000-8000-000000000000",
            "jobs",
            "",
        ] {
            check(none, None);
        }
    }
}
