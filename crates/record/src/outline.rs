//! Where the elements of a JSON text stand, found at the speed of memory.
//!
//! A text of records is walked once, 64 bytes at a time: unescaped quotes say what is inside a
//! string, brackets outside of strings say how deep one is, and each element at the outermost
//! depth is told with its range. On the way it is noted where strings begin that may be one of a
//! few keys ([`Anchor`]): whoever asks for few keys need not look at the rest.
//!
//! This finds structure, it does not check JSON: what stands between the brackets of an element
//! may still be wrong. Outside of elements nothing but separators passes.

mod lanes;
mod portable;
#[cfg(target_arch = "x86_64")]
mod x86;

use std::ops::Range;

use self::lanes::{BLOCKS, CHUNK_BYTES, Lanes, Masks};

/// The most keys that are looked for in one walk.
pub const ANCHORS_MAX: usize = 4;

/// The longest way from a string's quote to the byte that gives it away, in bytes.
const OFFSET_MAX: usize = 60;

/// A key to look for: the byte of it that is seldom found as far behind a quote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Anchor {
    offset: u32,
    byte: u8,
}

impl Anchor {
    /// An anchor for keys that read `key`; none where it is empty.
    pub fn of_key(key: &str) -> Option<Self> {
        let bytes = key.as_bytes().iter().enumerate().take(OFFSET_MAX);
        // Keys are in camel case: an upper-case letter in their midst tells them from most text.
        let (index, byte) = bytes.min_by_key(|(index, byte)| match byte {
            b'A'..=b'Z' if *index > 0 => 0,
            b'q' | b'x' | b'z' | b'j' | b'k' | b'w' | b'v' | b'y' => 1,
            b'a'..=b'z' if *index > 0 => 2,
            _ => 3,
        })?;
        Some(Self { offset: u32::try_from(index + 1).ok()?, byte: *byte })
    }
}

/// What stands between elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gap {
    /// Commas, and a closing bracket behind the last: the items of a list, from the first.
    Comma,
    /// The same from behind an item, with the comma that comes next.
    NextComma,
    /// White space: values one after the other.
    Space,
}

/// An element: brackets and what they hold.
#[derive(Clone, Copy, Debug)]
pub struct Element<'a> {
    /// Where it begins in the text.
    pub start: usize,
    /// Where it ends: the byte behind its closing bracket.
    pub end: usize,
    /// For each anchor, in their order, where strings in this element begin (their opening quotes)
    /// that have the anchor's byte in its place; more than those that are the key.
    pub hits: &'a [Vec<usize>],
    /// How many of each anchor's hits are this element's.
    hits_ends: &'a [usize; ANCHORS_MAX],
    /// Whether an ASCII letter in it is written as `\u00…`: such a key goes unseen.
    pub escaped_letters: bool,
}

impl Element<'_> {
    /// Where strings begin that have anchor number `anchor`'s byte in its place.
    pub fn hits_of(&self, anchor: usize) -> &[usize] {
        let end = self.hits_ends.get(anchor).copied().unwrap_or_default();
        self.hits.get(anchor).and_then(|hits| hits.get(..end)).unwrap_or_default()
    }
}

/// Why a walk ended, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The list's closing bracket stands here.
    Closed(usize),
    /// The text ended between elements; the last one ended here.
    Between(usize),
    /// The text ended within an element.
    Within {
        /// Where the whole elements end.
        after: usize,
        /// Where the unfinished one begins.
        start: usize,
    },
    /// Something stands here that separates no elements.
    Broken(usize),
}

/// How a walk ended, and whether all that it passed is ASCII.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Walked {
    /// Why it ended, and where.
    pub end: End,
    /// Whether there is no byte above 127 on the way.
    pub is_ascii: bool,
}

/// Walks `text` from byte `from` and calls `each` for every whole element. Every anchor beyond
/// [`ANCHORS_MAX`] is passed over.
pub fn walk(
    text: &[u8],
    from: usize,
    gap: Gap,
    anchors: &[Anchor],
    each: &mut dyn FnMut(Element<'_>),
) -> Walked {
    let anchors = anchors.get(..anchors.len().min(ANCHORS_MAX)).unwrap_or_default();
    match *anchors {
        [] => walk_with([], text, from, gap, each),
        [a] => walk_with([a], text, from, gap, each),
        [a, b] => walk_with([a, b], text, from, gap, each),
        [a, b, c] => walk_with([a, b, c], text, from, gap, each),
        [a, b, c, d, ..] => walk_with([a, b, c, d], text, from, gap, each),
    }
}

fn walk_with<const A: usize>(
    anchors: [Anchor; A],
    text: &[u8],
    from: usize,
    gap: Gap,
    each: &mut dyn FnMut(Element<'_>),
) -> Walked {
    let walk = Walk { anchors, text, from, gap, each };
    #[cfg(target_arch = "x86_64")]
    {
        x86::run(walk)
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        walk.run(portable::Portable)
    }
}

/// A walk to take.
struct Walk<'a, const A: usize> {
    anchors: [Anchor; A],
    text: &'a [u8],
    from: usize,
    gap: Gap,
    each: &'a mut dyn FnMut(Element<'_>),
}

/// How far a walk is.
struct Place<const A: usize> {
    /// Whether the next byte is escaped by the last one's backslash: 0 or 1.
    escaped: u64,
    /// Whether the next byte is inside a string: 0 or 1.
    inside: u64,
    depth: i64,
    /// Where the element begins in which the walk is; the end of the last one otherwise.
    start: usize,
    end: usize,
    hits: [Vec<usize>; A],
    /// Where letters are written as escapes.
    escapes: Vec<usize>,
}

impl<const A: usize> Walk<'_, A> {
    #[inline(always)]
    fn run<L: Lanes>(mut self, lanes: L) -> Walked {
        let rest = self.text.get(self.from..).unwrap_or_default();
        let (chunks, tail) = rest.as_chunks::<CHUNK_BYTES>();
        let mut place = Place::<A> {
            escaped: 0,
            inside: 0,
            depth: 0,
            start: self.from,
            end: self.from,
            hits: std::array::from_fn(|_| Vec::new()),
            escapes: Vec::new(),
        };
        let mut masks = Masks::<A>::new();
        let mut at = self.from;
        for chunk in chunks {
            if let Some(end) = self.chunk(lanes, chunk, at, &mut masks, &mut place) {
                return Walked { end, is_ascii: masks.is_ascii };
            }
            at += CHUNK_BYTES;
        }
        let mut last = [b' '; CHUNK_BYTES];
        last.iter_mut().zip(tail).for_each(|(last, byte)| *last = *byte);
        let end = self.chunk(lanes, &last, at, &mut masks, &mut place);
        let end = end.unwrap_or_else(|| self.at_the_end(&place));
        Walked { end, is_ascii: masks.is_ascii }
    }

    fn at_the_end(&self, place: &Place<A>) -> End {
        if place.depth > 0 {
            return End::Within { after: place.end, start: place.start };
        }
        // What follows the last element is a separator at most, or the text breaks off in it.
        let rest = self.text.get(place.end..).unwrap_or_default();
        match rest.iter().position(|byte| !is_space(*byte)) {
            Some(index) if rest.get(index) != Some(&b',') || self.gap == Gap::Space => {
                End::Broken(place.end + index)
            }
            _ => End::Between(place.end),
        }
    }

    #[inline(always)]
    fn chunk<L: Lanes>(
        &mut self,
        lanes: L,
        chunk: &[u8; CHUNK_BYTES],
        at: usize,
        masks: &mut Masks<A>,
        place: &mut Place<A>,
    ) -> Option<End> {
        let backslashes = lanes.look(chunk, &self.anchors, masks);
        if backslashes || place.escaped != 0 {
            self.unescape(lanes, chunk, at, masks, place);
        }
        lanes.outside(masks, &mut place.inside);
        for (index, hits) in place.hits.iter_mut().enumerate() {
            let Some(anchor) = self.anchors.get(index) else { break };
            let mut blocks = lanes.hits(masks, index, anchor.offset);
            while blocks != 0 {
                let block = blocks.trailing_zeros();
                blocks &= blocks - 1;
                let mut found = masks.found(block as usize);
                while found != 0 {
                    let byte = at + (block as usize) * 64 + (found.trailing_zeros() as usize);
                    // The quote stands in this chunk or in the one before.
                    hits.push(byte.wrapping_sub(anchor.offset as usize));
                    found &= found - 1;
                }
            }
        }
        masks.carry_quotes();
        for block in 0..BLOCKS {
            let (open, close) = masks.brackets(block);
            let (opened, closed) = (open.count_ones(), close.count_ones());
            if place.depth - i64::from(closed) <= 0 && open | close != 0 {
                let end = self.brackets(open, close, at + block * 64, place);
                if end.is_some() {
                    return end;
                }
            } else {
                place.depth += i64::from(opened) - i64::from(closed);
            }
        }
        None
    }

    /// Takes escaped quotes out, and notes letters that are written as escapes.
    fn unescape<L: Lanes>(
        &self,
        lanes: L,
        chunk: &[u8; CHUNK_BYTES],
        at: usize,
        masks: &mut Masks<A>,
        place: &mut Place<A>,
    ) {
        lanes.backslashes(chunk, masks);
        for block in 0..BLOCKS {
            let mut backslashes = masks.unescape(block, &mut place.escaped);
            while backslashes != 0 {
                let byte = at + block * 64 + (backslashes.trailing_zeros() as usize);
                backslashes &= backslashes - 1;
                if let Some([b'u', b'0', b'0', b'4'..=b'7']) = self.text.get(byte + 1..byte + 5) {
                    place.escapes.push(byte);
                }
            }
        }
    }

    /// Goes through brackets one by one where an element begins or ends among them.
    #[inline(never)]
    fn brackets(&mut self, open: u64, close: u64, at: usize, place: &mut Place<A>) -> Option<End> {
        let mut brackets = open | close;
        while brackets != 0 {
            let byte = at + (brackets.trailing_zeros() as usize);
            let bracket = brackets & brackets.wrapping_neg();
            brackets ^= bracket;
            if open & bracket != 0 {
                if place.depth == 0 {
                    if let Some(wrong) = self.wrong_gap(place.end, byte) {
                        return Some(End::Broken(wrong));
                    }
                    place.start = byte;
                }
                place.depth += 1;
            } else {
                place.depth -= 1;
                if place.depth == 0 {
                    place.end = byte + 1;
                    self.tell(place);
                } else if place.depth < 0 {
                    return Some(self.closed(place.end, byte));
                }
            }
        }
        None
    }

    /// The first byte between `from` and `to` that separates no elements.
    fn wrong_gap(&self, from: usize, to: usize) -> Option<usize> {
        let gap = self.text.get(from..to).unwrap_or_default();
        let is_comma_due = match self.gap {
            Gap::Space => false,
            Gap::Comma => from != self.from,
            Gap::NextComma => true,
        };
        if gap == b"," && is_comma_due {
            return None;
        }
        let mut commas = usize::from(is_comma_due);
        for (index, byte) in gap.iter().enumerate() {
            match byte {
                b',' if commas > 0 => commas -= 1,
                byte if is_space(*byte) => {}
                _ => return Some(from + index),
            }
        }
        (commas > 0).then_some(to)
    }

    fn closed(&self, from: usize, bracket: usize) -> End {
        let gap = self.text.get(from..bracket).unwrap_or_default();
        match gap.iter().position(|byte| !is_space(*byte)) {
            Some(index) => End::Broken(from + index),
            None if self.gap != Gap::Space && self.text.get(bracket) == Some(&b']') => {
                End::Closed(bracket)
            }
            None => End::Broken(bracket),
        }
    }

    /// Tells the element that has just ended.
    fn tell(&mut self, place: &mut Place<A>) {
        let mut ends = [0; ANCHORS_MAX];
        for (end, hits) in ends.iter_mut().zip(&place.hits) {
            *end = hits.partition_point(|quote| *quote < place.end);
        }
        let escapes = place.escapes.partition_point(|byte| *byte < place.end);
        (self.each)(Element {
            start: place.start,
            end: place.end,
            hits: &place.hits,
            hits_ends: &ends,
            escaped_letters: escapes > 0,
        });
        for (end, hits) in ends.iter().zip(&mut place.hits) {
            hits.drain(..*end);
        }
        place.escapes.drain(..escapes);
    }
}

impl Element<'_> {
    /// Where it stands.
    pub fn range(&self) -> Range<usize> {
        self.start..self.end
    }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\t' | b'\r')
}

#[cfg(test)]
mod tests;
