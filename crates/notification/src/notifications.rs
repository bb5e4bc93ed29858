//! The room's door: taking objects over, one durable row a target.

use std::sync::Arc;

use flow::{AccountId, Clock, Invoke, ObjectCreated, Region, Target};
use store::{BackOff, Database, Queue};

use crate::Error;

/// What the room needs to know.
#[derive(Clone, Debug)]
pub struct Config {
    /// The buckets' region (`awsRegion`).
    pub region: Region,
    /// The buckets' owner (`ownerIdentity`).
    pub account: AccountId,
    /// The waits between tries.
    pub back_off: BackOff,
    /// How old a notification may get before it is given up, in milliseconds.
    pub age_max_millis: i64,
    /// How long one hand-over may take, in milliseconds.
    pub invoke_millis_max: i64,
}

impl Config {
    /// Waits from one second up to five minutes, for six hours, as S3 and Lambda have them.
    pub fn new(region: Region, account: AccountId) -> Self {
        Self {
            region,
            account,
            back_off: BackOff { base_millis: 1_000, max_millis: 300_000 },
            age_max_millis: 6 * 3_600_000,
            invoke_millis_max: 30_000,
        }
    }
}

/// The room; clones share it.
#[derive(Clone)]
pub struct Notifications(pub(crate) Arc<Room>);

pub(crate) struct Room {
    pub(crate) config: Config,
    pub(crate) queue: Queue,
    pub(crate) invoke: Arc<dyn Invoke>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Notifications {
    /// The room over its queue in `database`, with all that an earlier run left in it.
    ///
    /// # Errors
    /// [`Error::Unusable`] where the queue cannot be opened.
    pub async fn open(
        config: Config,
        database: &Database,
        invoke: Arc<dyn Invoke>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Error> {
        let queue = database.queue("notification").await.map_err(Error::Unusable)?;
        Ok(Self(Arc::new(Room { config, queue, invoke, clock })))
    }

    /// Takes over whom to tell of `object`. Durable when it resolves; a repeat changes nothing.
    ///
    /// # Errors
    /// [`Error::Retry`] where the store failed; then no target was taken over.
    pub async fn accept(&self, object: &ObjectCreated) -> Result<(), Error> {
        if object.targets.is_empty() {
            return Ok(());
        }
        let rows =
            object.targets.iter().map(|target| (row_id(object, target), row(object, target)));
        let put = self.0.queue.put_all(rows.collect(), self.0.clock.now()).await;
        put.map(drop).map_err(|source| Error::Retry {
            bucket: object.bucket.clone(),
            key: object.key.clone(),
            source,
        })
    }

    /// The rows: what waits and what is dead.
    pub fn queue(&self) -> &Queue {
        &self.0.queue
    }
}

/// The same object and target give the same id, always. A sequencer holds no slash, and neither
/// does a bucket's name.
fn row_id(object: &ObjectCreated, target: &Target) -> String {
    let ObjectCreated { bucket, key, sequencer, .. } = object;
    format!("{bucket}/{key}/{sequencer}/{}", target.arn)
}

/// The object as this one target is told of it.
fn row(object: &ObjectCreated, target: &Target) -> Vec<u8> {
    let object = ObjectCreated { targets: vec![target.clone()], ..object.clone() };
    serde_json::to_vec(&object).expect("an object is plain data")
}
