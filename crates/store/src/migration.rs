//! Versions of a room's tables, kept in the file itself.

use std::path::Path;

use rusqlite::{OptionalExtension, Transaction};

use crate::Error;

/// Applies the steps that the file lacks. The outer result undoes the transaction, the inner one
/// leaves it as it was.
pub(crate) fn apply(
    path: &Path,
    transaction: &Transaction<'_>,
    room: &'static str,
    steps: &[&str],
) -> rusqlite::Result<Result<(), Error>> {
    transaction.execute_batch(
        "CREATE TABLE IF NOT EXISTS schema_version (
            room TEXT PRIMARY KEY, version INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID",
    )?;
    let found: u64 = transaction
        .query_row("SELECT version FROM schema_version WHERE room = ?1", [room], |row| row.get(0))
        .optional()?
        .unwrap_or(0);
    let known = steps.len() as u64;
    if found > known {
        return Ok(Err(Error::Newer { path: path.to_owned(), room, found, known }));
    }
    let applied = usize::try_from(found).unwrap_or(usize::MAX);
    if found == known {
        // Nothing is written, so that a start that changes nothing syncs nothing.
        return Ok(Ok(()));
    }
    for step in steps.iter().skip(applied) {
        transaction.execute_batch(step)?;
    }
    transaction.execute(
        "INSERT INTO schema_version (room, version) VALUES (?1, ?2)
         ON CONFLICT (room) DO UPDATE SET version = excluded.version",
        (room, known),
    )?;
    Ok(Ok(()))
}
