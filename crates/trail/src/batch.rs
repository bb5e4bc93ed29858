//! When to cut: records that wait for their log file, a batch for each region.

use std::collections::BTreeMap;

use flow::{Region, Timestamp};

/// What a log file's text holds besides its records: `{"Records":[` and `]}`.
const FRAME_BYTES: usize = 14;

/// When a batch becomes a file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Records in one file.
    pub(crate) records_max: usize,
    /// Bytes of one file's JSON; a record that is larger alone is a file of its own.
    pub(crate) text_bytes_max: usize,
    /// Bytes of JSON that wait in all regions together.
    pub(crate) waiting_bytes_max: usize,
    /// How long the oldest record of a file waits, in milliseconds.
    pub(crate) wait_max_millis: i64,
}

/// A record that waits, as far as cutting is concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Waiting<T> {
    /// Where it stands in the journal.
    pub(crate) offset: u64,
    /// Bytes of its JSON.
    pub(crate) bytes: usize,
    /// The record itself.
    pub(crate) record: T,
}

/// The records of one file, in the journal's order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Batch<T> {
    /// The region that all of them come from.
    pub(crate) region: Region,
    /// The records; never empty.
    pub(crate) records: Vec<Waiting<T>>,
}

impl Limits {
    /// What AWS's own log files keep to, about.
    pub(crate) const AWS: Self = Self {
        records_max: 5_000,
        text_bytes_max: 16 * 1024 * 1024,
        waiting_bytes_max: 64 * 1024 * 1024,
        wait_max_millis: 5 * 60 * 1000,
    };
}

impl<T> Batch<T> {
    /// Where the first of its records stands in the journal.
    pub(crate) fn first(&self) -> u64 {
        self.records.first().map_or(0, |first| first.offset)
    }

    /// Where the journal goes on after the last of its records.
    pub(crate) fn next(&self) -> u64 {
        self.records.last().map_or(0, |last| last.offset + 1)
    }
}

#[derive(Debug)]
struct Growing<T> {
    records: Vec<Waiting<T>>,
    text_bytes: usize,
    since: Timestamp,
}

/// The batches of one trail.
#[derive(Debug)]
pub(crate) struct Batches<T> {
    limits: Limits,
    regions: BTreeMap<Region, Growing<T>>,
    waiting_bytes: usize,
}

impl<T> Batches<T> {
    /// Nothing waits.
    pub(crate) fn new(limits: Limits) -> Self {
        Self { limits, regions: BTreeMap::new(), waiting_bytes: 0 }
    }

    /// Takes a record in, and at most two files out: the one that has no room for it, and then the
    /// one that is full with it or the largest where too much waits.
    pub(crate) fn push(
        &mut self,
        region: &Region,
        waiting: Waiting<T>,
        now: Timestamp,
    ) -> Vec<Batch<T>> {
        let overflowing = self.regions.get(region).is_some_and(|growing| {
            // The comma counts.
            growing.text_bytes + 1 + waiting.bytes > self.limits.text_bytes_max
        });
        let mut files = Vec::new();
        if overflowing {
            files.extend(self.take(region));
        }
        self.waiting_bytes += waiting.bytes;
        let growing = self.regions.entry(region.clone()).or_insert_with(|| Growing {
            records: Vec::new(),
            text_bytes: FRAME_BYTES - 1,
            since: now,
        });
        growing.text_bytes += 1 + waiting.bytes;
        growing.records.push(waiting);
        if growing.records.len() >= self.limits.records_max {
            files.extend(self.take(region));
        } else if self.waiting_bytes > self.limits.waiting_bytes_max {
            let largest = self.regions.iter().max_by_key(|(_, growing)| growing.text_bytes);
            let largest = largest.map(|(region, _)| region.clone());
            files.extend(largest.and_then(|region| self.take(&region)));
        }
        files
    }

    /// A batch whose oldest record has waited long enough.
    pub(crate) fn due(&mut self, now: Timestamp) -> Option<Batch<T>> {
        let (region, growing) = self.regions.iter().min_by_key(|(_, growing)| growing.since)?;
        if now < growing.since.plus_millis(self.limits.wait_max_millis) {
            return None;
        }
        let region = region.clone();
        self.take(&region)
    }

    /// Any batch, however young.
    pub(crate) fn flush(&mut self) -> Option<Batch<T>> {
        let region = self.regions.keys().next()?.clone();
        self.take(&region)
    }

    /// When the next batch is due.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        let oldest = self.regions.values().map(|growing| growing.since).min()?;
        Some(oldest.plus_millis(self.limits.wait_max_millis))
    }

    /// The first offset of all that wait.
    pub(crate) fn first(&self) -> Option<u64> {
        let firsts = self.regions.values().filter_map(|growing| growing.records.first());
        firsts.map(|waiting| waiting.offset).min()
    }

    /// How many records wait.
    pub(crate) fn len(&self) -> usize {
        self.regions.values().map(|growing| growing.records.len()).sum()
    }

    fn take(&mut self, region: &Region) -> Option<Batch<T>> {
        let (region, growing) = self.regions.remove_entry(region)?;
        self.waiting_bytes -= growing.records.iter().map(|waiting| waiting.bytes).sum::<usize>();
        Some(Batch { region, records: growing.records })
    }
}

#[cfg(test)]
mod tests;
