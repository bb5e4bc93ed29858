//! The index: which buckets with which settings, objects, uploads and pending events there are.
//!
//! One SQLite file. Every change of a call is one transaction: an object and the event that tells
//! of it appear together or not at all.

pub(crate) mod bucket;
pub(crate) mod event;
pub(crate) mod object;
pub(crate) mod part;
pub(crate) mod setting;
pub(crate) mod upload;

use flow::Timestamp;
use rusqlite::{Connection, Row};

/// The versions of the tables, oldest first.
pub(crate) const STEPS: &[&str] = &[
    "
CREATE TABLE counters (name TEXT NOT NULL PRIMARY KEY, value INTEGER NOT NULL)
    STRICT, WITHOUT ROWID;
INSERT INTO counters (name, value) VALUES ('sequence', 0);

CREATE TABLE buckets (
    name TEXT NOT NULL PRIMARY KEY,
    created INTEGER NOT NULL,
    region TEXT NOT NULL,
    notification TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE objects (
    bucket TEXT NOT NULL,
    key TEXT NOT NULL,
    id INTEGER NOT NULL,
    size INTEGER NOT NULL,
    e_tag TEXT NOT NULL,
    modified INTEGER NOT NULL,
    checksum TEXT,
    meta TEXT NOT NULL,
    PRIMARY KEY (bucket, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE uploads (
    id TEXT NOT NULL PRIMARY KEY,
    owner INTEGER NOT NULL,
    bucket TEXT NOT NULL,
    key TEXT NOT NULL,
    started INTEGER NOT NULL,
    initiator TEXT NOT NULL,
    checksum TEXT NOT NULL,
    meta TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX uploads_by_key ON uploads (bucket, key, id);

CREATE TABLE parts (
    owner INTEGER NOT NULL,
    number INTEGER NOT NULL,
    file TEXT NOT NULL,
    size INTEGER NOT NULL,
    md5 BLOB NOT NULL,
    sha256 BLOB NOT NULL,
    checksum BLOB,
    modified INTEGER NOT NULL,
    PRIMARY KEY (owner, number)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX parts_by_file ON parts (file);

CREATE TABLE events (id INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT NOT NULL) STRICT;
",
    "
CREATE TABLE settings (
    bucket TEXT NOT NULL,
    name TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (bucket, name)
) STRICT, WITHOUT ROWID;
",
];

/// Milliseconds are shifted by this many bits to make room for events of one millisecond.
const SEQUENCE_SHIFT: u32 = 12;

/// The next number of a sequence that only grows: over restarts, and over buckets that were
/// deleted and made again.
pub(crate) fn next_in_sequence(index: &Connection, now: Timestamp) -> rusqlite::Result<i64> {
    let least = now.as_millis().max(0) << SEQUENCE_SHIFT;
    index.query_row(
        "UPDATE counters SET value = max(value + 1, ?1) WHERE name = 'sequence' RETURNING value",
        [least],
        |row| row.get(0),
    )
}

/// A number of the sequence as S3's events write it: 18 upper-case hex digits.
pub(crate) fn sequencer(number: i64) -> String {
    format!("{number:018X}")
}

pub(crate) fn time(row: &Row<'_>, column: &str) -> rusqlite::Result<Timestamp> {
    row.get(column).map(Timestamp::from_millis)
}

/// A size as SQLite keeps it; sizes past 2^63 cannot come up.
pub(crate) fn int(size: u64) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}

pub(crate) fn size(row: &Row<'_>, column: &str) -> rusqlite::Result<u64> {
    row.get(column).map(|value: i64| u64::try_from(value).unwrap_or(0))
}

/// Reads a column of JSON of our own.
pub(crate) fn json<T: serde::de::DeserializeOwned>(
    row: &Row<'_>,
    column: &str,
) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    serde_json::from_str(&text).map_err(|cause| {
        rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, Box::new(cause))
    })
}

/// JSON of our own as a column keeps it.
pub(crate) fn json_text<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("our own types have only string keys")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sequence_grows_even_when_the_clock_goes_back() {
        let index = Connection::open_in_memory().unwrap();
        index.execute_batch(STEPS[0]).unwrap();
        let mut last = String::new();
        for millis in [1_800_000_000_000, 1_800_000_000_000, 5, 1_800_000_000_001, 0] {
            let number = next_in_sequence(&index, Timestamp::from_millis(millis)).unwrap();
            let next = sequencer(number);
            assert_eq!(next.len(), 18);
            assert!(next.bytes().all(|b| b.is_ascii_digit() || (b'A'..=b'F').contains(&b)));
            assert!(next > last, "{next} after {last}");
            last = next;
        }
    }
}
