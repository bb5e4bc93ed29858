//! Objects out of buckets, and what the rules say of their records.

use std::{
    collections::BTreeMap,
    io::Cursor,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use credentials::Trouble;
use detect::{Contents, Examined, Examiner, ObjectEvent, Reported};
use flow::{Clock, Finding, Level, Timestamp};
use futures_util::future::join_all;
use object_store::{GetOptions, ObjectStore, path::Path};
use tokio::sync::{Semaphore, mpsc};

use crate::{
    counts::Counts,
    rules::Rules,
    sink::Sink,
    verdict::{Fault, Outcome},
};

/// The largest object that is fetched, in bytes.
const OBJECT_BYTES_MAX: usize = 50 * 1024 * 1024;
/// Objects in memory at the same time, of all messages.
const OBJECTS_AT_ONCE: usize = 8;
/// From this size on, an object is inflated piece by piece, in bytes.
const WHOLE_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Findings that are taken in one write.
const FINDINGS_AT_ONCE: usize = 64;
/// Such batches that wait for the disk.
const BATCHES_WAITING_MAX: usize = 4;

/// Reads what messages name.
pub(crate) struct Reader {
    pub(crate) buckets: BTreeMap<String, Arc<dyn ObjectStore>>,
    pub(crate) rules: Rules,
    pub(crate) sink: Sink,
    pub(crate) min_level: Level,
    pub(crate) counts: Arc<Counts>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) places: Semaphore,
    /// Kept from object to object for their buffers.
    pub(crate) examiners: Mutex<Vec<Examiner>>,
}

/// What became of a fetch.
enum Fetched {
    Whole { bytes: Bytes, made: Timestamp },
    Never(String),
    NotNow(String),
}

impl Reader {
    pub(crate) fn places() -> Semaphore {
        Semaphore::new(OBJECTS_AT_ONCE)
    }

    /// Reads all that a message names, side by side.
    pub(crate) async fn read(
        self: &Arc<Self>,
        objects: &[ObjectEvent],
        records: &[Reported],
    ) -> Vec<Outcome> {
        let objects = objects.iter().map(|event| self.object(event));
        let mut outcomes = join_all(objects).await;
        for reported in records {
            outcomes.push(self.record(reported).await);
        }
        outcomes
    }

    async fn object(self: &Arc<Self>, event: &ObjectEvent) -> Outcome {
        if detect::promise(&event.key) == detect::Promise::NotALog {
            self.counts.objects.skipped.one();
            return Outcome::Done;
        }
        let place = self.places.acquire().await;
        let fault = |offset: Option<u64>, reason: String| Fault {
            bucket: Some(event.bucket.clone()),
            key: Some(event.key.clone()),
            offset,
            reason,
        };
        let outcome = match self.fetch(event).await {
            Fetched::Never(reason) => {
                self.counts.objects.failed.one();
                Outcome::Never(fault(None, reason))
            }
            Fetched::NotNow(reason) => {
                self.counts.failures.fetch.one();
                Outcome::NotNow(fault(None, reason))
            }
            Fetched::Whole { bytes, made } => match self.examine(event, bytes).await {
                Err(reason) => Outcome::NotNow(fault(None, reason)),
                Ok(examined) => {
                    self.counts.lag(self.clock.now().millis_since(made));
                    self.judge(event, examined).map_or(Outcome::Done, |(offset, reason)| {
                        Outcome::Never(fault(offset, reason))
                    })
                }
            },
        };
        drop(place);
        outcome
    }

    /// Counts what was examined; what is wrong with it, where something is.
    fn judge(&self, event: &ObjectEvent, examined: Examined) -> Option<(Option<u64>, String)> {
        let counts = &self.counts;
        counts.records.add(examined.records);
        counts.candidates.add(examined.candidates);
        counts.bytes_inflated.add(examined.bytes_inflated);
        let log_by_name = detect::promise(&event.key) == detect::Promise::Log;
        let more = examined.damage.len().saturating_sub(1);
        if let Some(damage) = examined.damage.into_iter().next() {
            counts.objects.damaged.one();
            let more = if more > 0 { format!(" (and {more} more places)") } else { String::new() };
            return Some((damage.offset, format!("{}{more}", damage.reason)));
        }
        match examined.contents {
            Contents::Log => counts.objects.read.one(),
            Contents::Other if log_by_name => {
                counts.objects.damaged.one();
                let expected = "expected an object with a list of `Records`";
                return Some((Some(0), expected.to_owned()));
            }
            _ => counts.objects.skipped.one(),
        }
        None
    }

    async fn fetch(&self, event: &ObjectEvent) -> Fetched {
        let path = match Path::parse(&event.key) {
            Ok(path) if path.as_ref() == event.key => path,
            // The client would ask for another key than the one that is meant.
            _ => return Fetched::Never("the key has an empty or relative segment".to_owned()),
        };
        let Some(bucket) = self.buckets.get(&event.bucket) else {
            return Fetched::Never("the bucket is not among those that are watched".to_owned());
        };
        match get(bucket, &path).await {
            Ok(Some((bytes, made))) => {
                self.counts.bytes.add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
                Fetched::Whole { bytes, made }
            }
            Ok(None) => {
                let max = OBJECT_BYTES_MAX / 1024 / 1024;
                Fetched::Never(format!("the object is larger than {max} MiB"))
            }
            Err(error) => match Trouble::of(&error) {
                Trouble::NoObject => {
                    Fetched::Never("the object is not there, or no longer".to_owned())
                }
                trouble @ Trouble::Archived => {
                    Fetched::Never(trouble.remedy().unwrap_or("it is archived").to_owned())
                }
                trouble => {
                    let remedy = trouble.remedy().map(|text| format!(" ({text})"));
                    let remedy = remedy.unwrap_or_default();
                    let (bucket, key) = (&event.bucket, &event.key);
                    Fetched::NotNow(format!("cannot read s3://{bucket}/{key}: {error}{remedy}"))
                }
            },
        }
    }

    /// Asks the rules about every record; what they find is with the sink once this resolves.
    async fn examine(
        self: &Arc<Self>,
        event: &ObjectEvent,
        bytes: Bytes,
    ) -> Result<Examined, String> {
        let (send, batches) = mpsc::channel(BATCHES_WAITING_MAX);
        let object = format!("s3://{}/{}", event.bucket, event.key);
        let (reader, key) = (Arc::clone(self), event.key.clone());
        let work = tokio::task::spawn_blocking(move || {
            let mut examiner = reader.examiner().pop().unwrap_or_default();
            let mut batch = Batch { send, findings: Vec::new(), refused: false };
            let rules = reader.rules.now();
            let mut found = |found: detect::Found<'_>| {
                if found.rule.level() < reader.min_level {
                    reader.counts.below_level.one();
                } else {
                    batch.push(found.finding(&object));
                }
            };
            let examined = if bytes.len() <= WHOLE_BYTES_MAX {
                examiner.whole(&rules, &key, &bytes, &mut found)
            } else {
                examiner.stream(&rules, &key, &mut Cursor::new(&bytes), &mut found)
            };
            batch.flush();
            reader.examiner().push(examiner);
            examined
        });
        let taken = self.take(batches).await;
        let examined = work.await.map_err(|_| "examining the object panicked".to_owned())?;
        taken.map(|()| examined)
    }

    async fn take(&self, mut batches: mpsc::Receiver<Vec<Finding>>) -> Result<(), String> {
        while let Some(findings) = batches.recv().await {
            self.give(findings).await?;
        }
        Ok(())
    }

    async fn give(&self, findings: Vec<Finding>) -> Result<(), String> {
        let count = u64::try_from(findings.len()).unwrap_or(u64::MAX);
        match self.sink.take(findings, self.clock.now()).await {
            Ok(late) => {
                self.counts.findings.add(count);
                self.counts.late.add(late);
                Ok(())
            }
            Err(why) => {
                self.counts.failures.outbox.one();
                Err(why)
            }
        }
    }

    /// A record that a message holds itself.
    async fn record(&self, reported: &Reported) -> Outcome {
        let raw = serde_json::to_vec(&reported.record).unwrap_or_default();
        let object = format!("eventbridge:{}", reported.id);
        let fault = |reason: String| Fault { reason, ..Fault::default() };
        self.counts.records.one();
        match self.rules.now().findings(&raw, &object) {
            Err(error) => Outcome::Never(fault(error.to_string())),
            Ok(findings) => {
                let loud = |finding: &Finding| finding.rule.level >= self.min_level;
                let findings: Vec<_> = findings.into_iter().filter(loud).collect();
                match self.give(findings).await {
                    Ok(()) => Outcome::Done,
                    Err(why) => Outcome::NotNow(fault(why)),
                }
            }
        }
    }

    fn examiner(&self) -> std::sync::MutexGuard<'_, Vec<Examiner>> {
        self.examiners.lock().expect("no holder panics")
    }
}

/// Findings on their way from the thread that reads to the outbox.
struct Batch {
    send: mpsc::Sender<Vec<Finding>>,
    findings: Vec<Finding>,
    /// Nobody takes findings any more: the outbox failed, and the object is read again later.
    refused: bool,
}

impl Batch {
    fn push(&mut self, finding: Finding) {
        self.findings.push(finding);
        if self.findings.len() >= FINDINGS_AT_ONCE {
            self.flush();
        }
    }

    fn flush(&mut self) {
        let findings = std::mem::take(&mut self.findings);
        if !findings.is_empty() && !self.refused {
            self.refused = self.send.blocking_send(findings).is_err();
        }
    }
}

/// The bytes and when they were written; `None` where there are too many.
async fn get(
    bucket: &Arc<dyn ObjectStore>,
    path: &Path,
) -> object_store::Result<Option<(Bytes, Timestamp)>> {
    let found = bucket.get_opts(path, GetOptions::default()).await?;
    let made = Timestamp::from_millis(found.meta.last_modified.timestamp_millis());
    Ok(detect::whole(found, OBJECT_BYTES_MAX).await?.map(|bytes| (bytes, made)))
}
