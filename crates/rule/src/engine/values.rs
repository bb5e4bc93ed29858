//! The values of one key that were met, and which rules each of them concerns.

use std::{
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
};

use record::scan::mark_in;

/// How many values are kept at most.
const VALUES_KEPT: usize = 8192;

/// The longest value that is kept, in bytes.
const KEPT_BYTES_MAX: usize = 128;

/// Words of a short value: nearly all names of events are no longer.
const WORDS: usize = 4;
/// Their bytes.
const SHORT_BYTES: usize = WORDS * 8;

/// Places for short values; the last value that fits a place has it.
const SLOTS: usize = 4096;

/// Values with the rules that they concern. One of a thread: it learns as values are met.
#[derive(Debug)]
pub(super) struct Values {
    /// Short values, each in the place that its bytes say.
    slots: Box<[Slot]>,
    /// All values.
    all: HashMap<Box<[u8]>, Box<[u32]>, BuildHasherDefault<Mixed>>,
}

/// A short value, nought behind its end.
#[derive(Clone, Debug)]
struct Slot {
    words: [u64; WORDS],
    length: usize,
    rules: Box<[u32]>,
}

/// A short value as it stands in a text.
pub(super) struct Short {
    words: [u64; WORDS],
    length: usize,
}

impl Short {
    /// The value at the beginning of `text`, behind its opening quote, where it is short and ASCII
    /// without escapes.
    #[inline]
    pub(super) fn of(text: &[u8]) -> Option<Self> {
        let (chunks, _) = text.first_chunk::<SHORT_BYTES>()?.as_chunks::<8>();
        let mut words = [0; WORDS];
        let mut length = 0;
        // A word at a time: most names end in the second or third.
        for (word, chunk) in words.iter_mut().zip(chunks) {
            // Bytes that are not ASCII have their highest bit set.
            let found = mark_in(*chunk, |word| word);
            let value = u64::from_le_bytes(*chunk);
            if found < 8 {
                *word = value & !(u64::MAX << (8 * found));
                length += found;
                return (text.get(length) == Some(&b'"')).then_some(Self { words, length });
            }
            *word = value;
            length += 8;
        }
        None
    }

    fn place(&self) -> usize {
        let mixed = self.words.iter().fold(0, |sum, word| mixed(sum, *word));
        usize::try_from(mixed >> 32).unwrap_or(0) % SLOTS
    }
}

impl Values {
    /// No value met yet.
    pub(super) fn new() -> Self {
        let empty = Slot { words: [u64::MAX; WORDS], length: 0, rules: Box::default() };
        Self { slots: vec![empty; SLOTS].into_boxed_slice(), all: HashMap::default() }
    }

    /// The rules that a short value concerns; `find` is asked the first time.
    #[inline]
    pub(super) fn of_short(
        &mut self,
        short: &Short,
        find: impl FnOnce(&[u8]) -> Box<[u32]>,
    ) -> &[u32] {
        let place = short.place();
        let is_kept = |slot: &Slot| slot.words == short.words && slot.length == short.length;
        if !self.slots.get(place).is_some_and(is_kept) {
            let bytes = short.words.map(u64::to_le_bytes);
            let value = bytes.as_flattened().get(..short.length).unwrap_or_default();
            let rules = self.of(value, find).into();
            if let Some(slot) = self.slots.get_mut(place) {
                *slot = Slot { words: short.words, length: short.length, rules };
            }
        }
        self.slots.get(place).map(|slot| &*slot.rules).unwrap_or_default()
    }

    /// The rules that a value concerns; `find` is asked the first time.
    pub(super) fn of(&mut self, value: &[u8], find: impl FnOnce(&[u8]) -> Box<[u32]>) -> Vec<u32> {
        if let Some(rules) = self.all.get(value) {
            return rules.to_vec();
        }
        let rules = find(value);
        let found = rules.to_vec();
        if self.all.len() < VALUES_KEPT && value.len() <= KEPT_BYTES_MAX {
            self.all.insert(value.into(), rules);
        }
        found
    }
}

/// One more word mixed into a sum.
fn mixed(sum: u64, word: u64) -> u64 {
    const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;
    let sum = (sum ^ word).wrapping_mul(FACTOR);
    sum ^ sum >> 29
}

/// A value's bytes, mixed: quicker than a hash that withstands whoever chooses the values, which are
/// kept in a bounded number.
#[derive(Default)]
pub(super) struct Mixed(u64);

impl Hasher for Mixed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        let mut mix = |word: u64| self.0 = mixed(self.0, word);
        mix(bytes.len() as u64);
        bytes.as_chunks::<8>().0.iter().for_each(|word| mix(u64::from_le_bytes(*word)));
        match bytes.last_chunk::<8>() {
            Some(last) => mix(u64::from_le_bytes(*last)),
            None => bytes.iter().for_each(|byte| mix(u64::from(*byte))),
        }
    }

    fn write_usize(&mut self, length: usize) {
        self.0 ^= length as u64;
    }
}
