//! A bucket in memory that fails on demand.

use std::{
    collections::{BTreeMap, VecDeque},
    future::pending,
    sync::Mutex,
    time::Duration,
};

use bytes::Bytes;
use flow::{AccountId, Deliver, Delivery, DeliveryError, Pending};
use tokio::sync::watch;

/// What the next attempt meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Nothing is stored, an error comes back.
    Fails,
    /// The object is stored, an error comes back.
    StoresThenFails,
    /// Nothing is stored, nothing comes back.
    Hangs,
    /// The object is stored, nothing comes back.
    StoresThenHangs,
    /// Other bytes stand under the key.
    Conflicts,
}

#[derive(Default)]
pub(crate) struct State {
    /// The objects, by bucket and key.
    pub(crate) objects: BTreeMap<(String, String), Bytes>,
    /// Every attempt, in order: bucket, key, bytes.
    pub(crate) attempts: Vec<(String, String, Bytes)>,
    owners: BTreeMap<String, AccountId>,
    troubles: BTreeMap<String, VecDeque<Trouble>>,
}

pub(crate) struct Buckets {
    pub(crate) state: Mutex<State>,
    changed: watch::Sender<u64>,
}

impl Buckets {
    pub(crate) fn new(owned: &[(&str, &str)]) -> Self {
        let owners = owned
            .iter()
            .map(|(name, owner)| ((*name).to_owned(), owner.parse().unwrap()))
            .collect();
        Self {
            state: Mutex::new(State { owners, ..State::default() }),
            changed: watch::Sender::new(0),
        }
    }

    /// The next attempts at `bucket` meet these.
    pub(crate) fn trouble(&self, bucket: &str, troubles: &[Trouble]) {
        let mut state = self.state.lock().unwrap();
        *state.troubles.entry(bucket.to_owned()).or_default() = troubles.iter().copied().collect();
    }

    /// Removes `bucket`, or brings it back.
    pub(crate) fn exists(&self, bucket: &str, exists: bool) {
        let mut state = self.state.lock().unwrap();
        if exists {
            state.owners.insert(bucket.to_owned(), "123456789012".parse().unwrap());
        } else {
            state.owners.remove(bucket);
        }
    }

    /// Waits until `reached` holds.
    pub(crate) async fn until<T>(&self, what: &str, reached: impl Fn(&State) -> Option<T>) -> T {
        let mut changes = self.changed.subscribe();
        let wait = async {
            loop {
                changes.mark_unchanged();
                let told = reached(&self.state.lock().unwrap());
                if let Some(told) = told {
                    return told;
                }
                changes.changed().await.unwrap();
            }
        };
        tokio::time::timeout(Duration::from_secs(20), wait)
            .await
            .unwrap_or_else(|_| panic!("never came: {what}"))
    }

    /// Waits until `bucket` holds `count` objects; their keys and texts in order of keys.
    pub(crate) async fn objects(&self, bucket: &str, count: usize) -> Vec<(String, String)> {
        self.until(&format!("{count} objects in {bucket}"), |state| {
            let objects: Vec<_> = state
                .objects
                .iter()
                .filter(|((of, _), _)| of == bucket)
                .map(|((_, key), bytes)| (key.clone(), text(bytes)))
                .collect();
            (objects.len() >= count).then_some(objects)
        })
        .await
    }

    fn put(
        &self,
        bucket: &str,
        key: &str,
        bytes: &Bytes,
    ) -> (Option<Trouble>, Result<Delivery, DeliveryError>) {
        let mut state = self.state.lock().unwrap();
        state.attempts.push((bucket.to_owned(), key.to_owned(), bytes.clone()));
        let trouble = state.troubles.get_mut(bucket).and_then(VecDeque::pop_front);
        let retry = |code: &str| {
            Err(DeliveryError::Retry { code: code.to_owned(), message: "as asked".to_owned() })
        };
        let place = (bucket.to_owned(), key.to_owned());
        let told = match trouble {
            _ if !state.owners.contains_key(bucket) => return (None, retry("NoSuchBucket")),
            Some(Trouble::Fails | Trouble::Hangs) => retry("SlowDown"),
            Some(Trouble::Conflicts) => Err(DeliveryError::Conflict),
            None | Some(Trouble::StoresThenFails | Trouble::StoresThenHangs) => {
                match state.objects.get(&place) {
                    Some(there) if there == bytes => Ok(Delivery::AlreadyThere),
                    Some(_) => Err(DeliveryError::Conflict),
                    None => {
                        state.objects.insert(place, bytes.clone());
                        Ok(Delivery::Stored)
                    }
                }
            }
        };
        let told = if trouble == Some(Trouble::StoresThenFails) { retry("SlowDown") } else { told };
        (trouble, told)
    }
}

impl Deliver for Buckets {
    fn put_if_absent<'a>(
        &'a self,
        bucket: &'a str,
        key: &'a str,
        bytes: Bytes,
        headers: &'a [(&'a str, &'a str)],
    ) -> Pending<'a, Result<Delivery, DeliveryError>> {
        assert_eq!(headers, [("Content-Type", "application/json"), ("Content-Encoding", "gzip")]);
        Box::pin(async move {
            let (trouble, told) = self.put(bucket, key, &bytes);
            self.changed.send_modify(|ticks| *ticks += 1);
            match trouble {
                Some(Trouble::Hangs | Trouble::StoresThenHangs) => pending().await,
                _ => told,
            }
        })
    }

    fn bucket_owner<'a>(
        &'a self,
        bucket: &'a str,
    ) -> Pending<'a, Result<Option<AccountId>, DeliveryError>> {
        Box::pin(async move { Ok(self.state.lock().unwrap().owners.get(bucket).cloned()) })
    }
}

/// The text of a log file.
pub(crate) fn text(bytes: &Bytes) -> String {
    String::from_utf8(record::log_file::text(bytes).expect("one gzip member")).unwrap()
}

/// The event ids of a log file's text, in order.
pub(crate) fn ids(text: &str) -> Vec<String> {
    let file: serde_json::Value = serde_json::from_str(text).unwrap();
    let records = file["Records"].as_array().unwrap();
    records.iter().map(|record| record["eventID"].as_str().unwrap().to_owned()).collect()
}
