//! The loop: due events go to idle instances, or to new ones while there may be more.

mod carry;
mod crew;
mod flight;

use std::{collections::HashMap, future::pending, sync::Arc, time::Duration};

use flow::Timestamp;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use self::{
    carry::{Carried, carry},
    crew::{Crew, Errand},
    flight::answer,
};
use crate::{
    Functions, Job,
    call::{Call, Called},
    destination::deliver,
    source::poll_all,
    version::name_in,
};

/// How long a stop waits for events in flight.
const DRAIN_MAX: Duration = Duration::from_secs(5);
/// How long a stop waits for processes after that.
const STOP_MAX: Duration = Duration::from_secs(5);
/// How long a function may stand still before the events behind its own are looked for, in
/// milliseconds.
const STANDSTILL_MILLIS: i64 = 1_000;
/// Rows that one such look leases.
const PASSED_MAX: usize = 256;
/// How long rows stay away that were passed, in milliseconds.
const PASSED_MILLIS: i64 = 10_000;
/// When a queue that fails is asked again, in milliseconds.
const QUEUE_WAIT_MILLIS: i64 = 1_000;

/// Runs accepted events and what queues have for functions until `stop`; then finishes what is in
/// flight, within a bound, and ends every instance. What is upstream ends first.
pub async fn run(functions: Functions, stop: CancellationToken) {
    let mut stages = [
        Stage::of(|stop| poll_all(functions.clone(), stop)),
        Stage::of(|stop| host(functions.clone(), stop)),
        Stage::of(|stop| deliver(functions.clone(), stop)),
    ];
    stop.cancelled().await;
    for Stage { stop, tasks } in &mut stages {
        stop.cancel();
        while let Some(ended) = tasks.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "A part of the functions ended badly: {error}");
            }
        }
    }
}

/// A part of the room that stops as one.
struct Stage {
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

impl Stage {
    fn of<F>(run: impl FnOnce(CancellationToken) -> F) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (stop, mut tasks) = (CancellationToken::new(), JoinSet::new());
        tasks.spawn(run(stop.clone()));
        Self { stop, tasks }
    }
}

/// Hosts events and calls until `stop`.
async fn host(functions: Functions, stop: CancellationToken) {
    let mut room = Room {
        crews: HashMap::new(),
        flights: JoinSet::new(),
        stop: stop.clone(),
        functions: functions.clone(),
    };
    let mut changed = functions.queue().changed();
    let mut calls = functions.take_calls();
    while !stop.is_cancelled() {
        changed.mark_unchanged();
        let look_again = room.lease().await;
        let reap = room.reap();
        let clock = &functions.0.host.clock;
        let until = async |at: Option<Timestamp>| match at {
            Some(at) => clock.sleep_until(at).await,
            None => pending().await,
        };
        tokio::select! {
            () = stop.cancelled() => {}
            Some(carried) = room.flights.join_next() => room.back(carried.ok()),
            Some(call) = calls.recv() => room.call(call),
            () = functions.0.replaced.notified() => room.follow().await,
            // An error means that the queue is gone, and with it whatever could change.
            Ok(()) = changed.changed() => {}
            () = until(look_again) => {}
            () = until(reap) => {}
        }
    }
    // Whoever still calls is told at once.
    drop(calls);
    room.drain().await;
}

struct Room {
    functions: Functions,
    /// By ARN.
    crews: HashMap<String, Crew>,
    flights: JoinSet<Carried>,
    stop: CancellationToken,
}

impl Room {
    /// Takes due rows while there is room for them; when to look again.
    async fn lease(&mut self) -> Option<Timestamp> {
        let queue = self.functions.queue().clone();
        let now = self.functions.0.host.clock.now();
        let later = Some(now.plus_millis(QUEUE_WAIT_MILLIS));
        // Rows come in the order in which they were due, whoever they are for. A crowd before one
        // function holds the others up only once it fills that function's waiting room, and then
        // no longer than until that function is seen to stand still.
        let mut limit = self.places();
        if limit == 0 {
            if !self.stands_still(now) {
                return Some(now.plus_millis(STANDSTILL_MILLIS));
            }
            limit = PASSED_MAX;
        }
        match queue.lease(now, limit).await {
            Ok(leases) => {
                for lease in leases {
                    self.welcome(lease).await;
                }
            }
            Err(error) => {
                tracing::warn!(%error, "The functions' queue gives no work: {error}");
                return later;
            }
        }
        match queue.next_due().await {
            // What is due already and was not leased waits for a place, not for time; but where
            // rows were given up there still is one, and nothing else would call for another look.
            Ok(due) if self.places() > 0 || due.is_none_or(|at| at > now) => due,
            Ok(_) => Some(now.plus_millis(STANDSTILL_MILLIS)),
            Err(_) => later,
        }
    }

    /// How many more rows may be leased, whoever they are for.
    fn places(&self) -> usize {
        self.crews.values().map(Crew::room).min().unwrap_or(crew::WAITING_MAX)
    }

    /// Whether a function whose waiting room is full has not taken anything for a while.
    fn stands_still(&self, now: Timestamp) -> bool {
        let full = self.crews.values().filter(|crew| crew.room() == 0);
        full.map(|crew| crew.taken).any(|at| now.millis_since(at) >= STANDSTILL_MILLIS)
    }

    async fn welcome(&mut self, lease: store::Lease) {
        let job = Job::from_bytes(&lease.body);
        let hosted = job.as_ref().and_then(|job| self.functions.hosted(&job.function));
        let (Some(job), Some(hosted)) = (job, hosted) else {
            return carry::give_up(&self.functions, &lease.id).await;
        };
        if self.functions.instances_max(&job.function) == 0 {
            return carry::refuse(&self.functions, &lease, &job).await;
        }
        let now = self.functions.0.host.clock.now();
        let new = || Crew::new(&hosted, now);
        let crew = self.crews.entry(hosted.function.arn.clone()).or_insert_with(new);
        if crew.room() == 0 {
            let due = now.plus_millis(PASSED_MILLIS);
            return carry::put_back(&self.functions, &lease.id, due).await;
        }
        crew.waiting.push_back((lease, job));
        let arn = crew.hosted.function.arn.clone();
        self.fly(&arn);
    }

    /// Starts what waits, as far as there are places.
    fn fly(&mut self, arn: &str) {
        let now = self.functions.0.host.clock.now();
        let limit = self.limit(arn);
        let Some(crew) = self.crews.get_mut(arn) else { return };
        if let Some(hosted) = self.functions.hosted(arn) {
            crew.renew(&hosted);
        }
        while let Some((lease, job, instance)) = crew.next(now, limit) {
            let (functions, hosted) = (self.functions.clone(), Arc::clone(&crew.hosted));
            let stop = self.stop.clone();
            self.flights.spawn(carry(functions, hosted, lease, job, instance, stop));
        }
    }

    /// Instances that this version may have: those of the function, without those that its other
    /// versions keep busy.
    fn limit(&self, arn: &str) -> usize {
        let (name, _) = name_in(arn);
        let others =
            self.crews.iter().filter(|(other, _)| *other != arn && name_in(other).0 == name);
        let busy: usize = others.map(|(_, crew)| crew.busy()).sum();
        self.functions.instances_max(arn).saturating_sub(busy)
    }

    /// Gives a call to an instance, or refuses it at once: nobody waits for a place.
    fn call(&mut self, call: Call) {
        let Call { hosted, job, done } = call;
        let now = self.functions.0.host.clock.now();
        let arn = hosted.function.arn.clone();
        let limit = self.limit(&arn);
        let crew = self.crews.entry(arn).or_insert_with(|| Crew::new(&hosted, now));
        crew.renew(&hosted);
        let Some(instance) = crew.place(now, limit) else {
            let reserved = self.functions.is_reserved(&hosted.function.name);
            // Whoever hung up needs no answer.
            drop(done.send(Called::Throttled { reserved }));
            return;
        };
        let (functions, stop) = (self.functions.clone(), self.stop.clone());
        self.flights.spawn(answer(functions, hosted, job, instance, done, stop));
    }

    /// Looks which functions were replaced or are gone.
    async fn follow(&mut self) {
        let mut gone = Vec::new();
        for (arn, crew) in &mut self.crews {
            match self.functions.hosted(arn) {
                Some(hosted) => crew.renew(&hosted),
                None => gone.extend(crew.dismiss()),
            }
        }
        for (lease, _) in gone {
            carry::give_up(&self.functions, &lease.id).await;
        }
        self.crews.retain(|arn, crew| self.functions.hosted(arn).is_some() || !crew.is_done());
        let arns: Vec<String> = self.crews.keys().cloned().collect();
        arns.iter().for_each(|arn| self.fly(arn));
    }

    fn back(&mut self, carried: Option<Carried>) {
        // Only a stop aborts a flight.
        let event = carried.as_ref().is_none_or(|carried| carried.errand == Errand::Event);
        if let Some(carried) = carried {
            self.land(carried);
        }
        if event {
            self.functions.tick();
        }
    }

    fn land(&mut self, Carried { errand, hosted, instance, answer }: Carried) {
        let now = self.functions.0.host.clock.now();
        let arn = hosted.function.arn.clone();
        if let Some(crew) = self.crews.get_mut(&arn) {
            crew.land(errand, &hosted, instance, now);
        }
        Carried::tell(answer);
        self.fly(&arn);
        // The place may be another version's.
        let (name, _) = name_in(&arn);
        let others = self.crews.iter().filter(|(other, crew)| {
            **other != arn && name_in(other).0 == name && !crew.waiting.is_empty()
        });
        let others: Vec<String> = others.map(|(arn, _)| arn.clone()).collect();
        others.iter().for_each(|arn| self.fly(arn));
    }

    /// Lets idle instances go; when to look again.
    fn reap(&mut self) -> Option<Timestamp> {
        let now = self.functions.0.host.clock.now();
        self.crews.values_mut().filter_map(|crew| crew.reap(now)).min()
    }

    async fn drain(mut self) {
        let flights = &mut self.flights;
        let landed = async {
            while let Some(carried) = flights.join_next().await {
                if let Ok(Carried { answer, .. }) = carried {
                    Carried::tell(answer);
                }
            }
        };
        if tokio::time::timeout(DRAIN_MAX, landed).await.is_err() {
            tracing::warn!("Some functions were still at work when the time to stop was over");
        }
        self.flights.shutdown().await;
        for (lease, _) in self.crews.values_mut().flat_map(|crew| crew.waiting.drain(..)) {
            let now = self.functions.0.host.clock.now();
            carry::put_back(&self.functions, &lease.id, now).await;
        }
        self.crews.clear();
        let tasks = &self.functions.0.host.tasks;
        tasks.close();
        if tokio::time::timeout(STOP_MAX, tasks.wait()).await.is_err() {
            tracing::warn!("Some functions' processes were still ending at the end of the stop");
        }
        tasks.reopen();
    }
}
