//! Rows of objects.

use flow::{ObjectCreated, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row};

use super::{bucket, event, int, json, json_text, next_in_sequence, part, part::Part, sequencer};
use crate::{
    checksum::Checksum, condition::WriteCondition, event::Origin, meta::Meta, refusal::Refusal,
};

/// An object.
#[derive(Clone, Debug)]
pub(crate) struct Object {
    pub(crate) key: String,
    /// Whose parts its bytes are.
    pub(crate) id: i64,
    pub(crate) size: u64,
    /// Without quotes.
    pub(crate) e_tag: String,
    pub(crate) modified: Timestamp,
    pub(crate) checksum: Option<Checksum>,
    pub(crate) meta: Meta,
}

/// Parts of an object at most.
pub(crate) const PARTS_MAX: u32 = 10_000;

fn object(row: &Row<'_>) -> rusqlite::Result<Object> {
    let checksum: Option<String> = row.get("checksum")?;
    Ok(Object {
        key: row.get("key")?,
        id: row.get("id")?,
        size: super::size(row, "size")?,
        e_tag: row.get("e_tag")?,
        modified: super::time(row, "modified")?,
        checksum: checksum.map(|_| json(row, "checksum")).transpose()?,
        meta: json(row, "meta")?,
    })
}

pub(crate) fn find(
    index: &Connection,
    bucket: &str,
    key: &str,
) -> rusqlite::Result<Option<Object>> {
    index
        .prepare_cached("SELECT * FROM objects WHERE bucket = ?1 AND key = ?2")?
        .query_row((bucket, key), object)
        .optional()
}

/// An object with its bytes' files, in order.
pub(crate) fn find_whole(
    index: &Connection,
    bucket: &str,
    key: &str,
) -> rusqlite::Result<Option<(Object, Vec<Part>)>> {
    let Some(object) = find(index, bucket, key)? else { return Ok(None) };
    let parts = part::list(index, object.id, 0, PARTS_MAX)?;
    Ok(Some((object, parts)))
}

/// Objects from `from` on (not `from` itself where `after` is set), by key.
pub(crate) fn list(
    index: &Connection,
    bucket: &str,
    (from, after): (&str, bool),
    limit: u32,
) -> rusqlite::Result<Vec<Object>> {
    index
        .prepare_cached(
            "SELECT * FROM objects WHERE bucket = ?1 AND key >= ?2 AND NOT (?3 AND key = ?2)
             ORDER BY key LIMIT ?4",
        )?
        .query_map((bucket, from, after, limit), object)?
        .collect()
}

/// An object that is about to be.
#[derive(Clone, Debug)]
pub(crate) struct Creation {
    pub(crate) bucket: String,
    pub(crate) key: String,
    /// Such as `ObjectCreated:Put`.
    pub(crate) event_name: &'static str,
    pub(crate) size: u64,
    pub(crate) e_tag: String,
    pub(crate) checksum: Option<Checksum>,
    pub(crate) meta: Meta,
    pub(crate) condition: WriteCondition,
    pub(crate) origin: Origin,
    pub(crate) now: Timestamp,
}

/// What a creation came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Created {
    /// Files that no row names any more.
    pub(crate) replaced: Vec<String>,
    /// Whether somebody wants to know.
    pub(crate) announced: bool,
}

/// The bucket that takes the object, and what stands under its key, unless it is refused.
pub(crate) fn admit(
    index: &Connection,
    creation: &Creation,
) -> rusqlite::Result<Result<(bucket::Bucket, Option<Object>), Refusal>> {
    let Creation { bucket: name, key, condition, .. } = creation;
    let Some(bucket) = bucket::find(index, name)? else {
        return Ok(Err(Refusal::no_such_bucket(name)));
    };
    let standing = find(index, name, key)?;
    let tag = standing.as_ref().map(|object| object.e_tag.as_str());
    Ok(condition.check(key, tag).map(|()| (bucket, standing)))
}

/// Creates or replaces an object, and the event that tells of it. Nothing is changed where it is
/// refused.
pub(crate) fn create(
    index: &Connection,
    creation: &Creation,
    parts: &[Part],
) -> rusqlite::Result<Result<Created, Refusal>> {
    let Creation { bucket: name, key, e_tag, size, now, .. } = creation;
    let (bucket, standing) = match admit(index, creation)? {
        Ok(admitted) => admitted,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let mut created = Created::default();
    if let Some(standing) = standing {
        created.replaced = part::take_all(index, standing.id)?;
    }
    let id = next_in_sequence(index, *now)?;
    index
        .prepare_cached(
            "INSERT OR REPLACE INTO objects
                 (bucket, key, id, size, e_tag, modified, checksum, meta)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute((
            name,
            key,
            id,
            int(*size),
            e_tag,
            now.as_millis(),
            creation.checksum.as_ref().map(json_text),
            json_text(&creation.meta),
        ))?;
    for part in parts {
        part::put(index, id, part)?;
    }
    let targets =
        bucket.notification.map(|all| all.targets(creation.event_name, key)).unwrap_or_default();
    if !targets.is_empty() {
        created.announced = true;
        event::insert(index, &announcement(creation, id, targets))?;
    }
    Ok(Ok(created))
}

fn announcement(creation: &Creation, id: i64, targets: Vec<flow::Target>) -> ObjectCreated {
    let Creation { bucket, key, size, e_tag, origin, now, .. } = creation.clone();
    let Origin { principal_id, source_ip, request_id, host_id } = origin;
    let event_name = creation.event_name.to_owned();
    ObjectCreated {
        event_name,
        bucket,
        key,
        size,
        e_tag,
        sequencer: sequencer(id),
        time: now,
        principal_id,
        source_ip,
        request_id,
        host_id,
        targets,
    }
}

/// Deletes an object where it stands; the files that no row names any more.
pub(crate) fn delete(
    index: &Connection,
    bucket: &str,
    key: &str,
    condition: &WriteCondition,
) -> rusqlite::Result<Result<Vec<String>, Refusal>> {
    let standing = find(index, bucket, key)?;
    let tag = standing.as_ref().map(|object| object.e_tag.as_str());
    if let Err(refusal) = condition.check(key, tag) {
        return Ok(Err(refusal));
    }
    let Some(standing) = standing else { return Ok(Ok(Vec::new())) };
    index.execute("DELETE FROM objects WHERE bucket = ?1 AND key = ?2", (bucket, key))?;
    part::take_all(index, standing.id).map(Ok)
}
