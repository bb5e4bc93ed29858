//! What a text holds, document by document: where its records stand.

use std::borrow::Cow;

use crate::{
    error::Error,
    log_file::{
        Contents, Damage, RawRecord, Reading,
        reader::{DAMAGE_MAX, WINDOW_BYTES, is_named_like_a_log},
    },
    outline::{Anchor, Element, End, Gap, walk},
    scan::Scanner,
};

/// How far into a text its nature is looked for, in bytes.
const HEAD_BYTES: usize = 4096;

/// How much of a text tells whether a list of records begins with it, in bytes.
const BEGINNING_BYTES: usize = 1024;

/// The longest version of a record's form, in bytes; `1.11` has four.
const VERSION_BYTES_MAX: usize = 8;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Where in a text the reading stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Between documents.
    Top,
    /// In a list of records.
    List {
        /// Whether an object surrounds the list.
        in_object: bool,
        /// Whether no record of it was told yet.
        is_first: bool,
    },
    /// In the object that surrounded a list, behind it.
    Rest,
    /// Nothing more is read.
    Over,
}

/// Reads the documents of one text.
pub(super) struct Documents<'a> {
    anchors: &'a [Anchor],
    each: &'a mut dyn FnMut(RawRecord<'_>),
    state: State,
    is_named: bool,
    looks_like_a_log: bool,
    /// Where the text was last found not to be UTF-8.
    not_utf_8: Option<u64>,
    seen: Seen,
    damage: Vec<Damage>,
}

/// What the documents were.
#[derive(Default)]
struct Seen {
    records: u64,
    lists: u64,
    digests: u64,
    insights: u64,
    others: u64,
    first_other: Option<u64>,
}

/// What a document is by its keys.
enum Kind {
    Record,
    Digest,
    Insight,
    /// Records stand in it, from here.
    Records(usize),
    /// What `LookupEvents` answers: events stand in it, from here.
    Events(usize),
    /// EventBridge's envelope: the record stands in it, from here.
    Envelope(usize),
    /// An event of `LookupEvents`: the record stands in it as text, from here.
    Lookup(usize),
    Other,
}

/// A text or a window of one, and where in the whole text it begins.
#[derive(Clone, Copy)]
struct Part<'t> {
    text: &'t [u8],
    base: u64,
}

impl Part<'_> {
    fn offset(&self, at: usize) -> u64 {
        self.base + at as u64
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.text.get(at).copied()
    }

    fn space(&self, at: usize) -> usize {
        let rest = self.text.get(at..).unwrap_or_default();
        let is_space = |byte: &u8| matches!(byte, b' ' | b'\n' | b'\t' | b'\r');
        at + rest.iter().take_while(|byte| is_space(byte)).count()
    }
}

impl<'a> Documents<'a> {
    pub(super) fn new(
        key: &str,
        anchors: &'a [Anchor],
        each: &'a mut dyn FnMut(RawRecord<'_>),
    ) -> Self {
        Self {
            anchors,
            each,
            state: State::Top,
            is_named: is_named_like_a_log(key),
            looks_like_a_log: false,
            not_utf_8: None,
            seen: Seen::default(),
            damage: Vec::new(),
        }
    }

    /// Whether nothing more will be read.
    pub(super) fn is_over(&self) -> bool {
        self.state == State::Over
    }

    /// The text ends where it should not.
    pub(super) fn cut(&mut self, damage: Damage) {
        self.damage.push(damage);
    }

    /// A single value is larger than what is read at once.
    pub(super) fn too_large(&mut self, at: u64) {
        let reason = format!("the value that begins here is larger than {WINDOW_BYTES} bytes");
        self.harm(at, reason);
        self.state = State::Over;
    }

    /// Reads a text, of which the bytes before `base` have been read; `is_end` says that nothing
    /// follows. Answers how much of it is done with.
    pub(super) fn feed(&mut self, text: &[u8], base: u64, is_end: bool) -> usize {
        let part = Part { text, base };
        if base == 0 {
            let head = text.get(..HEAD_BYTES).unwrap_or(text);
            let holds = |mark: &[u8]| memchr::memmem::find(head, mark).is_some();
            self.looks_like_a_log |= holds(b"\"Records\"") || holds(b"\"eventVersion\"");
        }
        let mut at = if base == 0 && text.starts_with(BYTE_ORDER_MARK) { 3 } else { 0 };
        loop {
            let before = (at, self.state);
            at = match self.state {
                State::Top => self.top(part, at, is_end),
                State::List { in_object, is_first } => {
                    self.list(part, at, is_end, in_object, is_first)
                }
                State::Rest => self.rest(part, at, is_end),
                State::Over => return at,
            };
            if (at, self.state) == before {
                return at;
            }
        }
    }

    /// What the text was, now that it has been read.
    pub(super) fn ended(self, bytes_inflated: u64) -> Reading {
        let Seen { records, lists, digests, insights, others, first_other } = self.seen;
        let mut damage = self.damage;
        let contents = if records > 0 {
            Contents::Log
        } else if digests > 0 {
            Contents::Digest
        } else if insights > 0 {
            Contents::Insights
        } else if !damage.is_empty() && (self.is_named || self.looks_like_a_log)
            || lists > 0 && others == 0
        {
            Contents::Log
        } else if others > 0 || !damage.is_empty() {
            Contents::Other
        } else {
            Contents::Marker
        };
        match contents {
            Contents::Log if others > 0 && damage.is_empty() => {
                let reason = format!("values that are no records: {others}, the first one here");
                damage.push(Damage { offset: first_other, reason });
            }
            // What somebody else keeps there need not be whole.
            Contents::Other => damage.clear(),
            _ => {}
        }
        Reading { contents, records, bytes_inflated, damage }
    }

    fn harm(&mut self, offset: u64, reason: impl Into<String>) {
        if self.damage.len() < DAMAGE_MAX {
            self.damage.push(Damage { offset: Some(offset), reason: reason.into() });
        }
    }

    /// Something else should stand at `at`: nothing behind it is read.
    fn stop(&mut self, part: Part<'_>, at: usize, expected: &str) -> usize {
        // Where something was wrong before, this may be what follows from it.
        if self.damage.is_empty() {
            self.harm(part.offset(at), format!("expected {expected}"));
        }
        self.state = State::Over;
        at
    }

    /// As JSON says it: what should stand where in the value that begins at `start`.
    fn stop_in(&mut self, part: Part<'_>, start: usize, otherwise: &str) -> usize {
        let mut scanner = Scanner::at_byte(part.text, start);
        match scanner.value() {
            Err(Error::Malformed { offset, expected }) => self.stop(part, offset, &expected),
            _ => self.stop(part, start, otherwise),
        }
    }

    fn top(&mut self, part: Part<'_>, at: usize, is_end: bool) -> usize {
        let start = part.space(at);
        match part.byte(start) {
            None => return start,
            Some(b'[') => {
                self.begin_list(false);
                return start + 1;
            }
            Some(b'{') => {}
            Some(_) => return self.stop(part, start, "`{` or `[`"),
        }
        if let Some(list) = records_begin(part, start) {
            self.begin_list(true);
            return list;
        }
        if !is_end && part.text.len() - start < BEGINNING_BYTES {
            return start;
        }
        match self.walk(part, start, Gap::Space) {
            End::Between(end) => end,
            End::Within { start, .. } if is_end => {
                self.stop_in(part, start, "the end of this value")
            }
            End::Within { after, .. } => after,
            End::Broken(wrong) | End::Closed(wrong) => self.stop(part, wrong, "`{` or `[`"),
        }
    }

    fn begin_list(&mut self, in_object: bool) {
        self.seen.lists += 1;
        self.state = State::List { in_object, is_first: true };
    }

    fn list(
        &mut self,
        part: Part<'_>,
        at: usize,
        is_end: bool,
        in_object: bool,
        is_first: bool,
    ) -> usize {
        let gap = if is_first { Gap::Comma } else { Gap::NextComma };
        let ended = self.walk(part, at, gap);
        let is_first = |after: usize| is_first && after == at;
        match ended {
            End::Closed(bracket) => {
                self.state = if in_object { State::Rest } else { State::Top };
                bracket + 1
            }
            End::Between(after) if is_end => {
                let expected = if is_first(after) {
                    "`{`, the beginning of a record, or `]`"
                } else {
                    "`,` or `]` after an item"
                };
                self.stop(part, part.text.len().max(after), expected)
            }
            End::Within { start, .. } if is_end => {
                self.stop_in(part, start, "the end of this record")
            }
            End::Between(after) | End::Within { after, .. } => {
                self.state = State::List { in_object, is_first: is_first(after) };
                after
            }
            End::Broken(wrong) => match part.byte(wrong) {
                Some(b',' | b':' | b'}' | b']') | None => {
                    self.stop(part, wrong, "`,` or `]` after an item")
                }
                Some(b'{') => self.stop(part, wrong, "`,` or `]` after an item"),
                Some(_) => self.stop(part, wrong, "`{`, the beginning of a record"),
            },
        }
    }

    /// The members behind a list of records, up to the end of their object.
    fn rest(&mut self, part: Part<'_>, at: usize, is_end: bool) -> usize {
        let mut scanner = Scanner::at_byte(part.text, at);
        match members(&mut scanner) {
            Ok(Member::None) => {
                self.state = State::Top;
                scanner.at()
            }
            Ok(Member::Records) => {
                self.begin_list(true);
                scanner.at()
            }
            // There may be more of it.
            Err(_) if !is_end => at,
            Err(Error::Malformed { offset, expected }) => self.stop(part, offset, &expected),
        }
    }

    /// Walks over elements and takes each as what it is.
    fn walk(&mut self, part: Part<'_>, from: usize, gap: Gap) -> End {
        let anchors = self.anchors;
        let walked = walk(part.text, from, gap, anchors, &mut |element| {
            if is_plain_record(part.text.get(element.range()).unwrap_or_default()) {
                self.tell(part, element);
            } else {
                self.document(part, element);
            }
        });
        if !walked.is_ascii
            && let Err(error) = simdutf8::compat::from_utf8(part.text.get(from..).unwrap_or_default())
            // The last character of a window may have its end in the next one.
            && error.error_len().is_some()
        {
            // The same bytes are walked again where an element in them has no end yet.
            let offset = part.offset(from + error.valid_up_to());
            if self.not_utf_8.is_none_or(|last| offset > last) {
                self.not_utf_8 = Some(offset);
                self.harm(offset, "expected UTF-8");
            }
        }
        walked.end
    }

    fn tell(&mut self, part: Part<'_>, element: Element<'_>) {
        self.seen.records += 1;
        (self.each)(RawRecord { text: part.text, element, base: part.base });
    }

    /// A document that does not begin as CloudTrail's records do.
    fn document(&mut self, part: Part<'_>, element: Element<'_>) {
        let range = element.range();
        let kind = match part.byte(range.start) {
            Some(b'[') => Ok(Kind::Records(range.start + 1)),
            _ => kind(part.text, range.start),
        };
        let inner = Part { text: part.text.get(..range.end).unwrap_or_default(), ..part };
        match kind {
            Ok(Kind::Record) => self.tell(part, element),
            Ok(Kind::Digest) => self.seen.digests += 1,
            Ok(Kind::Insight) => self.seen.insights += 1,
            Ok(Kind::Other) => {
                self.seen.others += 1;
                self.seen.first_other.get_or_insert(part.offset(range.start));
            }
            Ok(Kind::Records(list) | Kind::Events(list)) => {
                self.seen.lists += 1;
                if let End::Broken(wrong) = self.walk(inner, list, Gap::Comma) {
                    self.harm(part.offset(wrong), "expected `{`, the beginning of a record");
                }
            }
            Ok(Kind::Envelope(record)) => {
                self.walk(inner, record, Gap::Space);
            }
            Ok(Kind::Lookup(quote)) => self.lookup(part, quote),
            Err(Error::Malformed { offset, expected }) => {
                self.harm(part.offset(offset), format!("expected {expected}"));
            }
        }
    }

    /// A record that stands in its event as text.
    fn lookup(&mut self, part: Part<'_>, quote: usize) {
        let mut scanner = Scanner::at_byte(part.text, quote);
        let written = scanner.value().map(|()| scanner.since(quote));
        let text: Option<String> =
            written.ok().and_then(|written| serde_json::from_slice(written).ok());
        let base = part.offset(quote);
        match text {
            Some(text) => {
                // Offsets within it are those of the text that it is written as, about.
                self.walk(Part { text: text.as_bytes(), base }, 0, Gap::Space);
            }
            None => self.harm(base, "expected a record as text"),
        }
    }
}

/// What comes next behind a list of records.
enum Member {
    /// The end of the object.
    None,
    /// Another list.
    Records,
}

fn members(scanner: &mut Scanner<'_>) -> Result<Member, Error> {
    loop {
        scanner.space();
        match scanner.peek() {
            Some(b'}') => {
                scanner.pass();
                return Ok(Member::None);
            }
            Some(b',') => scanner.pass(),
            _ => return Err(scanner.expected("`,` or `}` after the value of \"Records\"")),
        }
        scanner.space();
        let key = scanner.string()?;
        scanner.space();
        if scanner.peek() != Some(b':') {
            return Err(scanner.expected("`:` after a key"));
        }
        scanner.pass();
        scanner.space();
        if key == b"Records" && scanner.peek() == Some(b'[') {
            scanner.pass();
            return Ok(Member::Records);
        }
        scanner.value()?;
    }
}

/// Where the records begin in `{"Records":[`.
fn records_begin(part: Part<'_>, start: usize) -> Option<usize> {
    let key = part.space(start + 1);
    let behind = part.text.get(key..)?.strip_prefix(b"\"Records\"").map(|_| key + 9)?;
    let colon = part.space(behind);
    let bracket = part.space((part.byte(colon)? == b':').then_some(colon + 1)?);
    (part.byte(bracket)? == b'[').then_some(bracket + 1)
}

/// Whether an element begins as CloudTrail writes records of calls: with its version and who
/// called. (Insights name nobody.)
fn is_plain_record(json: &[u8]) -> bool {
    // Arrays of a known length are compared in a few steps.
    let Some((b"{\"eventVersion\":\"", rest)) = json.split_first_chunk() else { return false };
    let version = rest.iter().take(VERSION_BYTES_MAX).position(|byte| *byte == b'"');
    let behind = version.and_then(|length| rest.get(length..)?.first_chunk());
    behind == Some(b"\",\"userIdentity\":") && json.last() == Some(&b'}')
}

/// A key as it is meant.
fn decoded(key: &[u8]) -> Cow<'_, [u8]> {
    if !key.contains(&b'\\') {
        return Cow::Borrowed(key);
    }
    let quoted = [b"\"", key, b"\""].concat();
    let text: Option<String> = serde_json::from_slice(&quoted).ok();
    text.map_or(Cow::Borrowed(key), |text| Cow::Owned(text.into_bytes()))
}

/// What the object is that begins at `start`, by its keys.
fn kind(text: &[u8], start: usize) -> Result<Kind, Error> {
    let mut scanner = Scanner::at_byte(text, start);
    let (mut kind, mut is_record) = (Kind::Other, false);
    let mut has_detail_type = false;
    let mut detail = None;
    scanner.object(|scanner, key| {
        let value = scanner.at();
        let key = decoded(key);
        match (&*key, scanner.peek()) {
            (b"eventVersion" | b"eventName" | b"eventSource", _) => is_record = true,
            (b"insightDetails", _) => kind = Kind::Insight,
            (b"digestStartTime" | b"digestEndTime", _) => kind = Kind::Digest,
            (b"Records", Some(b'[')) => kind = Kind::Records(value + 1),
            (b"Records", _) => {
                return Err(scanner.expected("`[`, the beginning of the records"));
            }
            (b"Events", Some(b'[')) => kind = Kind::Events(value + 1),
            (b"CloudTrailEvent", Some(b'"')) => kind = Kind::Lookup(value),
            (b"detail-type", _) => has_detail_type = true,
            (b"detail", Some(b'{')) => detail = Some(value),
            _ => {}
        }
        scanner.value()
    })?;
    Ok(match (kind, detail) {
        (Kind::Other, Some(detail)) if has_detail_type => Kind::Envelope(detail),
        (Kind::Other | Kind::Digest, _) if is_record => Kind::Record,
        (kind, _) => kind,
    })
}
