//! One SQLite file on the disk: who may read it, how it syncs, that its name lasts.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, Permissions},
    io,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use rusqlite::{Connection, OpenFlags};

use crate::Error;

/// How long a connection waits for another's lock, in milliseconds. Only a reader that recovers a
/// log, or a process that is still ending, ever holds one.
const BUSY_MILLIS_MAX: u64 = 5_000;

/// Prepared statements that a connection keeps.
const STATEMENTS_MAX: usize = 64;

/// A prepared connection for the one writer. The file is made if it is missing; once this returns,
/// a power failure does not lose its name.
pub(crate) fn open_to_write(path: &Path) -> Result<Connection, Error> {
    let folder = folder_of(path);
    make_folder(folder).map_err(|source| Error::io(folder, source))?;
    let made = make_private(path).map_err(|source| Error::io(path, source))?;
    let connection = open(path).map_err(|source| Error::sqlite(path, source))?;
    if made {
        sync_folder(folder)?;
    }
    Ok(connection)
}

/// A connection that cannot write. The file must exist.
pub(crate) fn open_to_read(path: &Path) -> rusqlite::Result<Connection> {
    let connection = open(path)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

fn open(path: &Path) -> rusqlite::Result<Connection> {
    // The files are made by `make_private`; SQLite gives its `-wal` and `-shm` the same mode.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(std::time::Duration::from_millis(BUSY_MILLIS_MAX))?;
    connection.query_row("PRAGMA journal_mode=WAL", [], |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    // On macOS a plain fsync stops at the drive's cache.
    connection.pragma_update(None, "fullfsync", true)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    Ok(connection)
}

/// Makes a folder's entries last.
pub(crate) fn sync_folder(folder: &Path) -> Result<(), Error> {
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|source| Error::io(folder, source))
}

/// Takes a SQLite file and its companions away.
pub(crate) fn remove(path: &Path) -> Result<(), Error> {
    for suffix in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        let name = PathBuf::from(name);
        match fs::remove_file(&name) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                return Err(Error::io(&name, source));
            }
            _ => {}
        }
    }
    Ok(())
}

pub(crate) fn make_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    File::open(folder_of(folder))?.sync_all()
}

/// Whether the file had to be made. Only its owner may read it, made or found.
fn make_private(path: &Path) -> io::Result<bool> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            fs::set_permissions(path, Permissions::from_mode(0o600))?;
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}
