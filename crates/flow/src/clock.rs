//! Wall time and waiting, passed in, so that tests can own both.

use std::{
    future::poll_fn,
    sync::Mutex,
    task::{Poll, Waker},
};

use crate::{Pending, Timestamp};

/// Tells wall time and waits for it. The server's reads the machine's clock.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;

    /// Ends once `now` is at or past `at`.
    fn sleep_until(&self, at: Timestamp) -> Pending<'_, ()>;

    /// Ends `millis` milliseconds from now.
    fn sleep_millis(&self, millis: i64) -> Pending<'_, ()> {
        self.sleep_until(self.now().plus_millis(millis))
    }
}

/// A clock that stands still until it is moved, for tests. Moving it wakes whoever sleeps.
#[derive(Debug)]
pub struct ManualClock(Mutex<Standing>);

#[derive(Debug)]
struct Standing {
    now: Timestamp,
    sleepers: Vec<(Timestamp, Waker)>,
}

impl ManualClock {
    /// Stands at `start`.
    pub fn new(start: Timestamp) -> Self {
        Self(Mutex::new(Standing { now: start, sleepers: Vec::new() }))
    }

    /// Moves on by `millis` milliseconds.
    pub fn advance(&self, millis: i64) {
        let mut standing = self.0.lock().expect("no holder panics");
        standing.now = standing.now.plus_millis(millis);
        let now = standing.now;
        standing.sleepers.retain(|(at, waker)| {
            let asleep = *at > now;
            if !asleep {
                waker.wake_by_ref();
            }
            asleep
        });
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        self.0.lock().expect("no holder panics").now
    }

    fn sleep_until(&self, at: Timestamp) -> Pending<'_, ()> {
        Box::pin(poll_fn(move |context| {
            let mut standing = self.0.lock().expect("no holder panics");
            if standing.now >= at {
                return Poll::Ready(());
            }
            // One task may wait for several moments: only its own earlier entry for this one goes.
            standing.sleepers.retain(|(t, waker)| *t != at || !waker.will_wake(context.waker()));
            standing.sleepers.push((at, context.waker().clone()));
            Poll::Pending
        }))
    }
}
