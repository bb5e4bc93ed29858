//! The queue's rows in SQL: each function is one change of state.

use flow::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row};

use crate::{Counts, Dead, Lease};

pub(super) const STEPS: &[&str] = &["CREATE TABLE store_queue (
    seq INTEGER PRIMARY KEY,
    queue TEXT NOT NULL,
    id TEXT NOT NULL,
    state INTEGER NOT NULL,
    due INTEGER NOT NULL,
    put_at INTEGER NOT NULL,
    since INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    boot TEXT,
    body BLOB NOT NULL,
    reason TEXT,
    detail TEXT,
    UNIQUE (queue, id)
) STRICT;
CREATE INDEX store_queue_waiting ON store_queue (queue, due, seq) WHERE state = 0;
CREATE INDEX store_queue_leased ON store_queue (queue, put_at) WHERE state = 1;
CREATE INDEX store_queue_dead ON store_queue (queue, since) WHERE state = 2;
CREATE INDEX store_queue_done ON store_queue (queue, since) WHERE state = 3;
CREATE INDEX store_queue_age ON store_queue (queue, put_at) WHERE state = 0;"];

// The states, as the indexes above spell them: 0 waiting, 1 leased, 2 dead, 3 done.

/// Frees what other boots leased; how many rows.
pub(super) fn free(c: &Connection, queue: &str, boot: &str) -> rusqlite::Result<usize> {
    c.execute(
        "UPDATE store_queue SET state = 0, boot = NULL
         WHERE queue = ?1 AND state = 1 AND boot <> ?2",
        (queue, boot),
    )
}

/// Whether the id was new.
pub(super) fn put(
    c: &Connection,
    queue: &str,
    id: &str,
    body: &[u8],
    due: Timestamp,
) -> rusqlite::Result<bool> {
    c.prepare_cached(
        "INSERT INTO store_queue (queue, id, state, due, put_at, since, body)
         VALUES (?1, ?2, 0, ?3, ?3, ?3, ?4)
         ON CONFLICT (queue, id) DO NOTHING",
    )?
    .execute((queue, id, due.as_millis(), body))
    .map(|rows| rows > 0)
}

pub(super) fn lease(
    c: &Connection,
    queue: &str,
    boot: &str,
    now: Timestamp,
    limit: usize,
) -> rusqlite::Result<Vec<Lease>> {
    let mut due = c.prepare_cached(
        "SELECT seq, id, body, attempts + 1, put_at FROM store_queue
         WHERE queue = ?1 AND state = 0 AND due <= ?2 ORDER BY due, seq LIMIT ?3",
    )?;
    let rows = due.query_map((queue, now.as_millis(), limit), |row| {
        let lease = Lease {
            id: row.get(1)?,
            body: row.get(2)?,
            attempts: row.get(3)?,
            put_at: moment(row, 4)?,
        };
        Ok((row.get::<_, i64>(0)?, lease))
    })?;
    let rows = rows.collect::<rusqlite::Result<Vec<_>>>()?;
    let mut take = c.prepare_cached(
        "UPDATE store_queue SET state = 1, boot = ?2, attempts = attempts + 1 WHERE seq = ?1",
    )?;
    let mut leases = Vec::with_capacity(rows.len());
    for (seq, lease) in rows {
        take.execute((seq, boot))?;
        leases.push(lease);
    }
    Ok(leases)
}

pub(super) fn ack(c: &Connection, queue: &str, id: &str, now: Timestamp) -> rusqlite::Result<()> {
    // Only the id is needed from here on.
    c.prepare_cached(
        "UPDATE store_queue
         SET state = 3, since = ?3, boot = NULL, body = x'', reason = NULL, detail = NULL
         WHERE queue = ?1 AND id = ?2 AND state = 1",
    )?
    .execute((queue, id, now.as_millis()))
    .map(drop)
}

pub(super) fn nack(
    c: &Connection,
    queue: &str,
    id: &str,
    due: Timestamp,
    reason: &str,
) -> rusqlite::Result<()> {
    c.prepare_cached(
        "UPDATE store_queue SET state = 0, due = ?3, boot = NULL, reason = ?4
         WHERE queue = ?1 AND id = ?2 AND state = 1",
    )?
    .execute((queue, id, due.as_millis(), reason))
    .map(drop)
}

pub(super) fn give_back(
    c: &Connection,
    queue: &str,
    id: &str,
    due: Timestamp,
) -> rusqlite::Result<()> {
    c.prepare_cached(
        "UPDATE store_queue SET state = 0, due = ?3, boot = NULL, attempts = attempts - 1
         WHERE queue = ?1 AND id = ?2 AND state = 1",
    )?
    .execute((queue, id, due.as_millis()))
    .map(drop)
}

pub(super) fn bury(
    c: &Connection,
    queue: &str,
    id: &str,
    now: Timestamp,
    reason: &str,
    detail: &str,
) -> rusqlite::Result<()> {
    c.prepare_cached(
        "UPDATE store_queue SET state = 2, since = ?3, boot = NULL, reason = ?4, detail = ?5
         WHERE queue = ?1 AND id = ?2 AND state = 1",
    )?
    .execute((queue, id, now.as_millis(), reason, detail))
    .map(drop)
}

pub(super) fn dead(c: &Connection, queue: &str, limit: usize) -> rusqlite::Result<Vec<Dead>> {
    c.prepare_cached(
        "SELECT id, body, reason, detail, attempts, since FROM store_queue
         WHERE queue = ?1 AND state = 2 ORDER BY since, seq LIMIT ?2",
    )?
    .query_map((queue, limit), |row| {
        let detail: Option<String> = row.get(3)?;
        Ok(Dead {
            id: row.get(0)?,
            body: row.get(1)?,
            reason: row.get::<_, Option<String>>(2)?.unwrap_or_default(),
            detail: detail.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default(),
            attempts: row.get(4)?,
            since: moment(row, 5)?,
        })
    })?
    .collect()
}

pub(super) fn revive(
    c: &Connection,
    queue: &str,
    id: &str,
    now: Timestamp,
) -> rusqlite::Result<bool> {
    c.prepare_cached(
        "UPDATE store_queue
         SET state = 0, due = ?3, put_at = ?3, attempts = 0, reason = NULL, detail = NULL
         WHERE queue = ?1 AND id = ?2 AND state = 2",
    )?
    .execute((queue, id, now.as_millis()))
    .map(|rows| rows > 0)
}

pub(super) fn counts(c: &Connection, queue: &str) -> rusqlite::Result<Counts> {
    // Each count walks one partial index and no row.
    c.prepare_cached(
        "SELECT
            (SELECT count(*) FROM store_queue WHERE queue = ?1 AND state = 0),
            (SELECT count(*) FROM store_queue WHERE queue = ?1 AND state = 1),
            (SELECT count(*) FROM store_queue WHERE queue = ?1 AND state = 2),
            (SELECT count(*) FROM store_queue WHERE queue = ?1 AND state = 3),
            (SELECT min(put_at) FROM store_queue WHERE queue = ?1 AND state = 0),
            (SELECT min(put_at) FROM store_queue WHERE queue = ?1 AND state = 1)",
    )?
    .query_row([queue], |row| {
        let oldest = [row.get::<_, Option<i64>>(4)?, row.get(5)?];
        Ok(Counts {
            waiting: row.get(0)?,
            leased: row.get(1)?,
            dead: row.get(2)?,
            done: row.get(3)?,
            oldest: oldest.into_iter().flatten().min().map(Timestamp::from_millis),
        })
    })
}

pub(super) fn next_due(c: &Connection, queue: &str) -> rusqlite::Result<Option<Timestamp>> {
    c.prepare_cached(
        "SELECT due FROM store_queue WHERE queue = ?1 AND state = 0 ORDER BY due LIMIT 1",
    )?
    .query_row([queue], |row| moment(row, 0))
    .optional()
}

pub(super) fn forget_done(
    c: &Connection,
    queue: &str,
    before: Timestamp,
    limit: usize,
) -> rusqlite::Result<usize> {
    c.prepare_cached(
        "DELETE FROM store_queue WHERE seq IN (
            SELECT seq FROM store_queue
            WHERE queue = ?1 AND state = 3 AND since < ?2 ORDER BY since LIMIT ?3)",
    )?
    .execute((queue, before.as_millis(), limit))
}

fn moment(row: &Row<'_>, column: usize) -> rusqlite::Result<Timestamp> {
    row.get(column).map(Timestamp::from_millis)
}
