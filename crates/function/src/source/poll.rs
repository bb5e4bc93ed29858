//! One mapping, worked off: received, filtered, gathered, given to the function, deleted.

use std::sync::{Arc, Mutex};

use flow::{Access, Timestamp, Who};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{
    Mapping, Matcher, Message, NotReceived,
    batch::{Batch, Gathered, Held},
    event::{is_wanted, record},
    mapping::Step,
    pace::Pace,
    reply::failures,
};
use crate::{
    Functions, Job, Settled,
    call::{Called, Reply, call},
    instance::Hosted,
};

/// Messages of one receive; SQS's limit.
const RECEIVE_MAX: usize = 10;
/// How long a receive waits, in seconds.
const WAIT_SECONDS: u32 = 20;
/// How long to wait before another look, where a mapping cannot be worked off, in milliseconds.
const HINDERED_MILLIS: i64 = 1_000;
/// Between two tries where there is no place for the function, in milliseconds.
const THROTTLED_MILLIS: i64 = 250;
/// Tries of a deletion; messages that are not deleted come again.
const DELETE_TRIES_MAX: u32 = 4;
/// Between them, in milliseconds.
const DELETE_WAIT_MILLIS: i64 = 250;

/// What a poller must be allowed of a queue.
pub(crate) const ACTIONS: [&str; 3] = ["ReceiveMessage", "DeleteMessage", "GetQueueAttributes"];

/// What a mapping that has dealt with its last batch answers.
const OK: &str = "OK";

/// One mapping at work.
pub(super) struct Poller {
    pub(super) functions: Functions,
    pub(super) id: String,
    pub(super) mapping: Mapping,
    pub(super) matchers: Vec<Matcher>,
    pub(super) stop: CancellationToken,
    pace: Mutex<Pace>,
}

impl Poller {
    pub(super) fn new(
        functions: &Functions,
        id: &str,
        mapping: Mapping,
        stop: CancellationToken,
    ) -> Self {
        let filters = &functions.sources().filters;
        // They were read when the mapping was made: one that cannot be read any more wants nothing.
        let none: Matcher = Arc::new(|_| false);
        let read = |pattern: &String| filters(pattern).unwrap_or_else(|_| Arc::clone(&none));
        let matchers = mapping.filters.iter().map(read).collect();
        let pace = Mutex::new(Pace::new(mapping.concurrency));
        let (functions, id) = (functions.clone(), id.to_owned());
        Self { functions, id, mapping, matchers, stop, pace }
    }

    /// Works until `stop`; then waits for the batches that the function has.
    pub(super) async fn run(self: Arc<Self>) {
        let mut flights = JoinSet::new();
        let mut gathered = Gathered::default();
        while !self.stop.is_cancelled() {
            while flights.try_join_next().is_some() {}
            if flights.len() >= self.pace(|pace| pace.at_once()) {
                tokio::select! {
                    _ = flights.join_next() => {}
                    () = self.stop.cancelled() => {}
                }
                continue;
            }
            if let Some(batch) = gathered.cut(&self.mapping, self.now()) {
                flights.spawn(Arc::clone(&self).carry(batch));
                continue;
            }
            match self.pace(|pace| pace.rest_millis()) {
                0 => {}
                rest if !self.wait(rest).await => continue,
                _ => {}
            }
            if let Err(why) = self.hindered() {
                self.tell(&format!("PROBLEM: {why}"));
                self.wait(HINDERED_MILLIS).await;
                continue;
            }
            self.receive(&mut gathered).await;
        }
        // Nobody has worked on these.
        self.release(&gathered.give_up()).await;
        while flights.join_next().await.is_some() {}
    }

    fn pace<T>(&self, with: impl FnOnce(&mut Pace) -> T) -> T {
        with(&mut self.pace.lock().expect("no holder panics"))
    }

    fn now(&self) -> Timestamp {
        self.functions.0.host.clock.now()
    }

    /// Waits; false on a stop.
    async fn wait(&self, millis: i64) -> bool {
        tokio::select! {
            () = self.functions.0.host.clock.sleep_millis(millis) => true,
            () = self.stop.cancelled() => false,
        }
    }

    fn tell(&self, result: &str) {
        self.functions.sources().set_result(&self.id, result);
    }

    /// Why nothing may be received now.
    fn hindered(&self) -> Result<(), String> {
        let Mapping { source, function, .. } = &self.mapping;
        let Some(hosted) = self.functions.hosted(function) else {
            return Err("The function does not exist".to_owned());
        };
        if self.functions.instances_max(function) == 0 {
            return Err("Function call throttled: no instances are reserved for it".to_owned());
        }
        match denied(&self.functions, &hosted.function.role, source) {
            Some(action) => {
                Err(format!("The execution role does not have permissions to call {action} on SQS"))
            }
            None => Ok(()),
        }
    }

    /// Takes what the queue has, and deletes what no filter wants.
    async fn receive(&self, gathered: &mut Gathered) {
        let Mapping { source, batch_size, .. } = &self.mapping;
        let room = usize::from(*batch_size).saturating_sub(gathered.len()).clamp(1, RECEIVE_MAX);
        let now = self.now();
        let left = gathered.due(&self.mapping).map(|due| due.millis_since(now).max(0));
        // Whole seconds: a batch waits no shorter than its window.
        let wait = left.map_or(WAIT_SECONDS, |millis| {
            u32::try_from(millis.saturating_add(999) / 1_000).unwrap_or(WAIT_SECONDS)
        });
        let max = u32::try_from(room).unwrap_or(1);
        let port = &self.functions.sources().port;
        let received = port.receive(source, max, wait.min(WAIT_SECONDS), &self.stop).await;
        match received {
            Ok(messages) if messages.is_empty() => {
                // A queue on which too many wait answers at once: it is not asked in a loop.
                if self.now().millis_since(now) < HINDERED_MILLIS
                    && left.is_none_or(|left| left > 0)
                {
                    self.wait(HINDERED_MILLIS).await;
                }
            }
            Ok(messages) => self.gather(messages, gathered).await,
            Err(why) => {
                let told = match &why {
                    NotReceived::Gone => "The queue does not exist".to_owned(),
                    NotReceived::Retry(why) => why.clone(),
                };
                self.tell(&format!("PROBLEM: {told}"));
                self.wait(HINDERED_MILLIS).await;
            }
        }
    }

    async fn gather(&self, messages: Vec<Message>, gathered: &mut Gathered) {
        let received = self.now();
        let region = self.functions.0.host.config.region.as_str();
        let mut unwanted = Vec::new();
        for message in messages {
            let record = record(&message, &self.mapping.source, region);
            let Message { message_id, receipt_handle: handle, .. } = message;
            if is_wanted(&self.matchers, &record) {
                let record = serde_json::Value::Object(record).to_string();
                gathered.add(Held { message_id, handle, record, received });
            } else {
                unwanted.push(handle);
            }
        }
        self.delete(&unwanted).await;
    }

    /// Carries a batch to its end, whatever that is.
    async fn carry(self: Arc<Self>, batch: Batch) {
        let Some((hosted, request_id, reply)) = self.invoke(&batch).await else { return };
        if reply.failed {
            return self.failed(&hosted, &request_id, "Function call failed");
        }
        if let Err(why) = self.settle(&hosted, &request_id, &batch, &reply).await {
            return self.failed(&hosted, &request_id, &why);
        }
        let left = if self.mapping.partial {
            failures(&batch, &reply.payload)
        } else {
            Some(std::collections::HashSet::new())
        };
        let Some(left) = left else {
            let why =
                "The response of the function names no batchItemFailures as Lambda reads them";
            return self.failed(&hosted, &request_id, why);
        };
        let done = batch.0.iter().filter(|held| !left.contains(&held.message_id));
        let handles: Vec<String> = done.map(|held| held.handle.clone()).collect();
        if handles.is_empty() {
            return self.failed(&hosted, &request_id, "Function call failed");
        }
        self.delete(&handles).await;
        self.pace(Pace::succeeded);
        self.tell(OK);
    }

    /// Messages of a batch that failed come again by themselves, once they are not hidden any more.
    fn failed(&self, hosted: &Hosted, request_id: &str, why: &str) {
        let (name, queue) = (&hosted.function.name, &self.mapping.source);
        tracing::warn!(
            function.name = %name, request.id = %request_id, source.arn = %queue, reason = why,
            "`{name}` failed at {request_id}, a batch of {queue}: {why:?}"
        );
        self.pace(Pace::failed);
        self.tell(&format!("PROBLEM: {why}"));
    }

    /// Calls the function, as soon as there is a place for it; `None` where there was none in time,
    /// or on a stop before it began.
    async fn invoke(&self, batch: &Batch) -> Option<(Arc<Hosted>, String, Reply)> {
        let event = batch.event();
        loop {
            if self.stop.is_cancelled() {
                self.release(batch).await;
                return None;
            }
            // Where it is gone, or there is no time left, the messages come again.
            let hosted = self.functions.hosted(&self.mapping.function)?;
            self.in_time(&hosted, batch).then_some(())?;
            let request_id = self.functions.0.host.chance.uuid();
            let job = Job::under(&self.mapping.function, request_id.clone(), event.clone());
            match call(&self.functions.0.calls, Arc::clone(&hosted), job).await {
                Ok(reply) => return Some((hosted, request_id, reply)),
                Err(Called::Throttled { .. }) => {
                    self.pace(Pace::slow_down);
                    self.tell("PROBLEM: Function call throttled");
                }
                Err(Called::Broken(why)) => {
                    self.pace(Pace::slow_down);
                    self.tell(&format!("PROBLEM: {why}"));
                }
                Err(Called::Ended(_)) => return None,
            }
            self.wait(THROTTLED_MILLIS).await;
        }
    }

    /// Whether the function would be done before others see the messages. The first try is always
    /// in time: whoever shortened the queue's visibility timeout wanted it so.
    fn in_time(&self, hosted: &Hosted, batch: &Batch) -> bool {
        let Some(received) = batch.received() else { return false };
        let held = self.now().millis_since(received);
        let visibility = self.functions.sources().port.visibility_seconds(&self.mapping.source);
        let left = i64::from(visibility.unwrap_or(0)) * 1_000 - held;
        let window = i64::from(self.mapping.window_seconds) * 1_000;
        held <= window + HINDERED_MILLIS || left >= hosted.function.resources.timeout_millis
    }

    /// What the shipped function finds is kept before its messages are gone.
    async fn settle(
        &self,
        hosted: &Hosted,
        request_id: &str,
        batch: &Batch,
        reply: &Reply,
    ) -> Result<(), String> {
        let settle = &self.functions.0.settle;
        let event = batch.event();
        match settle.settle(&hosted.function, request_id, &event, &reply.payload).await? {
            Settled::Done => {}
            Settled::Dead { reason, .. } => {
                // No try can help; the messages that it could deal with are done.
                let name = &hosted.function.name;
                tracing::warn!(
                    function.name = %name, request.id = %request_id, reason,
                    "`{name}` gave up a part of a batch at {request_id}: {reason:?}"
                );
            }
        }
        Ok(())
    }

    async fn delete(&self, handles: &[String]) {
        let port = &self.functions.sources().port;
        for tried in 1.. {
            if handles.is_empty() {
                return;
            }
            match port.delete(&self.mapping.source, handles).await {
                Ok(()) | Err(NotReceived::Gone) => return,
                Err(NotReceived::Retry(error)) => {
                    let queue = &self.mapping.source;
                    tracing::warn!(
                        error, source.arn = %queue,
                        "Messages of {queue} are not deleted yet: {error}"
                    );
                    if tried >= DELETE_TRIES_MAX {
                        return;
                    }
                    self.functions.0.host.clock.sleep_millis(DELETE_WAIT_MILLIS).await;
                }
            }
        }
    }

    /// Shows messages again that the function never had.
    async fn release(&self, batch: &Batch) {
        let handles = batch.handles();
        if handles.is_empty() {
            return;
        }
        let queue = &self.mapping.source;
        if let Err(error) = self.functions.sources().port.release(queue, &handles).await {
            tracing::warn!(%error, source.arn = %queue, "Messages of {queue} come later: {error}");
        }
    }

    /// Whether the mapping is still to be worked off as this poller does.
    pub(super) fn is_wanted(&self, mapping: &Mapping) -> bool {
        mapping.step != Step::Deleting && mapping.wanted() == Some(self.mapping.revision)
    }
}

/// The first action on the queue that the role is not allowed.
pub(crate) fn denied(functions: &Functions, role: &str, queue: &str) -> Option<&'static str> {
    let allowed = |action: &str| {
        let access = Access::new(format!("sqs:{action}"), queue);
        functions.0.authorize.decide(Who::Role(role), &access).is_allowed()
    };
    ACTIONS.into_iter().find(|action| !allowed(action))
}
