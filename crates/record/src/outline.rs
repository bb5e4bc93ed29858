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

/// The most keys and texts that are looked for in one walk.
pub const ANCHORS_MAX: usize = 4;

/// How many hits that have been told are kept before they are let go of.
const HITS_KEPT: usize = 1024;

/// The longest way from a string's opening quote to its closing one, in bytes.
const LENGTH_MAX: u32 = 60;

/// A key or a text to look for, by its length and the byte of it that is seldom found in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// How far the closing quote is from the opening one, in bytes.
    length: u32,
    /// How far the byte is from the opening quote.
    offset: u32,
    byte: u8,
    /// The bits that make no difference: that of upper and lower case, or none.
    blind: u8,
}

impl Anchor {
    /// An anchor for keys that read `key`; none where it is empty or long.
    pub fn of_key(key: &str) -> Option<Self> {
        let bytes = key.as_bytes().iter().enumerate();
        // Keys are in camel case: an upper-case letter in their midst tells them from most text.
        let (index, byte) = bytes.min_by_key(|(index, byte)| match byte {
            b'A'..=b'Z' if *index > 0 => 0,
            b'q' | b'x' | b'z' | b'j' | b'k' | b'w' | b'v' | b'y' => 1,
            b'a'..=b'z' if *index > 0 => 2,
            _ => 3,
        })?;
        Self::new(key.len(), index, *byte, 0)
    }

    /// An anchor for strings that read `text` in upper or lower case; none where that is long or
    /// not made of ASCII letters.
    pub fn of_text(text: &str) -> Option<Self> {
        const CASE: u8 = b'a' ^ b'A';
        if !text.bytes().all(|byte| byte.is_ascii_alphabetic()) {
            return None;
        }
        // The further from its beginning, the fewer texts are alike.
        let last = text.len().checked_sub(1)?;
        let byte = text.as_bytes().get(last)? | CASE;
        Self::new(text.len(), last, byte, CASE)
    }

    fn new(length: usize, index: usize, byte: u8, blind: u8) -> Option<Self> {
        let length = u32::try_from(length + 1).ok().filter(|length| *length <= LENGTH_MAX)?;
        Some(Self { length, offset: u32::try_from(index + 1).ok()?, byte, blind })
    }

    /// Whether a byte is the anchor's.
    pub(crate) fn is(self, byte: u8) -> bool {
        byte | self.blind == self.byte
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
    /// For each anchor, in their order, where strings begin (their opening quotes) that are as long
    /// as the anchor and have its byte in its place.
    hits: &'a [Vec<usize>],
    /// Which of each anchor's hits are this element's.
    spans: &'a [Range<usize>; ANCHORS_MAX],
    /// Whether an ASCII letter in it is written as `\u00…`: such a key goes unseen.
    pub escaped_letters: bool,
}

impl Element<'_> {
    /// Where strings begin in it (their opening quotes) that are as long as anchor number
    /// `anchor` and have its byte in its place: more than those that are the key or the text.
    pub fn hits_of(&self, anchor: usize) -> &[usize] {
        let span = self.spans.get(anchor).cloned().unwrap_or_default();
        self.hits.get(anchor).and_then(|hits| hits.get(span)).unwrap_or_default()
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
    /// Which hits are those of the element that was told last; the ones before are done with.
    spans: [Range<usize>; ANCHORS_MAX],
    /// Where letters are written as escapes, in elements that are not told yet.
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
            spans: std::array::from_fn(|_| 0..0),
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
            let mut blocks = lanes.hits(masks, index, *anchor);
            while blocks != 0 {
                let block = blocks.trailing_zeros();
                blocks &= blocks - 1;
                let mut found = masks.found(block as usize);
                while found != 0 {
                    let byte = at + (block as usize) * 64 + (found.trailing_zeros() as usize);
                    // The opening quote stands in this chunk or in the one before.
                    hits.push(byte.wrapping_sub(anchor.length as usize));
                    found &= found - 1;
                }
            }
        }
        masks.carry();
        self.forget(place);
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

    /// Lets go of hits that have been told, now and then.
    #[inline(always)]
    fn forget(&self, place: &mut Place<A>) {
        for (span, hits) in place.spans.iter_mut().zip(&mut place.hits) {
            if span.end >= HITS_KEPT {
                hits.drain(..span.end);
                *span = 0..0;
            }
        }
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
        for (span, hits) in place.spans.iter_mut().zip(&mut place.hits) {
            let done = span.end;
            let rest = hits.get(done..).unwrap_or_default();
            let count = rest.iter().take_while(|quote| **quote < place.end).count();
            *span = done..done + count;
        }
        let escapes = place.escapes.iter().take_while(|byte| **byte < place.end).count();
        (self.each)(Element {
            start: place.start,
            end: place.end,
            hits: &place.hits,
            spans: &place.spans,
            escaped_letters: escapes > 0,
        });
        if escapes > 0 {
            place.escapes.drain(..escapes);
        }
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
