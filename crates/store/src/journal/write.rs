//! What the journal's one writer does with a batch.

use std::{path::PathBuf, sync::Arc};

use flow::{Clock, Timestamp};
use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::{OwnedSemaphorePermit, oneshot, watch};

use super::{Days, Kind, Offset, day, day::Day};
use crate::{Error, file};

/// What the writer is asked for.
pub(super) enum Job {
    Append(Append),
    Expire { before: Timestamp, keep_from: Offset, answer: oneshot::Sender<Result<(), Error>> },
}

pub(super) struct Append {
    pub(super) kind: Kind,
    pub(super) body: Vec<u8>,
    pub(super) answer: oneshot::Sender<Result<Offset, Error>>,
    /// Given back once the body is written.
    pub(super) _room: OwnedSemaphorePermit,
}

/// Writes the newest day's file, and begins the next.
pub(super) struct Pen {
    folder: PathBuf,
    days: Days,
    end: watch::Sender<Offset>,
    clock: Arc<dyn Clock>,
    /// The newest day's file, once something was written.
    page: Option<(Day, Connection)>,
}

impl Pen {
    pub(super) fn new(
        folder: PathBuf,
        days: Days,
        end: watch::Sender<Offset>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { folder, days, end, clock, page: None }
    }

    /// Appends go first: nobody waits for an expiry.
    pub(super) fn write(&mut self, batch: Vec<Job>) {
        let mut appends = Vec::with_capacity(batch.len());
        let mut expiries = Vec::new();
        for job in batch {
            match job {
                Job::Append(append) => appends.push(append),
                Job::Expire { before, keep_from, answer } => {
                    expiries.push((before, keep_from, answer));
                }
            }
        }
        if !appends.is_empty() {
            self.append(appends);
        }
        for (before, keep_from, answer) in expiries {
            // Nobody listens where the caller went away.
            drop(answer.send(self.expire(before, keep_from)));
        }
    }

    fn append(&mut self, appends: Vec<Append>) {
        let first = self.end.borrow().0;
        let written = self.commit(first, &appends);
        match &written {
            Ok(()) => {
                self.end.send_replace(Offset(first + appends.len() as u64));
            }
            Err(error) => {
                // The next batch opens the file anew, whatever state this connection is in.
                self.page = None;
                tracing::error!(entries = appends.len(), %error, "The journal cannot be written");
            }
        }
        for (offset, append) in (first..).zip(appends) {
            drop(append.answer.send(written.clone().map(|()| Offset(offset))));
        }
    }

    fn commit(&mut self, first: u64, appends: &[Append]) -> Result<(), Error> {
        let now = self.clock.now();
        self.turn_to(now)?;
        let (day, connection) = self.page.as_mut().expect("turn_to opens one");
        let insert = || {
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let mut statement = transaction.prepare_cached(
                "INSERT INTO entry (offset, kind, at, body) VALUES (?1, ?2, ?3, ?4)",
            )?;
            for (offset, append) in (first..).zip(appends) {
                let at = now.as_millis();
                statement.execute((offset, append.kind.number(), at, &append.body))?;
            }
            drop(statement);
            transaction.commit()
        };
        let mut insert = insert;
        insert().map_err(|source| Error::sqlite(day.path(), source))
    }

    /// Opens the file of the day at `now`. A clock that was set back stays with the newest file:
    /// offsets rise with the names of the files.
    fn turn_to(&mut self, now: Timestamp) -> Result<(), Error> {
        let today = day::name_of(now);
        let newest = self.days.read().expect("no holder panics").last().cloned();
        let name = match &newest {
            Some(day) if day.name >= today => day.name.clone(),
            _ => today,
        };
        if self.page.as_ref().is_some_and(|(day, _)| day.name == name) {
            return Ok(());
        }
        let end = *self.end.borrow();
        let (day, connection) = Day::open(&self.folder, name, end)?;
        match newest {
            Some(known) if known.name == day.name => self.page = Some((known, connection)),
            _ => {
                self.days.write().expect("no holder panics").push(day.clone());
                self.page = Some((day, connection));
            }
        }
        Ok(())
    }

    fn expire(&self, before: Timestamp, keep_from: Offset) -> Result<(), Error> {
        let today = day::name_of(before);
        loop {
            let mut days = self.days.write().expect("no holder panics");
            let oldest = match days.as_slice() {
                [oldest, next, ..] if oldest.name < today && next.first <= keep_from => {
                    oldest.clone()
                }
                _ => break,
            };
            days.remove(0);
            drop(days);
            oldest.remove()?;
            tracing::info!(journal.day = %oldest.name, "Expired a day of the journal");
        }
        file::sync_folder(&self.folder)
    }
}
