//! What passes along the road, for whoever watches a server from inside: the demo and tests.

use flow::{BucketEvent, Finding};
use tokio::sync::broadcast;

/// Passages that a slow watcher may fall behind; older ones are lost to it, never to the road.
const BEHIND_MAX: usize = 1024;

/// Something passed from one room to the next.
#[derive(Clone, Debug)]
pub enum Passage {
    /// A bucket announced what happened in it.
    Announced(BucketEvent),
    /// A function accepted an event.
    Notified {
        /// The function's ARN.
        function: String,
        /// The event, JSON.
        event: bytes::Bytes,
    },
    /// A function answered and its findings are in the outbox.
    Answered {
        /// The function's name.
        function: String,
        /// The invocation's request id.
        request_id: String,
        /// What it found.
        findings: Vec<Finding>,
    },
}

/// Where the arrows tell what passes; nobody need listen.
#[derive(Clone)]
pub(crate) struct Passages(broadcast::Sender<Passage>);

impl Default for Passages {
    fn default() -> Self {
        Self(broadcast::Sender::new(BEHIND_MAX))
    }
}

impl Passages {
    /// Tells those who watch.
    pub(crate) fn tell(&self, passage: impl FnOnce() -> Passage) {
        if self.0.receiver_count() > 0 && self.0.send(passage()).is_err() {
            tracing::trace!("The last watcher has just gone");
        }
    }

    pub(crate) fn watch(&self) -> broadcast::Receiver<Passage> {
        self.0.subscribe()
    }
}
