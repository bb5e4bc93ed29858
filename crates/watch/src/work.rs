//! One message, from its receipt to its end.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    convert::Infallible,
    sync::{Arc, Mutex},
};

use flow::Clock;

use crate::{
    counts::Counts,
    letters::{Letter, Letters},
    plan::{Plan, plan},
    queue::{Message, Queue},
    reader::Reader,
    verdict::{Fault, Outcome, Verdict, verdict},
};

/// How often a deletion is tried before the message is left to come again.
const DELETE_TRIES_MAX: u32 = 3;
/// The wait between these, in milliseconds; it doubles.
const DELETE_WAIT_MILLIS: i64 = 500;
/// Messages that a dry run remembers, so that it tells each finding once.
const REMEMBERED_MAX: usize = 100_000;

/// What works on messages.
pub(crate) struct Worker {
    pub(crate) queue: Queue,
    pub(crate) reader: Arc<Reader>,
    pub(crate) bucket_names: BTreeSet<String>,
    pub(crate) ends: Ends,
    pub(crate) receives_max: u32,
    pub(crate) counts: Arc<Counts>,
    pub(crate) clock: Arc<dyn Clock>,
    /// What is being worked on, by id: what is to be shown again after an abrupt stop.
    pub(crate) in_hand: Mutex<HashMap<String, Message>>,
}

/// What is done with messages at their end.
pub(crate) enum Ends {
    /// They are deleted, those that cannot be read after a local dead letter.
    Consume(Letters),
    /// Nothing: they come again. Those that are known are passed over.
    Leave { met: Mutex<HashSet<String>> },
}

impl Worker {
    /// Works on one message to its end, and keeps it hidden meanwhile.
    pub(crate) async fn work(&self, message: Message) {
        if let Ends::Leave { met } = &self.ends
            && !remember(met, &message.id)
        {
            return;
        }
        self.hand().insert(message.id.clone(), message.clone());
        let verdict = tokio::select! {
            verdict = self.conclude(&message) => verdict,
            never = self.keep_hidden(&message) => match never {},
        };
        self.end(&message, verdict).await;
        self.hand().remove(&message.id);
    }

    /// What becomes of a message; its dead letter is written once this resolves.
    async fn conclude(&self, message: &Message) -> Verdict {
        let Message { id, body, receives, .. } = message;
        let judged = if *receives > self.receives_max {
            // What ends this program each time would come for ever.
            let reason = format!("received {receives} times, and never worked on to an end");
            Verdict::Dead(Fault { reason, ..Fault::default() })
        } else {
            self.judged(body, *receives).await
        };
        match (judged, &self.ends) {
            (Verdict::Dead(fault), Ends::Consume(letters)) => {
                let letter = Letter::new(id, *receives, body, &fault);
                match letters.post(&letter).await {
                    Ok(()) => Verdict::Dead(fault),
                    Err(error) => {
                        let reason = format!("its dead letter cannot be written: {error}");
                        Verdict::Later { reason, wait_seconds: self.queue.visibility_seconds }
                    }
                }
            }
            (judged, _) => judged,
        }
    }

    async fn judged(&self, body: &str, receives: u32) -> Verdict {
        match judge(&self.reader, &self.bucket_names, body).await {
            Ok(outcomes) => verdict(outcomes, receives, self.receives_max),
            Err(fault) => Verdict::Dead(fault),
        }
    }

    async fn keep_hidden(&self, message: &Message) -> Infallible {
        let seconds = self.queue.visibility_seconds;
        loop {
            self.clock.sleep_millis(i64::from(seconds) * 1_000 / 2).await;
            match self.queue.hide(message, seconds).await {
                Ok(()) => self.counts.messages.extended.one(),
                Err(why) => {
                    self.counts.failures.extend.one();
                    let id = &message.id;
                    tracing::warn!(
                        message.id = %id, why,
                        "Message {id} may be shown to others while it is worked on: {why}"
                    );
                }
            }
        }
    }

    async fn end(&self, message: &Message, verdict: Verdict) {
        let (id, counts) = (&message.id, &self.counts.messages);
        if let Ends::Leave { .. } = &self.ends {
            counts.left.one();
            if let Verdict::Dead(Fault { reason, .. }) | Verdict::Later { reason, .. } = verdict {
                tracing::warn!(message.id = %id, reason, "Message {id} cannot be read: {reason:?}");
            }
            return;
        }
        match verdict {
            Verdict::Done => self.delete(message).await,
            Verdict::Dead(Fault { reason, .. }) => {
                counts.dead.one();
                tracing::error!(
                    message.id = %id, reason,
                    "Message {id} is a dead letter from now on: {reason:?}"
                );
                self.delete(message).await;
            }
            Verdict::Later { reason, wait_seconds } => {
                counts.left.one();
                tracing::warn!(
                    message.id = %id, receives = message.receives, wait_seconds, reason,
                    "Message {id} is tried again in {wait_seconds} s: {reason:?}"
                );
                if let Err(why) = self.queue.hide(message, wait_seconds).await {
                    tracing::debug!(why, "Message {id} comes again when the queue shows it");
                }
            }
        }
    }

    /// Deletes a message; one that stays comes again, and its alerts are known by their ids.
    async fn delete(&self, message: &Message) {
        let id = &message.id;
        for tried in 0..DELETE_TRIES_MAX {
            match self.queue.delete(message).await {
                Ok(()) => return self.counts.messages.deleted.one(),
                Err(why) => {
                    self.counts.failures.delete.one();
                    tracing::warn!(message.id = %id, why, "Message {id} is not deleted: {why}");
                }
            }
            self.clock.sleep_millis(DELETE_WAIT_MILLIS << tried).await;
        }
    }

    /// Shows a message again at once, since nobody works on it any more.
    pub(crate) async fn release(&self, message: &Message) {
        match self.queue.hide(message, 0).await {
            Ok(()) => self.counts.messages.released.one(),
            Err(why) => {
                let id = &message.id;
                tracing::warn!(
                    message.id = %id, why,
                    "Message {id} comes again only once its visibility timeout is over: {why}"
                );
            }
        }
    }

    /// What is being worked on.
    pub(crate) fn hand(&self) -> std::sync::MutexGuard<'_, HashMap<String, Message>> {
        self.in_hand.lock().expect("no holder panics")
    }
}

/// Reads all that a message's body names.
///
/// # Errors
/// The message will never make sense.
pub(crate) async fn judge(
    reader: &Arc<Reader>,
    buckets: &BTreeSet<String>,
    body: &str,
) -> Result<Vec<Outcome>, Fault> {
    match plan(body, buckets) {
        Plan::Poison { reason, bucket, key } => Err(Fault { bucket, key, offset: None, reason }),
        Plan::Read { objects, records, skipped } => {
            reader.counts.objects.skipped.add(skipped);
            Ok(reader.read(&objects, &records).await)
        }
    }
}

/// Whether the id is new.
fn remember(met: &Mutex<HashSet<String>>, id: &str) -> bool {
    let mut met = met.lock().expect("no holder panics");
    if met.len() >= REMEMBERED_MAX {
        met.clear();
    }
    met.insert(id.to_owned())
}
