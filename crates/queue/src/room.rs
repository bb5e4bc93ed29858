//! The room: which queues there are, and what all operations share.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, RwLock},
};

use flow::{AccountId, Chance, Clock, Fault, Region, Timestamp};
use rusqlite::Transaction;
use store::Database;
use tokio::sync::{Mutex, Notify, Semaphore};
use tokio_util::sync::CancellationToken;

use crate::{
    attributes::Attributes,
    error::{Error, Refusal},
    handle::{Handles, SECRET_BYTES},
    queue::{self, Line, Queue},
    refusal,
    rows::{self, Counts, Gone, message, queue::Row},
};

/// Calls that wait for messages at a time; further ones are answered at once.
const WAITING_MAX: usize = 256;

/// Queues at a time. AWS names no limit; all of them are held in memory.
const QUEUES_MAX: usize = 100_000;

/// Whose queues these are.
#[derive(Clone, Debug)]
pub struct Config {
    /// The account that owns every queue.
    pub account: AccountId,
    /// The region that every ARN names.
    pub region: Region,
}

/// The SQS service. Clones share everything.
#[derive(Clone)]
pub struct Queues {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) config: Config,
    pub(crate) db: Database,
    pub(crate) handles: Handles,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) chance: Arc<dyn Chance>,
    /// Held from deciding on a change of queues until it stands in `queues`.
    pub(crate) changing: Mutex<()>,
    pub(crate) waiting: Semaphore,
    /// Ends the waiting of callers: the server is about to stop.
    pub(crate) closing: CancellationToken,
    /// Wakes whoever tidies up.
    pub(crate) untidy: Notify,
    /// By name.
    queues: RwLock<BTreeMap<String, Arc<Queue>>>,
}

impl Queues {
    /// Opens the queues in the file `path`, which is made where it is missing.
    ///
    /// # Errors
    /// [`Error`] where the file cannot be used or holds what cannot be read.
    pub async fn open(
        config: Config,
        path: &Path,
        clock: Arc<dyn Clock>,
        chance: Arc<dyn Chance>,
    ) -> Result<Self, Error> {
        let db = Database::open(path, &chance.uuid())?;
        db.migrate("queue", rows::STEPS).await?;
        let mut fresh = [0; SECRET_BYTES];
        chance.fill(&mut fresh);
        let read = move |db: &Transaction<'_>| {
            let secret = rows::queue::secret(db, "receipt handles", &fresh)?;
            Ok((secret, rows::queue::all(db)?))
        };
        let (secret, rows) = db.write(read).await?;
        let mut queues = BTreeMap::new();
        for row in rows {
            let queue = of_row(&config, row)?;
            queues.insert(queue.name.clone(), Arc::new(queue));
        }
        let inner = Inner {
            config,
            db,
            handles: Handles::new(secret.try_into().unwrap_or(fresh)),
            clock,
            chance,
            changing: Mutex::new(()),
            waiting: Semaphore::new(WAITING_MAX),
            closing: CancellationToken::new(),
            untidy: Notify::new(),
            queues: RwLock::new(queues),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The ARNs of all queues, by name.
    pub fn arns(&self) -> Vec<String> {
        self.inner.all().iter().map(|queue| queue.arn.clone()).collect()
    }

    /// How many messages the queue of that ARN has; `None` where there is no such queue.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn counts(&self, arn: &str) -> Result<Option<Counts>, store::Error> {
        match self.inner.by_arn(arn) {
            Some(queue) => self.inner.counts(&queue).await.map(Some),
            None => Ok(None),
        }
    }

    /// Closes the database, once nothing runs.
    pub async fn close(&self) {
        self.inner.db.clone().close().await;
    }
}

fn of_row(config: &Config, row: Row) -> Result<Queue, Error> {
    let attributes: Attributes = serde_json::from_str(&row.attributes)
        .map_err(|source| Error::Corrupt { queue: row.name.clone(), source })?;
    Ok(Queue {
        id: row.id,
        arn: queue::arn(&config.account, &config.region, &row.name),
        name: row.name,
        created: row.created,
        modified: row.modified,
        policy: attributes.policy.as_deref().map(Arc::from),
        attributes,
        line: Arc::new(Line::new()),
    })
}

impl Inner {
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// All queues, by name.
    pub(crate) fn all(&self) -> Vec<Arc<Queue>> {
        self.queues.read().expect("no holder panics").values().cloned().collect()
    }

    /// Refuses one queue more than there may be.
    pub(crate) fn check_count(&self) -> Result<(), Fault> {
        if self.queues.read().expect("no holder panics").len() < QUEUES_MAX {
            return Ok(());
        }
        Err(refusal::over_limit(format!("There are {QUEUES_MAX} queues already.")))
    }

    pub(crate) fn by_name(&self, name: &str) -> Option<Arc<Queue>> {
        self.queues.read().expect("no holder panics").get(name).cloned()
    }

    pub(crate) fn by_arn(&self, arn: &str) -> Option<Arc<Queue>> {
        let name = queue::name_in_arn(&self.config.account, &self.config.region, arn)?;
        self.by_name(&name)
    }

    /// The queue of a URL, or of a name in its place, which AWS takes too.
    pub(crate) fn by_url(&self, url: &str) -> Result<Arc<Queue>, Fault> {
        if queue::check_name(url).is_ok() {
            return self.by_name(url).ok_or_else(refusal::no_such_queue);
        }
        let (account, name) = queue::account_and_name(url)?;
        if account != self.config.account.as_str() {
            return Err(refusal::no_such_queue());
        }
        self.by_name(name).ok_or_else(refusal::no_such_queue)
    }

    /// Lets a queue be found from now on, as it is given.
    pub(crate) fn show(&self, queue: Queue) -> Arc<Queue> {
        let queue = Arc::new(queue);
        let mut queues = self.queues.write().expect("no holder panics");
        queues.insert(queue.name.clone(), Arc::clone(&queue));
        queue
    }

    pub(crate) fn hide(&self, name: &str) {
        self.queues.write().expect("no holder panics").remove(name);
    }

    /// Messages that were sent then or earlier are not there any more.
    pub(crate) fn expired(&self, queue: &Queue, now: Timestamp) -> Timestamp {
        now.plus_millis(-queue.attributes.retention_millis())
    }

    /// How many messages a queue has.
    pub(crate) async fn counts(&self, queue: &Queue) -> Result<Counts, store::Error> {
        let (id, now) = (queue.id, self.now());
        let expired = self.expired(queue, now);
        let count = move |db: &Transaction<'_>| {
            message::expire(db, id, expired)?;
            message::counts(db, id, now)
        };
        self.db.write_unsynced(count).await
    }

    /// Does what fails only where the queue is gone.
    pub(crate) async fn write<T, F>(&self, work: F) -> Result<T, Refusal>
    where
        F: FnOnce(&Transaction<'_>) -> rusqlite::Result<Result<T, Gone>> + Send + 'static,
        T: Send + 'static,
    {
        self.db.write(work).await?.map_err(|Gone| refusal::no_such_queue().into())
    }
}
