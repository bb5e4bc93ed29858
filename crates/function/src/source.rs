//! Event source mappings: messages of queues in, invocations out; what succeeded is deleted.
//!
//! Each mapping has a poller of its own. A message is hidden while a function has it; it is deleted
//! once the function has dealt with it, and otherwise comes again.

mod batch;
mod event;
mod mapping;
mod pace;
mod poll;
mod reply;
mod run;

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, RwLock},
};

use flow::{MessageAttribute, Pending};
use serde_json::{Map, Value};
use store::{Database, Table};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

pub(crate) use self::{
    mapping::{BATCH_SIZE, Mapping, Step},
    poll::denied,
    run::poll_all,
};
use crate::{Error, Functions};

/// The table's name.
const TABLE: &str = "function.source";

/// A message that a queue gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The id that it keeps however often it is received.
    pub message_id: String,
    /// What this receive of it is ended by.
    pub receipt_handle: String,
    /// The body.
    pub body: String,
    /// The body's MD5, in hex.
    pub md5_of_body: String,
    /// Message attributes, by name.
    pub attributes: BTreeMap<String, MessageAttribute>,
    /// The MD5 of the attributes, in hex; `None` where there are none.
    pub md5_of_attributes: Option<String>,
    /// System attributes, such as `SenderId`, by name.
    pub system: BTreeMap<String, String>,
}

/// Why a queue gave nothing, or did not take something back.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotReceived {
    /// There is no such queue.
    #[error("the queue does not exist")]
    Gone,
    /// Worth another try later.
    #[error("{0}")]
    Retry(String),
}

/// Queues whose messages functions are invoked with. Whoever asks has asked whether it may.
pub trait Source: Send + Sync {
    /// How long the queue of that ARN hides what is received, in seconds; `None` where there is no
    /// such queue.
    fn visibility_seconds(&self, arn: &str) -> Option<u32>;

    /// Up to `max` (1 to 10) messages; waits for the first for at most `wait_seconds` (0 to 20).
    /// Ends early, with nothing, once `stop` is cancelled.
    fn receive<'a>(
        &'a self,
        arn: &'a str,
        max: u32,
        wait_seconds: u32,
        stop: &'a CancellationToken,
    ) -> Pending<'a, Result<Vec<Message>, NotReceived>>;

    /// Deletes what was received; durable when it returns.
    fn delete<'a>(
        &'a self,
        arn: &'a str,
        handles: &'a [String],
    ) -> Pending<'a, Result<(), NotReceived>>;

    /// Shows what was received to everybody again, at once.
    fn release<'a>(
        &'a self,
        arn: &'a str,
        handles: &'a [String],
    ) -> Pending<'a, Result<(), NotReceived>>;
}

/// Whether a pattern wants an object.
pub type Matcher = Arc<dyn Fn(&Map<String, Value>) -> bool + Send + Sync>;

/// Reads the pattern of a filter; an error says what is wrong with it.
pub type Filters = Arc<dyn Fn(&str) -> Result<Matcher, String> + Send + Sync>;

/// The mappings of a server, and what they are made of.
pub(crate) struct Sources {
    pub(crate) port: Arc<dyn Source>,
    pub(crate) filters: Filters,
    table: Table,
    /// What is remembered, by UUID.
    rows: RwLock<BTreeMap<String, Mapping>>,
    /// What runs, by UUID: the revision of the mapping.
    live: Mutex<HashMap<String, u64>>,
    /// How the last batches went, by UUID.
    results: Mutex<HashMap<String, String>>,
    /// Ticks whenever a row has changed.
    pub(crate) changes: watch::Sender<u64>,
}

impl Sources {
    pub(crate) async fn open(
        state: &Database,
        port: Arc<dyn Source>,
        filters: Filters,
    ) -> Result<Self, Error> {
        let table = state.table(TABLE).await?;
        let read = |(id, bytes): (String, Vec<u8>)| {
            let mapping = serde_json::from_slice(&bytes)
                .map_err(|source| Error::Damaged { name: id.clone(), source })?;
            Ok((id, mapping))
        };
        let rows: Result<_, Error> = table.list("").await?.into_iter().map(read).collect();
        Ok(Self {
            port,
            filters,
            table,
            rows: RwLock::new(rows?),
            live: Mutex::default(),
            results: Mutex::default(),
            changes: watch::Sender::new(0),
        })
    }

    /// All mappings, by UUID.
    pub(crate) fn all(&self) -> Vec<(String, Mapping)> {
        let rows = self.rows.read().expect("no holder panics");
        rows.iter().map(|(id, mapping)| (id.clone(), mapping.clone())).collect()
    }

    pub(crate) fn get(&self, id: &str) -> Option<Mapping> {
        self.rows.read().expect("no holder panics").get(id).cloned()
    }

    /// Stores a mapping, then takes it for true.
    pub(crate) async fn put(&self, id: &str, mapping: Mapping) -> Result<(), Error> {
        let bytes = serde_json::to_vec(&mapping).expect("a mapping is JSON");
        self.table.put(id, bytes).await?;
        self.rows.write().expect("no holder panics").insert(id.to_owned(), mapping);
        self.tick();
        Ok(())
    }

    /// Forgets a mapping whose poller has ended.
    async fn forget(&self, id: &str) -> Result<(), Error> {
        self.table.delete(id).await?;
        self.rows.write().expect("no holder panics").remove(id);
        self.results.lock().expect("no holder panics").remove(id);
        self.tick();
        Ok(())
    }

    fn tick(&self) {
        self.changes.send_modify(|ticks| *ticks = ticks.wrapping_add(1));
    }

    /// The revision that is being polled for.
    pub(crate) fn live(&self, id: &str) -> Option<u64> {
        self.live.lock().expect("no holder panics").get(id).copied()
    }

    fn set_live(&self, id: &str, revision: Option<u64>) {
        let mut live = self.live.lock().expect("no holder panics");
        match revision {
            Some(revision) => live.insert(id.to_owned(), revision),
            None => live.remove(id),
        };
    }

    /// How the last batch went.
    pub(crate) fn result(&self, id: &str) -> Option<String> {
        self.results.lock().expect("no holder panics").get(id).cloned()
    }

    fn set_result(&self, id: &str, result: &str) {
        let mut results = self.results.lock().expect("no holder panics");
        if results.get(id).is_none_or(|before| before != result) {
            results.insert(id.to_owned(), result.to_owned());
        }
    }
}

impl Functions {
    pub(crate) fn sources(&self) -> &Sources {
        &self.0.sources
    }
}
