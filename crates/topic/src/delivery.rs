//! Deliveries: leased from the queue, signed, posted, tried again.

use std::sync::Arc;

use bytes::Bytes;
use flow::Pending;
use store::{Crew, Lease, Verdict, Work};
use tokio_util::sync::CancellationToken;
use tracing::warn;
use url::Url;

use crate::{
    message::{Message, MessageKind},
    run::{Inner, read_row},
};

/// Deliveries under way to one endpoint at once.
const UNDER_WAY_PER_ENDPOINT_MAX: usize = 8;
/// Tries in all (SNS developer guide, "Amazon SNS message delivery retries": 50 for HTTP/S).
const ATTEMPTS_MAX: u32 = 50;
/// The longest wait between two tries, in milliseconds (same page).
const WAIT_MILLIS_MAX: i64 = 20_000;
/// How long the id of a delivered message stays known, in milliseconds: 14 days.
const REMEMBER_MILLIS: i64 = 14 * 24 * 60 * 60 * 1000;

/// One message for one endpoint, as the queue holds it.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct Delivery {
    pub(crate) message: Message,
    pub(crate) endpoint: String,
    pub(crate) raw: bool,
}

/// How a try ended.
enum Ending {
    Delivered,
    Again(String),
    Never(String),
}

/// How long to wait after `attempts` tries: three at once, then doubling from a second to twenty.
fn wait_millis(attempts: u32) -> i64 {
    match attempts {
        0..=2 => 0,
        _ => (1000_i64 << (attempts - 3).min(10)).min(WAIT_MILLIS_MAX),
    }
}

pub(crate) async fn run(inner: Arc<Inner>, stop: CancellationToken) {
    let crew = Crew {
        queue: inner.deliveries.clone(),
        clock: Arc::clone(&inner.clock),
        work: inner,
        at_once: UNDER_WAY_PER_ENDPOINT_MAX,
        remember_millis: REMEMBER_MILLIS,
    };
    crew.run(stop).await;
}

impl Work for Inner {
    fn lane(&self, lease: &Lease) -> String {
        let delivery: Option<Delivery> = serde_json::from_slice(&lease.body).ok();
        delivery.map(|delivery| delivery.endpoint).unwrap_or_default()
    }

    fn work<'a>(&'a self, lease: &'a Lease) -> Pending<'a, Verdict> {
        Box::pin(async move {
            let ending = match read_row::<Delivery>(&lease.id, &lease.body) {
                Ok(delivery) => send(self, &delivery).await,
                Err(error) => Ending::Never(error.to_string()),
            };
            match ending {
                Ending::Delivered => Verdict::Done,
                Ending::Again(reason) if lease.attempts < ATTEMPTS_MAX => {
                    let due = self.clock.now().plus_millis(wait_millis(lease.attempts));
                    Verdict::Later { due, reason }
                }
                Ending::Again(reason) | Ending::Never(reason) => {
                    let id = &lease.id;
                    warn!(delivery.id = %id, attempts = lease.attempts, "Gave up {id}: {reason}");
                    Verdict::Dead { reason, detail: serde_json::json!({}) }
                }
            }
        })
    }
}

async fn send(inner: &Inner, delivery: &Delivery) -> Ending {
    let message = &delivery.message;
    let url: Url = match delivery.endpoint.parse() {
        Ok(url) => url,
        Err(why) => return Ending::Never(format!("the endpoint is not a URL: {why}")),
    };
    let raw = delivery.raw && message.kind == MessageKind::Notification;
    let body = if raw {
        message.text.clone()
    } else {
        match signed(inner, message).await {
            Ok(body) => body,
            Err(ending) => return ending,
        }
    };
    let mut headers = vec![
        ("Content-Type", "text/plain; charset=UTF-8"),
        ("User-Agent", "Amazon Simple Notification Service Agent"),
        ("x-amz-sns-message-type", message.kind.as_str()),
        ("x-amz-sns-message-id", &message.message_id),
        ("x-amz-sns-topic-arn", &message.topic_arn),
    ];
    if message.kind != MessageKind::SubscriptionConfirmation
        && let Some(arn) = &message.subscription_arn
    {
        headers.push(("x-amz-sns-subscription-arn", arn));
    }
    if raw {
        headers.push(("x-amz-sns-rawdelivery", "true"));
    }
    match inner.outgoing.post(&url, &headers, Bytes::from(body)).await {
        Ok(answer) if answer.is_success() => Ending::Delivered,
        Ok(answer) if answer.status == 429 || answer.status >= 500 => {
            Ending::Again(format!("the endpoint answered {}", answer.status))
        }
        Ok(answer) => Ending::Never(format!("the endpoint answered {}", answer.status)),
        Err(outgoing::Error::Refused { url, why }) => Ending::Never(format!("{url}: {why}")),
        Err(error) => Ending::Again(error.to_string()),
    }
}

/// The signed envelope, by the signature version of the topic as it stands now.
async fn signed(inner: &Inner, message: &Message) -> Result<String, Ending> {
    let version = match inner.topic(&message.topic_arn).await {
        Ok(topic) => topic.attributes.signature_version.unwrap_or_default(),
        Err(fault) if fault.status == 404 => {
            return Err(Ending::Never("the topic was deleted".to_owned()));
        }
        Err(fault) => return Err(Ending::Again(fault.message)),
    };
    let endpoint = inner.endpoint();
    let again = |why: crate::Error| Ending::Again(why.to_string());
    let signer = inner.signing.signer().await.map_err(again)?;
    let signature = signer.sign(version, &message.signed_text(endpoint)).map_err(again)?;
    let path = signer.certificate_path();
    Ok(message.envelope(endpoint, version.as_str(), &signature, &path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_twenty_seconds_and_no_further() {
        let waits: Vec<_> = (1..=10).map(wait_millis).collect();
        assert_eq!(waits, [0, 0, 1000, 2000, 4000, 8000, 16000, 20000, 20000, 20000]);
    }
}
