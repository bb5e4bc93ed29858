//! Stores the log files of one trail, one after the other, for as long as it takes.

use std::time::Duration;

use bytes::Bytes;
use flow::{Delivery, DeliveryError};
use store::Offset;
use tokio::{select, task::spawn_blocking, time::timeout};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::{
    Error,
    cut::{Cut, Delivered},
    trails::{Inner, Trail},
};

/// How long one attempt to store a file may take.
const PUT_MAX: Duration = Duration::from_secs(60);
/// The waits after failures, in milliseconds: the first, doubled each time, up to the last.
const RETRY_FIRST_MILLIS: i64 = 5_000;
const RETRY_LAST_MILLIS: i64 = 5 * 60 * 1000;
/// How long the files of a deleted trail are tried, in milliseconds.
const DELETED_TRIED_MILLIS: i64 = 24 * 60 * 60 * 1000;
/// Entries that are read from the journal at once.
const ENTRIES_AT_ONCE: u64 = 1_024;

const HEADERS: &[(&str, &str)] =
    &[("Content-Type", "application/json"), ("Content-Encoding", "gzip")];

/// Delivers the log files of one trail.
pub(crate) struct Deliverer<'a> {
    pub(crate) inner: &'a Inner,
    pub(crate) trail: &'a Trail,
}

/// What came of an attempt.
enum Attempt {
    Delivered(Delivery),
    Conflict,
    Failed { code: String, message: String },
}

impl Deliverer<'_> {
    /// Delivers until nothing is left and `cut_all` says that nothing more comes. After `stop` the
    /// first failure ends it, and `give_up` is told.
    pub(crate) async fn run(
        &self,
        cut_all: &CancellationToken,
        stop: &CancellationToken,
        give_up: &CancellationToken,
    ) {
        let mut moves = self.trail.moved.subscribe();
        loop {
            moves.mark_unchanged();
            // Asked first: what is cut before this is in the list below.
            let last = cut_all.is_cancelled();
            let cut = self.trail.progress.lock().await.cuts.front().cloned();
            let Some(cut) = cut else {
                if last {
                    return;
                }
                select! {
                    Ok(()) = moves.changed() => {}
                    () = cut_all.cancelled() => {}
                }
                continue;
            };
            let settled = match self.attempt(&cut).await {
                Ok(attempt) => self.settle(&cut, attempt).await,
                Err(error) => Err(error),
            };
            let wait = match settled {
                Ok(None) => continue,
                Ok(Some(wait)) => wait,
                Err(error) => self.failed(&cut, "InternalError", &error.to_string()).await,
            };
            if stop.is_cancelled() || self.is_given_up().await {
                give_up.cancel();
                return;
            }
            select! {
                () = self.inner.clock.sleep_millis(wait) => {}
                () = stop.cancelled() => {}
            }
        }
    }

    async fn attempt(&self, cut: &Cut) -> Result<Attempt, Error> {
        let records = self.records(cut).await?;
        let written = match spawn_blocking(move || record::log_file::write(records)).await {
            Ok(written) => written,
            Err(error) => return Ok(failed("InternalError", &error.to_string())),
        };
        if hex::encode(written.sha256) != cut.sha256 {
            return Err(Error::Lost { key: cut.key.clone() });
        }
        let bytes = Bytes::from(written.gzip);
        let put = self.inner.deliver.put_if_absent(&cut.bucket, &cut.key, bytes, HEADERS);
        Ok(match timeout(PUT_MAX, put).await {
            Ok(Ok(delivery)) => Attempt::Delivered(delivery),
            Ok(Err(DeliveryError::Conflict)) => Attempt::Conflict,
            Ok(Err(DeliveryError::Retry { code, message })) => Attempt::Failed { code, message },
            Err(_) => failed("RequestTimeout", "the bucket did not answer in time"),
        })
    }

    /// The records of `cut`, as the journal holds them.
    async fn records(&self, cut: &Cut) -> Result<Vec<Bytes>, Error> {
        let lost = || Error::Lost { key: cut.key.clone() };
        let mut records = Vec::with_capacity(cut.records);
        let mut wanted = cut.offsets.runs().flat_map(|(first, last)| first..=last).peekable();
        let end = cut.offsets.runs().last().map_or(0, |(_, last)| last + 1);
        while let Some(from) = wanted.peek().copied() {
            let limit = usize::try_from((end - from).min(ENTRIES_AT_ONCE)).unwrap_or(1);
            for entry in self.inner.journal.read(Offset(from), limit).await? {
                if wanted.next_if_eq(&entry.offset.0).is_some() {
                    records.push(entry.body);
                }
            }
            // The first entry that was asked for is missing.
            if wanted.peek() == Some(&from) {
                return Err(lost());
            }
        }
        Ok(records)
    }

    /// Takes note of an attempt; how long to wait where it failed.
    async fn settle(&self, cut: &Cut, attempt: Attempt) -> Result<Option<i64>, Error> {
        let trail = &self.trail.settings;
        match attempt {
            Attempt::Delivered(delivery) => {
                self.delivered(cut).await?;
                let (key, records) = (&cut.key, cut.records);
                let again = delivery == Delivery::AlreadyThere;
                info!(trail.name = %trail.name, object.key = %key, records, again,
                    "Delivered {key} for trail `{}`", trail.name);
                Ok(None)
            }
            Attempt::Conflict => {
                // Ours may stand there, changed by somebody since: so the file is stored again
                // under a key of its own, which at worst repeats records and never loses one.
                let mut renamed = cut.clone();
                renamed.rename(trail, &self.inner.account);
                error!(trail.name = %trail.name, object.key = %cut.key, object.new_key = %renamed.key,
                    "Other bytes stand under {}: trail `{}` delivers {}", cut.key, trail.name, renamed.key);
                self.inner
                    .update(self.trail, |progress| {
                        if let Some(front) = progress.cuts.front_mut() {
                            *front = renamed;
                        }
                    })
                    .await?;
                // Twice is no accident.
                let again = cut.conflicts > 0;
                let why = "other bytes stand under the key";
                Ok(if again { Some(self.failed(cut, "KeyConflict", why).await) } else { None })
            }
            Attempt::Failed { code, message } => Ok(Some(self.failed(cut, &code, &message).await)),
        }
    }

    async fn delivered(&self, cut: &Cut) -> Result<(), Error> {
        let now = self.inner.clock.now();
        // Remembered first: a crash between the two delivers again, to the same end.
        self.inner.shelf.remember(&Delivered::of(&self.trail.settings.id, cut, now)).await?;
        self.inner
            .update(self.trail, |progress| {
                progress.cuts.pop_front();
                let deliveries = &mut progress.deliveries;
                deliveries.attempted = Some(now);
                deliveries.succeeded = Some(now);
                deliveries.error = None;
                deliveries.failures = 0;
            })
            .await
    }

    /// Notes a failure, in memory alone; how long to wait, in milliseconds.
    async fn failed(&self, cut: &Cut, code: &str, message: &str) -> i64 {
        let trail = &self.trail.settings.name;
        let mut progress = self.trail.progress.lock().await;
        let deliveries = &mut progress.deliveries;
        let wait = wait_millis(deliveries.failures);
        deliveries.attempted = Some(self.inner.clock.now());
        deliveries.error = Some(code.to_owned());
        deliveries.failures = deliveries.failures.saturating_add(1);
        warn!(trail.name = %trail, object.key = %cut.key, bucket = %cut.bucket, error.code = code,
            failures = deliveries.failures, wait_millis = wait,
            "Trail `{trail}` could not deliver to `{}`: {code}: {message}", cut.bucket);
        wait
    }

    /// Whether the trail was deleted so long ago that its files are given up.
    async fn is_given_up(&self) -> bool {
        let deleted = self.trail.progress.lock().await.deleted;
        let now = self.inner.clock.now();
        deleted.is_some_and(|at| now.millis_since(at) >= DELETED_TRIED_MILLIS)
    }
}

fn failed(code: &str, message: &str) -> Attempt {
    Attempt::Failed { code: code.to_owned(), message: message.to_owned() }
}

/// How long to wait after a failure that had `failures` before it.
fn wait_millis(failures: u32) -> i64 {
    let doubled = 1_i64.checked_shl(failures.min(32)).unwrap_or(i64::MAX);
    RETRY_FIRST_MILLIS.saturating_mul(doubled).min(RETRY_LAST_MILLIS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_five_minutes() {
        let waits: Vec<i64> = (0..8).map(|failures| wait_millis(failures) / 1000).collect();
        assert_eq!(waits, [5, 10, 20, 40, 80, 160, 300, 300]);
        assert_eq!(wait_millis(u32::MAX), RETRY_LAST_MILLIS);
    }
}
