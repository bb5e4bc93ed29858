//! Works off a queue: leases what is due and hands it out by lanes, so that a slow lane delays no
//! other.

use std::{
    collections::HashMap,
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use flow::{Clock, Pending, Timestamp};
use futures_util::FutureExt;
use tokio::{sync::Semaphore, task::JoinSet};
use tokio_util::sync::CancellationToken;

use crate::{Error, Lease, Queue};

/// Rows that a crew holds in memory.
const HELD_MAX: usize = 4_096;

/// Rows of one lane that a crew holds; further ones are given back for a while, so that a lane
/// that stands still does not fill the crew's hands.
const LANE_HELD_MAX: usize = 256;

/// Rows that one look leases.
const LEASED_MAX: usize = 512;

/// How long rows that were given back stay away, in milliseconds.
const GIVEN_BACK_MILLIS: i64 = 1_000;

/// How long to wait after the store failed, in milliseconds.
const STORE_RETRY_MILLIS: i64 = 1_000;

/// How often the ids of done rows are looked through for old ones, in milliseconds.
const FORGET_EVERY_MILLIS: i64 = 3_600_000;

/// What became of a row that was worked on.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// Done: never to be worked on again.
    Done,
    /// To be tried again.
    Later {
        /// From when on.
        due: Timestamp,
        /// Why it did not succeed.
        reason: String,
    },
    /// Given up, until somebody revives it.
    Dead {
        /// Why.
        reason: String,
        /// What the reason is about.
        detail: serde_json::Value,
    },
}

/// What is done with a queue's rows.
pub trait Work: Send + Sync {
    /// Whom the row is for: rows of one lane wait for each other, never for another lane's.
    fn lane(&self, lease: &Lease) -> String;

    /// Works on one row; a repeat must be harmless. It bounds its own waits. A panic buries the row.
    fn work<'a>(&'a self, lease: &'a Lease) -> Pending<'a, Verdict>;
}

/// Waits that double from try to try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BackOff {
    /// The wait after the first try, in milliseconds.
    pub base_millis: i64,
    /// The longest wait, in milliseconds.
    pub max_millis: i64,
}

impl BackOff {
    /// The wait after the try number `attempts` (the first is 1), in milliseconds.
    pub fn wait_millis(self, attempts: u32) -> i64 {
        let doublings = attempts.saturating_sub(1).min(62);
        self.base_millis.saturating_mul(1_i64 << doublings).min(self.max_millis)
    }
}

/// Those who work off one queue.
pub struct Crew {
    /// The queue.
    pub queue: Queue,
    /// What is done with its rows.
    pub work: Arc<dyn Work>,
    /// Tells when rows are due.
    pub clock: Arc<dyn Clock>,
    /// Rows of one lane that are worked on at once.
    pub at_once: usize,
    /// How long the id of a done row stays known, in milliseconds.
    pub remember_millis: i64,
}

/// The rows of one lane that are in hand.
struct Lane {
    places: Semaphore,
    held: AtomicUsize,
}

impl Crew {
    /// Works until `stop`, then finishes what is begun and gives back the rest.
    pub async fn run(self, stop: CancellationToken) {
        let crew = Arc::new(self);
        let mut changed = crew.queue.changed();
        let mut lanes = HashMap::new();
        let mut tasks = JoinSet::new();
        let mut forget_at = crew.clock.now();
        while !stop.is_cancelled() {
            while let Some(ended) = tasks.try_join_next() {
                crew.note(ended);
            }
            // Whatever changes from here on is seen by the wait below.
            changed.mark_unchanged();
            let now = crew.clock.now();
            if now >= forget_at {
                forget_at = now.plus_millis(FORGET_EVERY_MILLIS);
                crew.forget(now).await;
            }
            let room = HELD_MAX.saturating_sub(tasks.len());
            let wake = match crew.lease(now, room.min(LEASED_MAX)).await {
                Ok(Step::Leased(leases)) => {
                    crew.hand_out(leases, &mut lanes, &mut tasks, &stop);
                    continue;
                }
                Ok(Step::Nothing { due }) => due.map_or(forget_at, |due| due.min(forget_at)),
                Err(error) => {
                    tracing::warn!(queue = crew.queue.name(), %error, "The queue cannot be read");
                    now.plus_millis(STORE_RETRY_MILLIS)
                }
            };
            let full = room == 0;
            tokio::select! {
                () = stop.cancelled() => {}
                Some(ended) = tasks.join_next(), if full => crew.note(ended),
                // The sender lives in the queue that the crew holds.
                _ = changed.changed(), if !full => {}
                () = crew.clock.sleep_until(wake), if !full => {}
            }
        }
        while let Some(ended) = tasks.join_next().await {
            crew.note(ended);
        }
    }

    async fn lease(&self, now: Timestamp, limit: usize) -> Result<Step, Error> {
        if limit == 0 {
            return Ok(Step::Nothing { due: None });
        }
        let leases = self.queue.lease(now, limit).await?;
        if leases.is_empty() {
            return Ok(Step::Nothing { due: self.queue.next_due().await? });
        }
        Ok(Step::Leased(leases))
    }

    fn hand_out(
        self: &Arc<Self>,
        leases: Vec<Lease>,
        lanes: &mut HashMap<String, Arc<Lane>>,
        tasks: &mut JoinSet<()>,
        stop: &CancellationToken,
    ) {
        lanes.retain(|_, lane| lane.held.load(Ordering::Relaxed) > 0);
        for lease in leases {
            let lane = lanes.entry(self.work.lane(&lease)).or_insert_with(|| {
                let places = Semaphore::new(self.at_once.max(1));
                Arc::new(Lane { places, held: AtomicUsize::new(0) })
            });
            let crowded = lane.held.fetch_add(1, Ordering::Relaxed) >= LANE_HELD_MAX;
            let (crew, lane, stop) = (Arc::clone(self), Arc::clone(lane), stop.clone());
            tasks.spawn(async move {
                let place = tokio::select! {
                    biased;
                    () = stop.cancelled() => None,
                    place = lane.places.acquire(), if !crowded => place.ok(),
                    () = std::future::ready(()), if crowded => None,
                };
                match &place {
                    Some(_) => {
                        let verdict = crew.work_on(&lease).await;
                        crew.settle(&lease, Some(verdict), &stop).await;
                    }
                    None => crew.settle(&lease, None, &stop).await,
                }
                drop(place);
                lane.held.fetch_sub(1, Ordering::Relaxed);
            });
        }
    }

    /// A panic must not keep the row and its place in the lane until the next start.
    async fn work_on(&self, lease: &Lease) -> Verdict {
        let work = AssertUnwindSafe(async { self.work.work(lease).await });
        work.catch_unwind().await.unwrap_or_else(|_| {
            let (queue, id) = (self.queue.name(), &lease.id);
            tracing::error!(queue, row.id = %id, "Work on a row of `{queue}` panicked");
            let reason = "working on it panicked; the log says where".to_owned();
            Verdict::Dead { reason, detail: serde_json::json!({}) }
        })
    }

    /// Writes a verdict down, or gives the row back where there is none; tries until it stands or
    /// a stop is asked for. A row whose verdict was lost is worked on again after a restart.
    async fn settle(&self, lease: &Lease, verdict: Option<Verdict>, stop: &CancellationToken) {
        loop {
            let now = self.clock.now();
            let id = &lease.id;
            let written = match &verdict {
                Some(Verdict::Done) => self.queue.ack(id, now).await,
                Some(Verdict::Later { due, reason }) => self.queue.nack(id, *due, reason).await,
                Some(Verdict::Dead { reason, detail }) => {
                    self.queue.bury(id, now, reason, detail.clone()).await
                }
                None => self.queue.give_back(id, now.plus_millis(GIVEN_BACK_MILLIS)).await,
            };
            let Err(error) = written else { return };
            tracing::warn!(
                queue = self.queue.name(), row.id = %id, %error,
                "What became of a row cannot be written down"
            );
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.clock.sleep_millis(STORE_RETRY_MILLIS) => {}
            }
        }
    }

    async fn forget(&self, now: Timestamp) {
        let before = now.plus_millis(self.remember_millis.saturating_neg());
        if let Err(error) = self.queue.forget_done(before).await {
            tracing::warn!(queue = self.queue.name(), %error, "Old ids cannot be forgotten");
        }
    }

    fn note(&self, ended: Result<(), tokio::task::JoinError>) {
        if let Err(error) = ended {
            // What works on a row is watched; this is what settles it.
            tracing::error!(
                queue = self.queue.name(), %error,
                "A worker ended badly; its row is free again after a restart"
            );
        }
    }
}

/// What a look at the queue found.
enum Step {
    Leased(Vec<Lease>),
    Nothing { due: Option<Timestamp> },
}

#[cfg(test)]
mod tests;
