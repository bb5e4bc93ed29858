//! One day's file: its name, its table, the entries in it.

use std::{fs, path::Path};

use bytes::Bytes;
use flow::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row};

use super::{Entry, Kind, Offset};
use crate::{Error, file, migration, readers::Readers};

const STEPS: &[&str] = &["CREATE TABLE entry (
    offset INTEGER PRIMARY KEY,
    kind INTEGER NOT NULL,
    at INTEGER NOT NULL,
    body BLOB NOT NULL
) STRICT;
CREATE TABLE first (offset INTEGER NOT NULL) STRICT;"];

/// A day's file. Its entries are those from `first` up to the next file's `first`.
#[derive(Clone)]
pub(super) struct Day {
    /// `2026-11-23`: names in order are days in order.
    pub(super) name: String,
    /// The offset of its first entry, or of the one it will get.
    pub(super) first: Offset,
    readers: Readers,
}

/// The name of the day at `at`.
pub(super) fn name_of(at: Timestamp) -> String {
    at.to_day_path().replace('/', "-")
}

/// All files of `folder`, the earliest first, and the offset of the next entry.
pub(super) fn list(folder: &Path) -> Result<(Vec<Day>, u64), Error> {
    let io = |source| Error::io(folder, source);
    let mut names = Vec::new();
    for found in fs::read_dir(folder).map_err(io)? {
        let name = found.map_err(io)?.file_name();
        if let Some(day) = name.to_str().and_then(|name| name.strip_suffix(".db"))
            && is_day(day)
        {
            names.push(day.to_owned());
        }
    }
    names.sort_unstable();
    let mut next = 0;
    let mut days = Vec::with_capacity(names.len());
    for name in names {
        let (day, connection) = Day::open(folder, name, Offset(next))?;
        next = day.next(&connection)?.0;
        days.push(day);
    }
    Ok((days, next))
}

fn is_day(name: &str) -> bool {
    let mut parts =
        name.split('-').map(|part| (part.len(), part.bytes().all(|b| b.is_ascii_digit())));
    parts.next() == Some((4, true))
        && parts.next() == Some((2, true))
        && parts.next() == Some((2, true))
        && parts.next().is_none()
}

impl Day {
    /// Opens the file, or makes it to begin at `first`. Whatever a crash left of its making is
    /// made good.
    pub(super) fn open(
        folder: &Path,
        name: String,
        first: Offset,
    ) -> Result<(Self, Connection), Error> {
        let path = folder.join(format!("{name}.db"));
        let mut connection = file::open_to_write(&path)?;
        let first = (|| {
            let transaction = connection.transaction()?;
            let known = migration::apply(&path, &transaction, "store.journal", STEPS)?;
            let first = match known {
                Ok(()) => Ok(begin(&transaction, first)?),
                Err(error) => Err(error),
            };
            transaction.commit().map(|()| first)
        })()
        .map_err(|source| Error::sqlite(&path, source))??;
        Ok((Self { name, first, readers: Readers::new(path) }, connection))
    }

    pub(super) fn path(&self) -> &Path {
        self.readers.path()
    }

    /// The offset after the last entry.
    fn next(&self, connection: &Connection) -> Result<Offset, Error> {
        let last = connection
            .query_row("SELECT max(offset) FROM entry", [], |row| row.get::<_, Option<u64>>(0))
            .map_err(|source| Error::sqlite(self.path(), source))?;
        Ok(last.map_or(self.first, |last| Offset(last + 1)))
    }

    /// Entries in `from..end`, at most `limit`, until `bytes` are read; at least one if there is
    /// one.
    pub(super) async fn read(
        &self,
        from: Offset,
        end: Offset,
        limit: usize,
        bytes: usize,
    ) -> Result<Vec<Entry>, Error> {
        let read = move |c: &Connection| {
            let mut statement = c.prepare_cached(
                "SELECT offset, kind, at, body FROM entry
                 WHERE offset >= ?1 AND offset < ?2 ORDER BY offset LIMIT ?3",
            )?;
            let mut rows = statement.query((from.0, end.0, limit))?;
            let (mut entries, mut left) = (Vec::new(), bytes);
            while left > 0
                && let Some(row) = rows.next()?
            {
                let entry = entry(row)?;
                left = left.saturating_sub(entry.body.len());
                entries.push(entry);
            }
            Ok(entries)
        };
        match self.readers.read(read).await {
            // Expired between the look at the list and the read.
            Err(_) if !self.path().exists() => Ok(Vec::new()),
            answer => answer,
        }
    }

    /// Lets go of connections that nobody uses.
    pub(super) fn rest(&self) {
        self.readers.rest();
    }

    /// Takes the file away.
    pub(super) fn remove(&self) -> Result<(), Error> {
        self.rest();
        file::remove(self.path())
    }
}

fn begin(c: &Connection, first: Offset) -> rusqlite::Result<Offset> {
    let known = c.query_row("SELECT offset FROM first", [], |row| row.get(0)).optional()?;
    if let Some(known) = known {
        return Ok(Offset(known));
    }
    c.execute("INSERT INTO first (offset) VALUES (?1)", [first.0])?;
    Ok(first)
}

fn entry(row: &Row<'_>) -> rusqlite::Result<Entry> {
    let kind: i64 = row.get(1)?;
    Ok(Entry {
        offset: Offset(row.get(0)?),
        kind: Kind::from_number(kind).ok_or(rusqlite::Error::IntegralValueOutOfRange(1, kind))?,
        at: Timestamp::from_millis(row.get(2)?),
        body: Bytes::from(row.get::<_, Vec<u8>>(3)?),
    })
}
