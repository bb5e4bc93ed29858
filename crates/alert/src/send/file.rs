//! A file of alerts: a line each, on the disk before it counts.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use tokio::task::spawn_blocking;

/// A file that alerts are appended to. It is opened for each, so that it may be moved away.
pub(crate) struct AlertFile(Arc<Inner>);

struct Inner {
    path: PathBuf,
    /// One line at a time.
    turn: Mutex<()>,
}

impl AlertFile {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self(Arc::new(Inner { path, turn: Mutex::new(()) }))
    }

    /// Appends `line`, which holds no newline, and syncs it.
    pub(crate) async fn append(&self, line: String) -> io::Result<()> {
        let inner = Arc::clone(&self.0);
        let task = spawn_blocking(move || {
            let _turn = inner.turn.lock().map_err(|_| io::Error::other("a writer panicked"))?;
            append(&inner.path, line)
        });
        task.await.map_err(io::Error::other)?
    }
}

fn append(path: &Path, mut line: String) -> io::Result<()> {
    let existed = path.exists();
    let mut file =
        OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)?;
    if !ends_with_newline(&mut file)? {
        // A crash left half a line: it must not swallow this one.
        line.insert(0, '\n');
    }
    line.push('\n');
    file.write_all(line.as_bytes())?;
    file.sync_data()?;
    if !existed && let Some(folder) = path.parent().filter(|f| !f.as_os_str().is_empty()) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

fn ends_with_newline(file: &mut File) -> io::Result<bool> {
    if !file.metadata()?.is_file() || file.seek(SeekFrom::End(0))? == 0 {
        return Ok(true);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}
