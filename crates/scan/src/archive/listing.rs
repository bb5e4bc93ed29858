//! One request for a part of a listing.
//!
//! The S3 client could ask it as well, but drops a page whole for one key that it cannot name, and
//! does not tell which objects lie in an archive class.

use std::future::Future;

use bytes::Bytes;
use credentials::Bucket;

use super::page;

/// The delimiter of folders.
const DELIMITER: &str = "/";
/// Asks which objects of archive classes have been restored.
const WITH_RESTORED: (&str, &str) = ("x-amz-optional-object-attributes", "RestoreStatus");

/// What is asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ask {
    /// What keys begin with; need not end with a folder.
    pub(crate) prefix: String,
    /// Whether what lies in folders is given as the folders.
    pub(crate) folders: bool,
    /// Keys up to this one are left out.
    pub(crate) after: Option<String>,
    /// Where the page before has ended.
    pub(crate) token: Option<String>,
}

/// A part of a listing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Page {
    /// Prefixes of folders, with the delimiter at their end.
    pub(crate) folders: Vec<String>,
    /// Objects, in the order of their keys.
    pub(crate) objects: Vec<Listed>,
    /// Where the next page begins, where there is one.
    pub(crate) next: Option<String>,
}

/// An object as a listing tells of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) key: String,
    /// Bytes as stored.
    pub(crate) size: u64,
    pub(crate) etag: Option<String>,
    /// Whether it lies in an archive class and has not been restored: it cannot be read.
    pub(crate) is_archived: bool,
}

/// A bucket that can be listed.
pub(crate) trait Listing: Send + Sync + 'static {
    /// A part of a listing, of up to a thousand keys.
    fn page(&self, ask: Ask) -> impl Future<Output = object_store::Result<Page>> + Send;

    /// An object whose key the S3 client cannot name: a part of it is empty, as it is below a
    /// trail's prefix that ends with a slash.
    fn odd(&self, key: &str) -> impl Future<Output = object_store::Result<Bytes>> + Send;
}

impl Listing for Bucket {
    async fn page(&self, ask: Ask) -> object_store::Result<Page> {
        let mut query = vec![("encoding-type", "url"), ("list-type", "2")];
        query.push(("prefix", &ask.prefix));
        if ask.folders {
            query.push(("delimiter", DELIMITER));
        }
        match (&ask.token, &ask.after) {
            // A token remembers where the listing began.
            (Some(token), _) => query.push(("continuation-token", token)),
            (None, Some(after)) => query.push(("start-after", after)),
            (None, None) => {}
        }
        let answer = self.ask("", &query, &[WITH_RESTORED]).await?;
        page::read(&answer).map_err(|source| object_store::Error::Generic { store: "S3", source })
    }

    async fn odd(&self, key: &str) -> object_store::Result<Bytes> {
        self.ask(key, &[], &[]).await
    }
}
