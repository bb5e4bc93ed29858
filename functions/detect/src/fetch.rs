//! Objects out of buckets, whole and within bounds.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use object_store::{GetOptions, ObjectStore, path::Path};

/// The largest object that is fetched, in bytes.
const OBJECT_BYTES_MAX: usize = 50 * 1024 * 1024;
/// The most buckets whose connections are kept.
const BUCKETS_MAX: usize = 64;

/// Opens a bucket by its name.
pub type OpenBucket = Box<dyn Fn(&str) -> object_store::Result<Arc<dyn ObjectStore>> + Send + Sync>;

/// The buckets that were met so far.
pub(crate) struct Buckets {
    open: OpenBucket,
    opened: Mutex<HashMap<String, Arc<dyn ObjectStore>>>,
}

/// What became of an object.
#[derive(Debug)]
pub(crate) enum Fetched {
    /// Its bytes.
    Whole(Bytes),
    /// It will never be had: the reason.
    Never(String),
    /// Another try may help.
    NotNow(object_store::Error),
}

impl Buckets {
    pub(crate) fn new(open: OpenBucket) -> Self {
        Self { open, opened: Mutex::default() }
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
            Ok(Some(bytes)) => Fetched::Whole(bytes),
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
    async fn get(&self, bucket: &str, path: &Path) -> object_store::Result<Option<Bytes>> {
        let found = self.bucket(bucket)?.get_opts(path, GetOptions::default()).await?;
        let size = usize::try_from(found.meta.size).unwrap_or(usize::MAX);
        if size > OBJECT_BYTES_MAX {
            return Ok(None);
        }
        let mut whole = BytesMut::with_capacity(size);
        let mut stream = found.into_stream();
        while let Some(chunk) = stream.next().await {
            let chunk = chunk?;
            if whole.len() + chunk.len() > OBJECT_BYTES_MAX {
                return Ok(None);
            }
            whole.extend_from_slice(&chunk);
        }
        Ok(Some(whole.freeze()))
    }
}
