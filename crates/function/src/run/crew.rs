//! One function's instances and the events that wait for them.

use std::{collections::VecDeque, sync::Arc};

use flow::Timestamp;
use store::Lease;

use crate::{
    Job,
    instance::{Hosted, Instance},
};

/// Instances of one function that events keep busy at a time: a crowd of them waits in its queue
/// rather than start as many processes.
const EVENTS_MAX: usize = 4;
/// Events of one function that are leased and wait for an instance.
pub(super) const WAITING_MAX: usize = 16;
/// How long an instance stays without work, in milliseconds.
const IDLE_MILLIS_MAX: i64 = 5 * 60 * 1_000;

/// What an instance works on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Errand {
    Event,
    Call,
}

pub(super) struct Crew {
    pub(super) hosted: Arc<Hosted>,
    pub(super) waiting: VecDeque<(Lease, Job)>,
    /// The last one back is the first to go.
    idle: Vec<Instance>,
    events: usize,
    calls: usize,
    /// When an event was last given to an instance.
    pub(super) taken: Timestamp,
}

impl Crew {
    pub(super) fn new(hosted: &Arc<Hosted>, now: Timestamp) -> Self {
        let hosted = Arc::clone(hosted);
        Self { hosted, waiting: VecDeque::new(), idle: Vec::new(), events: 0, calls: 0, taken: now }
    }

    /// How many more events may wait.
    pub(super) fn room(&self) -> usize {
        WAITING_MAX.saturating_sub(self.waiting.len())
    }

    /// Instances that are at work.
    pub(super) fn busy(&self) -> usize {
        self.events + self.calls
    }

    /// Whether nothing of it is at work.
    pub(super) fn is_done(&self) -> bool {
        self.busy() == 0 && self.waiting.is_empty()
    }

    /// Follows a function that was replaced: instances of the old one get no more work.
    pub(super) fn renew(&mut self, hosted: &Arc<Hosted>) {
        if !Arc::ptr_eq(&self.hosted, hosted) {
            self.idle.clear();
            self.hosted = Arc::clone(hosted);
        }
    }

    /// Lets go of all that nobody needs once the function is gone.
    pub(super) fn dismiss(&mut self) -> VecDeque<(Lease, Job)> {
        self.idle.clear();
        std::mem::take(&mut self.waiting)
    }

    /// The next event that has a place among `limit`, with an instance where one is idle.
    pub(super) fn next(
        &mut self,
        now: Timestamp,
        limit: usize,
    ) -> Option<(Lease, Job, Option<Instance>)> {
        if self.events >= EVENTS_MAX || self.events + self.calls >= limit {
            return None;
        }
        let (lease, job) = self.waiting.pop_front()?;
        self.events += 1;
        self.taken = now;
        Some((lease, job, self.instance(now)))
    }

    /// A place for a call among `limit`, with an instance where one is idle.
    pub(super) fn place(&mut self, now: Timestamp, limit: usize) -> Option<Option<Instance>> {
        if self.events + self.calls >= limit {
            return None;
        }
        self.calls += 1;
        Some(self.instance(now))
    }

    fn instance(&mut self, now: Timestamp) -> Option<Instance> {
        self.idle.retain(|instance| !instance.is_gone() && instance.retire_at > now);
        self.idle.pop()
    }

    /// Takes an instance back.
    pub(super) fn land(
        &mut self,
        errand: Errand,
        hosted: &Arc<Hosted>,
        instance: Option<Instance>,
        now: Timestamp,
    ) {
        let busy = match errand {
            Errand::Event => &mut self.events,
            Errand::Call => &mut self.calls,
        };
        *busy = busy.saturating_sub(1);
        if let Some(mut instance) = instance.filter(|_| Arc::ptr_eq(&self.hosted, hosted)) {
            instance.idle_since = now;
            self.idle.push(instance);
        }
    }

    /// Lets go of those that were idle for long; when the next one will have been.
    pub(super) fn reap(&mut self, now: Timestamp) -> Option<Timestamp> {
        let end = |instance: &Instance| {
            instance.idle_since.plus_millis(IDLE_MILLIS_MAX).min(instance.retire_at)
        };
        self.idle.retain(|instance| !instance.is_gone() && end(instance) > now);
        self.idle.iter().map(end).min()
    }
}
