//! One event from its lease to its end: run, settled, and only then acknowledged.

use std::{future::Future, panic::AssertUnwindSafe, sync::Arc};

use bytes::Bytes;
use flow::Timestamp;
use futures_util::FutureExt;
use store::Lease;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::{crew::Errand, flight::fly};
use crate::{
    Functions, Job, Settled,
    call::Called,
    destination::{Condition, Outcome, Returned},
    instance::{Hosted, Instance, Ran},
    invocation::{Failure, subject},
};

/// The first wait where we, not the function, are at fault, in milliseconds; it doubles,
const WAIT_MILLIS_MIN: i64 = 200;
/// up to this.
const WAIT_MILLIS_MAX: i64 = 30_000;

/// An event has landed; the instance may take another.
pub(super) struct Carried {
    pub(super) errand: Errand,
    pub(super) hosted: Arc<Hosted>,
    pub(super) instance: Option<Instance>,
    /// For whoever waits: told once the place is free, so that a next call finds it so.
    pub(super) answer: Option<(oneshot::Sender<Called>, Called)>,
}

impl Carried {
    pub(super) fn tell(answer: Option<(oneshot::Sender<Called>, Called)>) {
        if let Some((done, called)) = answer {
            // Whoever hung up needs no answer.
            drop(done.send(called));
        }
    }
}

/// Carries one event to its end. On a stop while it waits, the row goes back to the queue.
pub(super) async fn carry(
    functions: Functions,
    hosted: Arc<Hosted>,
    lease: Lease,
    job: Job,
    instance: Option<Instance>,
    stop: CancellationToken,
) -> Carried {
    let trip = Trip { functions, hosted, lease, job, stop };
    // A panic must not keep the row and its place until the next start.
    let carried = AssertUnwindSafe(trip.carry(instance)).catch_unwind().await;
    let instance = match carried {
        Ok(instance) => instance,
        Err(_) => {
            let reason = "settling its outcome panicked; the log says where";
            trip.bury(reason, subject(&trip.job.event)).await;
            None
        }
    };
    Carried { errand: Errand::Event, hosted: trip.hosted, instance, answer: None }
}

struct Trip {
    functions: Functions,
    hosted: Arc<Hosted>,
    lease: Lease,
    job: Job,
    stop: CancellationToken,
}

impl Trip {
    /// From the queue to the end; the instance, where it may take another.
    async fn carry(&self, instance: Option<Instance>) -> Option<Instance> {
        if let Some(late) = self.late(self.now()) {
            let tries = self.lease.attempts.saturating_sub(1);
            self.failed_for_good(Condition::EventAgeExceeded, tries, None, &late).await;
            return instance;
        }
        let (instance, ran) = self.fly(instance).await;
        match ran {
            Some(Ran::Answered(response)) => self.succeeded(&response).await,
            Some(Ran::Failed(failure)) => self.failed(&failure).await,
            Some(Ran::NotTaken) | None => {
                put_back(&self.functions, &self.lease.id, self.now()).await
            }
        }
        instance
    }

    /// Finds an instance that takes the event. Starting one may fail for reasons of ours: those
    /// are waited out, and are no tries of the function. `None` after a stop.
    async fn fly(&self, mut idle: Option<Instance>) -> (Option<Instance>, Option<Ran>) {
        let mut wait = Wait::new();
        loop {
            match fly(&self.functions, &self.hosted, &self.job, idle.take(), &self.stop).await {
                Ok((instance, ended)) => return (instance, Some(ended.ran)),
                Err(error) => {
                    let name = &self.hosted.function.name;
                    tracing::warn!(function.name = %name, %error, "`{name}` waits: {error}");
                    if !wait.over(self).await {
                        return (None, None);
                    }
                }
            }
        }
    }

    async fn succeeded(&self, response: &Bytes) {
        let Job { request_id, event, .. } = &self.job;
        let (settle, function) = (&self.functions.0.settle, &self.hosted.function);
        let mut wait = Wait::new();
        loop {
            match settle.settle(function, request_id, event, response).await {
                Ok(settled) => return self.succeeded_for_good(response, settled).await,
                Err(error) => {
                    let name = &function.name;
                    tracing::warn!(
                        function.name = %name, request.id = %request_id, error,
                        "The answer of `{name}` to {request_id} is not settled yet: {error}"
                    );
                    if !wait.over(self).await {
                        return put_back(&self.functions, &self.lease.id, self.now()).await;
                    }
                }
            }
        }
    }

    async fn failed(&self, failure: &Failure) {
        let reason = failure.reason();
        let (name, id) = (&self.hosted.function.name, &self.job.request_id);
        let tries = self.lease.attempts;
        // The function worded the reason: quoted, it forges no line.
        tracing::warn!(
            function.name = %name, request.id = %id, tries, reason,
            "`{name}` failed at {id}, try {tries}: {reason:?}"
        );
        let (condition, reason) = match self.next_try() {
            Ok(due) => {
                return self.insist(|| self.queue().nack(&self.lease.id, due, &reason)).await;
            }
            Err(None) => (Condition::RetriesExhausted, reason),
            Err(Some(late)) => (Condition::EventAgeExceeded, format!("{late}; last: {reason}")),
        };
        let payload = failure.payload();
        let returned = Returned { payload: &payload, error: Some(&failure.message) };
        self.failed_for_good(condition, tries, Some(returned), &reason).await;
    }

    /// When the next try is due, by the function's own settings for events and by the waits that
    /// there are; or, where this was the last, that the event would be too old.
    fn next_try(&self) -> Result<Timestamp, Option<String>> {
        let waits = &self.functions.0.host.config.retry_waits;
        let settings = self.functions.event_settings(&self.job.function);
        let tried = usize::try_from(self.lease.attempts.saturating_sub(1)).unwrap_or(usize::MAX);
        if settings.retries.is_some_and(|most| tried >= usize::from(most)) {
            return Err(None);
        }
        let due = self.now().plus_millis(*waits.get(tried).ok_or(None)?);
        match self.late(due) {
            Some(late) => Err(Some(late)),
            None => Ok(due),
        }
    }

    /// Why the event is not tried any more at `at`, for its age.
    fn late(&self, at: Timestamp) -> Option<String> {
        let settings = self.functions.event_settings(&self.job.function);
        let age_max = settings.age_seconds?;
        let age = at.millis_since(self.lease.put_at) / 1_000;
        (age >= i64::from(age_max)).then(|| {
            format!("EventAgeExceeded: the event was not handled within {age_max} seconds")
        })
    }

    /// The event's journey ends: its destination is told before its row is acknowledged, or buried
    /// where whoever settled the answer gave it up.
    async fn succeeded_for_good(&self, response: &Bytes, settled: Settled) {
        let returned = Returned { payload: response, error: None };
        let tries = self.lease.attempts;
        if self.hand_on(Condition::Success, tries, Some(returned)).await.is_none() {
            return;
        }
        match settled {
            Settled::Done => self.acknowledge().await,
            Settled::Dead { reason, detail } => self.bury(&reason, detail).await,
        }
    }

    /// The event's journey ends: it is a destination's now, or a dead letter where there is none.
    async fn failed_for_good(
        &self,
        condition: Condition,
        tries: u32,
        returned: Option<Returned<'_>>,
        reason: &str,
    ) {
        match self.hand_on(condition, tries, returned).await {
            Some(true) => self.acknowledge().await,
            Some(false) => self.bury(reason, subject(&self.job.event)).await,
            None => {}
        }
    }

    /// Whether a destination is to be told; `None` where that could not be stored.
    async fn hand_on(
        &self,
        condition: Condition,
        tries: u32,
        returned: Option<Returned<'_>>,
    ) -> Option<bool> {
        let (job, put_at) = (&self.job, self.lease.put_at);
        let outcome = Outcome { job, condition, tries, returned, put_at };
        let mut wait = Wait::new();
        loop {
            match self.functions.hand_on(&outcome).await {
                Ok(handed) => return Some(handed),
                Err(error) => {
                    let id = &self.lease.id;
                    tracing::warn!(%error, "The outcome of {id} is not stored: {error}");
                    if !matches!(error, store::Error::Retry { .. }) || !wait.over(self).await {
                        return None;
                    }
                }
            }
        }
    }

    async fn acknowledge(&self) {
        self.insist(|| self.queue().ack(&self.lease.id, self.now())).await;
    }

    async fn bury(&self, reason: &str, detail: serde_json::Value) {
        let id = &self.lease.id;
        self.insist(|| self.queue().bury(id, self.now(), reason, detail.clone())).await;
    }

    /// Repeats what the disk refuses for now. What it refuses for good is taken up again by the
    /// next start, as the lease ends with this process.
    async fn insist<F>(&self, write: impl Fn() -> F)
    where
        F: Future<Output = Result<(), store::Error>>,
    {
        let mut wait = Wait::new();
        while let Err(error) = write().await {
            let id = &self.lease.id;
            tracing::warn!(%error, "The end of {id} is not stored: {error}");
            if !matches!(error, store::Error::Retry { .. }) || !wait.over(self).await {
                return;
            }
        }
    }

    fn queue(&self) -> &store::Queue {
        self.functions.queue()
    }

    fn now(&self) -> Timestamp {
        self.functions.0.host.clock.now()
    }
}

/// Waits that grow.
struct Wait(i64);

impl Wait {
    fn new() -> Self {
        Self(WAIT_MILLIS_MIN)
    }

    /// Waits once more; false on a stop.
    async fn over(&mut self, trip: &Trip) -> bool {
        let millis = self.0;
        self.0 = (millis * 2).min(WAIT_MILLIS_MAX);
        tokio::select! {
            () = trip.functions.0.host.clock.sleep_millis(millis) => true,
            () = trip.stop.cancelled() => false,
        }
    }
}

/// Puts a row back that nobody failed, for when it is `due` again: it does not count as a try.
pub(super) async fn put_back(functions: &Functions, id: &str, due: Timestamp) {
    if let Err(error) = functions.queue().give_back(id, due).await {
        tracing::warn!(%error, "{id} is taken up by the next start: {error}");
    }
}

/// Ends the journey of an event whose function may have no instances, as Lambda does: without a
/// try.
pub(super) async fn refuse(functions: &Functions, lease: &Lease, job: &Job) {
    let outcome = Outcome {
        job,
        condition: Condition::ZeroReservedConcurrency,
        tries: 0,
        returned: None,
        put_at: lease.put_at,
    };
    let (id, now) = (&lease.id, functions.0.host.clock.now());
    let ended = match functions.hand_on(&outcome).await {
        Ok(true) => functions.queue().ack(id, now).await,
        Ok(false) => {
            let reason = "ZeroReservedConcurrency: no instances are reserved for the function";
            return bury(functions, id, reason, subject(&job.event)).await;
        }
        Err(error) => Err(error),
    };
    if let Err(error) = ended {
        tracing::warn!(%error, "{id} is taken up by the next start: {error}");
    }
}

/// Buries a row whose function is gone, or which is none of ours.
pub(super) async fn give_up(functions: &Functions, id: &str) {
    bury(functions, id, "the function does not exist", serde_json::json!({})).await;
}

async fn bury(functions: &Functions, id: &str, reason: &str, detail: serde_json::Value) {
    let now = functions.0.host.clock.now();
    if let Err(error) = functions.queue().bury(id, now, reason, detail).await {
        tracing::warn!(%error, "{id} is taken up by the next start: {error}");
    }
}
