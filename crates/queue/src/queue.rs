//! A queue: what it is called, and what is known of it without asking the database.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use flow::{AccountId, Arn, Fault, Region, Timestamp};
use tokio::sync::{Mutex, watch};

use crate::{attributes::Attributes, refusal};

/// Characters of a queue's name.
const NAME_CHARS_MAX: usize = 80;

/// One queue at one moment; a change of its attributes makes another one.
#[derive(Clone)]
pub(crate) struct Queue {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) arn: String,
    pub(crate) created: Timestamp,
    pub(crate) modified: Timestamp,
    pub(crate) attributes: Attributes,
    pub(crate) policy: Option<Arc<str>>,
    pub(crate) line: Arc<Line>,
}

/// Those who wait at a queue.
pub(crate) struct Line {
    /// Ticks when messages come or may have become visible.
    changed: watch::Sender<u64>,
    /// Held by the one who looks at each tick; the others wait behind it, the first come first.
    pub(crate) turn: Mutex<()>,
    /// How many more messages may be in flight before they must be counted again.
    headroom: AtomicI64,
}

impl Line {
    pub(crate) fn new() -> Self {
        Self { changed: watch::Sender::new(0), turn: Mutex::new(()), headroom: AtomicI64::new(0) }
    }

    /// Lets those who wait look again.
    pub(crate) fn wake(&self) {
        self.changed.send_modify(|ticks| *ticks = ticks.wrapping_add(1));
    }

    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Whether `wanted` messages might be one too many in flight.
    pub(crate) fn is_near_full(&self, wanted: i64) -> bool {
        self.headroom.load(Ordering::Relaxed) < wanted
    }

    /// Takes note that messages were given, and of what was counted before that.
    pub(crate) fn note(&self, counted: Option<i64>, given: i64) {
        match counted {
            Some(headroom) => self.headroom.store(headroom - given, Ordering::Relaxed),
            None => {
                self.headroom.fetch_sub(given, Ordering::Relaxed);
            }
        }
    }
}

impl Queue {
    /// The same queue with other attributes.
    pub(crate) fn with(&self, attributes: Attributes, modified: Timestamp) -> Self {
        let policy = attributes.policy.as_deref().map(Arc::from);
        Self { attributes, modified, policy, ..self.clone() }
    }
}

/// Refuses what is no name of a standard queue.
pub(crate) fn check_name(name: &str) -> Result<(), Fault> {
    if name.ends_with(".fifo") {
        return Err(refusal::unsupported("FIFO queues (whose names end in .fifo) are"));
    }
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if name.is_empty() || name.len() > NAME_CHARS_MAX || !name.bytes().all(allowed) {
        return Err(Fault::new(
            "InvalidParameterValue",
            "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length",
        ));
    }
    Ok(())
}

pub(crate) fn arn(account: &AccountId, region: &Region, name: &str) -> String {
    format!("arn:aws:sqs:{region}:{account}:{name}")
}

/// The name in the ARN of a queue of this account and region.
pub(crate) fn name_in_arn(account: &AccountId, region: &Region, arn: &str) -> Option<String> {
    let arn: Arn = arn.parse().ok()?;
    let ours = arn.service == "sqs"
        && arn.account == account.as_str()
        && arn.region == region.as_str()
        && !arn.resource.contains(':');
    ours.then_some(arn.resource)
}

/// The account and the name in a queue's URL, `http://HOST/ACCOUNT/NAME`, whatever its host.
pub(crate) fn account_and_name(url: &str) -> Result<(&str, &str), Fault> {
    let path = match url.split_once("://") {
        Some((_, rest)) => rest.split_once('/').map(|(_, path)| path),
        None => url.strip_prefix('/'),
    };
    path.and_then(|path| path.trim_end_matches('/').rsplit_once('/'))
        .map(|(before, name)| (before.rsplit('/').next().unwrap_or_default(), name))
        .filter(|(account, name)| !account.is_empty() && !name.is_empty())
        .ok_or_else(|| {
            let what = format!("The address {url} is not valid for this endpoint.");
            Fault::new("InvalidAddress", what).with_status(404)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_of_letters_digits_hyphens_and_underscores() {
        for fits in ["a", "A-b_9", &"x".repeat(80)] {
            assert!(check_name(fits).is_ok(), "{fits}");
        }
        for wrong in ["", "a b", "a.b", "ä", "a/b", &"x".repeat(81)] {
            assert_eq!(check_name(wrong).unwrap_err().code, "InvalidParameterValue", "{wrong}");
        }
        assert_eq!(check_name("orders.fifo").unwrap_err().code, "UnsupportedOperation");
    }

    #[test]
    fn a_url_names_account_and_queue_whatever_its_host() {
        for url in [
            "http://127.0.0.1:4580/123456789012/jobs",
            "https://sqs.us-east-2.amazonaws.com/123456789012/jobs",
            "http://localhost/queue/us-east-2/123456789012/jobs/",
            "/123456789012/jobs",
        ] {
            assert_eq!(account_and_name(url), Ok(("123456789012", "jobs")), "{url}");
        }
        for wrong in ["", "jobs", "http://127.0.0.1", "http://127.0.0.1/jobs", "http:///"] {
            assert_eq!(account_and_name(wrong).unwrap_err().code, "InvalidAddress", "{wrong}");
        }
    }
}
