//! The data directory: private, and one process at a time.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use rustix::fs::{FlockOperation, flock};

/// A data directory that this process holds until the value goes.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    _lock: File,
}

/// Why a data directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// Another process holds it.
    #[error(
        "{0} is in use by another trailhound (its `lock` is held): stop that one, or give another --dir"
    )]
    InUse(PathBuf),
    /// It cannot be made or opened.
    #[error("{path}: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What went wrong.
        #[source]
        source: io::Error,
    },
}

impl DataDir {
    /// Makes the directory where it is missing (mode 0700) and locks it.
    ///
    /// # Errors
    /// [`Unusable::InUse`] where another process holds it, [`Unusable::Io`] else.
    pub fn open(path: &Path) -> Result<Self, Unusable> {
        let io = |path: &Path, source| Unusable::Io { path: path.to_owned(), source };
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(|source| io(path, source))?;
        let path = path.canonicalize().map_err(|source| io(path, source))?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700))
            .map_err(|source| io(&path, source))?;
        let lock_path = path.join("lock");
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&lock_path)
            .map_err(|source| io(&lock_path, source))?;
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Self { path, _lock: lock }),
            Err(rustix::io::Errno::WOULDBLOCK) => Err(Unusable::InUse(path)),
            Err(errno) => Err(io(&lock_path, errno.into())),
        }
    }

    /// The directory, absolute.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a private file whole: a reader sees the old text or the new, never half of it.
    ///
    /// # Errors
    /// [`Unusable::Io`] names the file.
    pub fn write_private(&self, name: &str, text: &str) -> Result<(), Unusable> {
        let path = self.path.join(name);
        let io = |source| Unusable::Io { path: path.clone(), source };
        let half = self.path.join(format!("{name}.new"));
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(true)
            .write(true)
            .mode(0o600)
            .open(&half)
            .map_err(io)?;
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(io)?;
        // A name that a failure of power forgets would be another key after the next start.
        fs::rename(&half, &path).and_then(|()| File::open(&self.path)?.sync_all()).map_err(io)
    }

    /// The private file `name`, made by `make` where it is missing.
    ///
    /// # Errors
    /// [`Unusable::Io`] names the file.
    pub fn private_text(
        &self,
        name: &str,
        make: impl FnOnce() -> String,
    ) -> Result<String, Unusable> {
        let path = self.path.join(name);
        match fs::read_to_string(&path) {
            Ok(text) => Ok(text.trim().to_owned()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let text = make();
                self.write_private(name, &text)?;
                Ok(text)
            }
            Err(source) => Err(Unusable::Io { path, source }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_serves_one_process_at_a_time() {
        let temporary = tempfile::tempdir().unwrap();
        let path = temporary.path().join("data");
        let first = DataDir::open(&path).unwrap();
        assert!(matches!(DataDir::open(&path), Err(Unusable::InUse(_))));
        drop(first);
        DataDir::open(&path).unwrap();
    }

    #[test]
    fn what_it_holds_is_private() {
        let temporary = tempfile::tempdir().unwrap();
        let dir = DataDir::open(temporary.path()).unwrap();
        let token = dir.private_text("token", || "secret".to_owned()).unwrap();
        assert_eq!(token, dir.private_text("token", || "another".to_owned()).unwrap());
        let mode = fs::metadata(dir.path().join("token")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
