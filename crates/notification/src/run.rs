//! The room's loop: hands rows to functions, each target at its own pace.

use std::sync::Arc;

use bytes::Bytes;
use flow::{Arn, ObjectCreated, Pending, Target};
use serde_json::json;
use store::{Crew, Lease, Verdict, Work};
use tokio_util::sync::CancellationToken;

use crate::{Notifications, event, notifications::Room};

/// Hand-overs to one target at one time.
const AT_ONCE_MAX: usize = 8;

/// How long an object's id stays known after its target was told, in milliseconds: longer than a
/// bucket's own row can stay pending.
const REMEMBER_MILLIS: i64 = 7 * 86_400_000;

/// Tells targets of objects until `stop`, then finishes the hand-overs that are begun.
pub async fn run(notifications: Notifications, stop: CancellationToken) {
    let room = notifications.0;
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
        read(lease).map(|(_, target)| target.arn).unwrap_or_default()
    }

    fn work<'a>(&'a self, lease: &'a Lease) -> Pending<'a, Verdict> {
        Box::pin(async move {
            let Some((object, target)) = read(lease) else {
                let reason = "the row holds no object: another version wrote it".to_owned();
                return Verdict::Dead { reason, detail: json!({}) };
            };
            if !is_function(&target.arn) {
                return dead(&object, &target, "only functions can be told");
            }
            let event = event::render(&self.config, &object, &target);
            match self.hand_over(&target, lease, event.into()).await {
                Ok(()) => {
                    let ObjectCreated { bucket, key, .. } = &object;
                    tracing::info!(
                        bucket.name = %bucket, object.key = ?key, target.arn = %target.arn,
                        "Told {} of an object in {bucket}", target.arn
                    );
                    Verdict::Done
                }
                Err(why) => self.after_failure(&object, &target, lease, &why),
            }
        })
    }
}

impl Room {
    async fn hand_over(&self, target: &Target, lease: &Lease, event: Bytes) -> Result<(), String> {
        tokio::select! {
            accepted = self.invoke.invoke(&target.arn, &lease.id, event) => {
                accepted.map(drop).map_err(|error| error.to_string())
            }
            () = self.clock.sleep_millis(self.config.invoke_millis_max) => {
                let millis = self.config.invoke_millis_max;
                Err(format!("the function did not take the event within {millis} ms"))
            }
        }
    }

    /// Another try later, unless the notification would be too old by then.
    fn after_failure(
        &self,
        object: &ObjectCreated,
        target: &Target,
        lease: &Lease,
        why: &str,
    ) -> Verdict {
        let now = self.clock.now();
        let due = now.plus_millis(self.config.back_off.wait_millis(lease.attempts));
        if due.millis_since(lease.put_at) > self.config.age_max_millis {
            let tries = lease.attempts;
            return dead(object, target, &format!("{why} (given up after {tries} tries)"));
        }
        tracing::warn!(
            bucket.name = %object.bucket, object.key = ?object.key, target.arn = %target.arn,
            attempts = lease.attempts, why, "A target could not be told; it is tried again"
        );
        Verdict::Later { due, reason: why.to_owned() }
    }
}

fn dead(object: &ObjectCreated, target: &Target, why: &str) -> Verdict {
    let ObjectCreated { bucket, key, .. } = object;
    let arn = &target.arn;
    tracing::error!(
        bucket.name = %bucket, object.key = ?key, target.arn = %arn, why,
        "A notification was given up"
    );
    Verdict::Dead {
        reason: format!("{arn} was not told of s3://{bucket}/{key}: {why}"),
        detail: json!({"bucket": bucket, "key": key, "target": arn}),
    }
}

/// The object and the one target of a row.
fn read(lease: &Lease) -> Option<(ObjectCreated, Target)> {
    let object: ObjectCreated = serde_json::from_slice(&lease.body).ok()?;
    let target = object.targets.first()?.clone();
    Some((object, target))
}

fn is_function(arn: &str) -> bool {
    arn.parse::<Arn>().is_ok_and(|arn| arn.service == "lambda")
}
