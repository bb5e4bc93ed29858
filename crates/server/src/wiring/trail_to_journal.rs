//! trail → journal: days that every trail has delivered are let go after their retention.

use std::sync::Arc;

use flow::Clock;
use store::Journal;
use tokio_util::sync::CancellationToken;
use tracing::warn;
use trail::Trails;

/// How often to look, in milliseconds.
const EVERY_MILLIS: i64 = 60 * 60 * 1000;

/// Expires old days until `stop`.
pub(crate) async fn run(
    trails: Trails,
    journal: Journal,
    retention_millis: i64,
    clock: Arc<dyn Clock>,
    stop: CancellationToken,
) {
    loop {
        let before = clock.now().plus_millis(retention_millis.saturating_neg());
        if let Err(error) = journal.expire(before, trails.keep_from().await).await {
            warn!(%error, "Old days of the journal stay: {error}");
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = clock.sleep_millis(EVERY_MILLIS) => {}
        }
    }
}
