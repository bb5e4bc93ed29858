//! Records to the bytes of a log file, and the objects of a log bucket back to records.

mod inflate;
mod recognise;

use std::ops::Range;

use sha2::{Digest, Sha256};

pub use self::inflate::{GZIP_BYTES_MAX, INFLATED_BYTES_MAX, INFLATED_RATIO_MAX};
pub use self::recognise::read;

/// A log file to deliver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// One gzip member without a time: the same records give the same bytes.
    pub gzip: Vec<u8>,
    /// SHA-256 of the text, as digests name it.
    pub sha256: [u8; 32],
    /// How long the text is, in bytes.
    pub text_bytes: usize,
}

/// The level of compression: twice as fast as the default of gzip, and smaller.
const COMPRESSION_LEVEL: i32 = 6;

/// `{"Records":[…]}` of records' JSON, each of them whole and valid.
pub fn write<R: AsRef<[u8]>>(records: impl IntoIterator<Item = R>) -> Written {
    let mut text = br#"{"Records":["#.to_vec();
    for (at, record) in records.into_iter().enumerate() {
        if at > 0 {
            text.push(b',');
        }
        text.extend_from_slice(record.as_ref());
    }
    text.extend_from_slice(b"]}");
    let level = libdeflater::CompressionLvl::new(COMPRESSION_LEVEL).expect("6 is between 0 and 12");
    let mut compressor = libdeflater::Compressor::new(level);
    let mut gzip = vec![0; compressor.gzip_compress_bound(text.len())];
    let written =
        compressor.gzip_compress(&text, &mut gzip).expect("the bound is enough for any text");
    gzip.truncate(written);
    Written { gzip, sha256: Sha256::digest(&text).into(), text_bytes: text.len() }
}

/// What an object of a log bucket is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Object {
    /// A log file.
    Log(Log),
    /// A digest file: it names log files and holds no records.
    Digest,
    /// Records of CloudTrail Insights: not API calls.
    Insights,
    /// An empty object or a folder's key, such as CloudTrail puts to try a bucket's policy.
    Marker,
    /// Something else that somebody keeps in the bucket.
    Other,
}

/// The records of a log file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Log {
    text: Vec<u8>,
    records: Vec<Range<usize>>,
    /// Values between the records that are no records.
    pub unrecognised: usize,
    /// Where, in the object's bytes, something follows the gzip members; such a file is not what
    /// was delivered.
    pub trailing_garbage: Option<usize>,
}

/// A record as it stands in its log file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawRecord<'a> {
    /// Where it begins in the inflated text, in bytes.
    pub offset: usize,
    /// Its JSON: an object, valid as `serde_json` judges it.
    pub json: &'a [u8],
}

impl Log {
    /// The records in their order.
    pub fn records(&self) -> impl ExactSizeIterator<Item = RawRecord<'_>> {
        self.records.iter().map(|range| RawRecord {
            offset: range.start,
            json: self.text.get(range.clone()).unwrap_or_default(),
        })
    }

    /// How many records there are.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there is no record.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// The whole inflated text, whose SHA-256 a digest names.
    pub fn text(&self) -> &[u8] {
        &self.text
    }
}

#[cfg(test)]
mod tests;
