//! One way to read a log object: its records, each asked by the rules, and what was wrong with it.

use std::io::Read;

pub use record::log_file::{Contents, Damage};
use record::log_file::{RawRecord, Reader, Reading};
use rule::{Memory, Rule, RuleSet};

/// The most damaged records that are told of one object.
const DAMAGE_MAX: usize = 100;

/// Reads log objects one after another, in buffers that it keeps. One for each thread.
#[derive(Debug, Default)]
pub struct Examiner {
    reader: Reader,
    memory: Memory,
}

/// A rule that holds for a record.
#[derive(Clone, Copy, Debug)]
pub struct Found<'a> {
    /// The rule.
    pub rule: &'a Rule,
    /// The record's JSON as it stands in the object.
    pub record: &'a [u8],
    /// Where the record begins in the inflated text, in bytes.
    pub offset: u64,
}

/// What became of one object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Examined {
    /// What it is.
    pub contents: Contents,
    /// How many records it holds, damaged ones apart.
    pub records: u64,
    /// How many of them some rule had to be asked about; the others are not looked into.
    pub candidates: u64,
    /// How often a rule holds.
    pub findings: u64,
    /// How long the text is, in bytes.
    pub bytes_inflated: u64,
    /// What could not be read. What was whole before it has been asked.
    pub damage: Vec<Damage>,
}

impl Found<'_> {
    /// The finding as alerts carry it; `object` is a path or an S3 URL.
    pub fn finding(&self, object: &str) -> flow::Finding {
        let record = serde_json::from_slice(self.record).unwrap_or_default();
        flow::Finding {
            id: flow::alert_id(self.rule.id(), &record, self.record),
            rule: self.rule.reference().clone(),
            record,
            object: object.to_owned(),
        }
    }
}

impl Examiner {
    /// Nothing read yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads an object of a bounded size, of which all bytes are here: gzip, zstd or plain.
    pub fn whole(
        &mut self,
        rules: &RuleSet,
        key: &str,
        bytes: &[u8],
        found: &mut dyn FnMut(Found<'_>),
    ) -> Examined {
        let mut asking = Asking::new(rules, &mut self.memory, found);
        let mut each = |record: RawRecord<'_>| asking.ask(&record);
        let reading = self.reader.whole(key, bytes, rules.anchors(), &mut each);
        asking.ended(reading)
    }

    /// Reads an object of any size as its bytes come; memory stays bounded whatever its size.
    pub fn stream(
        &mut self,
        rules: &RuleSet,
        key: &str,
        source: &mut dyn Read,
        found: &mut dyn FnMut(Found<'_>),
    ) -> Examined {
        let mut asking = Asking::new(rules, &mut self.memory, found);
        let mut each = |record: RawRecord<'_>| asking.ask(&record);
        let reading = self.reader.stream(key, source, rules.anchors(), &mut each);
        asking.ended(reading)
    }
}

/// The records of one object on their way past the rules.
struct Asking<'a> {
    rules: &'a RuleSet,
    memory: &'a mut Memory,
    found: &'a mut dyn FnMut(Found<'_>),
    candidates: u64,
    findings: u64,
    damaged: u64,
    damage: Vec<Damage>,
}

impl<'a> Asking<'a> {
    fn new(
        rules: &'a RuleSet,
        memory: &'a mut Memory,
        found: &'a mut dyn FnMut(Found<'_>),
    ) -> Self {
        Self { rules, memory, found, candidates: 0, findings: 0, damaged: 0, damage: Vec::new() }
    }

    fn ask(&mut self, record: &RawRecord<'_>) {
        let Self { rules, memory, found, findings, .. } = self;
        let asked = rules.ask(memory, record, &mut |rule| {
            *findings += 1;
            found(Found { rule, record: record.json(), offset: record.offset() });
        });
        match asked {
            Ok(asked) => self.candidates += u64::from(asked),
            Err(error) => {
                self.candidates += 1;
                self.damaged += 1;
                if self.damage.len() < DAMAGE_MAX {
                    let offset = Some(record.offset());
                    self.damage.push(Damage { offset, reason: error.to_string() });
                }
            }
        }
    }

    fn ended(self, reading: Reading) -> Examined {
        let mut damage = reading.damage;
        damage.extend(self.damage);
        damage.sort_by_key(|damage| damage.offset);
        Examined {
            contents: reading.contents,
            records: reading.records - self.damaged,
            candidates: self.candidates,
            findings: self.findings,
            bytes_inflated: reading.bytes_inflated,
            damage,
        }
    }
}
