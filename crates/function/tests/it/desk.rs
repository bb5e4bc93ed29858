//! Queues and topics in memory: what was sent to them, and what can be received.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use flow::{Clock, ManualClock, Pending, QueueMessage, SendError, Timestamp};
use function::{Matcher, Message, NotReceived, Outlet, Source};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

pub(crate) const QUEUE: &str = "arn:aws:sqs:us-east-2:123456789012:jobs";
const VISIBILITY_SECONDS: i64 = 30;

/// Everything that ends with `gone` is not there; what ends with `busy` takes nothing.
pub(crate) struct Desk {
    clock: Arc<ManualClock>,
    sent: Mutex<Vec<(String, String, QueueMessage)>>,
    waiting: Mutex<Vec<Waiting>>,
    changes: watch::Sender<u64>,
}

#[derive(Clone, Debug)]
struct Waiting {
    id: String,
    body: String,
    receives: u32,
    visible: Timestamp,
}

/// A pattern wants the bodies that hold it; `wrong` is none.
pub(crate) fn filter(pattern: &str) -> Result<Matcher, String> {
    if pattern == "wrong" {
        return Err("It is wrong.".to_owned());
    }
    let wanted = pattern.to_owned();
    Ok(Arc::new(move |record| record["body"].to_string().contains(&wanted)))
}

impl Desk {
    pub(crate) fn new(clock: Arc<ManualClock>) -> Self {
        let changes = watch::Sender::new(0);
        Self { clock, sent: Mutex::default(), waiting: Mutex::default(), changes }
    }

    fn tick(&self) {
        self.changes.send_modify(|ticks| *ticks += 1);
    }

    /// Puts messages of these bodies, which are their ids too.
    pub(crate) fn put(&self, bodies: &[&str]) {
        let visible = self.clock.now();
        let new = |body: &&str| Waiting {
            id: (*body).to_owned(),
            body: (*body).to_owned(),
            receives: 0,
            visible,
        };
        self.waiting.lock().unwrap().extend(bodies.iter().map(new));
        self.tick();
    }

    /// The messages that nobody has deleted, with how often each was received.
    pub(crate) fn left(&self) -> Vec<(String, u32)> {
        let waiting = self.waiting.lock().unwrap();
        waiting.iter().map(|message| (message.id.clone(), message.receives)).collect()
    }

    /// Waits until that is so of what is left, or was sent.
    pub(crate) async fn until(&self, reached: impl Fn(&Self) -> bool) {
        let mut changes = self.changes.subscribe();
        loop {
            changes.mark_unchanged();
            if reached(self) {
                return;
            }
            changes.changed().await.unwrap();
        }
    }

    /// What was sent to that ARN, once for each id.
    pub(crate) fn sent(&self, arn: &str) -> Vec<QueueMessage> {
        let sent = self.sent.lock().unwrap();
        let to_it = sent.iter().filter(|(to, ..)| to == arn);
        let once: BTreeMap<_, _> = to_it.map(|(_, id, message)| (id, message.clone())).collect();
        once.into_values().collect()
    }

    fn take(&self, max: u32) -> (Vec<Message>, Option<Timestamp>) {
        let now = self.clock.now();
        let mut waiting = self.waiting.lock().unwrap();
        let mut due = waiting.iter_mut().filter(|message| message.visible <= now);
        let mut taken = Vec::new();
        for message in due.by_ref().take(max as usize) {
            message.receives += 1;
            message.visible = now.plus_millis(VISIBILITY_SECONDS * 1_000);
            taken.push(told(message));
        }
        (taken, waiting.iter().map(|message| message.visible).min())
    }
}

fn told(message: &Waiting) -> Message {
    let receives = ("ApproximateReceiveCount".to_owned(), message.receives.to_string());
    Message {
        message_id: message.id.clone(),
        receipt_handle: format!("{}#{}", message.id, message.receives),
        body: message.body.clone(),
        md5_of_body: String::new(),
        attributes: BTreeMap::new(),
        md5_of_attributes: None,
        system: BTreeMap::from([receives]),
    }
}

impl Outlet for Desk {
    fn exists(&self, arn: &str) -> bool {
        !arn.ends_with("gone")
    }

    fn send<'a>(
        &'a self,
        arn: &'a str,
        delivery_id: &'a str,
        message: QueueMessage,
    ) -> Pending<'a, Result<(), SendError>> {
        Box::pin(async move {
            if arn.ends_with("busy") {
                self.tick();
                return Err(SendError::NoSuchQueue(arn.to_owned()));
            }
            let sent = (arn.to_owned(), delivery_id.to_owned(), message);
            self.sent.lock().unwrap().push(sent);
            self.tick();
            Ok(())
        })
    }
}

impl Source for Desk {
    fn visibility_seconds(&self, arn: &str) -> Option<u32> {
        match arn.rsplit(':').next() {
            Some("gone") => None,
            Some("short") => Some(2),
            _ => Some(30),
        }
    }

    fn receive<'a>(
        &'a self,
        _: &'a str,
        max: u32,
        wait_seconds: u32,
        stop: &'a CancellationToken,
    ) -> Pending<'a, Result<Vec<Message>, NotReceived>> {
        assert!((1..=10).contains(&max) && wait_seconds <= 20);
        Box::pin(async move {
            let end = self.clock.now().plus_millis(i64::from(wait_seconds) * 1_000);
            let mut changes = self.changes.subscribe();
            loop {
                changes.mark_unchanged();
                let (taken, next) = self.take(max);
                if !taken.is_empty() || self.clock.now() >= end || stop.is_cancelled() {
                    self.tick();
                    return Ok(taken);
                }
                let next = next.map_or(end, |next| next.min(end));
                tokio::select! {
                    () = self.clock.sleep_until(next) => {}
                    () = stop.cancelled() => {}
                    _ = changes.changed() => {}
                }
            }
        })
    }

    fn delete<'a>(
        &'a self,
        _: &'a str,
        handles: &'a [String],
    ) -> Pending<'a, Result<(), NotReceived>> {
        Box::pin(async move {
            let held = |message: &Waiting| format!("{}#{}", message.id, message.receives);
            self.waiting.lock().unwrap().retain(|message| !handles.contains(&held(message)));
            self.tick();
            Ok(())
        })
    }

    fn release<'a>(
        &'a self,
        _: &'a str,
        handles: &'a [String],
    ) -> Pending<'a, Result<(), NotReceived>> {
        Box::pin(async move {
            let now = self.clock.now();
            for message in self.waiting.lock().unwrap().iter_mut() {
                if handles.contains(&format!("{}#{}", message.id, message.receives)) {
                    message.visible = now;
                }
            }
            self.tick();
            Ok(())
        })
    }
}
