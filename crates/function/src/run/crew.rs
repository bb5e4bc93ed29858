//! One function's instances and the events that wait for them.

use std::{collections::VecDeque, sync::Arc};

use flow::Timestamp;
use store::Lease;

use crate::{
    Job,
    instance::{Hosted, Instance},
};

/// Instances of one function at a time.
const INSTANCES_MAX: usize = 2;
/// Events of one function that are leased and wait for an instance.
pub(super) const WAITING_MAX: usize = 16;
/// How long an instance stays without work, in milliseconds.
const IDLE_MILLIS_MAX: i64 = 5 * 60 * 1_000;

pub(super) struct Crew {
    pub(super) hosted: Arc<Hosted>,
    pub(super) waiting: VecDeque<(Lease, Job)>,
    /// The last one back is the first to go.
    idle: Vec<Instance>,
    busy: usize,
}

impl Crew {
    pub(super) fn new(hosted: &Arc<Hosted>) -> Self {
        let hosted = Arc::clone(hosted);
        Self { hosted, waiting: VecDeque::new(), idle: Vec::new(), busy: 0 }
    }

    /// How many more events may wait.
    pub(super) fn room(&self) -> usize {
        WAITING_MAX.saturating_sub(self.waiting.len())
    }

    /// Follows a function that was replaced: instances of the old one get no more work.
    pub(super) fn renew(&mut self, hosted: &Arc<Hosted>) {
        if !Arc::ptr_eq(&self.hosted, hosted) {
            self.idle.clear();
            self.hosted = Arc::clone(hosted);
        }
    }

    /// The next event that has a place, with an instance where one is idle.
    pub(super) fn next(&mut self, now: Timestamp) -> Option<(Lease, Job, Option<Instance>)> {
        if self.busy >= INSTANCES_MAX {
            return None;
        }
        let (lease, job) = self.waiting.pop_front()?;
        self.busy += 1;
        self.idle.retain(|instance| !instance.is_gone() && instance.retire_at > now);
        Some((lease, job, self.idle.pop()))
    }

    /// Takes an instance back.
    pub(super) fn land(
        &mut self,
        hosted: &Arc<Hosted>,
        instance: Option<Instance>,
        now: Timestamp,
    ) {
        self.busy = self.busy.saturating_sub(1);
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
