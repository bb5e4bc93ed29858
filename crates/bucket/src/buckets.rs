//! The door of the room for the rest of the process.

use std::{path::PathBuf, sync::Arc};

use bytes::Bytes;
use flow::{
    AccountId, Arn, BucketEvent, Chance, Clock, Configuration, Region, ResourcePolicies, TargetKind,
};
use futures_util::TryStreamExt;
use s3s::service::S3Service;
use tokio::sync::watch;

use crate::{
    Error, PendingId, bucket,
    index::{self, int},
    object_get,
    refusal::Refusal,
    room::Room,
    s3,
};

/// Where the buckets lie and whose they are.
#[derive(Clone, Debug)]
pub struct Config {
    /// The data directory; made with mode 0700 where it is missing. One process at a time.
    pub dir: PathBuf,
    /// The owner of every bucket.
    pub account: AccountId,
    /// The region of buckets that the process itself makes.
    pub region: Region,
}

/// Knows whether a bucket may notify a target. Answers from memory.
pub trait TargetCheck: Send + Sync {
    /// An error is the reason, as AWS words it: `Not authorized to invoke function [<arn>]`.
    fn check(&self, bucket: &str, kind: TargetKind, arn: &str) -> Result<(), String>;
}

impl ResourcePolicies for Buckets {
    fn policy_of(&self, arn: &str) -> Option<Arc<str>> {
        let arn: Arn = arn.parse().ok()?;
        let bucket = arn.resource.split('/').next()?;
        self.room.policies.of(bucket)
    }
}

/// All buckets of one server. Clones share them.
#[derive(Clone)]
pub struct Buckets {
    pub(crate) room: Arc<Room>,
    pub(crate) service: S3Service,
}

/// Objects that one read of the whole index takes at a time.
const OBJECTS_STEP: u32 = 1_000;

impl Buckets {
    /// Opens or makes the data directory, and deletes the bytes that a crash left without an
    /// object and the uploads that were begun more than 7 days ago.
    pub async fn open(
        config: Config,
        targets: Arc<dyn TargetCheck>,
        clock: Arc<dyn Clock>,
        chance: Arc<dyn Chance>,
    ) -> Result<Self, Error> {
        let room = Arc::new(Room::open(config, targets, clock, chance).await?);
        Ok(Self { service: s3::service(&room), room })
    }

    /// Waits for changes that have begun, then closes the index.
    pub async fn close(self) {
        self.room.close().await;
    }

    /// Makes the bucket where it is missing.
    pub async fn ensure_bucket(&self, name: &str) -> Result<(), Error> {
        if let Some(why) = bucket::name_fault(name) {
            return Err(Error::Name { name: name.to_owned(), why });
        }
        let (name, region) = (name.to_owned(), self.room.config.region.to_string());
        let now = self.room.clock.now();
        let insert = move |index: &rusqlite::Transaction<'_>| {
            index::bucket::insert(index, &name, &region, now)
        };
        self.room.index.write(insert).await?;
        Ok(())
    }

    /// Adds a notification configuration that the process itself wants; one of the same id stays as
    /// it is.
    pub async fn ensure_notification(
        &self,
        bucket: &str,
        configuration: Configuration,
    ) -> Result<(), Error> {
        let name = bucket.to_owned();
        let add = move |index: &rusqlite::Transaction<'_>| {
            let found = index::bucket::find(index, &name)?;
            let mut all = found.and_then(|bucket| bucket.notification).unwrap_or_default();
            if all.configurations.iter().all(|known| known.id != configuration.id) {
                all.configurations.push(configuration.clone());
                index::bucket::set_notification(index, &name, &all)?;
            }
            Ok(())
        };
        Ok(self.room.index.write(add).await?)
    }

    /// The oldest events that nobody took over yet, at most `limit`.
    pub async fn pending(&self, limit: u32) -> Result<Vec<(PendingId, BucketEvent)>, Error> {
        self.room.pending(limit).await
    }

    /// How many events nobody took over yet.
    pub async fn pending_count(&self) -> Result<u64, Error> {
        Ok(self.room.index.read(index::event::count).await?)
    }

    /// Forgets an event that was taken over; durable when this resolves.
    pub async fn clear_pending(&self, id: PendingId) -> Result<(), Error> {
        self.room.clear_pending(id).await
    }

    /// Ticks after an event became pending.
    pub fn changed(&self) -> watch::Receiver<u64> {
        self.room.changed.subscribe()
    }

    /// Keys, sizes in bytes and ETags of all objects in a bucket, by key.
    pub async fn objects(&self, bucket: &str) -> Result<Vec<(String, u64, String)>, Error> {
        let mut all: Vec<(String, u64, String)> = Vec::new();
        loop {
            let after = all.last().map(|(key, ..)| key.clone());
            let of = bucket.to_owned();
            let step = self
                .room
                .index
                .read(move |index| {
                    let from = (after.as_deref().unwrap_or(""), after.is_some());
                    index::object::list(index, &of, from, OBJECTS_STEP)
                })
                .await?;
            if step.is_empty() {
                return Ok(all);
            }
            all.extend(step.into_iter().map(|object| (object.key, object.size, object.e_tag)));
        }
    }

    /// An object's bytes, all of them in memory, compared with what was stored.
    pub async fn read(&self, bucket: &str, key: &str) -> Result<Bytes, Error> {
        let read = self.read_within(bucket, key, u64::MAX).await?;
        Ok(read.expect("nothing is larger than that"))
    }

    /// The same of an object of at most `bytes_max`; `None` where it is larger.
    pub async fn read_within(
        &self,
        bucket: &str,
        key: &str,
        bytes_max: u64,
    ) -> Result<Option<Bytes>, Error> {
        let name = format!("{bucket}/{key}");
        let missing = |refusal: Refusal| match refusal.status {
            404 => Error::Missing(name.clone()),
            _ => Error::Unreadable {
                name: name.clone(),
                source: std::io::Error::other(refusal.message),
            },
        };
        let opened = self.room.open_object(bucket, key, |object, _| Ok(((), 0..object.size))).await;
        let (object, (), reading) = opened.map_err(missing)?;
        if u64::try_from(int(object.size)).is_ok_and(|size| size > bytes_max) {
            return Ok(None);
        }
        let size = usize::try_from(int(object.size)).unwrap_or_default();
        let unreadable = |source| Error::Unreadable { name: name.clone(), source };
        let mut bytes = Vec::with_capacity(size);
        let mut chunks = std::pin::pin!(object_get::chunks(reading));
        while let Some(chunk) = chunks.try_next().await.map_err(unreadable)? {
            bytes.extend_from_slice(&chunk);
        }
        Ok(Some(bytes.into()))
    }
}
