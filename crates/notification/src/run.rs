//! The room's loop: hands rows to functions, queues and topics, each target at its own pace.

use std::sync::Arc;

use flow::{Access, Arn, BucketEvent, Decision, Pending, QueueMessage, SendError, Target, Who};
use serde_json::json;
use store::{Crew, Lease, Verdict, Work};
use tokio_util::sync::CancellationToken;

use crate::{Notifications, event, notifications::Room};

/// Hand-overs to one target at one time.
const AT_ONCE_MAX: usize = 8;

/// How long an event's id stays known after its target was told, in milliseconds: longer than a
/// bucket's own row can stay pending.
const REMEMBER_MILLIS: i64 = 7 * 86_400_000;

/// Who asks the targets' policies.
const SERVICE: &str = "s3.amazonaws.com";

/// The subject of what topics are told.
const SUBJECT: &str = "Amazon S3 Notification";

/// Tells targets of events until `stop`, then finishes the hand-overs that are begun.
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

/// Why a target was not told.
enum Failure {
    /// Worth another try later.
    Again(String),
    /// Trying again cannot help.
    Never(String),
}

impl Work for Room {
    fn lane(&self, lease: &Lease) -> String {
        read(lease).map(|(_, target)| target.arn).unwrap_or_default()
    }

    fn work<'a>(&'a self, lease: &'a Lease) -> Pending<'a, Verdict> {
        Box::pin(async move {
            let Some((event, target)) = read(lease) else {
                let reason = "the row holds no event: another version wrote it".to_owned();
                return Verdict::Dead { reason, detail: json!({}) };
            };
            let millis = self.config.hand_over_millis_max;
            let told = tokio::select! {
                told = self.tell(&event, &target, &lease.id) => told,
                () = self.clock.sleep_millis(millis) => {
                    Err(Failure::Again(format!("the target did not take it within {millis} ms")))
                }
            };
            match told {
                Ok(()) => {
                    let BucketEvent { bucket, key, event_name, .. } = &event;
                    tracing::info!(
                        bucket.name = %bucket, object.key = ?key, target.arn = %target.arn,
                        "Told {} of {event_name} in {bucket}", target.arn
                    );
                    Verdict::Done
                }
                Err(Failure::Again(why)) => self.after_failure(&event, &target, lease, &why),
                Err(Failure::Never(why)) => dead(&event, &target, &why),
            }
        })
    }
}

impl Room {
    /// Tells the target, if its policy says that this bucket may.
    async fn tell(&self, event: &BucketEvent, target: &Target, id: &str) -> Result<(), Failure> {
        let arn = target.arn.as_str();
        let service = arn.parse::<Arn>().map(|arn| arn.service).unwrap_or_default();
        let action = match service.as_str() {
            "lambda" => "lambda:InvokeFunction",
            "sqs" => "sqs:SendMessage",
            "sns" => "sns:Publish",
            _ => return Err(Failure::Never("only functions, queues and topics are told".into())),
        };
        let access = Access::new(action, arn)
            .with("aws:SourceArn", format!("arn:aws:s3:::{}", event.bucket))
            .with("aws:SourceAccount", self.config.account.as_str());
        // Whoever took the permission away may give it back: this is tried again.
        if let Decision::Denied(why) = self.reach.authorize.decide(Who::Service(SERVICE), &access) {
            return Err(Failure::Again(why));
        }
        let text = event::render(&self.config, event, target);
        let again = |why: String| Failure::Again(why);
        match action {
            "lambda:InvokeFunction" => {
                let invoked = self.reach.functions.invoke(arn, id, text.into()).await;
                invoked.map(drop).map_err(|error| again(error.to_string()))
            }
            "sqs:SendMessage" => {
                let message = QueueMessage { body: text, ..QueueMessage::default() };
                self.reach.queues.enqueue(arn, id, message).await.map(drop).map_err(|error| {
                    match error {
                        SendError::Rejected(why) => Failure::Never(why),
                        other => again(other.to_string()),
                    }
                })
            }
            _ => {
                let published = self.reach.topics.publish(arn, id, Some(SUBJECT), &text).await;
                published.map(drop).map_err(|error| again(error.to_string()))
            }
        }
    }

    /// Another try later, unless the notification would be too old by then.
    fn after_failure(
        &self,
        event: &BucketEvent,
        target: &Target,
        lease: &Lease,
        why: &str,
    ) -> Verdict {
        let now = self.clock.now();
        let due = now.plus_millis(self.config.back_off.wait_millis(lease.attempts));
        if due.millis_since(lease.put_at) > self.config.age_max_millis {
            let tries = lease.attempts;
            return dead(event, target, &format!("{why} (given up after {tries} tries)"));
        }
        tracing::warn!(
            bucket.name = %event.bucket, object.key = ?event.key, target.arn = %target.arn,
            attempts = lease.attempts, why, "A target could not be told; it is tried again"
        );
        Verdict::Later { due, reason: why.to_owned() }
    }
}

fn dead(event: &BucketEvent, target: &Target, why: &str) -> Verdict {
    let BucketEvent { bucket, key, .. } = event;
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

/// The event and the one target of a row.
fn read(lease: &Lease) -> Option<(BucketEvent, Target)> {
    let event: BucketEvent = serde_json::from_slice(&lease.body).ok()?;
    let target = event.targets.first()?.clone();
    Some((event, target))
}
