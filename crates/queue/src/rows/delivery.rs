//! Rows of what was sent from inside, so that it is not sent twice.

use flow::Timestamp;
use rusqlite::{Connection, OptionalExtension};

use super::{
    Gone,
    message::{self, DELETED_MAX, Fresh},
};

/// Stores a message unless the delivery of that id is remembered; the message's id.
pub(crate) fn insert(
    db: &Connection,
    queue: i64,
    delivery_id: &str,
    now: Timestamp,
    message: Fresh,
) -> rusqlite::Result<Result<String, Gone>> {
    let known: Option<String> = db
        .prepare_cached("SELECT message_id FROM deliveries WHERE queue = ?1 AND delivery_id = ?2")?
        .query_row((queue, delivery_id), |row| row.get(0))
        .optional()?;
    if let Some(known) = known {
        return Ok(Ok(known));
    }
    let message_id = message.content.message_id.clone();
    if message::insert(db, queue, now, &[message])?.is_err() {
        return Ok(Err(Gone));
    }
    db.prepare_cached(
        "INSERT INTO deliveries (queue, delivery_id, message_id, at) VALUES (?1, ?2, ?3, ?4)",
    )?
    .execute((queue, delivery_id, &message_id, now.as_millis()))?;
    Ok(Ok(message_id))
}

/// Forgets deliveries of `before` or earlier, a bounded number; how many.
pub(crate) fn forget(db: &Connection, before: Timestamp) -> rusqlite::Result<usize> {
    db.execute(
        "DELETE FROM deliveries WHERE (queue, delivery_id) IN (
             SELECT queue, delivery_id FROM deliveries WHERE at <= ?1 LIMIT ?2
         )",
        (before.as_millis(), DELETED_MAX),
    )
}
