//! Messages in hand, cut into batches.

use std::collections::VecDeque;

use bytes::Bytes;
use flow::Timestamp;

use super::Mapping;

/// The largest event of a batch, in bytes; Lambda's limit of an invocation.
const BATCH_BYTES_MAX: usize = 6 * 1024 * 1024;
/// What is around the records of an event, and between two of them, in bytes.
const AROUND_BYTES: usize = 16;

/// A message in hand, as the event will tell it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) message_id: String,
    pub(super) handle: String,
    pub(super) record: String,
    pub(super) received: Timestamp,
}

/// Messages that one invocation receives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Batch(pub(super) Vec<Held>);

impl Batch {
    /// The event that tells of them.
    pub(super) fn event(&self) -> Bytes {
        let records: Vec<&str> = self.0.iter().map(|held| held.record.as_str()).collect();
        Bytes::from(format!("{{\"Records\":[{}]}}", records.join(",")))
    }

    pub(super) fn handles(&self) -> Vec<String> {
        self.0.iter().map(|held| held.handle.clone()).collect()
    }

    /// When the first of them was received.
    pub(super) fn received(&self) -> Option<Timestamp> {
        self.0.iter().map(|held| held.received).min()
    }
}

/// Messages that wait for their batch to be full, or for its window to end.
#[derive(Debug, Default)]
pub(super) struct Gathered(VecDeque<Held>);

impl Gathered {
    pub(super) fn add(&mut self, held: Held) {
        self.0.push_back(held);
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// When what is there must go; `None` where nothing is there.
    pub(super) fn due(&self, mapping: &Mapping) -> Option<Timestamp> {
        let window = i64::from(mapping.window_seconds) * 1_000;
        self.0.front().map(|first| first.received.plus_millis(window))
    }

    /// The next batch, where one is full or its window has ended.
    pub(super) fn cut(&mut self, mapping: &Mapping, now: Timestamp) -> Option<Batch> {
        let due = self.due(mapping)? <= now;
        let (mut count, mut bytes) = (0, AROUND_BYTES);
        let mut full = false;
        for held in &self.0 {
            let more = bytes + held.record.len() + 1;
            // A message that is too large alone goes alone.
            if count > 0 && more > BATCH_BYTES_MAX {
                full = true;
                break;
            }
            (count, bytes) = (count + 1, more);
            if count >= usize::from(mapping.batch_size) {
                full = true;
                break;
            }
        }
        (full || due).then(|| Batch(self.0.drain(..count).collect()))
    }

    /// All that is left.
    pub(super) fn give_up(&mut self) -> Batch {
        Batch(self.0.drain(..).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::mapping::tests::mapping;

    /// Adds records of these lengths, all received at second 0, and cuts at `now`.
    fn check(lengths: &[usize], size: u16, window: u16, now: i64, expected: &[usize]) {
        let mapping = Mapping { batch_size: size, window_seconds: window, ..mapping() };
        let mut gathered = Gathered::default();
        for (id, length) in lengths.iter().enumerate() {
            gathered.add(Held {
                message_id: id.to_string(),
                handle: id.to_string(),
                record: "x".repeat(*length),
                received: Timestamp::from_secs(0),
            });
        }
        let mut cut = Vec::new();
        while let Some(batch) = gathered.cut(&mapping, Timestamp::from_secs(now)) {
            assert!(batch.0.len() == 1 || batch.event().len() <= BATCH_BYTES_MAX);
            cut.push(batch.0.len());
        }
        assert_eq!(cut, expected);
    }

    #[test]
    fn a_batch_is_cut_when_it_is_full_or_its_window_ends() {
        check(&[], 10, 0, 0, &[]);
        check(&[9; 12], 10, 0, 0, &[10, 2]);
        check(&[9; 12], 10, 5, 4, &[10]);
        check(&[9; 12], 10, 5, 5, &[10, 2]);
        check(&[9; 12], 100, 5, 4, &[]);
        check(&[9; 12], 1, 0, 0, &[1; 12]);
    }

    #[test]
    fn a_batch_is_no_larger_than_an_invocation_may_be() {
        let half = 3 * 1024 * 1024;
        check(&[half, half, 9], 10, 9, 0, &[1]);
        check(&[half, half, 9], 10, 0, 0, &[1, 2]);
        check(&[9 * half, 9, 9], 10, 0, 0, &[1, 2]);
    }
}
