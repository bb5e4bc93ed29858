//! Rows of multipart uploads that go on.

use flow::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row};

use super::{json, json_text, part, time};
use crate::{
    checksum::{Algorithm, Kind},
    meta::Meta,
};

/// An upload.
#[derive(Clone, Debug)]
pub(crate) struct Upload {
    pub(crate) id: String,
    /// Whose parts its bytes are.
    pub(crate) owner: i64,
    pub(crate) bucket: String,
    pub(crate) key: String,
    pub(crate) started: Timestamp,
    /// The ARN of whoever started it.
    pub(crate) initiator: String,
    pub(crate) checksum: UploadChecksum,
    pub(crate) meta: Meta,
}

/// How the object is to be summed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct UploadChecksum {
    pub(crate) algorithm: Algorithm,
    pub(crate) kind: Kind,
    /// Whether the client asked for it.
    pub(crate) asked: bool,
}

fn upload(row: &Row<'_>) -> rusqlite::Result<Upload> {
    Ok(Upload {
        id: row.get("id")?,
        owner: row.get("owner")?,
        bucket: row.get("bucket")?,
        key: row.get("key")?,
        started: time(row, "started")?,
        initiator: row.get("initiator")?,
        checksum: json(row, "checksum")?,
        meta: json(row, "meta")?,
    })
}

pub(crate) fn insert(index: &Connection, upload: &Upload) -> rusqlite::Result<()> {
    index
        .execute(
            "INSERT INTO uploads (id, owner, bucket, key, started, initiator, checksum, meta)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            (
                &upload.id,
                upload.owner,
                &upload.bucket,
                &upload.key,
                upload.started.as_millis(),
                &upload.initiator,
                json_text(&upload.checksum),
                json_text(&upload.meta),
            ),
        )
        .map(drop)
}

/// The upload of that id, where it is of this bucket and key.
pub(crate) fn find(
    index: &Connection,
    bucket: &str,
    key: &str,
    id: &str,
) -> rusqlite::Result<Option<Upload>> {
    index
        .prepare_cached("SELECT * FROM uploads WHERE id = ?3 AND bucket = ?1 AND key = ?2")?
        .query_row((bucket, key, id), upload)
        .optional()
}

/// Removes an upload and its parts; their files.
pub(crate) fn take(index: &Connection, upload: &Upload) -> rusqlite::Result<Vec<String>> {
    index.execute("DELETE FROM uploads WHERE id = ?1", [&upload.id])?;
    part::take_all(index, upload.owner)
}

/// Uploads of a bucket after this key and id, by key, then oldest first.
pub(crate) fn list(
    index: &Connection,
    bucket: &str,
    (key, id): (&str, &str),
    limit: u32,
) -> rusqlite::Result<Vec<Upload>> {
    index
        .prepare_cached(
            "SELECT * FROM uploads WHERE bucket = ?1 AND (key, id) > (?2, ?3)
             ORDER BY key, id LIMIT ?4",
        )?
        .query_map((bucket, key, id, limit), upload)?
        .collect()
}

/// Removes the uploads of a bucket, or those started before a moment; their files.
pub(crate) fn take_abandoned(
    index: &Connection,
    bucket: Option<&str>,
    before: Timestamp,
) -> rusqlite::Result<Vec<String>> {
    let abandoned: Vec<Upload> = index
        .prepare("SELECT * FROM uploads WHERE started < ?1 AND (?2 IS NULL OR bucket = ?2)")?
        .query_map((before.as_millis(), bucket), upload)?
        .collect::<rusqlite::Result<_>>()?;
    let mut files = Vec::new();
    for upload in &abandoned {
        files.extend(take(index, upload)?);
    }
    Ok(files)
}
