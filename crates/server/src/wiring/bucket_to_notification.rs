//! bucket → notification: each stored object is offered to those who want to know.
//!
//! The notification rows are durable before the object's mark goes, so a crash in between offers
//! the object again under the same ids.

use std::sync::Arc;

use bucket::Buckets;
use flow::Clock;
use notification::Notifications;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::passage::{Passage, Passages};

/// Objects that one look takes.
const OBJECTS_AT_ONCE: u32 = 128;
/// How long to wait after the store failed, in milliseconds.
const RETRY_MILLIS: i64 = 1_000;

/// Hands objects over until `stop`, then those that wait.
pub(crate) async fn run(
    buckets: Buckets,
    notifications: Notifications,
    passages: Passages,
    clock: Arc<dyn Clock>,
    stop: CancellationToken,
) {
    let mut changed = buckets.changed();
    loop {
        changed.mark_unchanged();
        match hand_over(&buckets, &notifications, &passages).await {
            Ok(0) if stop.is_cancelled() => return,
            Ok(0) => tokio::select! {
                () = stop.cancelled() => {}
                ended = changed.changed() => if ended.is_err() { return },
            },
            Ok(_) => {}
            Err(error) => {
                warn!(%error, "Objects wait to be announced: {error}");
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = clock.sleep_millis(RETRY_MILLIS) => {}
                }
            }
        }
    }
}

/// Hands over what waits now; how many objects that was.
async fn hand_over(
    buckets: &Buckets,
    notifications: &Notifications,
    passages: &Passages,
) -> anyhow::Result<usize> {
    let pending = buckets.pending(OBJECTS_AT_ONCE).await?;
    for (id, object) in &pending {
        // Told first: once it is accepted, what follows from it may be told at any moment.
        passages.tell(|| Passage::Created(object.clone()));
        notifications.accept(object).await?;
        buckets.clear_pending(*id).await?;
    }
    Ok(pending.len())
}
