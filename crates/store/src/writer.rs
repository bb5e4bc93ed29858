//! One thread that writes: takes all that waits, commits it once, answers, and takes again.

use std::{
    path::{Path, PathBuf},
    sync::{Mutex, RwLock},
    thread::{self, JoinHandle},
};

use tokio::{sync::mpsc, task::spawn_blocking};

use crate::Error;

/// Writes that wait for one file; further callers wait for a place.
const WRITES_WAITING_MAX: usize = 4_096;

/// Writes that share one commit.
const WRITES_BATCH_MAX: usize = 1_024;

/// The way in to a writer thread. Dropping it finishes what waits and joins the thread.
pub(crate) struct Writer<J> {
    path: PathBuf,
    sender: RwLock<Option<mpsc::Sender<J>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl<J: Send + 'static> Writer<J> {
    /// Starts a thread that hands batches, in order of arrival, to `commit`.
    pub(crate) fn start(
        path: &Path,
        mut commit: impl FnMut(Vec<J>) + Send + 'static,
    ) -> Result<Self, Error> {
        let (sender, mut receiver) = mpsc::channel(WRITES_WAITING_MAX);
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        let thread = thread::Builder::new()
            .name(name)
            .spawn(move || {
                let mut batch = Vec::new();
                while receiver.blocking_recv_many(&mut batch, WRITES_BATCH_MAX) > 0 {
                    commit(std::mem::take(&mut batch));
                }
            })
            .map_err(|source| Error::io(path, source))?;
        Ok(Self {
            path: path.to_owned(),
            sender: RwLock::new(Some(sender)),
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Hands a job to the thread; waits while too many wait already.
    pub(crate) async fn send(&self, job: J) -> Result<(), Error> {
        let sender = self.sender.read().expect("no holder panics").clone();
        let closed = || Error::closed(&self.path);
        sender.ok_or_else(closed)?.send(job).await.map_err(|_| closed())
    }
}

impl<J> Writer<J> {
    /// Takes no further job, finishes what waits, ends the thread.
    pub(crate) async fn close(&self) {
        if let Some(thread) = self.shut()
            && spawn_blocking(move || thread.join()).await.is_err()
        {
            tracing::error!(path = %self.path.display(), "A writer thread ended in a panic");
        }
    }

    fn shut(&self) -> Option<JoinHandle<()>> {
        self.sender.write().expect("no holder panics").take();
        self.thread.lock().expect("no holder panics").take()
    }
}

impl<J> Drop for Writer<J> {
    fn drop(&mut self) {
        // Whoever opens the file next must find it at rest. A job may own the last handle: its
        // thread cannot wait for itself.
        if let Some(thread) = self.shut()
            && thread.thread().id() != thread::current().id()
            && thread.join().is_err()
        {
            tracing::error!(path = %self.path.display(), "A writer thread ended in a panic");
        }
    }
}
