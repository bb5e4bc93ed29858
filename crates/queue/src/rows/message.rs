//! Rows of messages, but for what receiving does to them.

use flow::Timestamp;
use rusqlite::Connection;

use super::{Gone, content, content::Content, count, queue};

/// Rows that one transaction deletes at most, so that others get their turn.
pub(crate) const DELETED_MAX: u32 = 2_000;

/// How many messages a queue has, by what can be done with them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// To be received now (`ApproximateNumberOfMessages`).
    pub visible: u64,
    /// Received, not yet deleted or visible again (`ApproximateNumberOfMessagesNotVisible`).
    pub in_flight: u64,
    /// Sent and not yet visible (`ApproximateNumberOfMessagesDelayed`).
    pub delayed: u64,
}

/// A message to be stored.
pub(crate) struct Fresh {
    pub(crate) content: Content,
    pub(crate) due: Timestamp,
}

/// Stores messages; all or, where the queue is gone, none.
pub(crate) fn insert(
    db: &Connection,
    id: i64,
    now: Timestamp,
    messages: &[Fresh],
) -> rusqlite::Result<Result<(), Gone>> {
    if !queue::is_there(db, id)? {
        return Ok(Err(Gone));
    }
    for message in messages {
        db.prepare_cached("INSERT INTO messages (queue, due, sent) VALUES (?1, ?2, ?3)")?
            .execute((id, message.due.as_millis(), now.as_millis()))?;
        content::insert(db, db.last_insert_rowid(), &message.content)?;
    }
    Ok(Ok(()))
}

/// Deletes messages that were sent at `before` or earlier, a bounded number; how many.
pub(crate) fn expire(db: &Connection, queue: i64, before: Timestamp) -> rusqlite::Result<usize> {
    db.prepare_cached(
        "DELETE FROM messages WHERE id IN (
             SELECT id FROM messages INDEXED BY messages_by_sent
             WHERE queue = ?1 AND sent <= ?2 LIMIT ?3
         )",
    )?
    .execute((queue, before.as_millis(), DELETED_MAX))
}

/// Deletes messages with ids up to `last`, a bounded number; how many.
pub(crate) fn purge(db: &Connection, queue: i64, last: i64) -> rusqlite::Result<usize> {
    db.prepare_cached(
        "DELETE FROM messages WHERE id IN (
             SELECT id FROM messages INDEXED BY messages_by_sent
             WHERE queue = ?1 AND id <= ?2 LIMIT ?3
         )",
    )?
    .execute((queue, last, DELETED_MAX))
}

/// The id that no message so far is beyond.
pub(crate) fn last(db: &Connection) -> rusqlite::Result<i64> {
    db.query_row("SELECT coalesce(max(id), 0) FROM messages", [], |row| row.get(0))
}

pub(crate) fn counts(db: &Connection, queue: i64, now: Timestamp) -> rusqlite::Result<Counts> {
    let visible = db
        .prepare_cached("SELECT count(*) FROM messages WHERE queue = ?1 AND due <= ?2")?
        .query_row((queue, now.as_millis()), |row| row.get(0))?;
    let hidden =
        "SELECT count(*), coalesce(sum(taken), 0) FROM messages WHERE queue = ?1 AND due > ?2";
    let (hidden, in_flight): (i64, i64) = db
        .prepare_cached(hidden)?
        .query_row((queue, now.as_millis()), |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(Counts {
        visible: count(visible),
        in_flight: count(in_flight),
        delayed: count(hidden - in_flight),
    })
}

/// How many messages are in flight, counted up to `most`.
pub(crate) fn in_flight(
    db: &Connection,
    queue: i64,
    now: Timestamp,
    most: i64,
) -> rusqlite::Result<i64> {
    db.prepare_cached(
        "SELECT count(*) FROM (
             SELECT 1 FROM messages INDEXED BY messages_by_due
             WHERE queue = ?1 AND due > ?2 AND taken = 1 LIMIT ?3
         )",
    )?
    .query_row((queue, now.as_millis(), most), |row| row.get(0))
}
