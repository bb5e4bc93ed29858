//! Rows of events that nobody took over yet.

use flow::BucketEvent;
use rusqlite::Connection;

use super::{json, json_text};

pub(crate) fn insert(index: &Connection, event: &BucketEvent) -> rusqlite::Result<()> {
    index
        .prepare_cached("INSERT INTO events (body) VALUES (?1)")?
        .execute([json_text(event)])
        .map(drop)
}

/// The oldest ones.
pub(crate) fn list(index: &Connection, limit: u32) -> rusqlite::Result<Vec<(i64, BucketEvent)>> {
    index
        .prepare_cached("SELECT id, body FROM events ORDER BY id LIMIT ?1")?
        .query_map([limit], |row| Ok((row.get("id")?, json(row, "body")?)))?
        .collect()
}

pub(crate) fn delete(index: &Connection, id: i64) -> rusqlite::Result<()> {
    index.execute("DELETE FROM events WHERE id = ?1", [id]).map(drop)
}

pub(crate) fn count(index: &Connection) -> rusqlite::Result<u64> {
    index.query_row("SELECT count(*) AS n FROM events", [], |row| super::size(row, "n"))
}
