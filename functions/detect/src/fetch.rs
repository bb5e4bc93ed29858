//! Objects out of buckets, whole and within bounds.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use object_store::{GetOptions, GetResult, ObjectStore, path::Path};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The largest object that is fetched, in bytes.
const OBJECT_BYTES_MAX: usize = 50 * 1024 * 1024;
/// How much of all objects is held at the same time, in units of [`ROOM_UNIT_BYTES`]: 64 MiB.
const ROOM_UNITS: usize = 64 * 1024;
const ROOM_UNIT_BYTES: usize = 1024;
/// The most buckets whose connections are kept.
const BUCKETS_MAX: usize = 64;

/// Opens a bucket by its name.
pub type OpenBucket = Box<dyn Fn(&str) -> object_store::Result<Arc<dyn ObjectStore>> + Send + Sync>;

/// The buckets that were met so far.
pub(crate) struct Buckets {
    open: OpenBucket,
    opened: Mutex<HashMap<String, Arc<dyn ObjectStore>>>,
    room: Arc<Semaphore>,
}

/// What became of an object.
#[derive(Debug)]
pub(crate) enum Fetched {
    /// Its bytes, and the room that they take until this is dropped.
    Whole(Bytes, OwnedSemaphorePermit),
    /// It will never be had: the reason.
    Never(String),
    /// Another try may help.
    NotNow(object_store::Error),
}

impl Buckets {
    pub(crate) fn new(open: OpenBucket) -> Self {
        Self { open, opened: Mutex::default(), room: Arc::new(Semaphore::new(ROOM_UNITS)) }
    }

    fn bucket(&self, name: &str) -> object_store::Result<Arc<dyn ObjectStore>> {
        let mut opened = self.opened.lock().expect("no holder panics");
        if let Some(bucket) = opened.get(name) {
            return Ok(Arc::clone(bucket));
        }
        if opened.len() >= BUCKETS_MAX {
            opened.clear();
        }
        let bucket = (self.open)(name)?;
        opened.insert(name.to_owned(), Arc::clone(&bucket));
        Ok(bucket)
    }

    /// Fetches an object.
    pub(crate) async fn fetch(&self, bucket: &str, key: &str) -> Fetched {
        let path = match Path::parse(key) {
            Ok(path) if path.as_ref() == key => path,
            // The client would ask for another key than the one that is meant.
            _ => return Fetched::Never("the key has an empty or relative segment".to_owned()),
        };
        match self.get(bucket, &path).await {
            Ok(Some((bytes, room))) => Fetched::Whole(bytes, room),
            Ok(None) => Fetched::Never(format!(
                "the object is larger than {} MB",
                OBJECT_BYTES_MAX / 1024 / 1024
            )),
            Err(error @ object_store::Error::NotFound { .. }) => {
                let bucket_gone = error.to_string().contains("NoSuchBucket");
                let gone = if bucket_gone { "the bucket" } else { "the object" };
                Fetched::Never(format!("{gone} is not there, or no longer"))
            }
            Err(error) => Fetched::NotNow(error),
        }
    }

    /// The bytes; `None` where there are too many.
    async fn get(
        &self,
        bucket: &str,
        path: &Path,
    ) -> object_store::Result<Option<(Bytes, OwnedSemaphorePermit)>> {
        let found = self.bucket(bucket)?.get_opts(path, GetOptions::default()).await?;
        let size = usize::try_from(found.meta.size).unwrap_or(usize::MAX);
        if size > OBJECT_BYTES_MAX {
            return Ok(None);
        }
        let units = u32::try_from(size.div_ceil(ROOM_UNIT_BYTES)).expect("50 MB are 51,200 units");
        let room = Arc::clone(&self.room).acquire_many_owned(units).await;
        let room = room.expect("nobody closes the room");
        Ok(whole(found, OBJECT_BYTES_MAX).await?.map(|bytes| (bytes, room)))
    }
}

/// An object's bytes; `None` where there are more than `bytes_max`, whatever it said of its size.
///
/// # Errors
/// They could not be read to their end.
pub async fn whole(found: GetResult, bytes_max: usize) -> object_store::Result<Option<Bytes>> {
    let size = usize::try_from(found.meta.size).unwrap_or(usize::MAX);
    if size > bytes_max {
        return Ok(None);
    }
    let mut whole = BytesMut::with_capacity(size);
    let mut stream = found.into_stream();
    while let Some(chunk) = stream.next().await {
        let chunk = chunk?;
        if whole.len() + chunk.len() > bytes_max {
            return Ok(None);
        }
        whole.extend_from_slice(&chunk);
    }
    Ok(Some(whole.freeze()))
}
