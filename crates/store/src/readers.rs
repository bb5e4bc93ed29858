//! Connections that read one file while its writer writes.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use rusqlite::Connection;
use tokio::{sync::Semaphore, task::spawn_blocking};

use crate::{Error, file};

/// Reads of one file at one time.
const READERS_MAX: usize = 8;

/// A few connections to one file, opened when they are first needed.
#[derive(Clone)]
pub(crate) struct Readers(Arc<Inner>);

struct Inner {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
    permits: Semaphore,
}

impl Readers {
    pub(crate) fn new(path: PathBuf) -> Self {
        let idle = Mutex::new(Vec::new());
        Self(Arc::new(Inner { path, idle, permits: Semaphore::new(READERS_MAX) }))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0.path
    }

    /// What `work` finds in all that was committed before this call.
    pub(crate) async fn read<T, F>(&self, work: F) -> Result<T, Error>
    where
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
        T: Send + 'static,
    {
        let _permit = self.0.permits.acquire().await.expect("the semaphore is never closed");
        let inner = Arc::clone(&self.0);
        let task = spawn_blocking(move || {
            let pooled = inner.idle.lock().expect("no holder panics").pop();
            let connection = match pooled {
                Some(connection) => Ok(connection),
                None => file::open_to_read(&inner.path),
            };
            // A connection that failed is not kept: whatever ails it goes with it.
            let answer = connection.and_then(|connection| {
                let answer = work(&connection)?;
                inner.idle.lock().expect("no holder panics").push(connection);
                Ok(answer)
            });
            answer.map_err(|source| Error::sqlite(&inner.path, source))
        });
        // The task fails only where the runtime ends, or `work` panics.
        task.await.unwrap_or_else(|_| Err(Error::closed(&self.0.path)))
    }

    /// Lets go of connections that nobody uses.
    pub(crate) fn rest(&self) {
        self.0.idle.lock().expect("no holder panics").clear();
    }
}
