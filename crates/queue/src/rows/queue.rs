//! Rows of queues.

use std::collections::BTreeMap;

use flow::Timestamp;
use rusqlite::{Connection, OptionalExtension};

/// A queue as its row has it.
pub(crate) struct Row {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) created: Timestamp,
    pub(crate) modified: Timestamp,
    pub(crate) attributes: String,
}

pub(crate) type Tags = BTreeMap<String, String>;

pub(crate) fn all(db: &Connection) -> rusqlite::Result<Vec<Row>> {
    db.prepare("SELECT id, name, created, modified, attributes FROM queues WHERE gone = 0")?
        .query_map([], |row| {
            Ok(Row {
                id: row.get(0)?,
                name: row.get(1)?,
                created: row.get(2).map(Timestamp::from_millis)?,
                modified: row.get(3).map(Timestamp::from_millis)?,
                attributes: row.get(4)?,
            })
        })?
        .collect()
}

pub(crate) fn insert(
    db: &Connection,
    name: &str,
    attributes: &str,
    tags: &Tags,
    now: Timestamp,
) -> rusqlite::Result<i64> {
    db.execute(
        "INSERT INTO queues (name, created, modified, attributes, tags) VALUES (?1, ?2, ?2, ?3, ?4)",
        (name, now.as_millis(), attributes, text(tags)),
    )?;
    Ok(db.last_insert_rowid())
}

pub(crate) fn set_attributes(
    db: &Connection,
    id: i64,
    attributes: &str,
    now: Timestamp,
) -> rusqlite::Result<()> {
    db.execute(
        "UPDATE queues SET attributes = ?2, modified = ?3 WHERE id = ?1",
        (id, attributes, now.as_millis()),
    )
    .map(drop)
}

/// Ends a queue: its name is free, its messages are deleted by and by.
pub(crate) fn end(db: &Connection, id: i64) -> rusqlite::Result<()> {
    db.execute("UPDATE queues SET gone = 1 WHERE id = ?1", [id]).map(drop)
}

/// Whether a queue is there.
pub(crate) fn is_there(db: &Connection, id: i64) -> rusqlite::Result<bool> {
    db.prepare_cached("SELECT 1 FROM queues WHERE id = ?1 AND gone = 0")?.exists([id])
}

/// A queue that was ended and still has a row.
pub(crate) fn ended(db: &Connection) -> rusqlite::Result<Option<i64>> {
    db.query_row("SELECT id FROM queues WHERE gone = 1 LIMIT 1", [], |row| row.get(0)).optional()
}

/// Takes the row of an ended queue away.
pub(crate) fn forget(db: &Connection, id: i64) -> rusqlite::Result<()> {
    db.execute("DELETE FROM deliveries WHERE queue = ?1", [id])?;
    db.execute("DELETE FROM queues WHERE id = ?1 AND gone = 1", [id]).map(drop)
}

pub(crate) fn tags(db: &Connection, id: i64) -> rusqlite::Result<Tags> {
    let text: Option<String> =
        db.query_row("SELECT tags FROM queues WHERE id = ?1", [id], |row| row.get(0)).optional()?;
    let read = text.map(|text| serde_json::from_str(&text)).transpose();
    read.map(Option::unwrap_or_default).map_err(|cause| {
        rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, Box::new(cause))
    })
}

pub(crate) fn set_tags(db: &Connection, id: i64, tags: &Tags) -> rusqlite::Result<()> {
    db.execute("UPDATE queues SET tags = ?2 WHERE id = ?1", (id, text(tags))).map(drop)
}

fn text(tags: &Tags) -> String {
    serde_json::to_string(tags).expect("texts by text are JSON")
}

/// The secret of that name, which is `fresh` from now on where there is none.
pub(crate) fn secret(db: &Connection, name: &str, fresh: &[u8]) -> rusqlite::Result<Vec<u8>> {
    db.execute(
        "INSERT INTO secrets (name, value) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
        (name, fresh),
    )?;
    db.query_row("SELECT value FROM secrets WHERE name = ?1", [name], |row| row.get(0))
}
