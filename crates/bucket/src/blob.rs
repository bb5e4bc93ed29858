//! Files of bytes: written to the side, synced, moved into place; read back and compared.
//!
//! A file's name is random and says nothing of the object's key. A file in place is never changed,
//! only deleted, and not while somebody reads it.

use std::{
    collections::{HashMap, HashSet},
    fs::{DirBuilder, File, OpenOptions, Permissions},
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard},
};

use bytes::Bytes;
use flow::Chance;
use md5::Digest as _;
use tokio::task::spawn_blocking;
use tracing::error;

use crate::checksum::{Algorithm, Sums, Taking};

/// Digits of a file's name.
const NAME_DIGITS: usize = 32;

/// Bytes that one step of a reader yields at most.
const READ_BYTES_MAX: u64 = 256 * 1024;

/// The folders that files are spread over.
const FOLDERS: u32 = 256;

/// All files of one data directory.
pub(crate) struct Blobs {
    places: PathBuf,
    incoming: PathBuf,
    chance: Arc<dyn Chance>,
    use_: Mutex<Use>,
}

/// Who reads what, and what is to go once nobody does.
#[derive(Default)]
struct Use {
    readers: HashMap<String, u32>,
    doomed: HashSet<String>,
}

impl Blobs {
    /// Makes the folders where they are missing and clears away what was half written.
    pub(crate) fn open(dir: &Path, chance: Arc<dyn Chance>) -> io::Result<Self> {
        let (places, incoming) = (dir.join("objects"), dir.join("incoming"));
        for folder in [dir, &places, &incoming] {
            make_folder(folder)?;
        }
        std::fs::set_permissions(dir, Permissions::from_mode(0o700))?;
        for folder in 0..FOLDERS {
            make_folder(&places.join(format!("{folder:02x}")))?;
        }
        for entry in std::fs::read_dir(&incoming)? {
            std::fs::remove_file(entry?.path())?;
        }
        for folder in [&places, &incoming, &dir.to_owned()] {
            File::open(folder)?.sync_all()?;
        }
        Ok(Self { places, incoming, chance, use_: Mutex::default() })
    }

    /// The names of the files in the folder of that number, below 256.
    pub(crate) fn names(&self, folder: u8) -> io::Result<Vec<String>> {
        std::fs::read_dir(self.places.join(format!("{folder:02x}")))?
            .map(|entry| entry.map(|entry| entry.file_name().to_string_lossy().into_owned()))
            .collect()
    }

    fn place(&self, name: &str) -> PathBuf {
        self.places.join(name.get(..2).unwrap_or("00")).join(name)
    }

    fn used(&self) -> MutexGuard<'_, Use> {
        self.use_.lock().expect("no holder panics")
    }

    /// Begins a file that may grow to `bytes_max`.
    pub(crate) fn begin(
        self: &Arc<Self>,
        algorithms: &[Algorithm],
        bytes_max: u64,
    ) -> io::Result<Writing> {
        let name = self.chance.text(b"0123456789abcdef", NAME_DIGITS);
        let path = self.incoming.join(&name);
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        let taking = Taking::begin(algorithms);
        let leftover = Leftover(Some(path));
        Ok(Writing { blobs: Arc::clone(self), name, file, taking, size: 0, bytes_max, leftover })
    }

    /// Deletes files that no row names any more; those being read go when the last reader ends.
    pub(crate) fn discard(&self, names: &[String]) {
        for name in names {
            let mut used = self.used();
            if used.readers.contains_key(name) {
                used.doomed.insert(name.clone());
            } else {
                // Under the lock, so that no reader begins between the question and the deed.
                self.remove(name);
            }
        }
    }

    fn remove(&self, name: &str) {
        let path = self.place(name);
        match std::fs::remove_file(&path) {
            Ok(()) => {}
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => {}
            // The next start tries again: no row names the file.
            Err(cause) => {
                error!(path = %path.display(), %cause, "Could not delete an object's bytes: {cause}");
            }
        }
    }

    /// Keeps these files from being deleted until the hold is dropped; `None` where they are gone
    /// or going.
    pub(crate) fn hold(self: &Arc<Self>, names: Vec<String>) -> Option<Hold> {
        let mut used = self.used();
        let gone = |name: &String| used.doomed.contains(name) || !self.place(name).exists();
        if names.first().is_some_and(gone) {
            return None;
        }
        for name in &names {
            *used.readers.entry(name.clone()).or_default() += 1;
        }
        drop(used);
        Some(Hold { blobs: Arc::clone(self), names })
    }
}

/// Files that stay while this lives.
pub(crate) struct Hold {
    blobs: Arc<Blobs>,
    names: Vec<String>,
}

impl Drop for Hold {
    fn drop(&mut self) {
        let mut used = self.blobs.used();
        for name in &self.names {
            let Some(readers) = used.readers.get_mut(name) else { continue };
            *readers -= 1;
            if *readers == 0 {
                used.readers.remove(name);
                if used.doomed.remove(name) {
                    self.blobs.remove(name);
                }
            }
        }
    }
}

fn make_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// A file that goes unless somebody takes it over.
struct Leftover(Option<PathBuf>);

impl Drop for Leftover {
    fn drop(&mut self) {
        if let Some(path) = self.0.take()
            && let Err(cause) = std::fs::remove_file(&path)
            && cause.kind() != io::ErrorKind::NotFound
        {
            // The next start tries again.
            error!(path = %path.display(), %cause, "Could not delete unused bytes: {cause}");
        }
    }
}

/// A file that is being written. Dropping it deletes it.
pub(crate) struct Writing {
    blobs: Arc<Blobs>,
    name: String,
    file: File,
    taking: Taking,
    size: u64,
    bytes_max: u64,
    leftover: Leftover,
}

/// Why bytes were not written.
pub(crate) enum WriteError {
    /// More bytes came than may.
    TooLarge { bytes: u64, bytes_max: u64 },
    /// The disk.
    Disk(io::Error),
}

impl From<io::Error> for WriteError {
    fn from(source: io::Error) -> Self {
        Self::Disk(source)
    }
}

impl Writing {
    /// Writes the next bytes, away from the runtime's threads.
    pub(crate) async fn write(mut self, chunks: Vec<Bytes>) -> Result<Self, WriteError> {
        away(move || {
            for chunk in &chunks {
                self.size = self.size.saturating_add(chunk.len() as u64);
                if self.size > self.bytes_max {
                    let (bytes, bytes_max) = (self.size, self.bytes_max);
                    return Err(WriteError::TooLarge { bytes, bytes_max });
                }
                self.taking.update(chunk);
                self.file.write_all(chunk)?;
            }
            Ok(self)
        })
        .await
    }

    /// Makes the bytes durable and moves them into place.
    pub(crate) async fn finish(self) -> Result<Written, WriteError> {
        away(move || {
            let Self { blobs, name, file, taking, size, mut leftover, .. } = self;
            file.sync_all()?;
            let place = blobs.place(&name);
            if let Some(path) = &leftover.0 {
                std::fs::rename(path, &place)?;
            }
            leftover.0 = Some(place.clone());
            if let Some(folder) = place.parent() {
                File::open(folder)?.sync_all()?;
            }
            Ok(Written { name, size, sums: taking.end(), leftover })
        })
        .await
    }
}

/// A durable file that no row names yet. Dropping it deletes it.
pub(crate) struct Written {
    pub(crate) name: String,
    pub(crate) size: u64,
    pub(crate) sums: Sums,
    leftover: Leftover,
}

impl Written {
    /// From here on the file is kept: a row names it, or may.
    pub(crate) fn keep(&mut self) {
        self.leftover.0 = None;
    }
}

/// Runs disk work where it may block.
async fn away<T: Send + 'static, E: From<io::Error> + Send + 'static>(
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, E> {
    spawn_blocking(work).await.unwrap_or_else(|cause| Err(io::Error::other(cause).into()))
}

/// A piece of a file, and what the whole file must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) name: String,
    /// Of the whole file.
    pub(crate) size: u64,
    /// Of the whole file.
    pub(crate) sha256: Vec<u8>,
    /// Where to begin, in bytes.
    pub(crate) start: u64,
    /// How many bytes.
    pub(crate) length: u64,
}

/// Yields pieces one after another. Where a piece is a whole file, its last bytes are yielded only
/// once all of it has been compared with its SHA-256.
pub(crate) struct Reading {
    hold: Hold,
    pieces: std::vec::IntoIter<Piece>,
    current: Option<Current>,
}

struct Current {
    file: File,
    piece: Piece,
    left: u64,
    hash: Option<sha2::Sha256>,
}

impl Reading {
    /// `hold` must hold every piece's file.
    pub(crate) fn new(hold: Hold, pieces: Vec<Piece>) -> Self {
        Self { hold, pieces: pieces.into_iter(), current: None }
    }

    /// The next bytes, and the rest of the reading; `None` at the end.
    pub(crate) async fn next(mut self) -> io::Result<Option<(Bytes, Self)>> {
        away(move || Ok(self.step()?.map(|bytes| (bytes, self)))).await
    }

    fn step(&mut self) -> io::Result<Option<Bytes>> {
        let mut current = match self.current.take() {
            Some(current) => current,
            None => match self.pieces.find(|piece| piece.length > 0) {
                Some(piece) => Current::open(&self.hold.blobs, piece)?,
                None => return Ok(None),
            },
        };
        let bytes = current.step()?;
        if current.left > 0 {
            self.current = Some(current);
        }
        Ok(Some(bytes))
    }
}

impl Current {
    fn open(blobs: &Blobs, piece: Piece) -> io::Result<Self> {
        let path = blobs.place(&piece.name);
        let mut file = File::open(&path).inspect_err(|cause| {
            error!(path = %path.display(), %cause, "An object's bytes are missing: {cause}");
        })?;
        file.seek(SeekFrom::Start(piece.start))?;
        let whole = piece.start == 0 && piece.length == piece.size;
        Ok(Self { file, left: piece.length, hash: whole.then(sha2::Sha256::new), piece })
    }

    fn step(&mut self) -> io::Result<Bytes> {
        let want = self.left.min(READ_BYTES_MAX);
        let mut bytes = Vec::new();
        (&mut self.file).take(want).read_to_end(&mut bytes)?;
        if bytes.len() as u64 != want {
            return Err(self.altered("shorter than when it was stored"));
        }
        self.left -= want;
        if let Some(hash) = &mut self.hash {
            hash.update(&bytes);
        }
        if self.left == 0
            && let Some(hash) = self.hash.take()
            && hash.finalize().as_slice() != self.piece.sha256
        {
            return Err(self.altered("not those that were stored"));
        }
        Ok(bytes.into())
    }

    fn altered(&self, how: &str) -> io::Error {
        let name = &self.piece.name;
        error!(
            alarm = true,
            blob.name = %name,
            "Stored bytes were altered on the disk: `{name}` is {how}; the read ends in an error"
        );
        io::Error::new(io::ErrorKind::InvalidData, format!("stored bytes are {how}"))
    }
}

#[cfg(test)]
mod tests;
