//! Members of an object that is written as plainly as services write them.

use std::ops::Range;

use crate::scan::{DEPTH_MAX, ONES, below};

/// Where a key, without its quotes, and its value stand.
pub type Member = (Range<usize>, Range<usize>);

/// The longest integer that is taken, in bytes.
const DIGITS_MAX: usize = 64;

/// Notes where the members of an object stand, and proves on the way that all of it is JSON.
/// Answers false where it is not written plainly, or is no JSON object: then nothing is said of it.
///
/// Plain is what has no white space between values, no escapes, no fractions and no bytes but
/// ASCII's printable ones. Nothing inside of its strings needs a second look, which is why this
/// takes a third of what [`super::check`] does.
pub fn plain_members(object: &[u8], members: &mut Vec<Member>) -> bool {
    members.clear();
    let is_whole = is_printable(object) && walk(object, members) == Some(object.len());
    if !is_whole {
        members.clear();
    }
    is_whole
}

/// Whether all bytes are printable ASCII and none a backslash.
fn is_printable(text: &[u8]) -> bool {
    // Without a way out in the midst, so that many bytes are looked at together.
    text.iter().fold(true, |is, byte| is & matches!(byte, b' '..=b'~') & (*byte != b'\\'))
}

/// Where the object ends that begins at 0.
fn walk(text: &[u8], members: &mut Vec<Member>) -> Option<usize> {
    if text.first() != Some(&b'{') {
        return None;
    }
    let (mut at, mut nest, mut is_first) = (1, Nest::outermost(), true);
    let (mut key, mut start) = (0..0, 0);
    loop {
        if is_first && *text.get(at)? == nest.closing() {
            at += 1;
            if nest.leave() == 0 {
                return Some(at);
            }
        } else {
            if nest.is_object() {
                let end = string_end(text, at)?;
                if nest.depth == 1 {
                    (key, start) = (at + 1..end - 1, end + 1);
                }
                at = after(text, end, b':')?;
            }
            match *text.get(at)? {
                b'"' => at = string_end(text, at)?,
                opening @ (b'{' | b'[') => {
                    nest.enter(opening)?;
                    (at, is_first) = (at + 1, true);
                    continue;
                }
                _ => at = word_end(text, at)?,
            }
        }
        // A value has ended here, and with it those that it is the last of.
        loop {
            if nest.depth == 1 {
                members.push((key.clone(), start..at));
            }
            let byte = *text.get(at)?;
            at += 1;
            if byte == b',' {
                is_first = false;
                break;
            }
            if byte != nest.closing() {
                return None;
            }
            if nest.leave() == 0 {
                return Some(at);
            }
        }
    }
}

/// The lists and objects around a place.
struct Nest {
    /// A bit for each, the innermost one lowest: whether it is an object.
    objects: u128,
    depth: u32,
}

impl Nest {
    fn outermost() -> Self {
        Self { objects: 1, depth: 1 }
    }

    fn is_object(&self) -> bool {
        self.objects & 1 == 1
    }

    fn closing(&self) -> u8 {
        if self.is_object() { b'}' } else { b']' }
    }

    fn enter(&mut self, opening: u8) -> Option<()> {
        if self.depth == DEPTH_MAX {
            return None;
        }
        self.objects = self.objects << 1 | u128::from(opening == b'{');
        self.depth += 1;
        Some(())
    }

    fn leave(&mut self) -> u32 {
        self.objects >>= 1;
        self.depth -= 1;
        self.depth
    }
}

/// Behind `byte`, which must stand at `at`.
fn after(text: &[u8], at: usize, byte: u8) -> Option<usize> {
    (text.get(at) == Some(&byte)).then_some(at + 1)
}

/// Where the string ends that begins at `at`, behind its closing quote.
#[inline]
fn string_end(text: &[u8], at: usize) -> Option<usize> {
    let mut at = after(text, at, b'"')?;
    while let Some(word) = text.get(at..)?.first_chunk::<8>() {
        let quote = below(1, u64::from_le_bytes(*word) ^ (ONES * u64::from(b'"'))) & (ONES << 7);
        if quote != 0 {
            return Some(at + (quote.trailing_zeros() >> 3) as usize + 1);
        }
        at += 8;
    }
    text.get(at..)?.iter().position(|byte| *byte == b'"').map(|length| at + length + 1)
}

/// Where a truth value, null or an integer ends that begins at `at`.
fn word_end(text: &[u8], at: usize) -> Option<usize> {
    let rest = text.get(at..)?;
    for word in [b"true".as_slice(), b"false", b"null"] {
        if rest.starts_with(word) {
            return Some(at + word.len());
        }
    }
    let digits = rest.strip_prefix(b"-").unwrap_or(rest);
    let count = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let is_integer = match digits.first() {
        Some(b'0') => count == 1,
        _ => (1..=DIGITS_MAX).contains(&count),
    };
    let is_fraction = matches!(digits.get(count), Some(b'.' | b'e' | b'E'));
    (is_integer && !is_fraction).then_some(at + rest.len() - digits.len() + count)
}
