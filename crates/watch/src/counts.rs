//! What happened since the start, in numbers.

use std::sync::{
    Mutex,
    atomic::{AtomicI64, AtomicU64, Ordering},
};

/// One number that only grows.
#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    pub(crate) fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    pub(crate) fn one(&self) {
        self.add(1);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Every number of a watch.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) messages: Messages,
    pub(crate) objects: Objects,
    pub(crate) failures: Failures,
    pub(crate) records: Count,
    pub(crate) candidates: Count,
    pub(crate) findings: Count,
    pub(crate) below_level: Count,
    pub(crate) late: Count,
    pub(crate) bytes: Count,
    pub(crate) bytes_inflated: Count,
    pub(crate) reloads: Count,
    pub(crate) reloads_refused: Count,
    /// From the last object's making to its findings being in the outbox, in milliseconds.
    pub(crate) lag_millis: AtomicI64,
    pub(crate) lag_sum_millis: Count,
    pub(crate) lag_count: Count,
    /// Why the new rules do not run, while they do not.
    pub(crate) rules_error: Mutex<Option<String>>,
    /// Why the queue did not answer, while it does not.
    pub(crate) queue_error: Mutex<Option<String>>,
}

#[derive(Debug, Default)]
pub(crate) struct Messages {
    pub(crate) received: Count,
    pub(crate) deleted: Count,
    pub(crate) left: Count,
    pub(crate) dead: Count,
    pub(crate) released: Count,
    pub(crate) extended: Count,
}

#[derive(Debug, Default)]
pub(crate) struct Objects {
    pub(crate) read: Count,
    pub(crate) skipped: Count,
    pub(crate) damaged: Count,
    pub(crate) failed: Count,
}

/// What went wrong with others than objects.
#[derive(Debug, Default)]
pub(crate) struct Failures {
    pub(crate) receive: Count,
    pub(crate) extend: Count,
    pub(crate) delete: Count,
    pub(crate) fetch: Count,
    pub(crate) outbox: Count,
}

impl Counts {
    pub(crate) fn lag(&self, millis: i64) {
        let millis = millis.max(0);
        self.lag_millis.store(millis, Ordering::Relaxed);
        self.lag_sum_millis.add(millis.unsigned_abs());
        self.lag_count.one();
    }
}

/// Says what is wrong, or that nothing is any more.
pub(crate) fn tell(slot: &Mutex<Option<String>>, wrong: Option<String>) {
    *slot.lock().expect("no holder panics") = wrong;
}

/// What is wrong.
pub(crate) fn told(slot: &Mutex<Option<String>>) -> Option<String> {
    slot.lock().expect("no holder panics").clone()
}
