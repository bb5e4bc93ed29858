//! The gzip layer of a log file, within limits.

use std::io::Read;

use flate2::bufread::GzDecoder;
use libdeflater::{Decompressor, crc32};

use crate::error::Error;

/// The largest object that is read, in bytes as stored.
pub const GZIP_BYTES_MAX: u64 = 50 * 1024 * 1024;

/// The largest text that an object may inflate to, in bytes.
pub const INFLATED_BYTES_MAX: u64 = 2 * 1024 * 1024 * 1024;

/// The most bytes that a compressed byte may become: real log files stay below 60.
pub const INFLATED_RATIO_MAX: u64 = 250;

/// Texts up to this size, in bytes, may have any ratio.
const ANY_RATIO_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// The largest text that is inflated in one step, in bytes: memory is taken before it is known
/// whether the size that the object claims is true.
const ONE_STEP_BYTES_MAX: u64 = 256 * 1024 * 1024;

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// The checksum and the size at the end of a member, in bytes.
const TRAILER_BYTES: usize = 8;

/// A text, and where something other than gzip follows it.
pub(super) struct Inflated {
    pub(super) text: Vec<u8>,
    pub(super) trailing_garbage: Option<usize>,
}

/// Whether bytes begin like gzip.
pub(super) fn is_gzip(bytes: &[u8]) -> bool {
    bytes.starts_with(&GZIP_MAGIC)
}

/// Inflates all members.
pub(super) fn inflate(bytes: &[u8]) -> Result<Inflated, Error> {
    let limit = inflated_limit(bytes);
    if let Some(text) = one_step(bytes, limit) {
        return Ok(Inflated { text, trailing_garbage: None });
    }
    member_by_member(bytes, limit)
}

fn inflated_limit(bytes: &[u8]) -> u64 {
    let compressed = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    compressed.saturating_mul(INFLATED_RATIO_MAX).clamp(ANY_RATIO_BYTES_MAX, INFLATED_BYTES_MAX)
}

/// The text of an object that is one whole member and nothing else, as nearly all are: its last
/// bytes then are the checksum and the size of what it inflates to.
fn one_step(bytes: &[u8], limit: u64) -> Option<Vec<u8>> {
    let trailer = bytes.get(bytes.len().checked_sub(TRAILER_BYTES)?..)?;
    let (sum, size) = trailer.split_first_chunk::<4>()?;
    let sum = u32::from_le_bytes(*sum);
    let size = u32::from_le_bytes(size.try_into().ok()?);
    if u64::from(size) > limit.min(ONE_STEP_BYTES_MAX) {
        return None;
    }
    let mut text = vec![0; usize::try_from(size).ok()?];
    let written = Decompressor::new().gzip_decompress(bytes, &mut text).ok()?;
    (written == text.len() && crc32(&text) == sum).then_some(text)
}

fn member_by_member(bytes: &[u8], limit: u64) -> Result<Inflated, Error> {
    let mut text = Vec::new();
    let mut rest = bytes;
    loop {
        let begin = bytes.len() - rest.len();
        let mut member = GzDecoder::new(rest);
        let left = limit.saturating_sub(u64::try_from(text.len()).unwrap_or(u64::MAX));
        // One byte past the limit tells a text that ends there from one that goes on.
        let mut within = (&mut member).take(left.saturating_add(1));
        let read = within.read_to_end(&mut text).map_err(|_| Error::Damaged { offset: begin })?;
        if u64::try_from(read).unwrap_or(u64::MAX) > left {
            return Err(too_large(limit));
        }
        rest = member.into_inner();
        if rest.iter().all(|byte| *byte == 0) {
            return Ok(Inflated { text, trailing_garbage: None });
        }
        if !is_gzip(rest) {
            return Ok(Inflated { text, trailing_garbage: Some(bytes.len() - rest.len()) });
        }
    }
}

fn too_large(limit: u64) -> Error {
    if limit < INFLATED_BYTES_MAX {
        Error::TooLarge { what: "bytes for each compressed byte", limit: INFLATED_RATIO_MAX }
    } else {
        Error::TooLarge { what: "inflated bytes", limit }
    }
}
