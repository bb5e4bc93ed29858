//! Rows of objects.

use flow::{BucketEvent, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row};

use super::{bucket, event, int, json, json_text, next_in_sequence, part, part::Part, sequencer};
use crate::{
    checksum::Checksum,
    condition::WriteCondition,
    event::Origin,
    meta::{Meta, Tags},
    refusal::Refusal,
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

impl Object {
    /// Whether it was uploaded in parts: its ETag says how many.
    pub(crate) fn is_of_parts(&self) -> bool {
        self.e_tag.contains('-')
    }
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

/// What a change of an object came to.
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
    let Creation { event_name, origin, .. } = creation;
    let told = Told { event_name, origin, now: *now };
    created.announced = announce(index, &bucket, &told, id, |event| {
        (event.key, event.size, event.e_tag) = (key.clone(), Some(*size), Some(e_tag.clone()));
    })?;
    Ok(Ok(created))
}

/// What happened, by whom, and when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Told<'a> {
    pub(crate) event_name: &'a str,
    pub(crate) origin: &'a Origin,
    pub(crate) now: Timestamp,
}

/// Makes an event pending where somebody wants to know of it; whether somebody does.
fn announce(
    index: &Connection,
    bucket: &bucket::Bucket,
    told: &Told<'_>,
    number: i64,
    about: impl FnOnce(&mut BucketEvent),
) -> rusqlite::Result<bool> {
    let Some(all) = &bucket.notification else { return Ok(false) };
    let at = (told.now, sequencer(number));
    let mut event = told.origin.clone().event(told.event_name, &bucket.name, at, Vec::new());
    about(&mut event);
    event.targets = all.targets(&event.event_name, &event.key);
    if event.targets.is_empty() {
        return Ok(false);
    }
    event::insert(index, &event)?;
    Ok(true)
}

/// Deletes an object where it stands; the files that no row names any more, and whether somebody
/// wants to know.
pub(crate) fn delete(
    index: &Connection,
    bucket: &bucket::Bucket,
    key: &str,
    condition: &WriteCondition,
    told: &Told<'_>,
) -> rusqlite::Result<Result<Created, Refusal>> {
    let standing = find(index, &bucket.name, key)?;
    let tag = standing.as_ref().map(|object| object.e_tag.as_str());
    if let Err(refusal) = condition.check(key, tag) {
        return Ok(Err(refusal));
    }
    let Some(standing) = standing else { return Ok(Ok(Created::default())) };
    index.execute("DELETE FROM objects WHERE bucket = ?1 AND key = ?2", (&bucket.name, key))?;
    let replaced = part::take_all(index, standing.id)?;
    let number = next_in_sequence(index, told.now)?;
    let announced = announce(index, bucket, told, number, |event| event.key = key.to_owned())?;
    Ok(Ok(Created { replaced, announced }))
}

/// Gives an object these tags; whether somebody wants to know.
pub(crate) fn set_tags(
    index: &Connection,
    bucket: &bucket::Bucket,
    key: &str,
    tags: Tags,
    told: &Told<'_>,
) -> rusqlite::Result<Result<Created, Refusal>> {
    let Some(mut object) = find(index, &bucket.name, key)? else {
        return Ok(Err(Refusal::no_such_key(key)));
    };
    object.meta.tags = tags;
    index.execute(
        "UPDATE objects SET meta = ?3 WHERE bucket = ?1 AND key = ?2",
        (&bucket.name, key, json_text(&object.meta)),
    )?;
    let number = next_in_sequence(index, told.now)?;
    let announced = announce(index, bucket, told, number, |event| {
        (event.key, event.e_tag) = (key.to_owned(), Some(object.e_tag));
    })?;
    Ok(Ok(Created { replaced: Vec::new(), announced }))
}
