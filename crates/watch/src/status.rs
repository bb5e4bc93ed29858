//! What a watch is doing, for whoever asks.

use std::sync::Arc;

use alert::Alerts;
use flow::Timestamp;
use store::Queue;

use crate::{
    counts::{Counts, told},
    rules::Rules,
};

/// One hop of the road that a watch is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hop {
    /// Its name: `queue`, `watch`, `alert` or `rules`.
    pub name: &'static str,
    /// What waits or is being worked on.
    pub waiting: u64,
    /// Since when the oldest of these waits.
    pub oldest: Option<Timestamp>,
    /// Dead letters.
    pub dead: u64,
    /// What is wrong now, where something is.
    pub error: Option<String>,
}

/// Looks at a running watch; clones look at the same.
#[derive(Clone)]
pub struct Status {
    pub(crate) counts: Arc<Counts>,
    pub(crate) rules: Rules,
    /// None in a dry run.
    pub(crate) kept: Option<Kept>,
}

/// What lies in the data directory.
#[derive(Clone)]
pub(crate) struct Kept {
    pub(crate) alerts: Alerts,
    pub(crate) letters: Queue,
}

impl Status {
    /// Every hop, in the order of the road.
    ///
    /// # Errors
    /// The data directory cannot be read.
    pub async fn hops(&self) -> Result<Vec<Hop>, store::Error> {
        let queue_error = told(&self.counts.queue_error);
        let rules_error = told(&self.counts.rules_error);
        let mut hops = vec![Hop { name: "queue", error: queue_error, ..Hop::default() }];
        for (name, queue) in self.queues() {
            let counts = queue.counts().await?;
            hops.push(Hop {
                name,
                waiting: counts.waiting + counts.leased,
                oldest: counts.oldest,
                dead: counts.dead,
                error: None,
            });
        }
        hops.push(Hop { name: "rules", error: rules_error, ..Hop::default() });
        Ok(hops)
    }

    /// The local queues, which hold dead letters, under the names of their hops.
    pub fn queues(&self) -> Vec<(&'static str, &Queue)> {
        let kept = self.kept.iter();
        let queues = kept.flat_map(|kept| {
            [(crate::letters::QUEUE, &kept.letters), ("alert", kept.alerts.queue())]
        });
        queues.collect()
    }

    /// How many rules run.
    pub fn rules(&self) -> usize {
        self.rules.now().rules().len()
    }

    /// Messages since the start, by what became of them.
    pub fn messages(&self) -> [(&'static str, u64); 5] {
        let messages = &self.counts.messages;
        [
            ("received", messages.received.get()),
            ("deleted", messages.deleted.get()),
            ("left", messages.left.get()),
            ("dead", messages.dead.get()),
            ("released", messages.released.get()),
        ]
    }
}
