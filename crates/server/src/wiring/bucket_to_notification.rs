//! bucket → notification: each event is offered to those who want to know.
//!
//! The notification rows are durable before the event's own goes, so a crash in between offers it
//! again under the same ids.

use std::sync::Arc;

use bucket::Buckets;
use flow::Clock;
use notification::Notifications;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::passage::{Passage, Passages};

/// Events that one look takes.
const EVENTS_AT_ONCE: u32 = 128;
/// How long to wait after the store failed, in milliseconds.
const RETRY_MILLIS: i64 = 1_000;

/// Hands events over until `stop`, then those that wait.
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
                warn!(%error, "Events wait to be announced: {error}");
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = clock.sleep_millis(RETRY_MILLIS) => {}
                }
            }
        }
    }
}

/// Hands over what waits now; how many that was.
async fn hand_over(
    buckets: &Buckets,
    notifications: &Notifications,
    passages: &Passages,
) -> anyhow::Result<usize> {
    let pending = buckets.pending(EVENTS_AT_ONCE).await?;
    for (id, event) in &pending {
        // Told first: once it is accepted, what follows from it may be told at any moment.
        passages.tell(|| Passage::Announced(event.clone()));
        notifications.accept(event).await?;
        buckets.clear_pending(*id).await?;
    }
    Ok(pending.len())
}
