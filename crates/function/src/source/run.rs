//! Which mappings have pollers: those that are enabled, each as it was last changed.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::task::{Id, JoinSet};
use tokio_util::sync::CancellationToken;

use super::{Mapping, Step, poll::Poller};
use crate::Functions;

/// How long a stop waits for batches that functions have.
const DRAIN_MAX: Duration = Duration::from_secs(5);
/// When a deletion that was not stored is tried again, in milliseconds.
const AGAIN_MILLIS: i64 = 1_000;

/// Works off all mappings until `stop`. What is with functions then may end, within a bound; what
/// they have not begun is shown to others again.
pub(crate) async fn poll_all(functions: Functions, stop: CancellationToken) {
    let mut crews = Crews {
        functions: functions.clone(),
        stop: stop.clone(),
        running: HashMap::new(),
        names: HashMap::new(),
        tasks: JoinSet::new(),
    };
    let mut changed = functions.sources().changes.subscribe();
    while !stop.is_cancelled() {
        changed.mark_unchanged();
        let again = !crews.follow().await;
        tokio::select! {
            () = stop.cancelled() => {}
            Some(ended) = crews.tasks.join_next_with_id() => crews.ended(ended),
            // An error means that the mappings are gone, and with them whatever could change.
            Ok(()) = changed.changed() => {}
            () = functions.0.host.clock.sleep_millis(AGAIN_MILLIS), if again => {}
        }
    }
    let tasks = &mut crews.tasks;
    let ended = async { while tasks.join_next().await.is_some() {} };
    if tokio::time::timeout(DRAIN_MAX, ended).await.is_err() {
        tracing::warn!("Some batches were still with functions when the time to stop was over");
    }
    crews.tasks.shutdown().await;
    crews.running.keys().for_each(|id| functions.sources().set_live(id, None));
}

struct Crews {
    functions: Functions,
    stop: CancellationToken,
    /// By the mapping's UUID.
    running: HashMap<String, (Arc<Poller>, CancellationToken)>,
    /// The UUIDs of pollers' mappings, by their tasks.
    names: HashMap<Id, String>,
    tasks: JoinSet<()>,
}

impl Crews {
    /// Begins and ends pollers as the mappings say; whether all of that could be stored.
    async fn follow(&mut self) -> bool {
        let mut stored = true;
        for (id, mapping) in self.functions.sources().all() {
            match self.running.get(&id) {
                Some((poller, stop)) if !poller.is_wanted(&mapping) => stop.cancel(),
                Some(_) => {}
                None if mapping.step == Step::Deleting => {
                    if let Err(error) = self.functions.sources().forget(&id).await {
                        tracing::warn!(%error, "The mapping {id} is not forgotten yet: {error}");
                        stored = false;
                    }
                }
                None if mapping.wanted().is_some() => self.begin(id, mapping),
                None => {}
            }
        }
        stored
    }

    fn begin(&mut self, id: String, mapping: Mapping) {
        let stop = self.stop.child_token();
        self.functions.sources().set_live(&id, Some(mapping.revision));
        let poller = Arc::new(Poller::new(&self.functions, &id, mapping, stop.clone()));
        let task = self.tasks.spawn(Arc::clone(&poller).run());
        self.names.insert(task.id(), id.clone());
        self.running.insert(id, (poller, stop));
    }

    fn ended(&mut self, ended: Result<(Id, ()), tokio::task::JoinError>) {
        let task = match &ended {
            Ok((task, ())) => *task,
            Err(error) => {
                // It begins anew.
                tracing::error!(%error, "A mapping's poller ended badly: {error}");
                error.id()
            }
        };
        if let Some(id) = self.names.remove(&task) {
            self.running.remove(&id);
            self.functions.sources().set_live(&id, None);
        }
    }
}
