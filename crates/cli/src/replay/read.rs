//! Files of records, read by the one reader, in batches.

use std::{
    fs::File,
    io::{self, Seek},
    path::{Path, PathBuf},
    sync::Mutex,
};

use anyhow::Context;
use flow::Timestamp;
use record::log_file::{Contents, RawRecord, Reader, Reading};
use serde::Deserialize;

/// Records of a batch.
const BATCH_RECORDS_MAX: usize = 1_000;
/// Bytes of records after which a batch is full; with escapes and one more record it stays below
/// what a server takes.
const BATCH_BYTES_MAX: usize = 2 * 1024 * 1024;
/// The longest record that is sent, in bytes: a longer one is refused here.
const RECORD_BYTES_MAX: usize = 256 * 1024;
/// What stands for standard input.
const STDIN: &str = "-";
/// How the reader is told that whatever is given is meant to hold records.
const NAMED_LIKE_A_LOG: &str = "given.json";

/// A file of records.
pub(super) struct Source {
    name: String,
    file: Mutex<File>,
}

/// Records of one file, and what is wrong between them.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) name: String,
    pub(super) records: Vec<String>,
    /// Where each of them begins in the file's text, in bytes.
    pub(super) offsets: Vec<u64>,
    pub(super) damage: Vec<(Option<u64>, String)>,
}

#[derive(Deserialize)]
struct Time {
    #[serde(rename = "eventTime")]
    time: Timestamp,
}

impl Source {
    /// The file at `path`; standard input is kept aside, since it is read twice.
    pub(super) fn of(path: &Path) -> anyhow::Result<Self> {
        let (name, file) = if path == Path::new(STDIN) {
            let mut file = tempfile::tempfile().context("standard input cannot be kept aside")?;
            io::copy(&mut io::stdin().lock(), &mut file).context("standard input")?;
            (PathBuf::from("standard input"), file)
        } else {
            let file = File::open(path).with_context(|| path.display().to_string())?;
            (path.to_owned(), file)
        };
        Ok(Self { name: name.display().to_string(), file: Mutex::new(file) })
    }

    /// The latest time that a record says.
    pub(super) fn latest(&self) -> Option<Timestamp> {
        let mut latest = None;
        let read = self.each(&mut |record| {
            let time = serde_json::from_slice(record.json()).ok().map(|time: Time| time.time);
            latest = latest.max(time);
        });
        read.ok()?;
        latest
    }

    /// Gives `send` batch after batch, until it wants no more.
    pub(super) fn read(&self, send: &mut dyn FnMut(Batch) -> bool) {
        let fresh = || Batch { name: self.name.clone(), ..Batch::default() };
        let (mut batch, mut bytes, mut goes_on) = (fresh(), 0, true);
        let reading = self.each(&mut |record| {
            if !goes_on {
                return;
            }
            let (json, offset) = (record.json(), record.offset());
            match std::str::from_utf8(json) {
                Ok(_) if json.len() > RECORD_BYTES_MAX => {
                    let why = format!("the record has more than {RECORD_BYTES_MAX} bytes");
                    batch.damage.push((Some(offset), why));
                }
                Ok(json) => {
                    bytes += json.len();
                    batch.records.push(json.to_owned());
                    batch.offsets.push(offset);
                }
                Err(_) => batch.damage.push((Some(offset), "it is not UTF-8 text".to_owned())),
            }
            if batch.records.len() >= BATCH_RECORDS_MAX || bytes >= BATCH_BYTES_MAX {
                bytes = 0;
                goes_on = send(std::mem::replace(&mut batch, fresh()));
            }
        });
        match reading {
            Ok(reading) => batch.damage.extend(wrong_with(&reading)),
            Err(error) => batch.damage.push((None, error.to_string())),
        }
        if goes_on {
            send(batch);
        }
    }

    fn each(&self, each: &mut dyn FnMut(RawRecord<'_>)) -> io::Result<Reading> {
        let mut file = self.file.lock().expect("no holder panics");
        file.rewind()?;
        Ok(Reader::new().stream(NAMED_LIKE_A_LOG, &mut *file, &[], each))
    }
}

/// What there is to say of a file that somebody took for one of records.
fn wrong_with(reading: &Reading) -> Vec<(Option<u64>, String)> {
    let damage = reading.damage.iter();
    let mut wrong: Vec<_> = damage.map(|damage| (damage.offset, damage.reason.clone())).collect();
    if wrong.is_empty() && reading.records == 0 && reading.contents != Contents::Log {
        wrong.push((None, "it holds no records".to_owned()));
    }
    wrong
}
