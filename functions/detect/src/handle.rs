//! One event: its objects fetched side by side, each record asked, the answer put together.

use std::collections::HashSet;

use futures_util::{StreamExt, stream};
use record::log_file::{self, Object};
use rule::RuleSet;
use serde_json::Value;
use tracing::warn;

use crate::{
    envelopes::{self, Envelope, ObjectEvent},
    error::Error,
    fetch::{Buckets, Fetched, OpenBucket},
    key::{Promise, promise},
    response::{Rejected, Response},
};

/// How many objects are fetched at the same time.
const OBJECTS_AT_ONCE: usize = 8;

/// What the function knows from one event to the next: its rules and its connections.
pub struct Detect {
    rules: RuleSet,
    buckets: Buckets,
}

impl Detect {
    /// A function of these rules, which reads buckets that `open` opens.
    pub fn new(rules: RuleSet, open: OpenBucket) -> Self {
        Self { rules, buckets: Buckets::new(open) }
    }

    async fn objects(&self, events: Vec<ObjectEvent>) -> Result<Response, Error> {
        let mut response = Response::default();
        let mut wanted = Vec::new();
        let mut met = HashSet::new();
        for event in events {
            match promise(&event.key) {
                Promise::NotALog => response.skipped += 1,
                _ if !event.created => response.skipped += 1,
                // The same object named twice is read once.
                promise if met.insert((event.bucket.clone(), event.key.clone())) => {
                    wanted.push((event, promise));
                }
                _ => {}
            }
        }
        let mut fetched = stream::iter(wanted)
            .map(|(event, promise)| async move {
                let fetched = self.buckets.fetch(&event.bucket, &event.key).await;
                (event, promise, fetched)
            })
            .buffered(OBJECTS_AT_ONCE);
        let mut failed = None;
        while let Some((event, promise, fetched)) = fetched.next().await {
            match fetched {
                Fetched::Whole(bytes) => self.read(&event, promise, &bytes, &mut response),
                Fetched::Never(reason) => response.rejected.push(rejected(&event, None, reason)),
                Fetched::NotNow(source) => {
                    let ObjectEvent { bucket, key, .. } = event;
                    failed.get_or_insert(Error::Retry { bucket, key, source });
                }
            }
        }
        match failed {
            Some(error) => Err(error),
            None => response.fitted(),
        }
    }

    /// Asks the rules about every record of an object.
    fn read(&self, event: &ObjectEvent, promise: Promise, bytes: &[u8], response: &mut Response) {
        let mut reject = |offset: Option<usize>, reason: String| {
            let offset = offset.and_then(|offset| u64::try_from(offset).ok());
            response.rejected.push(rejected(event, offset, reason));
        };
        let log = match log_file::read(&event.key, bytes) {
            Ok(Object::Log(log)) => log,
            Ok(Object::Other) if promise == Promise::Log => {
                return reject(Some(0), "expected an object with a list of `Records`".to_owned());
            }
            Ok(Object::Digest | Object::Insights | Object::Marker | Object::Other) => {
                response.skipped += 1;
                return;
            }
            Err(error) => return reject(error.offset(), error.to_string()),
        };
        if log.unrecognised > 0 {
            let reason = format!("{} values among the records are no records", log.unrecognised);
            reject(None, reason);
        }
        let object = format!("s3://{}/{}", event.bucket, event.key);
        if let Some(offset) = log.trailing_garbage {
            warn!(object = %object, offset, "{object} goes on after its end, at byte {offset}");
        }
        response.objects += 1;
        for record in log.records() {
            match self.rules.findings(record.json, &object) {
                Ok(findings) => {
                    response.records += 1;
                    response.findings.extend(findings);
                }
                Err(error) => {
                    let offset = u64::try_from(record.offset).ok();
                    response.rejected.push(rejected(event, offset, error.to_string()));
                }
            }
        }
    }
}

/// Handles one event: which rules hold for which records of the objects that it names.
///
/// # Errors
/// An object could not be fetched now, the event is of no known shape, or more was found than a
/// response can hold; see [`Error`].
pub async fn handle(detect: &Detect, event: Value) -> Result<Response, Error> {
    match envelopes::sniff(&event)? {
        Envelope::TestEvent => Ok(Response::default()),
        Envelope::ObjectEvents(events) => detect.objects(events).await,
    }
}

fn rejected(event: &ObjectEvent, offset: Option<u64>, reason: String) -> Rejected {
    Rejected { bucket: event.bucket.clone(), key: event.key.clone(), offset, reason }
}
