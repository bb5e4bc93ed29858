//! Letters on their way: sent as the function's role may, tried again within bounds, buried.

use std::sync::Arc;

use bytes::Bytes;
use flow::{Invoke, InvokeError, Pending, SendError, Timestamp};
use store::{BackOff, Crew, Lease, Verdict, Work};
use tokio_util::sync::CancellationToken;

use super::{Kind, Letter, may_send};
use crate::{Functions, invocation::EVENT_BYTES_MAX};

/// Waits between tries.
const BACK_OFF: BackOff = BackOff { base_millis: 1_000, max_millis: 5 * 60 * 1_000 };
/// Tries of a destination that is not there, or that the role may not send to: somebody may be
/// about to make it, or to allow it.
const REFUSED_TRIES_MAX: u32 = 5;
/// How long a destination is tried that cannot take the letter for now, in milliseconds.
const AGE_MILLIS_MAX: i64 = 6 * 60 * 60 * 1_000;
/// Letters to one destination at once.
const AT_ONCE: usize = 4;
/// How long an id stays known, in milliseconds: a crash repeats it soon or never.
const REMEMBER_MILLIS: i64 = 24 * 60 * 60 * 1_000;

/// Delivers until `stop`.
pub(crate) async fn deliver(functions: Functions, stop: CancellationToken) {
    let crew = Crew {
        queue: functions.outcomes().clone(),
        clock: Arc::clone(&functions.0.host.clock),
        work: Arc::new(Delivery(functions)),
        at_once: AT_ONCE,
        remember_millis: REMEMBER_MILLIS,
    };
    crew.run(stop).await;
}

struct Delivery(Functions);

impl Work for Delivery {
    fn lane(&self, lease: &Lease) -> String {
        read(lease).map(|letter| letter.to).unwrap_or_default()
    }

    fn work<'a>(&'a self, lease: &'a Lease) -> Pending<'a, Verdict> {
        Box::pin(async move {
            let Some(letter) = read(lease) else {
                let reason = "the row cannot be read".to_owned();
                return Verdict::Dead { reason, detail: serde_json::json!({}) };
            };
            let failed = match self.send(lease, &letter).await {
                Ok(()) => return Verdict::Done,
                Err(failed) => failed,
            };
            let Letter { to, function, request_id, about, .. } = letter;
            let reason = format!("the outcome of {request_id} was not sent to {to}: {failed}");
            tracing::warn!(
                request.id = %request_id, destination.arn = ?to,
                "The outcome of {request_id} of {function:?}, try {}: {reason:?}", lease.attempts
            );
            match due(&failed, lease, self.0.0.host.clock.now()) {
                Some(due) => Verdict::Later { due, reason },
                None => Verdict::Dead { reason, detail: about },
            }
        })
    }
}

/// Why a letter was not sent.
#[derive(Debug, thiserror::Error)]
enum NotSent {
    /// The destination is not there, or not for this role: either may be mended within moments.
    #[error("{0}")]
    Refused(String),
    /// It takes no such letter.
    #[error("{0}")]
    Never(String),
    #[error("{0}")]
    NotNow(String),
}

impl From<SendError> for NotSent {
    fn from(error: SendError) -> Self {
        match error {
            SendError::NoSuchQueue(_) => Self::Refused("it does not exist".to_owned()),
            SendError::Rejected(why) => Self::Never(why),
            SendError::Retry(why) => Self::NotNow(why),
        }
    }
}

fn read(lease: &Lease) -> Option<Letter> {
    serde_json::from_slice(&lease.body).ok()
}

/// When the next try is due; `None` where there is none.
fn due(failed: &NotSent, lease: &Lease, now: Timestamp) -> Option<Timestamp> {
    let due = now.plus_millis(BACK_OFF.wait_millis(lease.attempts));
    let again = match failed {
        NotSent::Never(_) => false,
        NotSent::Refused(_) => lease.attempts < REFUSED_TRIES_MAX,
        NotSent::NotNow(_) => due.millis_since(lease.put_at) < AGE_MILLIS_MAX,
    };
    again.then_some(due)
}

impl Delivery {
    async fn send(&self, lease: &Lease, letter: &Letter) -> Result<(), NotSent> {
        let Letter { to, role, message, .. } = letter;
        let Some(kind) = Kind::of(to) else {
            return Err(NotSent::Never("it is no destination".to_owned()));
        };
        let inner = &self.0.0;
        if !may_send(&*inner.authorize, role, kind, to) {
            let (_, action) = kind.action();
            return Err(NotSent::Refused(format!(
                "the role {role} does not have permissions to call {action} on it"
            )));
        }
        match kind {
            Kind::Queue => {
                inner.destinations.queues.send(to, &lease.id, message.clone()).await?;
            }
            Kind::Topic => {
                inner.destinations.topics.send(to, &lease.id, message.clone()).await?;
            }
            Kind::Function => self.invoke(to, &lease.id, &message.body).await?,
        }
        Ok(())
    }

    async fn invoke(&self, to: &str, id: &str, body: &str) -> Result<(), NotSent> {
        if body.len() > EVENT_BYTES_MAX {
            let bytes = body.len();
            let why = format!("an event of {bytes} bytes is larger than {EVENT_BYTES_MAX} bytes");
            return Err(NotSent::Never(why));
        }
        match Invoke::invoke(&self.0, to, id, Bytes::from(body.to_owned())).await {
            Ok(_) => Ok(()),
            Err(InvokeError::NoSuchFunction(_)) => {
                Err(NotSent::Refused("it does not exist".to_owned()))
            }
            Err(InvokeError::Retry(why)) => Err(NotSent::NotNow(why)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_refused_is_tried_a_few_times_and_what_failed_for_hours() {
        let now = Timestamp::from_secs(1_000_000);
        let lease = |attempts, age_secs: i64| Lease {
            id: String::new(),
            body: Vec::new(),
            attempts,
            put_at: now.plus_millis(-age_secs * 1_000),
        };
        let check = |failed: NotSent, attempts, age, expected: Option<i64>| {
            let due = due(&failed, &lease(attempts, age), now);
            assert_eq!(due.map(|due| due.millis_since(now)), expected, "{failed:?}");
        };
        check(NotSent::Never(String::new()), 1, 0, None);
        check(NotSent::Refused(String::new()), 1, 0, Some(1_000));
        check(NotSent::Refused(String::new()), 5, 15, None);
        check(NotSent::NotNow(String::new()), 9, 600, Some(256_000));
        check(NotSent::NotNow(String::new()), 90, 6 * 60 * 60, None);
    }
}
