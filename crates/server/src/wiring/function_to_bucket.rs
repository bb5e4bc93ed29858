//! function → bucket: code is deployed from objects.

use std::sync::{Mutex, PoisonError};

use bucket::{Buckets, Error};
use bytes::Bytes;
use flow::{Fetch, FetchError, Pending};

/// Reads objects of the buckets, which open after the functions that they notify.
#[derive(Default)]
pub(crate) struct Objects(Mutex<Option<Buckets>>);

impl Objects {
    /// Reads from `buckets` from now on.
    pub(crate) fn open(&self, buckets: Buckets) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(buckets);
    }

    /// Lets go of the buckets: they hold the functions, which hold this.
    pub(crate) fn close(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

impl Fetch for Objects {
    fn get<'a>(
        &'a self,
        bucket: &'a str,
        key: &'a str,
        bytes_max: u64,
    ) -> Pending<'a, Result<Bytes, FetchError>> {
        let buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Box::pin(async move {
            let Some(buckets) = buckets else {
                return Err(FetchError::Retry("the buckets are not open".to_owned()));
            };
            match buckets.read_within(bucket, key, bytes_max).await {
                Ok(Some(bytes)) => Ok(bytes),
                Ok(None) => Err(FetchError::TooLarge(bytes_max)),
                Err(Error::Missing(_)) => {
                    Err(FetchError::Missing { bucket: bucket.to_owned(), key: key.to_owned() })
                }
                Err(error) => Err(FetchError::Retry(error.to_string())),
            }
        })
    }
}
