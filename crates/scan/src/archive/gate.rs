//! The gate through which every request to a bucket passes: in its turn, not too many at a time,
//! and again where that may help.

use std::{
    future::Future,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use credentials::Trouble;
use object_store::Error as S3Error;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, sleep, sleep_until},
};

use super::pace::{Interval, Pace, Rate};

/// How often one thing is asked for.
const TRIES_MAX: u32 = 10;
/// How long it waits before the second time; then twice as long each time.
const FIRST_WAIT: Duration = Duration::from_millis(50);
/// How long at most.
const WAIT_MAX: Duration = Duration::from_secs(20);
/// How often the number of requests at a time is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Lets requests through.
#[derive(Debug)]
pub(crate) struct Gate {
    slots: Arc<Semaphore>,
    /// Slots that are to vanish as they become free.
    surplus: AtomicUsize,
    pace: Mutex<Pace>,
    rate: Option<Mutex<Rate>>,
    began: Instant,
    done: AtomicU64,
    refused: AtomicU64,
    retried: AtomicU64,
    refused_ever: AtomicU64,
    was_full: AtomicBool,
}

/// The right to have one request under way.
#[derive(Debug)]
pub(crate) struct Slot {
    gate: Arc<Gate>,
    permit: Option<OwnedSemaphorePermit>,
}

impl Gate {
    /// At most so many requests for objects at a time, and at most so many of all kinds a second.
    pub(crate) fn new(at_a_time_max: usize, per_second: Option<f64>) -> Self {
        let pace = Pace::new(at_a_time_max);
        Self {
            slots: Arc::new(Semaphore::new(pace.at_a_time())),
            surplus: AtomicUsize::new(0),
            pace: Mutex::new(pace),
            rate: per_second.map(|requests| Mutex::new(Rate::per_second(requests))),
            began: Instant::now(),
            done: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            retried: AtomicU64::new(0),
            refused_ever: AtomicU64::new(0),
            was_full: AtomicBool::new(false),
        }
    }

    /// Waits until fewer requests are under way than may be.
    pub(crate) async fn slot(self: &Arc<Self>) -> Slot {
        let permit = match Arc::clone(&self.slots).try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => {
                self.was_full.store(true, Relaxed);
                let permit = Arc::clone(&self.slots).acquire_owned().await;
                permit.expect("nobody closes it")
            }
        };
        Slot { gate: Arc::clone(self), permit: Some(permit) }
    }

    /// Asks, and again where that may help.
    pub(crate) async fn tried<T, F>(&self, mut ask: impl FnMut() -> F) -> Result<T, S3Error>
    where
        F: Future<Output = Result<T, S3Error>>,
    {
        let mut tries = 1;
        loop {
            match self.once(&mut ask).await {
                Err((error, trouble)) if trouble.passes() && tries < TRIES_MAX => {
                    drop(error);
                    self.wait(&tries, tries).await;
                }
                other => return other.map_err(|(error, _)| error),
            }
            tries += 1;
        }
    }

    /// Asks in a slot, which others have while it waits to ask again.
    pub(crate) async fn tried_in<T, F>(
        self: &Arc<Self>,
        slot: Slot,
        seed: &str,
        mut ask: impl FnMut() -> F,
    ) -> Result<T, (S3Error, Trouble)>
    where
        F: Future<Output = Result<T, S3Error>>,
    {
        let mut slot = Some(slot);
        let mut tries = 1;
        loop {
            match self.once(&mut ask).await {
                Err((_, trouble)) if trouble.passes() && tries < TRIES_MAX => {
                    slot = None;
                    self.wait(&seed, tries).await;
                    slot.replace(self.slot().await);
                }
                other => {
                    drop(slot);
                    return other;
                }
            }
            tries += 1;
        }
    }

    async fn once<T, F>(&self, ask: &mut impl FnMut() -> F) -> Result<T, (S3Error, Trouble)>
    where
        F: Future<Output = Result<T, S3Error>>,
    {
        self.in_turn().await;
        match ask().await {
            Ok(answer) => {
                self.done.fetch_add(1, Relaxed);
                Ok(answer)
            }
            Err(error) => {
                let trouble = Trouble::of(&error);
                if matches!(trouble, Trouble::SlowDown | Trouble::KmsSlowDown) {
                    self.refused.fetch_add(1, Relaxed);
                }
                Err((error, trouble))
            }
        }
    }

    /// Waits until a request may begin.
    async fn in_turn(&self) {
        let Some(rate) = &self.rate else { return };
        let begin = rate.lock().expect("no holder panics").begin(self.began.elapsed());
        if let Some(begin) = self.began.checked_add(begin) {
            sleep_until(begin).await;
        }
    }

    async fn wait(&self, seed: &impl Hash, tries: u32) {
        self.retried.fetch_add(1, Relaxed);
        let longest = FIRST_WAIT.saturating_mul(1 << tries.min(16)).min(WAIT_MAX) / 2;
        // Between half of it and all: those who failed together do not come back together.
        let mut hasher = DefaultHasher::new();
        (seed, tries, self.began.elapsed()).hash(&mut hasher);
        let part = u32::try_from(hasher.finish() % 1_000).unwrap_or(0);
        sleep(longest / 2 + longest / 2_000 * part).await;
    }

    /// Looks from time to time at how many requests run at a time.
    pub(crate) async fn watch(self: Arc<Self>) {
        let mut looked = Instant::now();
        loop {
            sleep(LOOK_EVERY).await;
            let now = Instant::now();
            self.look(now - looked);
            looked = now;
        }
    }

    fn look(&self, lasted: Duration) {
        let refused = self.refused.swap(0, Relaxed);
        self.refused_ever.fetch_add(refused, Relaxed);
        let interval = Interval {
            done: self.done.swap(0, Relaxed),
            refused,
            was_full: self.was_full.swap(false, Relaxed),
            lasted,
        };
        let mut pace = self.pace.lock().expect("no holder panics");
        let (before, now) = (pace.at_a_time(), pace.look(interval));
        if now > before {
            let owed = self.surplus.swap(0, Relaxed);
            let raised = now - before;
            self.surplus.store(owed.saturating_sub(raised), Relaxed);
            self.slots.add_permits(raised.saturating_sub(owed));
        } else if now < before {
            let gone = self.slots.forget_permits(before - now);
            self.surplus.fetch_add(before - now - gone, Relaxed);
        }
    }

    /// How many requests were made again.
    pub(crate) fn retried(&self) -> u64 {
        self.retried.load(Relaxed)
    }

    /// How often S3 or KMS asked for less.
    pub(crate) fn refused(&self) -> u64 {
        self.refused_ever.load(Relaxed) + self.refused.load(Relaxed)
    }

    /// How many requests for objects run at a time now.
    #[cfg(test)]
    pub(crate) fn at_a_time(&self) -> usize {
        self.pace.lock().expect("no holder panics").at_a_time()
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let is_surplus =
            self.gate.surplus.fetch_update(Relaxed, Relaxed, |surplus| surplus.checked_sub(1));
        if let (Ok(_), Some(permit)) = (is_surplus, self.permit.take()) {
            permit.forget();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal() -> S3Error {
        let text = "Server returned non-2xx status code: 503 Service Unavailable: SlowDown";
        S3Error::Generic { store: "S3", source: text.into() }
    }

    #[tokio::test(start_paused = true)]
    async fn what_may_pass_is_asked_again_and_not_for_ever() {
        let gate = Arc::new(Gate::new(8, None));
        let mut asked = 0;
        let answer = gate.tried(|| {
            asked += 1;
            let answer = if asked < 4 { Err(refusal()) } else { Ok(asked) };
            async move { answer }
        });
        assert_eq!(answer.await.unwrap(), 4);
        let slot = gate.slot().await;
        let mut asked = 0;
        let never = gate.tried_in(slot, "key", || {
            asked += 1;
            async { Err::<(), _>(refusal()) }
        });
        assert_eq!(never.await.unwrap_err().1, Trouble::SlowDown);
        assert_eq!(asked, TRIES_MAX);
        assert_eq!((gate.retried(), gate.refused()), (12, 13));
    }

    #[tokio::test(start_paused = true)]
    async fn what_does_not_pass_is_asked_once() {
        let gate = Gate::new(8, None);
        let denied = || async {
            let source = "403 Forbidden: <Code>AccessDenied</Code>".into();
            Err::<(), _>(S3Error::PermissionDenied { path: "k".into(), source })
        };
        assert!(gate.tried(denied).await.is_err());
        assert_eq!(gate.retried(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_begin_a_second_than_may() {
        let gate = Gate::new(8, Some(50.0));
        let began = Instant::now();
        for _ in 0..101 {
            gate.tried(|| async { Ok(()) }).await.unwrap();
        }
        let took = began.elapsed();
        assert!(took >= Duration::from_secs(2) && took < Duration::from_millis(2_100), "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn slots_vanish_as_they_become_free_where_there_are_too_many() {
        let gate = Arc::new(Gate::new(32, None));
        let mut slots = Vec::new();
        for _ in 0..32 {
            slots.push(gate.slot().await);
        }
        gate.refused.store(100, Relaxed);
        gate.look(Duration::from_secs(1));
        assert_eq!(gate.at_a_time(), 16);
        slots.truncate(16);
        assert_eq!(gate.slots.available_permits(), 0);
        slots.clear();
        assert_eq!(gate.slots.available_permits(), 16);
    }
}
