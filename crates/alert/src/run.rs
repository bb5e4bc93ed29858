//! The room's loop: sends what is due, each destination at its own pace.

use std::sync::Arc;

use flow::Pending;
use serde_json::{Value, json};
use store::{Crew, Lease, Verdict, Work};
use tokio_util::sync::CancellationToken;

use crate::{
    Alerts,
    alerts::{Due, Room},
    send::Failure,
};

/// Alerts on their way to one destination at one time.
const AT_ONCE_MAX: usize = 4;

/// How long an alert's id stays known after it was sent, in milliseconds: a log file that comes
/// again within it alerts nobody again.
const REMEMBER_MILLIS: i64 = 90 * 86_400_000;

/// Sends alerts until `stop`, then finishes what is on its way.
pub async fn run(alerts: Alerts, stop: CancellationToken) {
    let room = alerts.0;
    let crew = Crew {
        queue: room.queue.clone(),
        clock: Arc::clone(&room.clock),
        work: room,
        at_once: AT_ONCE_MAX,
        remember_millis: REMEMBER_MILLIS,
    };
    crew.run(stop).await;
}

impl Work for Room {
    fn lane(&self, lease: &Lease) -> String {
        // The id is the alert's, a space, and the destination.
        lease.id.split_once(' ').map_or_else(String::new, |(_, destination)| destination.to_owned())
    }

    fn work<'a>(&'a self, lease: &'a Lease) -> Pending<'a, Verdict> {
        Box::pin(async move {
            let Ok(due) = serde_json::from_slice::<Due>(&lease.body) else {
                let reason = "the row holds no alert: another version wrote it".to_owned();
                return Verdict::Dead { reason, detail: json!({}) };
            };
            match self.sender.send(&due.destination, &due.finding).await {
                Ok(()) => {
                    tracing::info!(
                        alert.id = %due.finding.id, alert.destination = %due.destination,
                        rule.id = ?due.finding.rule.id, alert.level = %due.finding.rule.level,
                        "Sent an alert to {}", due.destination
                    );
                    Verdict::Done
                }
                Err(Failure::Retry(why)) => self.later(lease, &due, &why),
                Err(Failure::GiveUp(why)) => dead(&due, &why),
            }
        })
    }
}

impl Room {
    /// Another try later, unless the alert would be too old by then.
    fn later(&self, lease: &Lease, due: &Due, why: &str) -> Verdict {
        let next = self.clock.now().plus_millis(self.back_off.wait_millis(lease.attempts));
        if next.millis_since(lease.put_at) > self.age_max_millis {
            return dead(due, &format!("{why} (given up after {} tries)", lease.attempts));
        }
        tracing::warn!(
            alert.id = %due.finding.id, alert.destination = %due.destination,
            attempts = lease.attempts, why, "An alert could not be sent; it is tried again"
        );
        Verdict::Later { due: next, reason: why.to_owned() }
    }
}

fn dead(due: &Due, why: &str) -> Verdict {
    let Due { destination, finding } = due;
    tracing::error!(
        alert.id = %finding.id, alert.destination = %destination, why, "An alert was given up"
    );
    let (bucket, key) = place(&finding.object);
    Verdict::Dead {
        reason: format!("alert {} did not reach {destination}: {why}", finding.id),
        detail: json!({
            "bucket": bucket,
            "key": key,
            "destination": destination,
            "alert": finding.id,
            "rule": finding.rule.id,
        }),
    }
}

/// The bucket and the key of `s3://bucket/key`; nulls for a path.
fn place(object: &str) -> (Value, Value) {
    match object.strip_prefix("s3://").and_then(|rest| rest.split_once('/')) {
        Some((bucket, key)) => (bucket.into(), key.into()),
        None => (Value::Null, Value::Null),
    }
}
