//! An append-only log, a file per day: what happened, in the order in which it became durable.

mod day;
mod write;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, RwLock},
};

use bytes::Bytes;
use flow::{Clock, Timestamp};
use tokio::sync::{Semaphore, oneshot, watch};

use self::{
    day::Day,
    write::{Append, Job, Pen},
};
use crate::{Database, Error, Table, file, writer::Writer};

/// The largest entry, in bytes.
pub const ENTRY_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Bytes of bodies after which a `read` stops, in bytes.
pub const READ_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Entries after which a `read` stops.
const READ_ENTRIES_MAX: usize = 65_536;

/// Bytes of bodies that wait for the writer, in KiB; further appends wait for room. Twice the
/// largest entry, so that one such does not stop all others.
const WAITING_KIB_MAX: usize = 2 * ENTRY_BYTES_MAX / 1024;

/// A handle to one journal; clones share it.
#[derive(Clone)]
pub struct Journal(Arc<Inner>);

struct Inner {
    folder: PathBuf,
    days: Days,
    end: watch::Receiver<Offset>,
    room: Arc<Semaphore>,
    writer: Writer<Job>,
    cursors: Database,
}

/// The day files, the earliest first; never empty once the first entry is written.
type Days = Arc<RwLock<Vec<Day>>>;

/// A place in the journal: counts up by one from entry to entry, across files, for ever.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    serde::Serialize,
    serde::Deserialize,
)]
pub struct Offset(pub u64);

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Something is about to be done.
    Intent,
    /// What came of an intent.
    Outcome,
    /// A record, as it is delivered.
    Record,
}

/// One entry, as it was appended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its place.
    pub offset: Offset,
    /// What it is.
    pub kind: Kind,
    /// When it was written.
    pub at: Timestamp,
    /// What was appended.
    pub body: Bytes,
}

impl Journal {
    /// Opens or makes the journal in `folder`, for its owner's eyes alone.
    pub fn open(folder: &Path, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        file::make_folder(folder).map_err(|source| Error::io(folder, source))?;
        let (days, next) = day::list(folder)?;
        let days: Days = Arc::new(RwLock::new(days));
        let (moved, end) = watch::channel(Offset(next));
        let mut pen = Pen::new(folder.to_owned(), Arc::clone(&days), moved, clock);
        Ok(Self(Arc::new(Inner {
            folder: folder.to_owned(),
            days,
            end,
            room: Arc::new(Semaphore::new(WAITING_KIB_MAX)),
            writer: Writer::start(folder, move |batch| pen.write(batch))?,
            cursors: Database::open(&folder.join("cursors.db"), "")?,
        })))
    }

    /// Appends an entry of at most [`ENTRY_BYTES_MAX`] bytes. Durable, and its offset final, when
    /// this resolves.
    pub async fn append(&self, kind: Kind, body: Vec<u8>) -> Result<Offset, Error> {
        if body.len() > ENTRY_BYTES_MAX {
            return Err(Error::TooLarge { bytes: body.len(), max: ENTRY_BYTES_MAX });
        }
        let kib = u32::try_from(body.len() / 1024 + 1).expect("an entry is bounded");
        let room = Arc::clone(&self.0.room).acquire_many_owned(kib).await;
        let room = room.expect("the semaphore is never closed");
        let (answer, answered) = oneshot::channel();
        self.0.writer.send(Job::Append(Append { kind, body, answer, _room: room })).await?;
        answered.await.unwrap_or_else(|_| Err(Error::closed(&self.0.folder)))
    }

    /// Durable entries from `from` on, in order, at most `limit`. It may stop earlier, after
    /// [`READ_BYTES_MAX`] bytes, but is empty only where there is no such entry. Entries that were
    /// expired are passed over.
    pub async fn read(&self, from: Offset, limit: usize) -> Result<Vec<Entry>, Error> {
        let (mut from, end) = (from, self.end());
        let limit = limit.min(READ_ENTRIES_MAX);
        let mut bytes_left = READ_BYTES_MAX;
        let mut found: Vec<Entry> = Vec::new();
        for day in self.days_from(from) {
            if found.len() >= limit || bytes_left == 0 || from >= end {
                break;
            }
            let entries = day.read(from, end, limit - found.len(), bytes_left).await?;
            if !self.is_newest(&day) {
                // A walk over a year must not leave a year's files open.
                day.rest();
            }
            let Some(last) = entries.last() else { continue };
            from = Offset(last.offset.0 + 1);
            let bytes: usize = entries.iter().map(|entry| entry.body.len()).sum();
            bytes_left = bytes_left.saturating_sub(bytes);
            found.extend(entries);
        }
        Ok(found)
    }

    /// The offset that the next entry gets: all before it are durable.
    pub fn end(&self) -> Offset {
        *self.0.end.borrow()
    }

    /// Tells of every move of [`Journal::end`].
    pub fn watch(&self) -> watch::Receiver<Offset> {
        self.0.end.clone()
    }

    /// Where the reader `name` stands; `None` before its first `set_cursor`.
    pub async fn cursor(&self, name: &str) -> Result<Option<Offset>, Error> {
        let bytes = self.cursors().await?.get(name).await?;
        bytes
            .map(|bytes| {
                let bytes = bytes.try_into().map_err(|_| {
                    Error::malformed(self.0.cursors.path(), "a cursor is not eight bytes long")
                })?;
                Ok(Offset(u64::from_be_bytes(bytes)))
            })
            .transpose()
    }

    /// Sets where the reader `name` stands. Durable when this resolves.
    pub async fn set_cursor(&self, name: &str, at: Offset) -> Result<(), Error> {
        self.cursors().await?.put(name, at.0.to_be_bytes().to_vec()).await
    }

    /// Unlinks the files whose day ended before `before` and whose entries all lie before
    /// `keep_from`. The newest file stays: it knows the next offset.
    pub async fn expire(&self, before: Timestamp, keep_from: Offset) -> Result<(), Error> {
        let (answer, answered) = oneshot::channel();
        self.0.writer.send(Job::Expire { before, keep_from, answer }).await?;
        answered.await.unwrap_or_else(|_| Err(Error::closed(&self.0.folder)))
    }

    /// Finishes the appends that wait, then ends the writer. Later appends get
    /// [`Error::Closed`].
    pub async fn close(self) {
        self.0.writer.close().await;
        self.0.cursors.clone().close().await;
        self.0.days.read().expect("no holder panics").iter().for_each(Day::rest);
    }

    async fn cursors(&self) -> Result<Table, Error> {
        self.0.cursors.table("cursor").await
    }

    fn is_newest(&self, day: &Day) -> bool {
        let days = self.0.days.read().expect("no holder panics");
        days.last().is_none_or(|newest| newest.first == day.first)
    }

    /// The files that may hold entries from `from` on.
    fn days_from(&self, from: Offset) -> Vec<Day> {
        let days = self.0.days.read().expect("no holder panics");
        let first = days.partition_point(|day| day.first <= from).saturating_sub(1);
        days.iter().skip(first).cloned().collect()
    }
}

impl Kind {
    fn number(self) -> i64 {
        match self {
            Self::Intent => 1,
            Self::Outcome => 2,
            Self::Record => 3,
        }
    }

    fn from_number(number: i64) -> Option<Self> {
        [Self::Intent, Self::Outcome, Self::Record].into_iter().find(|kind| kind.number() == number)
    }
}

#[cfg(test)]
mod tests;
