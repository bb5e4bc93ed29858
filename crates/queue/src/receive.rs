//! `ReceiveMessage`: what is due now, or comes within the wait.

use std::{collections::BTreeMap, sync::Arc};

use flow::{AttributeValue, Fault, MessageAttribute, Timestamp, Tree};
use rusqlite::Transaction;
use tokio_util::sync::CancellationToken;

use crate::{
    attributes::VISIBILITY_SECONDS,
    batch::required,
    digest,
    error::Refusal,
    handle::NONCE_BYTES,
    message::wrong_kind,
    port::Ask,
    queue::Queue,
    refusal,
    room::Inner,
    rows::lease::{self, Dead, Found, Given, Look},
};

/// Messages of one receive.
pub(crate) const MESSAGES_MAX: u32 = 10;

/// The longest wait, in seconds.
pub(crate) const WAIT_SECONDS_MAX: u32 = 20;

/// How long to wait where nothing is known to come, in milliseconds.
const LONG_MILLIS: i64 = 3_600_000;

/// The system attributes that may be asked for.
const SYSTEM_NAMES: &[&str] = &[
    "All",
    "AWSTraceHeader",
    "ApproximateFirstReceiveTimestamp",
    "ApproximateReceiveCount",
    "DeadLetterQueueSourceArn",
    "MessageDeduplicationId",
    "MessageGroupId",
    "SenderId",
    "SentTimestamp",
    "SequenceNumber",
];

/// A message, as it was given to whoever received it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// The id that the message keeps however often it is received.
    pub message_id: String,
    /// What this receive of it is ended by.
    pub receipt_handle: String,
    /// The body.
    pub body: String,
    /// The body's MD5, in hex.
    pub md5_of_body: String,
    /// Message attributes, by name.
    pub attributes: BTreeMap<String, MessageAttribute>,
    /// System attributes, such as `SenderId`, by name; moments are milliseconds since the epoch.
    pub system: BTreeMap<&'static str, String>,
}

impl Received {
    /// The MD5 of the attributes, in hex; `None` where there are none.
    pub fn md5_of_attributes(&self) -> Option<String> {
        digest::of_attributes(&self.attributes)
    }

    fn of(given: Given, handle: String) -> Self {
        let millis = |at: Timestamp| at.as_millis().to_string();
        let content = given.content;
        let system = [
            ("SenderId", Some(content.sender)),
            ("SentTimestamp", Some(millis(given.sent))),
            ("ApproximateReceiveCount", Some(given.receives.to_string())),
            ("ApproximateFirstReceiveTimestamp", Some(millis(given.first_received))),
            ("AWSTraceHeader", content.trace),
            ("DeadLetterQueueSourceArn", given.source),
            ("MessageGroupId", content.group),
        ];
        let given = system.into_iter().filter_map(|(name, value)| Some((name, value?)));
        Self {
            message_id: content.message_id,
            receipt_handle: handle,
            md5_of_body: digest::of_body(&content.body),
            body: content.body,
            attributes: content.attributes,
            system: given.collect(),
        }
    }
}

impl Inner {
    pub(crate) async fn receive_message(&self, input: &Tree) -> Result<Tree, Refusal> {
        let queue = self.by_url(required(input, "QueueUrl")?)?;
        let wanted = Wanted::of(input)?;
        if let Some(id) = input.text("ReceiveRequestAttemptId") {
            return Err(wrong_kind(id, "ReceiveRequestAttemptId").into());
        }
        let number = |name, least, most| number(input, name, least, most);
        let ask = Ask {
            max: number("MaxNumberOfMessages", 1, MESSAGES_MAX)?.unwrap_or(1),
            wait_seconds: number("WaitTimeSeconds", 0, WAIT_SECONDS_MAX)?,
            visibility_seconds: number("VisibilityTimeout", 0, *VISIBILITY_SECONDS.end())?,
        };
        let received = self.receive(&queue, &ask, &self.closing).await?;
        let messages: Vec<Tree> = received.into_iter().map(|one| wanted.tree(one)).collect();
        Ok(match messages.is_empty() {
            true => Tree::Map(Vec::new()),
            false => Tree::map([("Messages", Tree::List(messages))]),
        })
    }

    /// Messages that are due, or those that come first within the wait; none where nothing comes,
    /// or `stop` comes first.
    pub(crate) async fn receive(
        &self,
        queue: &Arc<Queue>,
        ask: &Ask,
        stop: &CancellationToken,
    ) -> Result<Vec<Received>, Refusal> {
        let wait = ask.wait_seconds.unwrap_or(queue.attributes.wait_seconds);
        let first = self.look(queue, ask).await?;
        if !first.given.is_empty() {
            return Ok(self.received(first));
        }
        // Whoever does not wait is told why there is nothing.
        if wait == 0 && first.headroom == Some(0) {
            let what = "The maximum number of in flight messages is reached: 120000.";
            return Err(refusal::over_limit(what).into());
        }
        let Ok(_place) = self.waiting.try_acquire() else { return Ok(Vec::new()) };
        if wait == 0 || stop.is_cancelled() {
            return Ok(Vec::new());
        }
        let end = self.now().plus_millis(i64::from(wait) * 1000);
        tokio::select! {
            () = self.clock.sleep_until(end) => Ok(Vec::new()),
            () = stop.cancelled() => Ok(Vec::new()),
            found = self.await_messages(queue, ask) => Ok(self.received(found?)),
        }
    }

    /// Looks again whenever something may have come, once it is this caller's turn.
    async fn await_messages(&self, queue: &Queue, ask: &Ask) -> Result<Found, Refusal> {
        let _turn = queue.line.turn.lock().await;
        let mut changes = queue.line.watch();
        loop {
            changes.mark_unchanged();
            let found = self.look(queue, ask).await?;
            if !found.given.is_empty() {
                return Ok(found);
            }
            if found.moved > 0 {
                // There may be more than one look moves.
                continue;
            }
            let next = found.next.unwrap_or_else(|| self.now().plus_millis(LONG_MILLIS));
            tokio::select! {
                () = self.clock.sleep_until(next) => {}
                _ = changes.changed() => {}
            }
        }
    }

    /// One look for messages, by the queue's attributes as they are now.
    async fn look(&self, queue: &Queue, ask: &Ask) -> Result<Found, Refusal> {
        let live = self.by_name(&queue.name).filter(|live| live.id == queue.id);
        let queue = live.ok_or_else(refusal::no_such_queue)?;
        let visibility = ask.visibility_seconds.unwrap_or(queue.attributes.visibility_seconds);
        let (now, max) = (self.now(), ask.max.clamp(1, MESSAGES_MAX));
        let nonces = (0..max).map(|_| {
            let mut nonce = [0; NONCE_BYTES];
            self.chance.fill(&mut nonce);
            nonce
        });
        let redrive = queue.attributes.redrive.as_ref();
        let target = redrive.and_then(|redrive| Some((redrive, self.by_arn(&redrive.target)?)));
        let look = Look {
            queue: queue.id,
            now,
            expired: self.expired(&queue, now),
            until: now.plus_millis(i64::from(visibility) * 1000),
            nonces: nonces.collect(),
            dead: target.as_ref().map(|(redrive, target)| Dead {
                queue: target.id,
                receives_max: redrive.receives_max,
                source: queue.arn.clone(),
            }),
            count: queue.line.is_near_full(i64::from(max)),
        };
        let work = move |db: &Transaction<'_>| lease::look(db, &look);
        let found = self.db.write_unsynced(work).await?;
        let found = found.map_err(|_| refusal::no_such_queue())?;
        queue.line.note(found.headroom, i64::try_from(found.given.len()).unwrap_or(i64::MAX));
        if let (Some((_, target)), true) = (target, found.moved > 0) {
            target.line.wake();
        }
        Ok(found)
    }

    fn received(&self, found: Found) -> Vec<Received> {
        let received = found.given.into_iter().map(|given| {
            let handle = self.handles.write(&given.handle);
            Received::of(given, handle)
        });
        received.collect()
    }
}

/// Which attributes a caller wants to read.
struct Wanted<'a> {
    system: Vec<&'a str>,
    names: Vec<&'a str>,
}

impl<'a> Wanted<'a> {
    fn of(input: &'a Tree) -> Result<Self, Fault> {
        let texts = |name| input.list(name).iter().filter_map(Tree::as_text);
        let system: Vec<&str> =
            texts("AttributeNames").chain(texts("MessageSystemAttributeNames")).collect();
        if let Some(unknown) = system.iter().find(|name| !SYSTEM_NAMES.contains(name)) {
            return Err(refusal::attribute_name(unknown));
        }
        Ok(Self { system, names: texts("MessageAttributeNames").collect() })
    }

    fn wants_system(&self, name: &str) -> bool {
        self.system.iter().any(|wanted| *wanted == "All" || *wanted == name)
    }

    /// By its name, by `All` or `.*`, or by its beginning: `bar.*`.
    fn wants(&self, name: &str) -> bool {
        self.names.iter().any(|wanted| match wanted.strip_suffix(".*") {
            Some(beginning) => name.starts_with(beginning),
            None => *wanted == "All" || *wanted == name,
        })
    }

    fn tree(&self, mut received: Received) -> Tree {
        received.attributes.retain(|name, _| self.wants(name));
        received.system.retain(|name, _| self.wants_system(name));
        let digest = received.md5_of_attributes();
        let system = received.system.into_iter().map(|(name, value)| (name, Tree::from(value)));
        let system = Tree::map(system);
        let attributes = received.attributes.into_iter();
        let attributes = Tree::map(attributes.map(|(name, one)| (name, attribute_tree(one))));
        let members = [
            ("MessageId", Tree::from(received.message_id)),
            ("ReceiptHandle", Tree::from(received.receipt_handle)),
            ("MD5OfBody", Tree::from(received.md5_of_body)),
            ("Body", Tree::from(received.body)),
            ("Attributes", system),
            ("MD5OfMessageAttributes", Tree::from(digest)),
            ("MessageAttributes", attributes),
        ];
        let empty = |tree: &Tree| tree.is_null() || *tree == Tree::Map(Vec::new());
        Tree::map(members.into_iter().filter(|(_, tree)| !empty(tree)))
    }
}

fn attribute_tree(attribute: MessageAttribute) -> Tree {
    let value = match attribute.value {
        AttributeValue::Text(text) => ("StringValue", Tree::Text(text)),
        AttributeValue::Bytes(bytes) => ("BinaryValue", Tree::Blob(bytes)),
    };
    Tree::map([value, ("DataType", Tree::Text(attribute.data_type))])
}

/// The member `name` as a number in this range, where it is given.
pub(crate) fn number(
    input: &Tree,
    name: &str,
    least: u32,
    most: u32,
) -> Result<Option<u32>, Fault> {
    let Some(given) = input.int(name) else { return Ok(None) };
    let number = u32::try_from(given).ok().filter(|number| (least..=most).contains(number));
    number.map(Some).ok_or_else(|| {
        let why = format!("Must be between {least} and {most}, if provided.");
        refusal::invalid(&given.to_string(), name, &why)
    })
}
