//! Rows of buckets.

use flow::{NotificationConfiguration, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row};

use super::{json, json_text, setting, time};

/// A bucket.
#[derive(Clone, Debug)]
pub(crate) struct Bucket {
    pub(crate) name: String,
    pub(crate) created: Timestamp,
    pub(crate) region: String,
    pub(crate) notification: Option<NotificationConfiguration>,
}

fn bucket(row: &Row<'_>) -> rusqlite::Result<Bucket> {
    let notification: Option<String> = row.get("notification")?;
    Ok(Bucket {
        name: row.get("name")?,
        created: time(row, "created")?,
        region: row.get("region")?,
        notification: notification.map(|_| json(row, "notification")).transpose()?,
    })
}

pub(crate) fn find(index: &Connection, name: &str) -> rusqlite::Result<Option<Bucket>> {
    index
        .prepare_cached("SELECT * FROM buckets WHERE name = ?1")?
        .query_row([name], bucket)
        .optional()
}

/// `false` where it exists already.
pub(crate) fn insert(
    index: &Connection,
    name: &str,
    region: &str,
    now: Timestamp,
) -> rusqlite::Result<bool> {
    let rows = index.execute(
        "INSERT INTO buckets (name, created, region) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
        (name, now.as_millis(), region),
    )?;
    Ok(rows == 1)
}

pub(crate) fn delete(index: &Connection, name: &str) -> rusqlite::Result<()> {
    setting::delete_all(index, name)?;
    index.execute("DELETE FROM buckets WHERE name = ?1", [name]).map(drop)
}

/// Whether the bucket holds an object or an upload that goes on.
pub(crate) fn is_empty(index: &Connection, name: &str) -> rusqlite::Result<bool> {
    index.query_row("SELECT NOT EXISTS (SELECT 1 FROM objects WHERE bucket = ?1)", [name], |row| {
        row.get(0)
    })
}

/// Buckets after `after` whose names begin with `prefix`, by name.
pub(crate) fn list(
    index: &Connection,
    prefix: &str,
    after: &str,
    limit: u32,
) -> rusqlite::Result<Vec<Bucket>> {
    index
        .prepare_cached(
            "SELECT * FROM buckets WHERE name > ?1 AND substr(name, 1, length(?2)) = ?2
             ORDER BY name LIMIT ?3",
        )?
        .query_map((after, prefix, limit), bucket)?
        .collect()
}

pub(crate) fn set_notification(
    index: &Connection,
    name: &str,
    configuration: &NotificationConfiguration,
) -> rusqlite::Result<bool> {
    let rows = index.execute(
        "UPDATE buckets SET notification = ?2 WHERE name = ?1",
        (name, json_text(configuration)),
    )?;
    Ok(rows == 1)
}
