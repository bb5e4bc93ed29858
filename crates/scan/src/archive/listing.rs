//! One request for a part of a listing.

use std::{future::Future, sync::Arc};

use object_store::{
    ListResult,
    aws::AmazonS3,
    list::{PaginatedListOptions, PaginatedListStore},
};

/// The delimiter of folders.
const DELIMITER: &str = "/";

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
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) key: String,
    /// Bytes as stored.
    pub(crate) size: u64,
    pub(crate) etag: Option<String>,
}

/// A bucket that can be listed, by up to a thousand keys at a time.
pub(crate) trait Listing: Send + Sync + 'static {
    fn page(&self, ask: Ask) -> impl Future<Output = object_store::Result<Page>> + Send;
}

impl Listing for Arc<AmazonS3> {
    async fn page(&self, ask: Ask) -> object_store::Result<Page> {
        let options = PaginatedListOptions {
            // A token remembers where the listing began.
            offset: ask.after.filter(|_| ask.token.is_none()),
            delimiter: ask.folders.then_some(DELIMITER.into()),
            page_token: ask.token,
            ..PaginatedListOptions::default()
        };
        let prefix = Some(ask.prefix.as_str()).filter(|prefix| !prefix.is_empty());
        let found = self.list_paginated(prefix, options).await?;
        Ok(Page::of(found.result, found.page_token))
    }
}

impl Page {
    pub(crate) fn of(found: ListResult, next: Option<String>) -> Self {
        let folders = found.common_prefixes.iter().map(|path| format!("{path}{DELIMITER}"));
        let objects = found.objects.into_iter().map(|object| Listed {
            key: object.location.into(),
            size: object.size,
            etag: object.e_tag,
        });
        Self { folders: folders.collect(), objects: objects.collect(), next }
    }
}
