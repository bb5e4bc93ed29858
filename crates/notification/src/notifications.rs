//! The room's door: taking events over, one durable row a target.

use std::sync::Arc;

use flow::{AccountId, Authorize, BucketEvent, Clock, Enqueue, Invoke, Publish, Region, Target};
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
    pub hand_over_millis_max: i64,
}

impl Config {
    /// Waits from one second up to five minutes, for six hours, as S3 and Lambda have them.
    pub fn new(region: Region, account: AccountId) -> Self {
        Self {
            region,
            account,
            back_off: BackOff { base_millis: 1_000, max_millis: 300_000 },
            age_max_millis: 6 * 3_600_000,
            hand_over_millis_max: 30_000,
        }
    }
}

/// Whom events go to, and who says whether they may.
#[derive(Clone)]
pub struct Reach {
    /// Functions.
    pub functions: Arc<dyn Invoke>,
    /// Queues.
    pub queues: Arc<dyn Enqueue>,
    /// Topics.
    pub topics: Arc<dyn Publish>,
    /// Asks the targets' policies.
    pub authorize: Arc<dyn Authorize>,
}

/// The room; clones share it.
#[derive(Clone)]
pub struct Notifications(pub(crate) Arc<Room>);

pub(crate) struct Room {
    pub(crate) config: Config,
    pub(crate) queue: Queue,
    pub(crate) reach: Reach,
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
        reach: Reach,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Error> {
        let queue = database.queue("notification").await.map_err(Error::Unusable)?;
        Ok(Self(Arc::new(Room { config, queue, reach, clock })))
    }

    /// Takes over whom to tell of `event`. Durable when it resolves; a repeat changes nothing.
    ///
    /// # Errors
    /// [`Error::Retry`] where the store failed; then no target was taken over.
    pub async fn accept(&self, event: &BucketEvent) -> Result<(), Error> {
        if event.targets.is_empty() {
            return Ok(());
        }
        let rows = event.targets.iter().map(|target| (row_id(event, target), row(event, target)));
        let put = self.0.queue.put_all(rows.collect(), self.0.clock.now()).await;
        put.map(drop).map_err(|source| Error::Retry {
            bucket: event.bucket.clone(),
            key: event.key.clone(),
            source,
        })
    }

    /// The rows: what waits and what is dead.
    pub fn queue(&self) -> &Queue {
        &self.0.queue
    }
}

/// The same event and target give the same id, always. A sequencer holds no slash, and neither
/// does a bucket's name.
fn row_id(event: &BucketEvent, target: &Target) -> String {
    let BucketEvent { bucket, key, sequencer, .. } = event;
    format!("{bucket}/{key}/{sequencer}/{}", target.arn)
}

/// The event as this one target is told of it.
fn row(event: &BucketEvent, target: &Target) -> Vec<u8> {
    let event = BucketEvent { targets: vec![target.clone()], ..event.clone() };
    serde_json::to_vec(&event).expect("an event is plain data")
}
