//! Reads the journal on behalf of one trail and cuts log files: each a row before anything else.

use std::{collections::VecDeque, future::pending};

use bytes::Bytes;
use flow::Timestamp;
use store::{Entry, Kind, Offset};
use tokio::select;
use tokio_util::sync::CancellationToken;
use tracing::error;

use crate::{
    Error,
    batch::{Batch, Batches, Waiting},
    cut::{Cut, Source},
    progress::{Look, Phase, Progress},
    selection::{Selection, Taken},
    trails::{Glance, Inner, Trail},
};

/// Entries that are read from the journal at once.
const ENTRIES_AT_ONCE: usize = 1_024;
/// Log files that may wait for delivery before cutting pauses; the journal keeps the rest, which
/// then makes fewer and larger files.
const UNDELIVERED_MAX: usize = 16;
/// Entries that are passed over before the trail's place is written down without a cut.
const UNSAVED_ENTRIES_MAX: u64 = 10_000;
/// How long a failing store is left alone, in milliseconds.
const STORE_RETRY_MILLIS: i64 = 1_000;

/// Cuts the log files of one trail.
pub(crate) struct Cutter<'a> {
    inner: &'a Inner,
    trail: &'a Trail,
    batches: Batches<Piece>,
    /// Full batches that are no rows yet, in order.
    ready: VecDeque<Batch<Piece>>,
    /// Where reading goes on.
    position: u64,
    /// Where the record of a call that stopped the trail was seen.
    last_call: Option<u64>,
}

/// A record that waits.
struct Piece {
    json: Bytes,
    time: Timestamp,
}

enum Step {
    Again,
    Wait(Option<Timestamp>),
    Done,
}

impl<'a> Cutter<'a> {
    pub(crate) fn new(inner: &'a Inner, trail: &'a Trail) -> Self {
        let batches = Batches::new(inner.limits);
        Self { inner, trail, batches, ready: VecDeque::new(), position: 0, last_call: None }
    }

    /// Cuts until `stop`, then cuts what is there, unless `give_up` says that nothing is delivered
    /// any more. Ends earlier where the trail was deleted.
    pub(crate) async fn run(mut self, stop: &CancellationToken, give_up: &CancellationToken) {
        let mut ends = self.inner.journal.watch();
        let mut moves = self.trail.moved.subscribe();
        let clock = &self.inner.clock;
        loop {
            ends.mark_unchanged();
            moves.mark_unchanged();
            let stopping = stop.is_cancelled();
            let step = self.step(stopping).await;
            self.tell();
            let until = match step {
                Ok(Step::Again) => continue,
                Ok(Step::Done) => return,
                Ok(Step::Wait(until)) => until,
                Err(error) => {
                    let trail = &self.trail.settings.name;
                    error!(trail.name = %trail, %error, "Trail `{trail}` cannot cut: {error}");
                    select! {
                        () = clock.sleep_millis(STORE_RETRY_MILLIS) => continue,
                        () = stop.cancelled() => return,
                    }
                }
            };
            let due = async {
                match until {
                    Some(at) => clock.sleep_until(at).await,
                    None => pending().await,
                }
            };
            select! {
                Ok(()) = ends.changed() => {}
                Ok(()) = moves.changed() => {}
                () = due => {}
                () = stop.cancelled(), if !stopping => {}
                () = give_up.cancelled() => return,
            }
        }
    }

    async fn step(&mut self, stopping: bool) -> Result<Step, Error> {
        let now = self.inner.clock.now();
        let (phase, has_room, deleted) = {
            let progress = self.trail.progress.lock().await;
            self.position = self.position.max(progress.base());
            let has_room = progress.cuts.len() < UNDELIVERED_MAX;
            (progress.phase(), has_room, progress.deleted.is_some())
        };
        if phase == Phase::Off {
            return Ok(if stopping || deleted { Step::Done } else { Step::Wait(None) });
        }
        if !has_room {
            return Ok(Step::Wait(None));
        }
        self.ready.extend(std::iter::from_fn(|| self.batches.due(now)));
        self.write_ready().await?;
        let journal = &self.inner.journal;
        let entries = if self.position < journal.end().0 {
            journal.read(Offset(self.position), ENTRIES_AT_ONCE).await?
        } else {
            Vec::new()
        };
        if !entries.is_empty() {
            self.take(&entries, now).await;
            self.write_ready().await?;
            self.save_place().await?;
            return Ok(Step::Again);
        }
        match phase {
            Phase::Ending { from, by } => {
                if stopping || now >= by || self.last_call.is_some_and(|at| at >= from) {
                    self.finish().await?;
                    return Ok(Step::Again);
                }
                Ok(Step::Wait(Some(self.batches.next_due().map_or(by, |due| due.min(by)))))
            }
            _ if stopping => {
                self.flush().await?;
                let place = self.position;
                self.inner.update(self.trail, |progress| progress.advance(place)).await?;
                Ok(Step::Done)
            }
            _ => Ok(Step::Wait(self.batches.next_due())),
        }
    }

    /// Puts what the trail takes of `entries` into batches.
    async fn take(&mut self, entries: &[Entry], now: Timestamp) {
        let selection = self.trail.selection();
        let progress = self.trail.progress.lock().await;
        for entry in entries {
            let offset = entry.offset.0;
            self.position = offset + 1;
            let Some(taken) = self.look(&progress, &selection, entry) else { continue };
            let time = taken.time.unwrap_or(entry.at);
            let piece = Piece { json: entry.body.clone(), time };
            let waiting = Waiting { offset, bytes: entry.body.len(), record: piece };
            self.ready.extend(self.batches.push(&taken.region, waiting, now));
        }
    }

    fn look(&mut self, progress: &Progress, selection: &Selection, entry: &Entry) -> Option<Taken> {
        match entry.kind {
            Kind::Record => {}
            // They lead to records, and only those are delivered.
            Kind::Intent | Kind::Outcome => return None,
        }
        match progress.look(entry.offset.0, &entry.body) {
            Look::Log => {}
            Look::Pass => return None,
            Look::Last => self.last_call = Some(entry.offset.0),
        }
        match selection.take(&entry.body) {
            Ok(taken) => taken.filter(|taken| progress.is_new(entry.offset.0, &taken.region)),
            Err(error) => {
                // The recorder wrote it, so this cannot be; if it is, the others go on.
                let offset = entry.offset.0;
                error!(journal.offset = offset, %error, "Entry {offset} is no record: {error}");
                None
            }
        }
    }

    /// Writes down every full batch as a cut.
    async fn write_ready(&mut self) -> Result<(), Error> {
        while let Some(batch) = self.ready.front() {
            let sources: Vec<Source<'_>> = batch
                .records
                .iter()
                .map(|waiting| Source {
                    offset: waiting.offset,
                    json: &waiting.record.json,
                    time: waiting.record.time,
                })
                .collect();
            let (settings, account) = (&self.trail.settings, &self.inner.account);
            let now = self.inner.clock.now();
            let cut = Cut::of(settings, account, batch.region.clone(), &sources, now);
            let (through, place) = (batch.next(), self.place(1));
            self.inner.update(self.trail, |progress| progress.cut(cut, through, place)).await?;
            self.ready.pop_front();
        }
        Ok(())
    }

    /// The first offset that is not cut once the first `cut` of the full batches are.
    fn place(&self, cut: usize) -> u64 {
        let ready = self.ready.iter().skip(cut).map(Batch::first);
        ready.chain(self.batches.first()).min().unwrap_or(self.position)
    }

    async fn flush(&mut self) -> Result<(), Error> {
        self.ready.extend(std::iter::from_fn(|| self.batches.flush()));
        self.write_ready().await
    }

    /// Ends the phase that followed a stop.
    async fn finish(&mut self) -> Result<(), Error> {
        self.flush().await?;
        let place = self.position;
        let end = |progress: &mut Progress| match progress.phase() {
            Phase::Ending { .. } => progress.finish(place),
            // Started again in the meantime.
            Phase::On | Phase::Off => {}
        };
        self.inner.update(self.trail, end).await?;
        self.inner.refresh().await;
        Ok(())
    }

    /// Writes the trail's place down now and then, so that a trail that takes little need not
    /// read much again.
    async fn save_place(&mut self) -> Result<(), Error> {
        let place = self.place(0);
        let saved = self.trail.progress.lock().await.base();
        if place.saturating_sub(saved) >= UNSAVED_ENTRIES_MAX {
            self.inner.update(self.trail, |progress| progress.advance(place)).await?;
        }
        Ok(())
    }

    fn tell(&self) {
        let ready: usize = self.ready.iter().map(|batch| batch.records.len()).sum();
        self.trail
            .glance
            .send_replace(Glance { position: self.position, records: self.batches.len() + ready });
    }
}
