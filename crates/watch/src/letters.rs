//! Messages that the queue is not asked for again: dead letters, until somebody revives them.

use std::{collections::BTreeSet, sync::Arc};

use flow::{Clock, Pending};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{Lease, Queue, Verdict, Work};

use crate::{
    reader::Reader,
    verdict::{Fault, Outcome},
    work::judge,
};

/// The queue's name, and the hop's in `status` and `dead`.
pub(crate) const QUEUE: &str = "watch";
/// Letters that are worked on at the same time.
pub(crate) const AT_ONCE_MAX: usize = 2;
/// How long the id of a letter that was read after all stays known, in milliseconds: longer than
/// SQS keeps any message.
pub(crate) const REMEMBER_MILLIS: i64 = 30 * 86_400_000;

/// Where letters are put.
#[derive(Clone)]
pub(crate) struct Letters {
    pub(crate) queue: Queue,
    pub(crate) clock: Arc<dyn Clock>,
}

/// A message with what was wrong with it.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Letter {
    message_id: String,
    receives: u32,
    reason: String,
    message: String,
}

impl Letter {
    pub(crate) fn new(id: &str, receives: u32, message: &str, fault: &Fault) -> Self {
        let (message_id, message) = (id.to_owned(), message.to_owned());
        Self { message_id, receives, reason: fault.reason.clone(), message }
    }
}

impl Letters {
    /// Puts a letter; durable once this resolves. It is read once more, then buried.
    pub(crate) async fn post(&self, letter: &Letter) -> Result<(), store::Error> {
        let body = serde_json::to_vec(letter).expect("a letter is plain data");
        self.queue.put(&letter.message_id, body, self.clock.now()).await.map(drop)
    }
}

/// Tries letters: each once when it is put and once whenever it is revived.
pub(crate) struct Retry {
    pub(crate) reader: Arc<Reader>,
    pub(crate) bucket_names: BTreeSet<String>,
}

impl Work for Retry {
    fn lane(&self, _: &Lease) -> String {
        String::new()
    }

    fn work<'a>(&'a self, lease: &'a Lease) -> Pending<'a, Verdict> {
        Box::pin(async move {
            let Ok(letter) = serde_json::from_slice::<Letter>(&lease.body) else {
                let reason = "the row holds no message: another version wrote it".to_owned();
                return Verdict::Dead { reason, detail: json!({}) };
            };
            if lease.attempts > 1 {
                // The program ended over it: once more might end it once more.
                let reason = format!("{} (and reading it again did not end)", letter.reason);
                return dead(Fault { reason, ..Fault::default() });
            }
            let outcomes = match judge(&self.reader, &self.bucket_names, &letter.message).await {
                Ok(outcomes) => outcomes,
                Err(fault) => return dead(fault),
            };
            let fault = outcomes.into_iter().find_map(|outcome| match outcome {
                Outcome::Done => None,
                Outcome::Never(fault) => Some(fault),
                Outcome::NotNow(fault) => {
                    let reason =
                        format!("not read after {} receives: {}", letter.receives, fault.reason);
                    Some(Fault { reason, ..fault })
                }
            });
            fault.map_or(Verdict::Done, dead)
        })
    }
}

fn dead(fault: Fault) -> Verdict {
    let Fault { bucket, key, offset, reason } = fault;
    Verdict::Dead { reason, detail: json!({"bucket": bucket, "key": key, "offset": offset}) }
}
