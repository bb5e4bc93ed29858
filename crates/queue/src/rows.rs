//! The database: queues, messages, who was given them, and what was sent from inside.
//!
//! A message is two rows: a small one that each receive changes, and what it says.

pub(crate) mod content;
pub(crate) mod delivery;
pub(crate) mod lease;
pub(crate) mod message;
pub(crate) mod move_task;
pub(crate) mod queue;

pub use self::message::Counts;

/// The versions of the tables, oldest first.
pub(crate) const STEPS: &[&str] = &["
CREATE TABLE secrets (name TEXT NOT NULL PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE queues (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    created INTEGER NOT NULL,
    modified INTEGER NOT NULL,
    attributes TEXT NOT NULL,
    tags TEXT NOT NULL,
    gone INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE UNIQUE INDEX queues_by_name ON queues (name) WHERE gone = 0;

CREATE TABLE messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    queue INTEGER NOT NULL,
    due INTEGER NOT NULL,
    taken INTEGER NOT NULL DEFAULT 0,
    sent INTEGER NOT NULL,
    received INTEGER,
    first_received INTEGER,
    receives INTEGER NOT NULL DEFAULT 0,
    nonce BLOB,
    source TEXT
) STRICT;
CREATE INDEX messages_by_due ON messages (queue, due, taken);
CREATE INDEX messages_by_sent ON messages (queue, sent);

CREATE TABLE contents (
    id INTEGER PRIMARY KEY REFERENCES messages (id) ON DELETE CASCADE,
    message_id TEXT NOT NULL,
    sender TEXT NOT NULL,
    body TEXT NOT NULL,
    attributes TEXT,
    trace TEXT,
    message_group TEXT
) STRICT;

CREATE TABLE deliveries (
    queue INTEGER NOT NULL,
    delivery_id TEXT NOT NULL,
    message_id TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (queue, delivery_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX deliveries_by_time ON deliveries (at);

CREATE TABLE moves (
    handle TEXT NOT NULL PRIMARY KEY,
    source TEXT NOT NULL,
    destination TEXT,
    per_second INTEGER,
    status TEXT NOT NULL,
    started INTEGER NOT NULL,
    last INTEGER NOT NULL,
    moved INTEGER NOT NULL DEFAULT 0,
    to_move INTEGER NOT NULL,
    failure TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX moves_by_source ON moves (source, started);
"];

/// What is asked of a queue that is not there any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gone;

/// A number of rows as callers count them.
pub(crate) fn count(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
