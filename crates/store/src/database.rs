//! One SQLite file that rooms share: writes in groups, reads at any time.

use std::{
    collections::HashMap,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::{oneshot, watch};

use crate::{Error, Queue, Table, file, migration, readers::Readers, writer::Writer};

/// A handle to one file; clones share it.
#[derive(Clone)]
pub struct Database(Arc<Inner>);

struct Inner {
    path: PathBuf,
    boot: String,
    writer: Writer<Job>,
    readers: Readers,
    changes: Mutex<HashMap<&'static str, watch::Sender<u64>>>,
}

struct Job {
    lasts: Lasts,
    work: Work,
}

/// Works inside the batch's transaction, where there is one, then tells how to answer once the
/// transaction's fate is known.
type Work = Box<dyn FnOnce(Result<&Transaction<'_>, Error>) -> Settle + Send>;
type Settle = Box<dyn FnOnce(Result<(), Error>) + Send>;

/// What a write outlives once it resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lasts {
    /// The process, but a failure of power only once a later write of the other kind resolved.
    Process,
    /// A failure of power.
    Power,
}

impl Database {
    /// Opens or makes the file, for its owner's eyes alone. `boot` names this start of the
    /// program: queue leases of other boots are free again.
    pub fn open(path: &Path, boot: &str) -> Result<Self, Error> {
        let connection = file::open_to_write(path)?;
        let mut pen = Pen { path: path.to_owned(), connection, lasts: Lasts::Power };
        let writer = Writer::start(path, move |batch| pen.commit(batch))?;
        Ok(Self(Arc::new(Inner {
            path: path.to_owned(),
            boot: boot.to_owned(),
            writer,
            readers: Readers::new(path.to_owned()),
            changes: Mutex::new(HashMap::new()),
        })))
    }

    /// Runs `work` in a transaction that it shares with other writes of the moment, in a savepoint
    /// of its own: its failure undoes its own changes alone. Durable when this resolves.
    pub async fn write<T, F>(&self, work: F) -> Result<T, Error>
    where
        F: FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
        T: Send + 'static,
    {
        self.commit(Lasts::Power, work).await
    }

    /// As [`Database::write`], but it waits for no sync: a failure of power, and nothing less, may
    /// undo it until a later `write` resolves. For what a restart would begin anew anyway.
    pub async fn write_unsynced<T, F>(&self, work: F) -> Result<T, Error>
    where
        F: FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
        T: Send + 'static,
    {
        self.commit(Lasts::Process, work).await
    }

    async fn commit<T, F>(&self, lasts: Lasts, work: F) -> Result<T, Error>
    where
        F: FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
        T: Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let path = self.0.path.clone();
        let work: Work = Box::new(move |transaction| {
            let done = transaction.and_then(|transaction| in_savepoint(&path, transaction, work));
            Box::new(move |committed| {
                // Nobody listens where the caller went away; the write stands all the same.
                drop(answer.send(done.and_then(|value| committed.map(|()| value))));
            })
        });
        self.0.writer.send(Job { lasts, work }).await?;
        answered.await.unwrap_or_else(|_| Err(Error::closed(&self.0.path)))
    }

    /// Runs `work` over all that was committed before this call. It cannot write.
    pub async fn read<T, F>(&self, work: F) -> Result<T, Error>
    where
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
        T: Send + 'static,
    {
        self.0.readers.read(work).await
    }

    /// Brings `room`'s tables to the version `steps.len()`: each step is SQL that the version
    /// before it lacks, and is never edited once shipped. All in one transaction.
    pub async fn migrate(
        &self,
        room: &'static str,
        steps: &'static [&'static str],
    ) -> Result<(), Error> {
        let path = self.0.path.clone();
        self.write(move |transaction| migration::apply(&path, transaction, room, steps)).await?
    }

    /// The queue of that name. Leases of other boots are free once this resolves.
    pub async fn queue(&self, name: &'static str) -> Result<Queue, Error> {
        Queue::open(self.clone(), name).await
    }

    /// The table of that name.
    pub async fn table(&self, name: &'static str) -> Result<Table, Error> {
        Table::open(self.clone(), name).await
    }

    /// Finishes the writes that wait, then ends the writer. Later writes get [`Error::Closed`].
    pub async fn close(self) {
        self.0.writer.close().await;
        self.0.readers.rest();
    }

    pub(crate) fn boot(&self) -> &str {
        &self.0.boot
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0.path
    }

    /// The counter that ticks when rows of `queue` become available.
    pub(crate) fn changes(&self, queue: &'static str) -> watch::Sender<u64> {
        let mut changes = self.0.changes.lock().expect("no holder panics");
        changes.entry(queue).or_insert_with(|| watch::Sender::new(0)).clone()
    }
}

/// The one writer's hold on the file.
struct Pen {
    path: PathBuf,
    connection: Connection,
    /// How the connection's commits last.
    lasts: Lasts,
}

impl Pen {
    /// Runs a batch and answers each of its jobs.
    fn commit(&mut self, batch: Vec<Job>) {
        let power = batch.iter().any(|job| job.lasts == Lasts::Power);
        let wanted = if power { Lasts::Power } else { Lasts::Process };
        let settled = self.last(wanted);
        let Self { path, connection, .. } = self;
        let retry = |source| Error::sqlite(path, source);
        let begun = settled.and_then(|()| {
            connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(retry)
        });
        let mut settles = Vec::with_capacity(batch.len());
        let outcome = match begun {
            Ok(transaction) => {
                let works = batch.into_iter().map(|job| job.work);
                settles.extend(works.map(|work| work(intact(path, &transaction))));
                intact(path, &transaction)
                    .map(drop)
                    .and_then(|()| transaction.commit().map_err(retry))
            }
            Err(error) => {
                settles.extend(batch.into_iter().map(|job| (job.work)(Err(error.clone()))));
                Err(error)
            }
        };
        if let Err(error) = &outcome {
            tracing::error!(path = %path.display(), writes = settles.len(), %error, "A commit failed");
        }
        for settle in settles {
            settle(outcome.clone());
        }
    }

    /// Has commits last as `wanted`. A synced commit takes with it those before it: they stand in
    /// the same log.
    fn last(&mut self, wanted: Lasts) -> Result<(), Error> {
        if self.lasts == wanted {
            return Ok(());
        }
        let level = match wanted {
            Lasts::Process => "NORMAL",
            Lasts::Power => "FULL",
        };
        let set = self.connection.pragma_update(None, "synchronous", level);
        set.map_err(|source| Error::sqlite(&self.path, source))?;
        self.lasts = wanted;
        Ok(())
    }
}

/// The transaction, unless SQLite has given all of it up (as it may when the disk is full):
/// whatever ran after that would stand alone.
fn intact<'t, 'c>(
    path: &Path,
    transaction: &'t Transaction<'c>,
) -> Result<&'t Transaction<'c>, Error> {
    if !transaction.is_autocommit() {
        return Ok(transaction);
    }
    let source = io::Error::other("the transaction was rolled back");
    Err(Error::io(path, source))
}

fn in_savepoint<T>(
    path: &Path,
    transaction: &Transaction<'_>,
    work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
) -> Result<T, Error> {
    let failed = |source| Error::sqlite(path, source);
    transaction.execute_batch("SAVEPOINT job").map_err(failed)?;
    // A panic of one closure must not end the thread that all others rely on.
    let done = catch_unwind(AssertUnwindSafe(|| work(transaction)))
        .unwrap_or(Err(rusqlite::Error::UnwindingPanic))
        .and_then(|value| transaction.execute_batch("RELEASE job").map(|()| value));
    if done.is_err()
        && !transaction.is_autocommit()
        && transaction.execute_batch("ROLLBACK TO job; RELEASE job").is_err()
    {
        // What cannot be undone alone is undone with the whole batch.
        transaction.execute_batch("ROLLBACK").map_err(failed)?;
    }
    done.map_err(failed)
}

#[cfg(test)]
mod tests;
