//! Deliveries: leased from the queue, signed, handed over, tried again, and at last buried or sent
//! to the subscription's dead letter queue.

mod form;
mod http;
mod inside;
mod schedule;

use std::sync::Arc;

use flow::Pending;
use store::{Crew, Lease, Verdict, Work};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::{
    delivery_policy::Effective,
    mail::Failure,
    message::{Message, MessageKind},
    protocol::Protocol,
    run::{Inner, Reach, read_row},
};

/// Deliveries under way to one endpoint at once.
const UNDER_WAY_PER_ENDPOINT_MAX: usize = 8;
/// How long the id of a delivered message stays known, in milliseconds: 14 days.
const REMEMBER_MILLIS: i64 = 14 * 24 * 60 * 60 * 1000;
/// The wait before a dead letter queue that failed is tried again, in milliseconds.
const DEAD_LETTER_WAIT_MILLIS: i64 = 60_000;
/// Tries for a dead letter queue, on top of those for the endpoint.
const DEAD_LETTER_TRIES_MAX: u32 = 60;

/// One message for one endpoint, as the queue holds it.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct Delivery {
    pub(crate) message: Message,
    #[serde(default = "over_http")]
    pub(crate) protocol: Protocol,
    pub(crate) endpoint: String,
    pub(crate) raw: bool,
    #[serde(default)]
    pub(crate) policy: Effective,
    /// Where it goes if it cannot be delivered.
    #[serde(default)]
    pub(crate) dead_letter_queue: Option<String>,
}

/// What rows were that name no protocol.
fn over_http() -> Protocol {
    Protocol::Http
}

impl Delivery {
    /// Whether the message goes without its envelope.
    fn is_raw(&self) -> bool {
        self.raw && self.message.kind == MessageKind::Notification
    }
}

/// How a try ended.
enum Ending {
    Delivered,
    Again(String),
    Never(String),
}

pub(crate) async fn run(inner: Arc<Inner>, reach: Reach, stop: CancellationToken) {
    let crew = Crew {
        queue: inner.deliveries.clone(),
        clock: Arc::clone(&inner.clock),
        work: Arc::new(Deliverer { inner, reach }),
        at_once: UNDER_WAY_PER_ENDPOINT_MAX,
        remember_millis: REMEMBER_MILLIS,
    };
    crew.run(stop).await;
}

struct Deliverer {
    inner: Arc<Inner>,
    reach: Reach,
}

impl Work for Deliverer {
    fn lane(&self, lease: &Lease) -> String {
        let delivery: Option<Delivery> = serde_json::from_slice(&lease.body).ok();
        delivery.map(|delivery| delivery.endpoint).unwrap_or_default()
    }

    fn work<'a>(&'a self, lease: &'a Lease) -> Pending<'a, Verdict> {
        Box::pin(async move {
            let delivery = match read_row::<Delivery>(&lease.id, &lease.body) {
                Ok(delivery) => delivery,
                Err(error) => return dead(lease, error.to_string()),
            };
            let ending = self.deliver(&delivery, &lease.id).await;
            let (reason, wait) = match ending {
                Ending::Delivered => return Verdict::Done,
                Ending::Again(reason) => (reason, schedule::wait_millis(&delivery, lease.attempts)),
                Ending::Never(reason) => (reason, None),
            };
            match wait {
                Some(millis) => {
                    let due = self.inner.clock.now().plus_millis(millis);
                    Verdict::Later { due, reason }
                }
                None => self.give_up(&delivery, lease, reason).await,
            }
        })
    }
}

impl Deliverer {
    async fn deliver(&self, delivery: &Delivery, id: &str) -> Ending {
        match delivery.protocol {
            Protocol::Http | Protocol::Https => self.post(delivery).await,
            Protocol::Email | Protocol::EmailJson => self.mail(delivery).await,
            Protocol::Queue => self.enqueue(delivery, &delivery.endpoint, id).await,
            Protocol::Function => self.invoke(delivery, id).await,
        }
    }

    async fn mail(&self, delivery: &Delivery) -> Ending {
        let Some(mailer) = &self.inner.mailer else {
            return Ending::Again("no SMTP server is configured: set `smtp.host`".to_owned());
        };
        let message = &delivery.message;
        let text = if delivery.protocol == Protocol::EmailJson {
            match self.inner.envelope(message).await {
                Ok(text) => text,
                Err(ending) => return ending,
            }
        } else {
            message.mail_text(self.inner.endpoint())
        };
        match mailer.send(&delivery.endpoint, message.mail_subject(), text).await {
            Ok(()) => Ending::Delivered,
            Err(Failure::Again(why)) => Ending::Again(why),
            Err(Failure::Never(why)) => Ending::Never(why),
        }
    }

    /// Sends the message to the subscription's dead letter queue; buries it where there is none.
    async fn give_up(&self, delivery: &Delivery, lease: &Lease, reason: String) -> Verdict {
        let wanted = delivery.message.kind == MessageKind::Notification;
        let Some(queue) = delivery.dead_letter_queue.as_ref().filter(|_| wanted) else {
            return dead(lease, reason);
        };
        let id = format!("{}/dead", lease.id);
        match self.enqueue(delivery, queue, &id).await {
            Ending::Delivered => {
                warn!(
                    delivery.id = %lease.id, queue.arn = %queue, attempts = lease.attempts,
                    "Sent {} to the dead letter queue {queue}: {reason}", lease.id
                );
                Verdict::Done
            }
            Ending::Again(why) if lease.attempts < schedule::TRIES_MAX + DEAD_LETTER_TRIES_MAX => {
                let due = self.inner.clock.now().plus_millis(DEAD_LETTER_WAIT_MILLIS);
                Verdict::Later { due, reason: format!("{reason}; dead letter queue: {why}") }
            }
            Ending::Again(why) | Ending::Never(why) => {
                dead(lease, format!("{reason}; dead letter queue {queue}: {why}"))
            }
        }
    }
}

fn dead(lease: &Lease, reason: String) -> Verdict {
    let id = &lease.id;
    warn!(delivery.id = %id, attempts = lease.attempts, "Gave up {id}: {reason}");
    Verdict::Dead { reason, detail: serde_json::json!({}) }
}
