//! What an object is, by its key and its shape, and where its records stand.

use std::ops::Range;

use crate::{
    error::Error,
    log_file::{GZIP_BYTES_MAX, INFLATED_BYTES_MAX, Log, Object, inflate},
    scan::Scanner,
};

/// How far into a text its nature is looked for, in bytes.
const HEAD_BYTES: usize = 4096;

/// Reads an object of a log bucket: gzip or plain, `{"Records":[…]}`, an array of records, one
/// record, or records one after another.
///
/// Other people's objects are [`Object::Other`]; an object that is a log file by its key or its
/// beginning and cannot be read is an error that says where.
pub fn read(key: &str, bytes: &[u8]) -> Result<Object, Error> {
    if bytes.is_empty() {
        return Ok(Object::Marker);
    }
    if key.contains("/CloudTrail-Digest/") {
        return Ok(Object::Digest);
    }
    if key.contains("/CloudTrail-Insight/") {
        return Ok(Object::Insights);
    }
    let limit = if inflate::is_gzip(bytes) { GZIP_BYTES_MAX } else { INFLATED_BYTES_MAX };
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > limit {
        return Err(Error::TooLarge { what: "bytes of an object", limit });
    }
    let named = is_named_like_a_log(key);
    let unreadable = |error: Error, looks: bool| if looks { Err(error) } else { Ok(Object::Other) };
    let (text, trailing_garbage) = if inflate::is_gzip(bytes) {
        match inflate::inflate(bytes) {
            Ok(inflated) => (inflated.text, inflated.trailing_garbage),
            Err(error) => return unreadable(error, named),
        }
    } else {
        (bytes.to_vec(), None)
    };
    match Found::in_text(&text) {
        Ok(found) => Ok(found.into_object(text, trailing_garbage)),
        Err(error) => unreadable(error, named || begins_like_a_log(&text)),
    }
}

fn is_named_like_a_log(key: &str) -> bool {
    let plain = key.strip_suffix(".gz").unwrap_or(key);
    key.contains("/CloudTrail/")
        || [".json", ".jsonl", ".ndjson"].iter().any(|ending| plain.ends_with(ending))
}

fn begins_like_a_log(text: &[u8]) -> bool {
    let head = text.get(..HEAD_BYTES).unwrap_or(text);
    let holds = |mark: &[u8]| head.windows(mark.len()).any(|window| window == mark);
    holds(b"\"Records\"") || holds(b"\"eventVersion\"")
}

/// What a text holds.
#[derive(Default)]
struct Found {
    records: Vec<Range<usize>>,
    containers: usize,
    digests: usize,
    insights: usize,
    unrecognised: usize,
}

/// What an object's keys say of it.
#[derive(Default)]
struct Keys {
    is_record: bool,
    is_insight: bool,
    is_digest: bool,
}

impl Keys {
    fn see(&mut self, key: &[u8]) {
        match key {
            b"eventVersion" | b"eventName" | b"eventSource" => self.is_record = true,
            b"insightDetails" => self.is_insight = true,
            b"digestStartTime" | b"digestEndTime" => self.is_digest = true,
            _ => {}
        }
    }
}

impl Found {
    fn in_text(text: &[u8]) -> Result<Self, Error> {
        let mut found = Self::default();
        let mut scanner = Scanner::new(text);
        loop {
            scanner.space();
            match scanner.peek() {
                None => return Ok(found),
                Some(b'{') => found.document(&mut scanner)?,
                Some(b'[') => found.list(&mut scanner)?,
                Some(_) => return Err(scanner.expected("`{` or `[`")),
            }
        }
    }

    /// `{"Records":[…]}`, a record, a digest, or an object of somebody else.
    fn document(&mut self, scanner: &mut Scanner<'_>) -> Result<(), Error> {
        let start = scanner.at();
        let mut keys = Keys::default();
        let mut has_records = false;
        scanner.object(|scanner, key| {
            keys.see(key);
            if key == b"Records" {
                has_records = true;
                if scanner.peek() != Some(b'[') {
                    return Err(scanner.expected("`[`, the beginning of the records"));
                }
                return self.list(scanner);
            }
            scanner.value()
        })?;
        if !has_records {
            self.file(&keys, start..scanner.at());
        }
        Ok(())
    }

    fn list(&mut self, scanner: &mut Scanner<'_>) -> Result<(), Error> {
        self.containers += 1;
        scanner.array(|scanner| {
            if scanner.peek() != Some(b'{') {
                return Err(scanner.expected("`{`, the beginning of a record"));
            }
            let start = scanner.at();
            let mut keys = Keys::default();
            scanner.object(|scanner, key| {
                keys.see(key);
                scanner.value()
            })?;
            self.file(&keys, start..scanner.at());
            Ok(())
        })
    }

    fn file(&mut self, keys: &Keys, range: Range<usize>) {
        if keys.is_insight {
            self.insights += 1;
        } else if keys.is_record {
            self.records.push(range);
        } else if keys.is_digest {
            self.digests += 1;
        } else {
            self.unrecognised += 1;
        }
    }

    fn into_object(self, text: Vec<u8>, trailing_garbage: Option<usize>) -> Object {
        let empty_log = self.containers > 0 && self.unrecognised == 0;
        match self {
            Self { records, unrecognised, .. } if !records.is_empty() => {
                Object::Log(Log { text, records, unrecognised, trailing_garbage })
            }
            Self { digests: 1.., .. } => Object::Digest,
            Self { insights: 1.., .. } => Object::Insights,
            _ if empty_log => Object::Log(Log { text, trailing_garbage, ..Log::default() }),
            Self { unrecognised: 1.., .. } => Object::Other,
            _ => Object::Marker,
        }
    }
}
