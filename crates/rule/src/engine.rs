//! All rules at once, at the speed of looking for a few keys.
//!
//! Each rule is asked what it cannot do without: nearly always that `eventName` is one of a few
//! texts. While a text of records is walked, the values of those few keys are looked at, and only
//! the rules whose wants they meet are asked, of members that are picked out of the record's bytes
//! as they are needed. What the rules answer is what the plain evaluator answers; a property test
//! holds the two together.

mod lazy;
mod need;
mod values;

use std::sync::atomic::{AtomicU64, Ordering};

use record::{
    log_file::RawRecord,
    outline::{ANCHORS_MAX, Anchor},
    scan::before_mark,
};

use self::{
    lazy::Lazy,
    need::{Need, Want},
    values::{Short, Values},
};
use crate::{error::Error, pattern::Subject, rule::Rule};

/// The longest value that is looked at, in bytes: longer ones concern all rules of their key.
const VALUE_BYTES_MAX: usize = 4096;

/// What is compiled of a set of rules.
#[derive(Debug, Default)]
pub(crate) struct Engine {
    /// Tells this set from others that one memory is used with.
    serial: u64,
    anchors: Vec<Anchor>,
    /// One for each anchor.
    marks: Vec<Mark>,
    /// Rules that no key rules out.
    always: Vec<u32>,
    /// All rules.
    all: Vec<u32>,
    /// For each rule, whether it needs the whole record as a tree.
    whole: Vec<bool>,
}

/// What rules cannot do without.
#[derive(Debug)]
enum Mark {
    /// A key whose value says which rules to ask.
    Key(Key),
    /// A text that stands somewhere as a value.
    Text(Text),
}

#[derive(Debug)]
struct Key {
    /// The key and the quote behind it.
    quoted: Vec<u8>,
    /// The first bytes of how the key and a text behind it are written, if nothing stands between.
    written: Head,
    /// Which rules want what of its value.
    wants: Vec<(u32, Want)>,
}

#[derive(Debug)]
struct Text {
    /// The text and the quote behind it, in any case.
    quoted: Vec<u8>,
    /// The rules that want it.
    rules: Vec<u32>,
}

/// What one thread remembers while it asks rules about records: make one, use it for all.
#[derive(Debug, Default)]
pub struct Memory {
    serial: u64,
    /// For each key, values that were met and the rules that they concern.
    values: Vec<Values>,
    suspects: Vec<u32>,
    members: lazy::Members,
}

impl Engine {
    /// Compiles rules.
    pub(crate) fn new(rules: &[Rule]) -> Self {
        static SETS: AtomicU64 = AtomicU64::new(1);
        let mut engine = Self { serial: SETS.fetch_add(1, Ordering::Relaxed), ..Self::default() };
        let needs = need::choose(rules, ANCHORS_MAX);
        for need in &needs {
            let (anchor, mark) = match need {
                Need::Key(name) => {
                    let quoted = format!("{name}\"").into_bytes();
                    let written = Head::of(&format!("{name}\":\""));
                    (Anchor::of_key(name), Mark::Key(Key { quoted, written, wants: Vec::new() }))
                }
                Need::Text(text) => {
                    let quoted = format!("{text}\"").into_bytes();
                    (Anchor::of_text(text), Mark::Text(Text { quoted, rules: Vec::new() }))
                }
            };
            let anchor = anchor.expect("what is chosen is made of letters");
            engine.anchors.push(anchor);
            engine.marks.push(mark);
        }
        for (index, rule) in rules.iter().enumerate() {
            let Ok(number) = u32::try_from(index) else { break };
            engine.all.push(number);
            engine.whole.push(need::wants_whole_record(rule));
            if !engine
                .marks
                .iter_mut()
                .zip(&needs)
                .any(|(mark, need)| mark.take(number, rule, need))
            {
                engine.always.push(number);
            }
        }
        engine
    }

    /// The keys whose places the engine wants to be told.
    pub(crate) fn anchors(&self) -> &[Anchor] {
        &self.anchors
    }

    /// Calls `held` with each of `rules` (those that the engine was compiled of) that holds for a
    /// record; answers whether any rule had to be asked.
    pub(crate) fn ask<'r>(
        &self,
        rules: &'r [Rule],
        memory: &mut Memory,
        record: &RawRecord<'_>,
        held: &mut dyn FnMut(&'r Rule),
    ) -> Result<bool, Error> {
        self.suspect(memory, record);
        if memory.suspects.is_empty() {
            return Ok(false);
        }
        let Memory { suspects, members, .. } = memory;
        suspects.sort_unstable();
        suspects.dedup();
        let mut lazy = Lazy::new(record.json(), members);
        let mut is_checked = false;
        for number in suspects.iter() {
            let index = *number as usize;
            let Some(rule) = rules.get(index) else { continue };
            let whole = self.whole.get(index).copied().unwrap_or(true);
            if lazy.holds(rule, whole)? {
                if !is_checked && !lazy.is_checked() {
                    // Nothing has looked at all of it so far.
                    check(record.json())?;
                }
                is_checked = true;
                held(rule);
            }
        }
        Ok(true)
    }

    /// Which rules a record may hold for.
    fn suspect(&self, memory: &mut Memory, record: &RawRecord<'_>) {
        if memory.serial != self.serial {
            memory.serial = self.serial;
            memory.values = self.marks.iter().map(|_| Values::new()).collect();
        }
        let Memory { values, suspects, .. } = memory;
        suspects.clear();
        if record.escaped_letters() {
            suspects.extend_from_slice(&self.all);
            return;
        }
        suspects.extend_from_slice(&self.always);
        for (index, (mark, kept)) in self.marks.iter().zip(values).enumerate() {
            for text in record.hits(index) {
                match mark {
                    Mark::Key(key) => key.look(text, kept, suspects),
                    Mark::Text(mark) => {
                        let found = text.get(..mark.quoted.len());
                        if found.is_some_and(|found| found.eq_ignore_ascii_case(&mark.quoted)) {
                            suspects.extend_from_slice(&mark.rules);
                        }
                    }
                }
            }
        }
    }
}

impl Mark {
    /// Takes rule `number` up where it cannot do without `need`; whether it did.
    fn take(&mut self, number: u32, rule: &Rule, need: &Need) -> bool {
        match (self, need) {
            (Self::Key(key), Need::Key(name)) => match need::wants(rule, name) {
                Some(want) => key.wants.push((number, want)),
                None => return false,
            },
            (Self::Text(mark), Need::Text(text)) => {
                if !need::wants_text(rule, text) {
                    return false;
                }
                mark.rules.push(number);
            }
            _ => return false,
        }
        true
    }
}

/// What stands behind a key.
enum Value<'a> {
    /// It was no key.
    None,
    /// ASCII without escapes.
    Text(&'a [u8]),
    /// Anything else.
    Unclear,
}

fn value_of(behind_key: &[u8]) -> Value<'_> {
    let text = match behind_key {
        [b':', b'"', text @ ..] => text,
        _ => {
            let mut rest = behind_key.trim_ascii_start();
            match rest.split_first() {
                Some((b':', behind)) => rest = behind.trim_ascii_start(),
                _ => return Value::None,
            }
            match rest.split_first() {
                Some((b'"', text)) => text,
                _ => return Value::Unclear,
            }
        }
    };
    let text = text.get(..VALUE_BYTES_MAX).unwrap_or(text);
    // Bytes that are not ASCII have their highest bit set.
    match text.split_at_checked(before_mark(text, |word| word)) {
        Some((value, [b'"', ..])) => Value::Text(value),
        _ => Value::Unclear,
    }
}

impl Key {
    /// Adds the rules that `text`, which follows a quote, concerns.
    #[inline]
    fn look(&self, text: &[u8], values: &mut Values, suspects: &mut Vec<u32>) {
        if let Some(value) = self.written.strip(text)
            && let Some(short) = Short::of(value)
        {
            let rules = values.of_short(&short, |value| self.rules_for(value));
            if !rules.is_empty() {
                suspects.extend_from_slice(rules);
            }
        } else {
            self.look_closely(text, values, suspects);
        }
    }

    #[cold]
    fn look_closely(&self, text: &[u8], values: &mut Values, suspects: &mut Vec<u32>) {
        let Some(behind) = text.strip_prefix(&*self.quoted) else { return };
        match value_of(behind) {
            Value::None => {}
            Value::Text(value) => suspects.extend(values.of(value, |value| self.rules_for(value))),
            Value::Unclear => suspects.extend(self.wants.iter().map(|(rule, _)| *rule)),
        }
    }

    /// The rules that a value concerns.
    fn rules_for(&self, value: &[u8]) -> Box<[u32]> {
        let text = std::str::from_utf8(value).ok().map(Subject::new);
        let met = move |want: &Want| text.is_none_or(|text| want.is_met_by(text));
        self.wants.iter().filter(move |(_, want)| met(want)).map(|(rule, _)| *rule).collect()
    }
}

/// The first bytes of a text, compared at once.
#[derive(Debug)]
struct Head {
    bytes: u128,
    mask: u128,
    length: usize,
}

impl Head {
    /// Nothing begins so where `text` is longer than what is compared at once.
    fn of(text: &str) -> Self {
        let mut bytes = [0; 16];
        let fits = bytes.get_mut(..text.len());
        let Some(place) = fits else { return Self { bytes: 1, mask: 0, length: 0 } };
        place.copy_from_slice(text.as_bytes());
        let unused = 8 * (16 - text.len());
        let mask = u128::MAX.checked_shr(u32::try_from(unused).unwrap_or(0)).unwrap_or(0);
        Self { bytes: u128::from_le_bytes(bytes), mask, length: text.len() }
    }

    /// What follows the head in `text`.
    #[inline]
    fn strip<'t>(&self, text: &'t [u8]) -> Option<&'t [u8]> {
        let begins = u128::from_le_bytes(*text.first_chunk::<16>()?) & self.mask == self.bytes;
        if begins { text.get(self.length..) } else { None }
    }
}

/// That all of a record is JSON; where it is not, parsing it says what is wrong.
fn check(json: &[u8]) -> Result<(), Error> {
    if record::scan::check(json).is_ok() {
        return Ok(());
    }
    Err(Error::NotARecord(serde_json::from_slice::<serde_json::Value>(json).err()))
}

#[cfg(test)]
mod tests;
