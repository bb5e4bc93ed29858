//! What became of the requests, counted since the start.

use std::sync::atomic::{AtomicU64, Ordering};

/// What became of the requests since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Calls whose caller was identified and that were served, denied and failed ones too.
    pub calls: u64,
    /// Of those, how many are in the journal.
    pub recorded: u64,
    /// Of those, how many no trail wants.
    pub unselected: u64,
    /// Of those, how many should be in the journal and are not: it failed, and so did their answers.
    pub unrecorded: u64,
    /// Requests whose signature did not hold; they are never recorded.
    pub unverified: u64,
    /// Requests that were turned away unread: unsigned, too large, too slow or too many.
    pub refused: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) calls: Counter,
    pub(crate) recorded: Counter,
    pub(crate) unselected: Counter,
    pub(crate) unrecorded: Counter,
    pub(crate) unverified: Counter,
    pub(crate) refused: Counter,
}

#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Counters {
    pub(crate) fn read(&self) -> Counts {
        Counts {
            calls: self.calls.get(),
            recorded: self.recorded.get(),
            unselected: self.unselected.get(),
            unrecorded: self.unrecorded.get(),
            unverified: self.unverified.get(),
            refused: self.refused.get(),
        }
    }
}
