//! The loop that tidies up: what nobody waits for, and what callers have set going.

use std::collections::BTreeMap;

use flow::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::{
    room::{Inner, Queues},
    rows::{delivery, message, queue},
};

/// How often messages past their retention are looked for, in milliseconds.
const TIDY_EVERY_MILLIS: i64 = 60_000;

/// How long the id of a delivery from inside is remembered, in milliseconds.
const DELIVERY_MILLIS_MAX: i64 = 24 * 60 * 60 * 1000;

/// How long to wait after the store failed, in milliseconds.
const STORE_RETRY_MILLIS: i64 = 1_000;

/// Tidies up until `stop`; then it ends the waiting of those who receive, so that their calls come
/// to their end.
pub async fn run(queues: Queues, stop: CancellationToken) {
    let inner = &queues.inner;
    let (mut tidied, mut stepped_at) = (None, BTreeMap::new());
    while !stop.is_cancelled() {
        let wait = match inner.tidy(&mut tidied, &mut stepped_at).await {
            Ok(wait) => wait,
            Err(error) => {
                tracing::error!(%error, "Queues could not be tidied up: {error}");
                STORE_RETRY_MILLIS
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = inner.untidy.notified() => {}
            () = inner.clock.sleep_millis(wait) => {}
        }
    }
    inner.closing.cancel();
}

impl Inner {
    /// Does what is due; how long nothing else will be, in milliseconds.
    async fn tidy(
        &self,
        tidied: &mut Option<Timestamp>,
        stepped_at: &mut BTreeMap<String, Timestamp>,
    ) -> Result<i64, store::Error> {
        self.sweep().await?;
        let now = self.now();
        if tidied.is_none_or(|at| now.millis_since(at) >= TIDY_EVERY_MILLIS) {
            self.expire().await?;
            *tidied = Some(now);
        }
        Ok(self.move_messages(stepped_at).await?.unwrap_or(TIDY_EVERY_MILLIS))
    }

    /// Deletes what is left of queues that are gone.
    async fn sweep(&self) -> Result<(), store::Error> {
        while let Some(id) = self.db.read(queue::ended).await? {
            while self.db.write_unsynced(move |db| message::purge(db, id, i64::MAX)).await? > 0 {}
            self.db.write(move |db| queue::forget(db, id)).await?;
        }
        Ok(())
    }

    /// Deletes messages past their retention, and forgets old deliveries.
    async fn expire(&self) -> Result<(), store::Error> {
        let now = self.now();
        for queue in self.all() {
            let (id, before) = (queue.id, self.expired(&queue, now));
            while self.db.write_unsynced(move |db| message::expire(db, id, before)).await? > 0 {}
        }
        let before = now.plus_millis(-DELIVERY_MILLIS_MAX);
        while self.db.write_unsynced(move |db| delivery::forget(db, before)).await? > 0 {}
        Ok(())
    }
}
