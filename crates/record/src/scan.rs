//! Finds where JSON values begin and end, and says where text stops being JSON.
//!
//! Accepts exactly what `serde_json` accepts as a value, without building one: a property test
//! holds the two together.

mod plain;

pub use self::plain::{Member, plain_members};
use crate::error::Error;

/// How deep arrays and objects may nest; what `serde_json` allows.
pub const DEPTH_MAX: u32 = 127;

/// The longest part of a key that an error repeats, in bytes.
const KEY_BYTES_MAX: usize = 64;

/// Numbers longer than this, in bytes, may be beyond what a double holds.
const PLAIN_NUMBER_BYTES_MAX: usize = 300;

/// A place in a text that may be JSON.
#[derive(Clone, Debug)]
pub struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
}

/// Checks that `text` is one JSON value and nothing else.
pub fn check(text: &[u8]) -> Result<(), Error> {
    let mut scanner = Scanner::new(text);
    scanner.value()?;
    scanner.space();
    match scanner.peek() {
        None => Ok(()),
        Some(_) => Err(scanner.expected("the end of the text")),
    }
}

impl<'a> Scanner<'a> {
    /// At the beginning of `text`.
    pub fn new(text: &'a [u8]) -> Self {
        Self { text, at: 0 }
    }

    /// At byte `at` of `text`.
    pub fn at_byte(text: &'a [u8], at: usize) -> Self {
        Self { text, at }
    }

    /// Passes over one byte.
    pub fn pass(&mut self) {
        self.at += 1;
    }

    /// How many bytes lie behind.
    pub fn at(&self) -> usize {
        self.at
    }

    /// The bytes from `start` up to here.
    pub fn since(&self, start: usize) -> &'a [u8] {
        self.text.get(start..self.at).unwrap_or_default()
    }

    /// The byte that comes next.
    pub fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    /// Passes over white space.
    pub fn space(&mut self) {
        while let Some(b' ' | b'\n' | b'\t' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    /// The error that something else should stand here.
    pub fn expected(&self, what: impl Into<String>) -> Error {
        Error::Malformed { offset: self.at, expected: what.into() }
    }

    /// Passes over one value and the white space before it.
    pub fn value(&mut self) -> Result<(), Error> {
        self.value_within(DEPTH_MAX)
    }

    fn value_within(&mut self, depth: u32) -> Result<(), Error> {
        self.space();
        match self.peek() {
            Some(b'{') => {
                self.object_within(depth, |scanner, _, inner| scanner.value_within(inner))
            }
            Some(b'[') => self.array_within(depth, |scanner, inner| scanner.value_within(inner)),
            Some(b'"') => self.string().map(|_| ()),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word(b"true"),
            Some(b'f') => self.word(b"false"),
            Some(b'n') => self.word(b"null"),
            _ => Err(self.expected("a value")),
        }
    }

    /// Passes over an object; `member` is called at each member's value, with its key as it is
    /// written, and passes over the value.
    pub fn object(
        &mut self,
        mut member: impl FnMut(&mut Self, &'a [u8]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.object_within(DEPTH_MAX, |scanner, key, _| member(scanner, key))
    }

    /// Passes over an array; `item` is called at each item and passes over it.
    pub fn array(
        &mut self,
        mut item: impl FnMut(&mut Self) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.array_within(DEPTH_MAX, |scanner, _| item(scanner))
    }

    fn object_within(
        &mut self,
        depth: u32,
        mut member: impl FnMut(&mut Self, &'a [u8], u32) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let inner = self.enter(depth, b'{')?;
        self.space();
        if self.take(b'}') {
            return Ok(());
        }
        loop {
            self.space();
            if self.peek() != Some(b'"') {
                return Err(self.expected("a key in double quotes"));
            }
            let key = self.string()?;
            self.space();
            if !self.take(b':') {
                return Err(self.expected(format!("`:` after the key {}", shown(key))));
            }
            self.space();
            member(self, key, inner)?;
            self.space();
            if self.take(b'}') {
                return Ok(());
            }
            if !self.take(b',') {
                let key = shown(key);
                return Err(self.expected(format!("`,` or `}}` after the value of {key}")));
            }
        }
    }

    fn array_within(
        &mut self,
        depth: u32,
        mut item: impl FnMut(&mut Self, u32) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let inner = self.enter(depth, b'[')?;
        self.space();
        if self.take(b']') {
            return Ok(());
        }
        loop {
            self.space();
            item(self, inner)?;
            self.space();
            if self.take(b']') {
                return Ok(());
            }
            if !self.take(b',') {
                return Err(self.expected("`,` or `]` after an item"));
            }
        }
    }

    fn enter(&mut self, depth: u32, opening: u8) -> Result<u32, Error> {
        let inner = depth
            .checked_sub(1)
            .ok_or_else(|| self.expected(format!("at most {DEPTH_MAX} levels of nesting")))?;
        if !self.take(opening) {
            return Err(self.expected(format!("`{}`", char::from(opening))));
        }
        Ok(inner)
    }

    fn take(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    fn word(&mut self, word: &'static [u8]) -> Result<(), Error> {
        if !self.text.get(self.at..).is_some_and(|rest| rest.starts_with(word)) {
            return Err(self.expected("a value"));
        }
        self.at += word.len();
        Ok(())
    }

    /// Passes over a string; gives what stands between its quotes, as written.
    pub fn string(&mut self) -> Result<&'a [u8], Error> {
        if !self.take(b'"') {
            return Err(self.expected("`\"`"));
        }
        let start = self.at;
        let mut is_ascii = true;
        loop {
            self.at += before_mark(self.text.get(self.at..).unwrap_or_default(), |word| {
                is_ascii &= word & (ONES << 7) == 0;
                // What may not stand in strings.
                below(u64::from(b' '), word)
            });
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => self.escape()?,
                Some(_) => return Err(self.expected("no control character in a string")),
                None => return Err(self.expected("the `\"` that ends a string")),
            }
        }
        let written = self.since(start);
        if !is_ascii && let Err(error) = std::str::from_utf8(written) {
            let offset = start + error.valid_up_to();
            return Err(Error::Malformed { offset, expected: "UTF-8".to_owned() });
        }
        self.at += 1;
        Ok(written)
    }

    fn escape(&mut self) -> Result<(), Error> {
        let start = self.at;
        self.at += 1;
        match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.at += 1;
                Ok(())
            }
            Some(b'u') => {
                self.at += 1;
                match self.hex4()? {
                    0xdc00..=0xdfff => Err(Error::Malformed {
                        offset: start,
                        expected: "the first half of a surrogate pair".to_owned(),
                    }),
                    0xd800..=0xdbff => self.second_half(),
                    _ => Ok(()),
                }
            }
            _ => Err(self.expected("an escape such as `\\n`")),
        }
    }

    fn second_half(&mut self) -> Result<(), Error> {
        let start = self.at;
        let is_pair =
            self.take(b'\\') && self.take(b'u') && matches!(self.hex4()?, 0xdc00..=0xdfff);
        if is_pair {
            return Ok(());
        }
        let expected = "the second half of a surrogate pair".to_owned();
        Err(Error::Malformed { offset: start, expected })
    }

    fn hex4(&mut self) -> Result<u32, Error> {
        let mut value = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|byte| char::from(byte).to_digit(16));
            let digit = digit.ok_or_else(|| self.expected("four hexadecimal digits"))?;
            value = value * 16 + digit;
            self.at += 1;
        }
        Ok(value)
    }

    fn number(&mut self) -> Result<(), Error> {
        let start = self.at;
        self.take(b'-');
        // No digit follows a leading zero.
        if !self.take(b'0') {
            self.digits()?;
        }
        let mut is_plain = true;
        if self.take(b'.') {
            self.digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            is_plain = false;
            let _signed = self.take(b'+') || self.take(b'-');
            self.digits()?;
        }
        let written = self.since(start);
        if is_plain && written.len() <= PLAIN_NUMBER_BYTES_MAX {
            return Ok(());
        }
        let value = std::str::from_utf8(written).ok().and_then(|text| text.parse::<f64>().ok());
        if value.is_some_and(f64::is_finite) {
            return Ok(());
        }
        Err(Error::Malformed { offset: start, expected: "a number that a double holds".to_owned() })
    }

    fn digits(&mut self) -> Result<(), Error> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        if self.at == start { Err(self.expected("a digit")) } else { Ok(()) }
    }
}

/// How many bytes of a text come before a quote, a backslash, or a byte that `also` marks: given
/// eight bytes, it sets the highest bit of the first one that it looks for, and of none before.
#[inline]
pub fn before_mark(text: &[u8], mut also: impl FnMut(u64) -> u64) -> usize {
    let mut first = |word: [u8; 8]| mark_in(word, &mut also);
    let (words, rest) = text.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let found = first(*word);
        if found < 8 {
            return index * 8 + found;
        }
    }
    let mut last = [b' '; 8];
    last.iter_mut().zip(rest).for_each(|(last, byte)| *last = *byte);
    text.len() - rest.len() + first(last).min(rest.len())
}

/// As [`before_mark`], of eight bytes.
#[inline]
pub fn mark_in(bytes: [u8; 8], also: impl FnOnce(u64) -> u64) -> usize {
    let word = u64::from_le_bytes(bytes);
    let quote = below(1, word ^ (ONES * u64::from(b'"')));
    let backslash = below(1, word ^ (ONES * u64::from(b'\\')));
    let found = (quote | backslash | also(word)) & (ONES << 7);
    (found.trailing_zeros() >> 3) as usize
}

/// A one in each byte of a word.
const ONES: u64 = u64::MAX / 255;

/// Sets the highest bit of the first of eight bytes that is below `limit`, at most 128: it is the
/// lowest one that the subtraction makes borrow.
fn below(limit: u64, word: u64) -> u64 {
    word.wrapping_sub(ONES * limit) & !word
}

/// A key as an error may repeat it: short, in quotes, nothing hostile in it.
fn shown(key: &[u8]) -> String {
    let short = key.get(..KEY_BYTES_MAX).unwrap_or(key);
    format!("{:?}", String::from_utf8_lossy(short))
}

#[cfg(test)]
mod tests;
