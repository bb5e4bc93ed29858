//! Records to the bytes of a log file, and the objects of a log bucket back to records.

mod reader;

mod documents;
mod inflate;

use sha2::{Digest, Sha256};

pub use self::inflate::{GZIP_BYTES_MAX, INFLATED_BYTES_MAX, INFLATED_RATIO_MAX};
pub use self::reader::{Contents, Damage, RawRecord, Reader, Reading, WINDOW_BYTES};

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

/// The text of a log file, whose SHA-256 a digest names: that of exactly one gzip member, none where
/// the bytes are anything else.
pub fn text(gzip: &[u8]) -> Option<Vec<u8>> {
    let mut inflater = libdeflater::Decompressor::new();
    let mut text = Vec::new();
    let limit = usize::try_from(INFLATED_BYTES_MAX).unwrap_or(usize::MAX);
    let size = inflate::one_step(&mut inflater, gzip, &mut text, limit)?;
    text.truncate(size);
    Some(text)
}

#[cfg(test)]
mod tests;
