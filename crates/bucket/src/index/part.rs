//! Rows of parts: the files that an object or an upload is made of.

use flow::Timestamp;
use rusqlite::{Connection, Row};

use super::{int, size, time};
use crate::{blob::Written, checksum::Algorithm};

/// One file of an object, or of an upload that goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) number: u32,
    pub(crate) file: String,
    pub(crate) size: u64,
    pub(crate) md5: Vec<u8>,
    pub(crate) sha256: Vec<u8>,
    /// By the algorithm of the object or upload.
    pub(crate) checksum: Option<Vec<u8>>,
    pub(crate) modified: Timestamp,
}

impl Part {
    /// A file that was just written.
    pub(crate) fn of(written: &Written, number: u32, algorithm: Algorithm, now: Timestamp) -> Self {
        Self {
            number,
            file: written.name.clone(),
            size: written.size,
            md5: written.sums.md5.clone(),
            sha256: written.sums.sha256.clone(),
            checksum: written.sums.of(algorithm).map(<[u8]>::to_vec),
            modified: now,
        }
    }

    /// The ETag of the part.
    pub(crate) fn e_tag(&self) -> String {
        hex::encode(&self.md5)
    }
}

fn part(row: &Row<'_>) -> rusqlite::Result<Part> {
    Ok(Part {
        number: row.get("number")?,
        file: row.get("file")?,
        size: size(row, "size")?,
        md5: row.get("md5")?,
        sha256: row.get("sha256")?,
        checksum: row.get("checksum")?,
        modified: time(row, "modified")?,
    })
}

/// Adds or replaces; the file that it replaces.
pub(crate) fn put(index: &Connection, owner: i64, part: &Part) -> rusqlite::Result<Option<String>> {
    let replaced = of_number(index, owner, part.number)?.map(|part| part.file);
    index
        .prepare_cached(
            "INSERT OR REPLACE INTO parts
                 (owner, number, file, size, md5, sha256, checksum, modified)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute((
            owner,
            part.number,
            &part.file,
            int(part.size),
            &part.md5,
            &part.sha256,
            &part.checksum,
            part.modified.as_millis(),
        ))?;
    Ok(replaced)
}

fn of_number(index: &Connection, owner: i64, number: u32) -> rusqlite::Result<Option<Part>> {
    let found = list(index, owner, number.saturating_sub(1), 1)?.into_iter().next();
    Ok(found.filter(|part| part.number == number))
}

/// Parts past `after`, in order.
pub(crate) fn list(
    index: &Connection,
    owner: i64,
    after: u32,
    limit: u32,
) -> rusqlite::Result<Vec<Part>> {
    index
        .prepare_cached(
            "SELECT * FROM parts WHERE owner = ?1 AND number > ?2 ORDER BY number LIMIT ?3",
        )?
        .query_map((owner, after, limit), part)?
        .collect()
}

/// Removes all parts; their files.
pub(crate) fn take_all(index: &Connection, owner: i64) -> rusqlite::Result<Vec<String>> {
    index
        .prepare_cached("DELETE FROM parts WHERE owner = ?1 RETURNING file")?
        .query_map([owner], |row| row.get(0))?
        .collect()
}

/// Those of `names` that no row names.
pub(crate) fn unknown(index: &Connection, names: Vec<String>) -> rusqlite::Result<Vec<String>> {
    let mut find = index.prepare_cached("SELECT EXISTS (SELECT 1 FROM parts WHERE file = ?1)")?;
    let mut unknown = Vec::new();
    for name in names {
        if !find.query_row([&name], |row| row.get::<_, bool>(0))? {
            unknown.push(name);
        }
    }
    Ok(unknown)
}
