//! Reads the objects that a walk finds: many at a time, within a budget of memory.

use std::{
    io::{self, Read},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use bytes::Bytes;
use credentials::Trouble;
use object_store::{GetOptions, GetRange, ObjectStore, ObjectStoreExt, path::Path};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use super::{
    gate::{Gate, Slot},
    ledger::{Ledger, UnitId},
    listing::{Listed, Listing},
    receipt::Receipt,
    refusal,
    verdict::{Told, Verdict},
    walk::Found,
};
use crate::{
    item::{Body, Fetched, Item},
    report::Failure,
};

/// How many bytes of objects are held at a time, read and not yet examined.
const BYTES_HELD_MAX: u32 = 32 * 1024 * 1024;
/// What the smallest object counts for, in bytes: this bounds how many objects are held.
const BYTES_HELD_EACH_MIN: u32 = 16 * 1024;
/// The largest object that is held whole, in bytes.
const WHOLE_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// How much of a larger one is asked for at a time, in bytes.
const RANGE_BYTES: u64 = 2 * 1024 * 1024;
/// What a larger object counts for: what is read, what waits, what is on its way.
const STREAM_HELD_BYTES: u32 = 6 * 1024 * 1024;

/// Reads objects.
pub(crate) struct Fetcher<L> {
    pub(crate) listing: Arc<L>,
    pub(crate) objects: Arc<dyn ObjectStore>,
    pub(crate) bucket: String,
    pub(crate) gate: Arc<Gate>,
    pub(crate) ledger: Arc<Mutex<Ledger>>,
    pub(crate) gets: Arc<AtomicU64>,
    pub(crate) items: mpsc::Sender<Item>,
    pub(crate) budget: Arc<Semaphore>,
    pub(crate) verdict: Mutex<Verdict>,
    /// Set when there is no use in going on.
    pub(crate) ended: CancellationToken,
}

/// How many requests read an object.
pub(crate) fn requests_for(size: u64) -> u64 {
    if size <= WHOLE_BYTES_MAX { 1 } else { size.div_ceil(RANGE_BYTES) }
}

/// Room for objects.
pub(crate) fn budget() -> Arc<Semaphore> {
    Arc::new(Semaphore::new(BYTES_HELD_MAX as usize))
}

impl<L: Listing> Fetcher<L> {
    /// Reads what is found until there is no more, or no use.
    pub(crate) async fn run(self: Arc<Self>, mut found: mpsc::Receiver<Found>) {
        let mut reading = JoinSet::new();
        while !self.ended.is_cancelled() && !self.items.is_closed() {
            while reading.try_join_next().is_some() {}
            match found.recv().await {
                Some(Found::Object { listed, unit }) => {
                    let slot = self.gate.slot().await;
                    let room = self.room(listed.size).await;
                    let this = Arc::clone(&self);
                    reading.spawn(async move { this.read(listed, unit, slot, room).await });
                }
                Some(Found::Skipped(skipped)) => self.hand_on(Item::Skipped(skipped)).await,
                Some(Found::Failed { prefix, reason, is_fatal }) => {
                    let object = format!("s3://{}/{prefix}", self.bucket);
                    self.hand_on(Item::Failed(Failure { object, offset: None, reason })).await;
                    if is_fatal {
                        self.ended.cancel();
                    }
                }
                None => break,
            }
        }
        while reading.join_next().await.is_some() {}
        let last = self.verdict.lock().expect("no holder panics").end();
        if let Some(failure) = last {
            self.hand_on(Item::Failed(failure)).await;
        }
    }

    /// Waits until there is room for an object.
    async fn room(&self, size: u64) -> OwnedSemaphorePermit {
        let counts_for = match u32::try_from(size) {
            Ok(size) if u64::from(size) <= WHOLE_BYTES_MAX => size.max(BYTES_HELD_EACH_MIN),
            _ => STREAM_HELD_BYTES,
        };
        let room = Arc::clone(&self.budget).acquire_many_owned(counts_for).await;
        room.expect("nobody closes it")
    }

    async fn read(
        self: Arc<Self>,
        listed: Listed,
        unit: Option<UnitId>,
        slot: Slot,
        room: OwnedSemaphorePermit,
    ) {
        let receipt = Receipt::new(Arc::clone(&self.ledger), unit, listed.key.clone(), room);
        if listed.is_archived {
            let reason = "it lies in an archive class: restore it first";
            return self.failed(receipt, Trouble::Archived, reason.to_owned()).await;
        }
        let path = path_of(&listed.key);
        if let Some(path) = path.clone().filter(|_| listed.size > WHOLE_BYTES_MAX) {
            drop(slot);
            return self.stream(listed, path, receipt).await;
        }
        let asked = self.gate.tried_in(slot, &listed.key, || async {
            self.gets.fetch_add(1, Relaxed);
            match &path {
                Some(path) => self.whole(path).await,
                None => self.listing.odd(&listed.key).await,
            }
        });
        match asked.await {
            Ok(bytes) => self.fetched(receipt, Body::Whole(bytes)).await,
            Err((error, trouble)) => {
                let reason = refusal::of_object(&self.bucket, &listed.key, trouble, &error);
                self.failed(receipt, trouble, reason).await;
            }
        }
    }

    async fn whole(&self, path: &Path) -> object_store::Result<Bytes> {
        let found = self.objects.get(path).await?;
        if found.meta.size > WHOLE_BYTES_MAX {
            let source = "it has grown since it was listed".into();
            return Err(object_store::Error::Precondition { path: path.to_string(), source });
        }
        found.bytes().await
    }

    /// Hands on an object that is read part by part, while it is examined.
    async fn stream(&self, listed: Listed, path: Path, receipt: Receipt) {
        let (parts, rest) = mpsc::channel(1);
        let failing = receipt.failing();
        let reader = Parts { rest, current: Bytes::new() };
        self.fetched(receipt, Body::Stream(Box::new(reader))).await;
        let mut at = 0;
        while at < listed.size {
            let end = at.saturating_add(RANGE_BYTES).min(listed.size);
            let options = || GetOptions {
                range: Some(GetRange::Bounded(at..end)),
                // All parts are of one object.
                if_match: listed.etag.clone(),
                ..GetOptions::default()
            };
            let asked = self.gate.tried(|| async {
                self.gets.fetch_add(1, Relaxed);
                self.objects.get_opts(&path, options()).await?.bytes().await
            });
            let part = asked.await.map_err(|error| {
                let trouble = Trouble::of(&error);
                failing.fail();
                io::Error::other(refusal::of_object(&self.bucket, &listed.key, trouble, &error))
            });
            let is_last = part.is_err();
            // Whoever examines it may have seen enough.
            if parts.send(part).await.is_err() || is_last {
                return;
            }
            at = end;
        }
    }

    async fn fetched(&self, receipt: Receipt, body: Body) {
        let told = self.verdict.lock().expect("no holder panics").read();
        for (failure, receipt) in told {
            receipt.failed();
            self.hand_on(Item::Failed(failure)).await;
        }
        let key = receipt.key().to_owned();
        let name = format!("s3://{}/{key}", self.bucket);
        self.hand_on(Item::Fetched(Fetched { name, key, body, receipt: Some(receipt) })).await;
    }

    async fn failed(&self, receipt: Receipt, trouble: Trouble, reason: String) {
        let object = format!("s3://{}/{}", self.bucket, receipt.key());
        let failure = Failure { object, offset: None, reason };
        let told =
            self.verdict.lock().expect("no holder panics").refused(failure, trouble, receipt);
        match told {
            Told::Later => {}
            Told::Now(failure) => self.hand_on(Item::Failed(failure)).await,
            Told::AtLast(failure) => {
                self.hand_on(Item::Failed(failure)).await;
                self.ended.cancel();
            }
        }
    }

    async fn hand_on(&self, item: Item) {
        // Where nobody takes it, nobody wants more.
        if self.items.send(item).await.is_err() {
            self.ended.cancel();
        }
    }
}

/// A key as the S3 client names it; none where it would name another.
pub(crate) fn path_of(key: &str) -> Option<Path> {
    Path::parse(key).ok().filter(|path| path.as_ref() == key)
}

/// A large object's bytes, as its parts come.
struct Parts {
    rest: mpsc::Receiver<io::Result<Bytes>>,
    current: Bytes,
}

impl Read for Parts {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() {
            match self.rest.blocking_recv() {
                Some(part) => self.current = part?,
                None => return Ok(0),
            }
        }
        let count = self.current.len().min(into.len());
        let part = self.current.split_to(count);
        if let Some(into) = into.get_mut(..count) {
            into.copy_from_slice(&part);
        }
        Ok(count)
    }
}
