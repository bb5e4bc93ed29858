//! Rows of buckets' settings: JSON by name.

use rusqlite::{Connection, OptionalExtension};

use super::json_text;

/// A setting's text, as it was put.
pub(crate) fn find(
    index: &Connection,
    bucket: &str,
    name: &str,
) -> rusqlite::Result<Option<String>> {
    index
        .prepare_cached("SELECT body FROM settings WHERE bucket = ?1 AND name = ?2")?
        .query_row((bucket, name), |row| row.get(0))
        .optional()
}

/// All buckets that have the setting, with its texts.
pub(crate) fn all(index: &Connection, name: &str) -> rusqlite::Result<Vec<(String, String)>> {
    index
        .prepare_cached("SELECT bucket, body FROM settings WHERE name = ?1")?
        .query_map([name], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect()
}

pub(crate) fn put<T: serde::Serialize>(
    index: &Connection,
    bucket: &str,
    name: &str,
    value: &T,
) -> rusqlite::Result<()> {
    index
        .execute(
            "INSERT OR REPLACE INTO settings (bucket, name, body) VALUES (?1, ?2, ?3)",
            (bucket, name, json_text(value)),
        )
        .map(drop)
}

pub(crate) fn delete(index: &Connection, bucket: &str, name: &str) -> rusqlite::Result<()> {
    index.execute("DELETE FROM settings WHERE bucket = ?1 AND name = ?2", (bucket, name)).map(drop)
}

/// Forgets all settings of a bucket that is deleted.
pub(crate) fn delete_all(index: &Connection, bucket: &str) -> rusqlite::Result<()> {
    index.execute("DELETE FROM settings WHERE bucket = ?1", [bucket]).map(drop)
}
