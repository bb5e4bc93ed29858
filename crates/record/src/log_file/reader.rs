//! The objects of a log bucket, whatever they are: their records one after the other.

use std::{
    fmt,
    io::{Cursor, Read},
};

use crate::{
    log_file::{
        documents::Documents,
        inflate::{self, GZIP_BYTES_MAX, Packing},
    },
    outline::{Anchor, Element},
};

/// How much of a text is held at once where it is read in pieces, in bytes. A record that is larger
/// is not read.
pub const WINDOW_BYTES: usize = 8 * 1024 * 1024;

/// The largest text that is inflated in one step, in bytes: larger ones are read in pieces.
const ONE_STEP_BYTES_MAX: usize = 32 * 1024 * 1024;

/// How much of a text is asked for at a time, in bytes.
const PIECE_BYTES: usize = 512 * 1024;

/// The most places of damage that are told of one object.
pub(super) const DAMAGE_MAX: usize = 100;

/// What an object of a log bucket is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Contents {
    /// Records, or what was meant to hold them.
    Log,
    /// A digest file: it names log files and holds no records.
    Digest,
    /// Records of CloudTrail Insights: not API calls.
    Insights,
    /// An empty object or a folder's key, such as CloudTrail puts to try a bucket's policy.
    Marker,
    /// Something else that somebody keeps in the bucket.
    #[default]
    Other,
}

/// What is wrong with an object, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The byte of the text, or of the compressed bytes where these are damaged.
    pub offset: Option<u64>,
    /// What is wrong, or what was expected there.
    pub reason: String,
}

impl fmt::Display for Damage {
    /// The reason with its place, for whoever reads it alone.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.offset {
            Some(offset) => write!(f, "{} at byte {offset}", self.reason),
            None => f.write_str(&self.reason),
        }
    }
}

/// What became of an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// What it is.
    pub contents: Contents,
    /// How many records it holds.
    pub records: u64,
    /// How long its text is, in bytes; the object itself where it is not compressed.
    pub bytes_inflated: u64,
    /// What could not be read. What was whole before it has been told.
    pub damage: Vec<Damage>,
}

/// A record as it stands in its object.
///
/// Its brackets have been matched, the rest of it has not been judged: whoever looks into it may
/// find that it is no JSON.
#[derive(Clone, Copy, Debug)]
pub struct RawRecord<'a> {
    /// The text that it stands in, or a part of that.
    pub(super) text: &'a [u8],
    /// Where it stands there.
    pub(super) element: Element<'a>,
    /// Where in the object's whole text this part begins, in bytes.
    pub(super) base: u64,
}

impl<'a> RawRecord<'a> {
    /// Its JSON.
    pub fn json(&self) -> &'a [u8] {
        self.text.get(self.element.range()).unwrap_or_default()
    }

    /// Where it begins in the object's text, in bytes.
    pub fn offset(&self) -> u64 {
        self.base + self.element.start as u64
    }

    /// What follows the opening quote of each string in it that may be the key of anchor number
    /// `anchor`, up to the end of the text.
    pub fn hits(&self, anchor: usize) -> impl Iterator<Item = &'a [u8]> {
        let text = self.text;
        let behind = |quote: &usize| text.get(quote + 1..).unwrap_or_default();
        self.element.hits_of(anchor).iter().map(behind)
    }

    /// Whether an ASCII letter in it is written as an escape, so that a key may have gone unseen.
    pub fn escaped_letters(&self) -> bool {
        self.element.escaped_letters
    }
}

/// Reads objects one after another, in buffers that it keeps.
pub struct Reader {
    inflater: libdeflater::Decompressor,
    /// A whole text, or a window of one.
    text: Vec<u8>,
}

impl Default for Reader {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("buffer_bytes", &self.text.len()).finish_non_exhaustive()
    }
}

impl Reader {
    /// Nothing read yet.
    pub fn new() -> Self {
        Self { inflater: libdeflater::Decompressor::new(), text: Vec::new() }
    }

    /// How large its buffers have grown, in bytes.
    pub fn buffer_bytes(&self) -> usize {
        self.text.len()
    }

    /// Reads an object of which all bytes are here: gzip, zstd or plain; `{"Records":[…]}`, a list
    /// of records, records one after another, EventBridge's envelopes or what `LookupEvents`
    /// answers. `each` is called for every record, with the places where keys may stand that
    /// `anchors` are for.
    pub fn whole(
        &mut self,
        key: &str,
        bytes: &[u8],
        anchors: &[Anchor],
        each: &mut dyn FnMut(RawRecord<'_>),
    ) -> Reading {
        if let Some(contents) = by_key(key, bytes.is_empty()) {
            return Reading { contents, ..Reading::default() };
        }
        let packing = Packing::of(bytes);
        if packing != Packing::None && bytes.len() as u64 > GZIP_BYTES_MAX {
            let reason = format!("it has {} bytes, {GZIP_BYTES_MAX} is the most", bytes.len());
            return damaged(key, Damage { offset: None, reason });
        }
        let mut documents = Documents::new(key, anchors, each);
        if packing == Packing::None {
            documents.feed(bytes, 0, true);
            return documents.ended(bytes.len() as u64);
        }
        if packing == Packing::Gzip
            && let Some(size) =
                inflate::one_step(&mut self.inflater, bytes, &mut self.text, ONE_STEP_BYTES_MAX)
        {
            let text = self.text.get(..size).unwrap_or_default();
            documents.feed(text, 0, true);
            return documents.ended(size as u64);
        }
        drop(documents);
        self.stream(key, &mut Cursor::new(bytes), anchors, each)
    }

    /// As [`Reader::whole`], of bytes that come one after the other, however many: a few megabytes
    /// are held at a time.
    pub fn stream(
        &mut self,
        key: &str,
        source: &mut dyn Read,
        anchors: &[Anchor],
        each: &mut dyn FnMut(RawRecord<'_>),
    ) -> Reading {
        if let Some(contents) = by_key(key, false) {
            return Reading { contents, ..Reading::default() };
        }
        let mut documents = Documents::new(key, anchors, each);
        let mut inflating = inflate::Stream::new(source);
        let window = &mut self.text;
        let (mut filled, mut base) = (0, 0_u64);
        loop {
            let upto = (filled + PIECE_BYTES).min(WINDOW_BYTES);
            if window.len() < upto {
                window.resize(upto, 0);
            }
            let room = window.get_mut(filled..upto).unwrap_or_default();
            let is_full = room.is_empty();
            let (read, damage) = inflating.read(room);
            filled += read;
            let is_end = damage.is_some() || read == 0 && !is_full;
            if let Some(damage) = damage {
                documents.cut(damage);
            }
            let text = window.get(..filled).unwrap_or_default();
            let done = documents.feed(text, base, is_end);
            if is_end || documents.is_over() {
                break;
            }
            if done == 0 && filled == WINDOW_BYTES {
                documents.too_large(base);
                break;
            }
            window.copy_within(done..filled, 0);
            filled -= done;
            base += done as u64;
        }
        documents.ended(base + filled as u64)
    }
}

/// What an object is by its key alone, or by holding nothing.
fn by_key(key: &str, is_empty: bool) -> Option<Contents> {
    if is_empty {
        Some(Contents::Marker)
    } else if key.contains("/CloudTrail-Digest/") {
        Some(Contents::Digest)
    } else if key.contains("/CloudTrail-Insight/") {
        Some(Contents::Insights)
    } else {
        None
    }
}

fn damaged(key: &str, damage: Damage) -> Reading {
    if is_named_like_a_log(key) {
        Reading { contents: Contents::Log, damage: vec![damage], ..Reading::default() }
    } else {
        Reading::default()
    }
}

/// Whether an object's key says that it holds records.
pub(super) fn is_named_like_a_log(key: &str) -> bool {
    let plain = [".gz", ".zst"].iter().find_map(|end| key.strip_suffix(end)).unwrap_or(key);
    key.contains("/CloudTrail/")
        || [".json", ".jsonl", ".ndjson"].iter().any(|ending| plain.ends_with(ending))
}
