//! Functions' code on the disk: the zip as it came, and what it holds, unpacked.

mod unpack;

use std::{
    collections::HashSet,
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use sha2::{Digest, Sha256};

pub(crate) use self::unpack::{Hazard, UNPACKED_BYTES_MAX};
use crate::Error;

/// The zip as it came, within its folder.
const ZIP: &str = "code.zip";
/// What it holds, within its folder.
const TASK: &str = "task";

/// Unpacks a function's zip into `to`, which is made, with its parents.
///
/// # Errors
/// What is wrong with the zip, by the name of the entry at fault; `to` may hold a part of it then.
pub fn unpack(zip: &[u8], to: &Path) -> Result<(), String> {
    unpack::unpack(zip, to).map_err(|hazard| hazard.to_string())
}

/// Where functions' code is kept.
pub(crate) struct Shelf {
    dir: PathBuf,
}

/// One upload. Its files go with the last who holds it, once it is replaced.
#[derive(Debug)]
pub(crate) struct Code {
    folder: PathBuf,
    replaced: AtomicBool,
}

/// What is remembered of an upload.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Stored {
    /// The name of its folder.
    pub(crate) folder: String,
    /// SHA-256 of the zip in Base64, as the API tells it.
    pub(crate) sha256: String,
    /// Length of the zip in bytes.
    pub(crate) bytes: u64,
}

/// Why code is not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    /// The zip is at fault.
    #[error(transparent)]
    Zip(#[from] Hazard),
    /// We are.
    #[error(transparent)]
    Disk(Error),
}

impl Shelf {
    /// Takes up the folder, and lets go of all uploads but those.
    pub(crate) fn open(dir: PathBuf, kept: &HashSet<String>) -> Result<Self, Error> {
        let disk = |source| Error::Disk { path: dir.clone(), source };
        private(&dir).map_err(disk)?;
        for entry in fs::read_dir(&dir).map_err(disk)? {
            let entry = entry.map_err(disk)?;
            let known = entry.file_name().to_str().is_some_and(|name| kept.contains(name));
            if !known {
                fs::remove_dir_all(entry.path()).map_err(disk)?;
            }
        }
        Ok(Self { dir })
    }

    /// Stores and unpacks a zip; durable and whole when it returns. `unique` keeps apart uploads of
    /// the same bytes.
    pub(crate) async fn put(&self, zip: Bytes, unique: &str) -> Result<(Stored, Code), Refused> {
        let (dir, unique) = (self.dir.clone(), unique.to_owned());
        let work = move || store(&dir, &zip, &unique);
        // A panic in there has the caller's request fail, no more.
        tokio::task::spawn_blocking(work).await.unwrap_or_else(|why| {
            let source = io::Error::other(why);
            Err(Refused::Disk(Error::Start { step: "unpacking", source }))
        })
    }

    /// An upload of an earlier start.
    pub(crate) fn take(&self, stored: &Stored) -> Code {
        Code { folder: self.dir.join(&stored.folder), replaced: AtomicBool::new(false) }
    }
}

impl Code {
    /// What `/var/task` shows.
    pub(crate) fn task(&self) -> PathBuf {
        self.folder.join(TASK)
    }

    /// The zip as it came.
    pub(crate) fn zip(&self) -> PathBuf {
        self.folder.join(ZIP)
    }

    /// The files go as soon as nobody runs them.
    pub(crate) fn replace(self: Arc<Self>) {
        self.replaced.store(true, Ordering::Relaxed);
    }
}

impl Drop for Code {
    fn drop(&mut self) {
        if *self.replaced.get_mut()
            && let Err(error) = fs::remove_dir_all(&self.folder)
        {
            let path = self.folder.display();
            tracing::warn!(%error, "{path} stays until the next start: {error}");
        }
    }
}

fn store(dir: &Path, zip: &[u8], unique: &str) -> Result<(Stored, Code), Refused> {
    let digest = Sha256::digest(zip);
    let sha = digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let name = format!("{sha}-{unique}");
    let half = Half(dir.join(format!("{name}.new")));
    let (from, to) = (&half.0, dir.join(&name));
    let disk = |source| Refused::Disk(Error::Disk { path: from.clone(), source });
    private(from).map_err(disk)?;
    unpack::unpack(zip, &from.join(TASK))?;
    let keep = || {
        let mut file =
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(from.join(ZIP))?;
        file.write_all(zip)?;
        // One sync for all of many files: a folder under its last name is whole.
        rustix::fs::syncfs(&file)?;
        fs::rename(from, &to)?;
        File::open(dir)?.sync_all()
    };
    keep().map_err(disk)?;
    let stored = Stored {
        folder: name,
        sha256: BASE64_STANDARD.encode(digest),
        bytes: u64::try_from(zip.len()).unwrap_or(u64::MAX),
    };
    Ok((stored, Code { folder: to, replaced: AtomicBool::new(false) }))
}

/// A folder that goes unless it got its last name.
struct Half(PathBuf);

impl Drop for Half {
    fn drop(&mut self) {
        match fs::remove_dir_all(&self.0) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                let path = self.0.display();
                tracing::warn!(%error, "{path} stays until the next start: {error}");
            }
            Ok(()) | Err(_) => {}
        }
    }
}

fn private(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code::unpack::zip_of;

    #[tokio::test]
    async fn replaced_code_goes_with_its_last_holder_and_strays_with_the_next_start() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = Shelf::open(folder.path().join("code"), &HashSet::new()).unwrap();
        let zip = Bytes::from(zip_of(&[("app.py", b"x = 1")]));
        let (stored, first) = shelf.put(zip.clone(), "1").await.unwrap();
        let (other, second) = shelf.put(zip.clone(), "2").await.unwrap();
        assert_eq!(stored.sha256, other.sha256);
        assert_eq!(stored.bytes, u64::try_from(zip.len()).unwrap());
        assert_eq!(fs::read(first.zip()).unwrap(), zip);
        let (first, task) = (Arc::new(first), second.task());
        let running = Arc::clone(&first);
        first.replace();
        assert!(running.task().join("app.py").exists());
        let gone = running.task();
        drop(running);
        assert!(!gone.exists() && task.exists());
        drop(second);
        assert!(task.exists());
        Shelf::open(folder.path().join("code"), &HashSet::from([other.folder])).unwrap();
        assert!(task.exists());
        Shelf::open(folder.path().join("code"), &HashSet::new()).unwrap();
        assert!(!task.exists());
    }
}
