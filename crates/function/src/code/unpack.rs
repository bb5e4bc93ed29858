//! A zip to files, and nothing of what a zip could do besides.
//!
//! What is not plain is refused by name: nothing is renamed, skipped or clipped in silence, since a
//! function that lacks a file fails far from the cause.

use std::{
    collections::HashMap,
    fs::{self, DirBuilder, OpenOptions},
    io::{self, Cursor, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::Path,
};

use flate2::{Crc, read::DeflateDecoder};
use memchr::memmem;
use zip::{CompressionMethod, ZipArchive, read::ZipFile, result::ZipError};

/// Lambda's limit on unpacked code, in bytes; counted while inflating, whatever the zip says.
pub(crate) const UNPACKED_BYTES_MAX: u64 = 250 * 1024 * 1024;
/// Files and folders of a zip.
const ENTRIES_MAX: usize = 65_536;
/// Beginnings of entries anywhere in a zip: that many more as zips that lie in it, unpacked, have.
const BEGINNINGS_MAX: usize = 4 * ENTRIES_MAX;
/// What lists the entries, in bytes.
const LIST_BYTES_MAX: u32 = 32 * 1024 * 1024;
/// What begins each entry of that list,
const LISTED: &[u8] = b"PK\x01\x02";
/// what ends it,
const END: &[u8] = b"PK\x05\x06";
/// and how far from a zip's end that may be, in bytes: itself, and the longest comment.
const END_BYTES_MAX: usize = 22 + 65_535;
/// The longest part of a path, in bytes, as file systems have it.
const PART_BYTES_MAX: usize = 255;
/// The longest path, in bytes.
const PATH_BYTES_MAX: usize = 1_024;
/// Inflated bytes for each byte of an entry beyond the first mebibyte: deflate packs no file of use
/// closer, and no further than about 1,030.
const RATIO_MAX: u64 = 400;
/// What may be packed however close, in bytes.
const RATIO_FREE_BYTES: u64 = 1024 * 1024;
/// Copied at once, in bytes.
const COPY_BYTES: usize = 64 * 1024;

/// A file's kind, within the mode that Unix keeps in a zip.
const KIND: u32 = 0o170_000;
const KIND_FILE: u32 = 0o100_000;
const KIND_FOLDER: u32 = 0o040_000;
const KIND_LINK: u32 = 0o120_000;
/// Whoever may execute.
const EXECUTE: u32 = 0o111;

/// Why a zip is not unpacked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Hazard {
    #[error("Could not unzip uploaded file. Please check your file, then try to upload again.{0}")]
    Broken(String),
    #[error("Uploaded file must be a non-empty zip")]
    Empty,
    #[error("The zip has {0} entries; at most {ENTRIES_MAX} are taken.")]
    TooMany(usize),
    #[error("The zip's list of entries has {0} bytes; at most {LIST_BYTES_MAX} are taken.")]
    List(u32),
    #[error("Unzipped size must be smaller than {UNPACKED_BYTES_MAX} bytes")]
    TooLarge,
    #[error("The zip's entry {name:?} {why}.")]
    Entry { name: String, why: &'static str },
    #[error("The zip could not be unpacked: {0}")]
    Disk(io::Error),
}

/// Unpacks into `to`, which is made.
pub(crate) fn unpack(bytes: &[u8], to: &Path) -> Result<(), Hazard> {
    let broken = |why: ZipError| Hazard::Broken(format!(" ({why})"));
    check_list(bytes)?;
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(broken)?;
    let list = archive.central_directory_start();
    if check_names(bytes, list)? != archive.len() {
        return Err(Hazard::Broken(" (its end tells of another list of entries)".to_owned()));
    }
    check_places(&mut archive, list)?;
    folder(to).map_err(Hazard::Disk)?;
    let mut left = UNPACKED_BYTES_MAX;
    for at in 0..archive.len() {
        let entry = archive.by_index_raw(at).map_err(broken)?;
        check_kind(&entry)?;
        left = write(entry, to, left)?;
    }
    Ok(())
}

/// Writes one entry; how many bytes are left to all.
fn write<R: Read>(entry: ZipFile<'_, R>, to: &Path, left: u64) -> Result<u64, Hazard> {
    let name = name_of(&entry);
    let path = to.join(&name);
    if name.ends_with('/') {
        return folder(&path).map(|()| left).map_err(Hazard::Disk);
    }
    folder(path.parent().unwrap_or(to)).map_err(Hazard::Disk)?;
    // What a system without modes packed may be a program.
    let executable = entry.unix_mode().is_none_or(|mode| mode & EXECUTE != 0);
    let mode = if executable { 0o755 } else { 0o644 };
    let file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path);
    let mut file = file.map_err(Hazard::Disk)?;
    let ratio = entry.compressed_size().saturating_mul(RATIO_MAX).saturating_add(RATIO_FREE_BYTES);
    let (expected, size, mut crc) = (entry.crc32(), entry.size(), Crc::new());
    let mut bytes: Box<dyn Read> = match entry.compression() {
        CompressionMethod::Deflated => Box::new(DeflateDecoder::new(entry)),
        _ => Box::new(entry),
    };
    let mut buffer = vec![0; COPY_BYTES];
    let mut written = 0_u64;
    loop {
        let read = match bytes.read(&mut buffer) {
            Ok(0) if crc.sum() == expected && written == size => return Ok(left - written),
            Ok(0) | Err(_) => return Err(Hazard::Entry { name, why: "is damaged" }),
            Ok(read) => read,
        };
        written += u64::try_from(read).unwrap_or(u64::MAX);
        if written > left {
            return Err(Hazard::TooLarge);
        }
        if written > ratio {
            return Err(Hazard::Entry { name, why: "is packed closer than any file of use" });
        }
        let piece = buffer.get(..read).unwrap_or_default();
        crc.update(piece);
        file.write_all(piece).map_err(Hazard::Disk)?;
    }
}

/// The name as it stands in the zip; all names were found to be UTF-8.
fn name_of<R: Read>(entry: &ZipFile<'_, R>) -> String {
    String::from_utf8_lossy(entry.name_raw()).into_owned()
}

fn check_kind<R: Read>(entry: &ZipFile<'_, R>) -> Result<(), Hazard> {
    let refuse = |why| Err(Hazard::Entry { name: name_of(entry), why });
    if entry.encrypted() {
        return refuse("is encrypted");
    }
    match entry.compression() {
        CompressionMethod::Stored | CompressionMethod::Deflated => {}
        _ => return refuse("is packed in another way than deflate"),
    }
    match entry.unix_mode().map(|mode| mode & KIND) {
        None | Some(0 | KIND_FILE | KIND_FOLDER) => Ok(()),
        Some(KIND_LINK) => refuse("is a symbolic link: pack the file that it leads to"),
        Some(_) => refuse("is no file and no folder"),
    }
}

/// Refuses a list of entries that is longer than any that is taken before it is read: a short entry
/// takes many times its bytes of memory. Wherever a reader finds the list, each of its entries
/// begins alike.
fn check_list(bytes: &[u8]) -> Result<(), Hazard> {
    let beginnings = memmem::find_iter(bytes, LISTED).take(BEGINNINGS_MAX + 1).count();
    if beginnings > BEGINNINGS_MAX {
        return Err(Hazard::TooMany(beginnings));
    }
    let from = bytes.len().saturating_sub(END_BYTES_MAX);
    let tail = bytes.get(from..).unwrap_or_default();
    let size = memmem::rfind(tail, END).and_then(|at| tail.get(at + 12..at + 16)?.try_into().ok());
    match size.map(u32::from_le_bytes) {
        // All ones say that it stands elsewhere; beginnings were counted.
        Some(size) if size > LIST_BYTES_MAX && size != u32::MAX => Err(Hazard::List(size)),
        _ => Ok(()),
    }
}

/// Refuses entries that share bytes, with each other or with the list: as many files of as few
/// bytes as one likes.
fn check_places(archive: &mut ZipArchive<Cursor<&[u8]>>, list: u64) -> Result<(), Hazard> {
    let broken = |why: ZipError| Hazard::Broken(format!(" ({why})"));
    let mut places = Vec::with_capacity(archive.len());
    for at in 0..archive.len() {
        let entry = archive.by_index_raw(at).map_err(broken)?;
        let start = entry.header_start();
        let end = entry.data_start().unwrap_or(start).saturating_add(entry.compressed_size());
        if end > list {
            let why = "is said to be larger than what the zip holds of it";
            return Err(Hazard::Entry { name: name_of(&entry), why });
        }
        places.push((start, end, at));
    }
    places.sort_unstable();
    for pair in places.windows(2) {
        if let [(_, end, _), (start, _, at)] = pair
            && end > start
        {
            let name = name_of(&archive.by_index_raw(*at).map_err(broken)?);
            return Err(Hazard::Entry { name, why: "overlaps another entry" });
        }
    }
    Ok(())
}

/// Reads the names as the zip lists them, since whoever looks entries up by name sees one of two;
/// how many there are.
fn check_names(bytes: &[u8], start: u64) -> Result<usize, Hazard> {
    /// How long each of them is before its name.
    const HEAD_BYTES: usize = 46;

    let mut rest = usize::try_from(start).ok().and_then(|at| bytes.get(at..)).unwrap_or_default();
    // Whether each path is a file, and by which entry.
    let mut seen: HashMap<Vec<u8>, bool> = HashMap::new();
    let mut entries = 0;
    while rest.starts_with(LISTED) {
        let length = |at: usize| {
            let bytes = rest.get(at..at + 2).and_then(|two| two.try_into().ok());
            bytes.map_or(0, |two| usize::from(u16::from_le_bytes(two)))
        };
        let (name, extra, comment) = (length(28), length(30), length(32));
        let Some(name) = rest.get(HEAD_BYTES..HEAD_BYTES + name) else {
            return Err(Hazard::Broken(" (its list of entries is cut off)".to_owned()));
        };
        entries += 1;
        if entries > ENTRIES_MAX {
            return Err(Hazard::TooMany(entries));
        }
        check_name(name, &mut seen)?;
        let next = HEAD_BYTES + name.len() + extra + comment;
        rest = rest.get(next..).unwrap_or_default();
    }
    if entries == 0 { Err(Hazard::Empty) } else { Ok(entries) }
}

fn check_name(name: &[u8], seen: &mut HashMap<Vec<u8>, bool>) -> Result<(), Hazard> {
    let refuse = |why| Err(Hazard::Entry { name: String::from_utf8_lossy(name).into_owned(), why });
    let (path, is_file) = match name.strip_suffix(b"/") {
        Some(path) => (path, false),
        None => (name, true),
    };
    if name.starts_with(b"/") {
        return refuse("has an absolute path");
    }
    if name.contains(&b'\\') {
        return refuse("has a backslash in its path: pack with slashes");
    }
    if std::str::from_utf8(name).is_err() {
        return refuse("has a name that is not UTF-8");
    }
    if name.iter().any(|byte| byte.is_ascii_control()) {
        return refuse("has a control character in its name");
    }
    if path.len() > PATH_BYTES_MAX {
        return refuse("has a path of more than 1,024 bytes");
    }
    for part in path.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => return refuse("has an empty part in its path"),
            b".." => return refuse("leads out of its folder"),
            long if long.len() > PART_BYTES_MAX => {
                return refuse("has a name of more than 255 bytes");
            }
            _ => {}
        }
    }
    // Each folder above it is a folder for whoever comes later.
    for (at, _) in path.iter().enumerate().filter(|(_, byte)| **byte == b'/') {
        if seen.insert(path.get(..at).unwrap_or_default().to_owned(), false) == Some(true) {
            return refuse("lies in a folder that is a file of the same zip");
        }
    }
    match seen.insert(path.to_owned(), is_file) {
        None => Ok(()),
        Some(false) if !is_file => Ok(()),
        Some(true) if is_file => refuse("is there twice"),
        Some(_) => refuse("is both a file and a folder"),
    }
}

fn folder(path: &Path) -> io::Result<()> {
    match DirBuilder::new().recursive(true).mode(0o755).create(path) {
        Err(error) if fs::metadata(path).is_ok_and(|what| what.is_dir()) => {
            drop(error);
            Ok(())
        }
        made => made,
    }
}

/// A plain zip of these files, for tests.
#[cfg(test)]
pub(crate) fn zip_of(files: &[(&str, &[u8])]) -> Vec<u8> {
    use zip::{ZipWriter, write::SimpleFileOptions};
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        let mode = if name.ends_with("bootstrap") { 0o755 } else { 0o644 };
        writer.start_file(*name, SimpleFileOptions::default().unix_permissions(mode)).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

#[cfg(test)]
mod tests;
