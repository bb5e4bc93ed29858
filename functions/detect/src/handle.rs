//! One event: its objects fetched side by side, each record asked, the answer put together.

use std::sync::Mutex;

use alert::Sender;
use flow::Finding;
use futures_util::{StreamExt, stream};
use rule::RuleSet;
use serde_json::Value;
use tracing::warn;

use crate::{
    allowed::Allowed,
    destinations, envelopes,
    envelopes::{ObjectEvent, Reported},
    error::Error,
    examine::{Contents, Examiner},
    fetch::{Buckets, Fetched, OpenBucket},
    key::Promise,
    plan::{Plan, Wanted},
    response::{ItemFailure, Rejected, Response, trimmed},
};

/// How many objects are fetched at the same time.
const OBJECTS_AT_ONCE: usize = 8;
/// How long the records of all findings may be before further ones are trimmed, in bytes.
const FOUND_BYTES_MAX: usize = 32 * 1024 * 1024;

/// What the function knows from one event to the next: its rules and its connections.
pub struct Detect {
    rules: RuleSet,
    buckets: Buckets,
    allowed: Allowed,
    sender: Option<Sender>,
    /// Those that nobody is using.
    examiners: Mutex<Vec<Examiner>>,
}

impl Detect {
    /// A function of these rules, which reads buckets that `open` opens and answers its findings.
    pub fn new(rules: RuleSet, open: OpenBucket) -> Self {
        Self {
            rules,
            buckets: Buckets::new(open),
            allowed: Allowed::Any,
            sender: None,
            examiners: Mutex::default(),
        }
    }

    /// The same, reading these buckets only.
    #[must_use]
    pub fn reading(self, allowed: Allowed) -> Self {
        Self { allowed, ..self }
    }

    /// The same, sending an alert of each finding before it answers.
    #[must_use]
    pub fn sending(self, sender: Sender) -> Self {
        Self { sender: Some(sender), ..self }
    }

    async fn carry_out(&self, plan: Plan) -> Result<Response, Error> {
        let Plan { wanted, reported, skipped, mut batch } = plan;
        let mut response = Response { skipped, ..Response::default() };
        for record in &reported {
            self.ask(record, &mut response);
        }
        let mut failed = None;
        let reads = self.read_all(&wanted).await;
        for (wanted, read) in wanted.iter().zip(reads) {
            match (read, &mut batch) {
                (Ok(part), _) => response.take(part),
                (Err(error), Some(batch)) => batch.not_read(wanted, &error),
                (Err(error), None) => {
                    failed.get_or_insert(error);
                }
            }
        }
        for Rejected { bucket, key, reason, .. } in &response.rejected {
            warn!(bucket = ?bucket, key = ?key, "Rejected {bucket:?}, {key:?}: {reason:?}");
        }
        if let Some(sender) = &self.sender {
            // Before anything fails: what cannot be read must not hold back what was found.
            response.sent = destinations::send(sender, &response.findings).await?;
        }
        if let Some(error) = failed {
            return Err(error);
        }
        if let Some(batch) = batch {
            let failure = |id: &String| ItemFailure { item_identifier: id.clone() };
            response.unrecognised = batch.unrecognised;
            response.batch_item_failures = Some(batch.failed().map(failure).collect());
        }
        response.fitted()
    }

    /// What each object gave, in their order.
    async fn read_all(&self, wanted: &[Wanted]) -> Vec<Result<Response, Error>> {
        let fetches = wanted.iter().enumerate().map(|(place, wanted)| async move {
            let ObjectEvent { bucket, key, .. } = &wanted.event;
            if !self.allowed.holds(bucket) {
                let (bucket, key) = (bucket.clone(), key.clone());
                return (place, wanted, Err(Error::NotAllowed { bucket, key }));
            }
            (place, wanted, Ok(self.buckets.fetch(bucket, key).await))
        });
        // Whichever is there first is read first, and makes room for the next.
        let mut fetched = stream::iter(fetches).buffer_unordered(OBJECTS_AT_ONCE);
        let mut read = Vec::new();
        let mut found_bytes = 0;
        while let Some((place, Wanted { event, promise, .. }, fetched)) = fetched.next().await {
            let part = fetched.and_then(|fetched| match fetched {
                Fetched::Whole(bytes, _room) => {
                    Ok(self.read(event, *promise, &bytes, &mut found_bytes))
                }
                Fetched::Never(reason) => {
                    let rejected = vec![rejected(event, None, reason)];
                    Ok(Response { rejected, ..Response::default() })
                }
                Fetched::NotNow(source) => {
                    let ObjectEvent { bucket, key, .. } = event.clone();
                    Err(Error::Retry { bucket, key, source })
                }
            });
            read.push((place, part));
        }
        read.sort_unstable_by_key(|(place, _)| *place);
        read.into_iter().map(|(_, part)| part).collect()
    }

    /// Asks the rules about every record of an object.
    fn read(
        &self,
        event: &ObjectEvent,
        promise: Promise,
        bytes: &[u8],
        found_bytes: &mut usize,
    ) -> Response {
        let object = format!("s3://{}/{}", event.bucket, event.key);
        let mut response = Response::default();
        let mut examiner =
            self.examiners.lock().expect("no holder panics").pop().unwrap_or_default();
        let examined = examiner.whole(&self.rules, &event.key, bytes, &mut |found| {
            let mut finding = found.finding(&object);
            *found_bytes = found_bytes.saturating_add(found.record.len());
            if *found_bytes > FOUND_BYTES_MAX {
                finding.record = trimmed(&finding.record);
            }
            response.findings.push(finding);
        });
        self.examiners.lock().expect("no holder panics").push(examiner);
        match examined.contents {
            Contents::Log => {}
            Contents::Other if promise == Promise::Log => {
                let reason = "expected an object with a list of `Records`".to_owned();
                response.rejected.push(rejected(event, Some(0), reason));
                return response;
            }
            Contents::Digest | Contents::Insights | Contents::Marker | Contents::Other => {
                response.skipped = 1;
                return response;
            }
        }
        response.objects = u64::from(examined.records > 0 || examined.damage.is_empty());
        response.records = examined.records;
        for damage in examined.damage {
            response.rejected.push(rejected(event, damage.offset, damage.to_string()));
        }
        response
    }

    /// Asks the rules about a record that came with the event.
    fn ask(&self, reported: &Reported, response: &mut Response) {
        let raw = reported.record.to_string();
        let object = format!("eventbridge:{}", reported.id);
        match self.rules.matching(raw.as_bytes()) {
            Ok(rules) => {
                response.records += 1;
                response.findings.extend(rules.into_iter().map(|rule| Finding {
                    id: flow::alert_id(rule.id(), &reported.record, raw.as_bytes()),
                    rule: rule.reference().clone(),
                    record: reported.record.clone(),
                    object: object.clone(),
                }));
            }
            Err(error) => response.rejected.push(Rejected {
                bucket: String::new(),
                key: object,
                offset: None,
                reason: error.to_string(),
            }),
        }
    }
}

/// Handles one event: which rules hold for which records of the objects that it names.
///
/// # Errors
/// An object could not be fetched now, the event is of no known shape, an alert could not be sent,
/// or more was found than a response can hold; see [`Error`]. Of a batch, messages fail by
/// themselves, in the response.
pub async fn handle(detect: &Detect, event: Value) -> Result<Response, Error> {
    detect.carry_out(Plan::of(envelopes::sniff(&event)?)).await
}

fn rejected(event: &ObjectEvent, offset: Option<u64>, reason: String) -> Rejected {
    Rejected { bucket: event.bucket.clone(), key: event.key.clone(), offset, reason }
}
