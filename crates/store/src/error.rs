//! What can go wrong with a file, by what the caller should do about it.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Why something was not stored or not read. Nothing of a failed write is kept.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The disk is full, busy or failing: the same call may succeed later.
    #[error("{} cannot be used right now: {source}", path.display())]
    Retry {
        /// The file.
        path: PathBuf,
        /// What SQLite or the operating system said.
        source: Arc<dyn std::error::Error + Send + Sync>,
    },
    /// The call itself is at fault, or the file holds what nobody wrote: trying again does not
    /// help.
    #[error("{} refused: {source}", path.display())]
    Reject {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        source: Arc<dyn std::error::Error + Send + Sync>,
    },
    /// A newer program wrote the file: start that one.
    #[error(
        "{} holds version {found} of `{room}`, this program knows versions up to {known}: \
         start the newer program that wrote it", path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Whose tables they are.
        room: &'static str,
        /// The version in the file.
        found: u64,
        /// The newest version that this program knows.
        known: u64,
    },
    /// The entry is larger than an entry may be.
    #[error("an entry of {bytes} bytes is larger than {max} bytes")]
    TooLarge {
        /// Its size in bytes.
        bytes: usize,
        /// The limit in bytes.
        max: usize,
    },
    /// The store was closed before the call.
    #[error("{} is closed", path.display())]
    Closed {
        /// The file or folder.
        path: PathBuf,
    },
}

impl Error {
    pub(crate) fn sqlite(path: &Path, source: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode as Code;
        let passing = match source.sqlite_error_code() {
            Some(
                Code::DiskFull
                | Code::SystemIoFailure
                | Code::CannotOpen
                | Code::DatabaseBusy
                | Code::DatabaseLocked
                | Code::ReadOnly
                | Code::PermissionDenied
                | Code::OutOfMemory
                | Code::OperationInterrupted
                | Code::FileLockingProtocolFailed
                | Code::SchemaChanged,
            ) => true,
            Some(_) | None => false,
        };
        let (path, source) = (path.to_owned(), Arc::new(source));
        if passing { Self::Retry { path, source } } else { Self::Reject { path, source } }
    }

    pub(crate) fn io(path: &Path, source: io::Error) -> Self {
        Self::Retry { path: path.to_owned(), source: Arc::new(source) }
    }

    pub(crate) fn closed(path: &Path) -> Self {
        Self::Closed { path: path.to_owned() }
    }

    pub(crate) fn malformed(path: &Path, what: &'static str) -> Self {
        let source = io::Error::new(io::ErrorKind::InvalidData, what);
        Self::Reject { path: path.to_owned(), source: Arc::new(source) }
    }
}
