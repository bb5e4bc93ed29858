//! One way to read a log object: its records, each asked by the rules, and what was wrong with it.

use std::io::Read;

use record::log_file::{self, Object};
use rule::{Rule, RuleSet};

/// Reads log objects one after another, in buffers that it keeps. One for each thread.
#[derive(Debug, Default)]
pub struct Examiner {
    stored: Vec<u8>,
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

/// What an object is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Contents {
    /// Records, or what was meant to hold them.
    Log,
    /// A digest file: it names log files and holds no records.
    Digest,
    /// Records of CloudTrail Insights: no API calls.
    Insights,
    /// An empty object, or a folder's key.
    Marker,
    /// Something else that somebody keeps there.
    #[default]
    Other,
}

/// What was wrong with an object, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The byte of the inflated text, or of the compressed bytes where these are damaged.
    pub offset: Option<u64>,
    /// What is wrong, or what was expected there.
    pub reason: String,
}

/// What became of one object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Examined {
    /// What it is.
    pub contents: Contents,
    /// How many records it holds, damaged ones apart.
    pub records: u64,
    /// How many of them the rules had to look at.
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
        let log = match log_file::read(key, bytes) {
            Ok(Object::Log(log)) => log,
            Ok(Object::Digest) => return Examined::of(Contents::Digest),
            Ok(Object::Insights) => return Examined::of(Contents::Insights),
            Ok(Object::Marker) => return Examined::of(Contents::Marker),
            Ok(Object::Other) => return Examined::of(Contents::Other),
            Err(error) => {
                let offset = error.offset().and_then(|offset| u64::try_from(offset).ok());
                let damage = vec![Damage { offset, reason: error.to_string() }];
                return Examined { damage, ..Examined::of(Contents::Log) };
            }
        };
        let mut examined = Examined::of(Contents::Log);
        examined.bytes_inflated = u64::try_from(log.text().len()).unwrap_or(u64::MAX);
        if log.unrecognised > 0 {
            let reason = format!("{} values among the records are no records", log.unrecognised);
            examined.damage.push(Damage { offset: None, reason });
        }
        for record in log.records() {
            let offset = u64::try_from(record.offset).unwrap_or(u64::MAX);
            match rules.matching(record.json) {
                Ok(matching) => {
                    examined.records += 1;
                    examined.candidates += 1;
                    for rule in matching {
                        examined.findings += 1;
                        found(Found { rule, record: record.json, offset });
                    }
                }
                Err(error) => {
                    examined.damage.push(Damage { offset: Some(offset), reason: error.to_string() })
                }
            }
        }
        examined
    }

    /// Reads an object of any size as its bytes come; memory stays bounded whatever its size.
    pub fn stream(
        &mut self,
        rules: &RuleSet,
        key: &str,
        source: &mut dyn Read,
        found: &mut dyn FnMut(Found<'_>),
    ) -> Examined {
        self.stored.clear();
        let mut stored = std::mem::take(&mut self.stored);
        let examined = match source.read_to_end(&mut stored) {
            Ok(_) => self.whole(rules, key, &stored, found),
            Err(error) => {
                let damage = vec![Damage { offset: None, reason: error.to_string() }];
                Examined { damage, ..Examined::of(Contents::Other) }
            }
        };
        self.stored = stored;
        examined
    }
}

impl Examined {
    fn of(contents: Contents) -> Self {
        Self { contents, ..Self::default() }
    }
}
