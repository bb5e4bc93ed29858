//! Where ids and keys come from, so that tests can own chance.

use std::sync::atomic::{AtomicU64, Ordering};

/// A source of unpredictable bytes. The server's reads the operating system's.
pub trait Chance: Send + Sync {
    /// Fills `bytes`.
    fn fill(&self, bytes: &mut [u8]);

    /// A version-4 UUID in lower-case text.
    fn uuid(&self) -> String {
        let mut bytes = [0_u8; 16];
        self.fill(&mut bytes);
        let value = u128::from_be_bytes(bytes);
        let value = (value & !(0xf_u128 << 76)) | (0x4_u128 << 76);
        let value = (value & !(0x3_u128 << 62)) | (0x2_u128 << 62);
        let hex = format!("{value:032x}");
        let mut text = String::with_capacity(36);
        for (at, digit) in hex.chars().enumerate() {
            if matches!(at, 8 | 12 | 16 | 20) {
                text.push('-');
            }
            text.push(digit);
        }
        text
    }

    /// `length` characters, each one of `alphabet` (at most 256 characters, all ASCII).
    fn text(&self, alphabet: &[u8], length: usize) -> String {
        // Bytes past the last whole multiple of the alphabet would favour its first letters.
        let fair = 256 - 256 % alphabet.len().max(1);
        let mut text = String::with_capacity(length);
        while text.len() < length {
            let mut byte = [0_u8; 1];
            self.fill(&mut byte);
            let drawn = usize::from(byte[0]);
            if drawn < fair
                && let Some(letter) = alphabet.get(drawn % alphabet.len())
            {
                text.push(char::from(*letter));
            }
        }
        text
    }
}

/// Chance that repeats itself, for tests: the same seed gives the same bytes.
#[derive(Debug)]
pub struct SeededChance(AtomicU64);

impl SeededChance {
    /// Starts at `seed`.
    pub fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }
}

impl Chance for SeededChance {
    fn fill(&self, bytes: &mut [u8]) {
        // SplitMix64, by Steele, Lea and Flood (OOPSLA 2014).
        for chunk in bytes.chunks_mut(8) {
            let state = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
            let mut mixed = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            mixed ^= mixed >> 31;
            for (to, from) in chunk.iter_mut().zip(mixed.to_le_bytes()) {
                *to = from;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_has_its_version_and_variant() {
        let uuid = SeededChance::new(7).uuid();
        assert_eq!(uuid.len(), 36);
        assert_eq!(uuid.as_bytes()[14], b'4');
        assert!(b"89ab".contains(&uuid.as_bytes()[19]), "{uuid}");
    }

    #[test]
    fn text_holds_only_letters_of_its_alphabet() {
        let text = SeededChance::new(1).text(b"AB", 64);
        assert_eq!(text.len(), 64);
        assert!(text.contains('A') && text.contains('B'));
    }
}
