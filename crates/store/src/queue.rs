//! Work that is due: leased, then acknowledged, put off or buried.

mod row;

use flow::Timestamp;
use tokio::sync::watch;

use crate::{Database, Error};

/// Rows that one `lease` hands out.
const LEASES_MAX: usize = 1_024;

/// Rows that `forget_done` deletes in one write, so that others are not held up.
const FORGET_ROWS_MAX: usize = 1_000;

/// The largest body of a row, in bytes.
const BODY_BYTES_MAX: usize = 32 * 1024 * 1024;

/// One queue of a [`Database`]; clones share it. What resolved is durable, with two exceptions that
/// save the disk two of three syncs a row: a failure of power, and nothing less, may undo the last
/// leases and acknowledgements. Such a row is due again, as any row that was being worked on.
#[derive(Clone)]
pub struct Queue {
    database: Database,
    name: &'static str,
    changes: watch::Sender<u64>,
}

/// What became of a `put`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    /// The row is in the queue now.
    Accepted,
    /// The id is known: waiting, leased, dead or done. Nothing changed.
    Already,
}

/// A row that its holder works on, until it acknowledges, puts off or buries it, or the process
/// ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The id under which it was put.
    pub id: String,
    /// What was put.
    pub body: Vec<u8>,
    /// How often it was leased, this one included.
    pub attempts: u32,
    /// When it was first due after its put or its last revival: age counts from here.
    pub put_at: Timestamp,
}

/// A row that nobody works on until it is revived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dead {
    /// The id under which it was put.
    pub id: String,
    /// What was put.
    pub body: Vec<u8>,
    /// Why it was buried.
    pub reason: String,
    /// What the reason is about.
    pub detail: serde_json::Value,
    /// How often it was leased.
    pub attempts: u32,
    /// When it was buried.
    pub since: Timestamp,
}

/// How many rows are in which state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Due now or later.
    pub waiting: u64,
    /// Being worked on.
    pub leased: u64,
    /// Buried.
    pub dead: u64,
    /// Acknowledged and not yet forgotten.
    pub done: u64,
    /// The oldest `put_at` among the waiting and the leased.
    pub oldest: Option<Timestamp>,
}

impl Queue {
    pub(crate) async fn open(database: Database, name: &'static str) -> Result<Self, Error> {
        database.migrate("store.queue", row::STEPS).await?;
        let boot = database.boot().to_owned();
        let freed = database.write(move |t| row::free(t, name, &boot)).await?;
        if freed > 0 {
            tracing::info!(queue = name, rows = freed, "Took up work that a restart interrupted");
        }
        let changes = database.changes(name);
        Ok(Self { database, name, changes })
    }

    /// The name under which the queue was opened.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Puts a row, to be leased from `due` on. An id stays known after its row is done or dead.
    pub async fn put(&self, id: &str, body: Vec<u8>, due: Timestamp) -> Result<Put, Error> {
        bound(&body)?;
        let (name, id) = (self.name, id.to_owned());
        let new = self.database.write(move |t| row::put(t, name, &id, &body, due)).await?;
        // Known ids tick too: whoever put it first may have gone before it could.
        self.tick();
        Ok(if new { Put::Accepted } else { Put::Already })
    }

    /// Puts several rows in one write: all of them or none. What became of each, in order.
    pub async fn put_all(
        &self,
        rows: Vec<(String, Vec<u8>)>,
        due: Timestamp,
    ) -> Result<Vec<Put>, Error> {
        rows.iter().try_for_each(|(_, body)| bound(body))?;
        let name = self.name;
        let write = move |t: &rusqlite::Transaction<'_>| {
            rows.iter().map(|(id, body)| row::put(t, name, id, body, due)).collect()
        };
        let new: Vec<bool> = self.database.write(write).await?;
        self.tick();
        Ok(new.into_iter().map(|new| if new { Put::Accepted } else { Put::Already }).collect())
    }

    /// Up to `limit` (at most 1,024) rows that are due, the longest due first. They stay leased
    /// until they are settled or the process ends: wait for this to resolve, since rows that it
    /// leased for nobody are stuck until the next start.
    pub async fn lease(&self, now: Timestamp, limit: usize) -> Result<Vec<Lease>, Error> {
        let (name, limit) = (self.name, limit.min(LEASES_MAX));
        // Most looks find nothing: they need no write and no sync.
        if self.next_due().await?.is_none_or(|due| due > now) {
            return Ok(Vec::new());
        }
        let boot = self.database.boot().to_owned();
        self.database.write_unsynced(move |t| row::lease(t, name, &boot, now, limit)).await
    }

    /// Marks a leased row as done. A row that is not leased stays as it is.
    pub async fn ack(&self, id: &str, now: Timestamp) -> Result<(), Error> {
        let (name, id) = (self.name, id.to_owned());
        self.database.write_unsynced(move |t| row::ack(t, name, &id, now)).await
    }

    /// Puts a leased row off until `due`. A row that is not leased stays as it is.
    pub async fn nack(&self, id: &str, due: Timestamp, reason: &str) -> Result<(), Error> {
        let (name, id, reason) = (self.name, id.to_owned(), reason.to_owned());
        self.database.write(move |t| row::nack(t, name, &id, due, &reason)).await?;
        self.tick();
        Ok(())
    }

    /// Gives a leased row back that nobody has worked on: the lease does not count as an attempt.
    pub async fn give_back(&self, id: &str, due: Timestamp) -> Result<(), Error> {
        let (name, id) = (self.name, id.to_owned());
        self.database.write(move |t| row::give_back(t, name, &id, due)).await?;
        self.tick();
        Ok(())
    }

    /// Buries a leased row. A row that is not leased stays as it is.
    pub async fn bury(
        &self,
        id: &str,
        now: Timestamp,
        reason: &str,
        detail: serde_json::Value,
    ) -> Result<(), Error> {
        let (name, id, reason) = (self.name, id.to_owned(), reason.to_owned());
        let detail = detail.to_string();
        self.database.write(move |t| row::bury(t, name, &id, now, &reason, &detail)).await
    }

    /// Up to `limit` buried rows, the longest buried first.
    pub async fn dead(&self, limit: usize) -> Result<Vec<Dead>, Error> {
        let name = self.name;
        self.database.read(move |c| row::dead(c, name, limit)).await
    }

    /// Puts a buried row back, due `now`, its attempts and age counted afresh; whether it was
    /// buried.
    pub async fn revive(&self, id: &str, now: Timestamp) -> Result<bool, Error> {
        let (name, id) = (self.name, id.to_owned());
        let revived = self.database.write(move |t| row::revive(t, name, &id, now)).await?;
        if revived {
            self.tick();
        }
        Ok(revived)
    }

    /// How many rows are in which state.
    pub async fn counts(&self) -> Result<Counts, Error> {
        let name = self.name;
        self.database.read(move |c| row::counts(c, name)).await
    }

    /// When the next waiting row is due; `None` where none waits.
    pub async fn next_due(&self) -> Result<Option<Timestamp>, Error> {
        let name = self.name;
        self.database.read(move |c| row::next_due(c, name)).await
    }

    /// Forgets the ids of rows that were done before `before`; how many.
    pub async fn forget_done(&self, before: Timestamp) -> Result<u64, Error> {
        let name = self.name;
        let mut forgotten = 0;
        loop {
            let rows = self
                .database
                .write(move |t| row::forget_done(t, name, before, FORGET_ROWS_MAX))
                .await?;
            forgotten += rows as u64;
            if rows < FORGET_ROWS_MAX {
                return Ok(forgotten);
            }
        }
    }

    /// Ticks after every put, nack, return and revival: what waits may have changed.
    pub fn changed(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    fn tick(&self) {
        self.changes.send_modify(|ticks| *ticks = ticks.wrapping_add(1));
    }
}

fn bound(body: &[u8]) -> Result<(), Error> {
    if body.len() > BODY_BYTES_MAX {
        return Err(Error::TooLarge { bytes: body.len(), max: BODY_BYTES_MAX });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
