//! Bodies that are held whole, within their bounds of size, memory and time.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use flow::{Body, BodyError};
use http::{HeaderMap, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use tokio::time::timeout;

use crate::budget::{Budget, Share};

/// How long a client may be silent within a body, in seconds.
pub(crate) const SILENCE_SECONDS_MAX: u64 = 30;
/// How slow a body may come as a whole, in bytes a second, once it has come for a while.
const RATE_BYTES_PER_SECOND_MIN: u64 = 1024;
/// That while, in seconds.
const SLOW_SECONDS_MAX: u64 = 60;
/// How long a held body may take as a whole, in seconds.
const HELD_SECONDS_MAX: u64 = 120;
/// How much of an unwanted body is read so that the client gets to see its answer, in bytes.
const UNWANTED_BYTES_MAX: usize = 64 * 1024 * 1024;
/// How long an unwanted body is read, in seconds.
const UNWANTED_SECONDS_MAX: u64 = 5;

/// A whole body and the memory that it takes.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) bytes: Bytes,
    _share: Share,
}

/// Why a body is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotTaken {
    /// Larger than the limit.
    TooLarge,
    /// No memory left for it.
    Busy,
    /// The client takes too long.
    Slow,
    /// The client went away.
    Broken,
}

/// Reads a body of at most `limit` bytes.
pub(crate) async fn hold(
    body: &mut Incoming,
    headers: &HeaderMap,
    limit: usize,
    budget: &Budget,
) -> Result<Held, NotTaken> {
    let announced = content_length(headers).unwrap_or(0);
    if announced > u64::try_from(limit).unwrap_or(u64::MAX) {
        return Err(NotTaken::TooLarge);
    }
    let reading = read(body, limit, budget.share());
    timeout(Duration::from_secs(HELD_SECONDS_MAX), reading).await.unwrap_or(Err(NotTaken::Slow))
}

async fn read(body: &mut Incoming, limit: usize, mut share: Share) -> Result<Held, NotTaken> {
    let mut first = Bytes::new();
    let mut all = BytesMut::new();
    let mut length = 0_usize;
    loop {
        let silence = Duration::from_secs(SILENCE_SECONDS_MAX);
        let frame = timeout(silence, body.frame()).await.map_err(|_| NotTaken::Slow)?;
        let Some(frame) = frame else { break };
        // Trailers of the transfer say nothing to these services.
        let Ok(data) = frame.map_err(|_| NotTaken::Broken)?.into_data() else { continue };
        length += data.len();
        if length > limit {
            return Err(NotTaken::TooLarge);
        }
        share.grow(data.len()).await.map_err(|_| NotTaken::Busy)?;
        // Most bodies are one frame, which needs no copy.
        if first.is_empty() && all.is_empty() {
            first = data;
        } else {
            all.extend_from_slice(&std::mem::take(&mut first));
            all.extend_from_slice(&data);
        }
    }
    let bytes = if all.is_empty() { first } else { all.freeze() };
    Ok(Held { bytes, _share: share })
}

/// Reads what nobody wants, for a while: a client that still sends would otherwise be cut off
/// before it reads its answer. Whoever waits for `100 Continue` sends nothing.
pub(crate) async fn discard(body: &mut Incoming, headers: &HeaderMap) {
    if headers.contains_key(header::EXPECT) {
        return;
    }
    let reading = async {
        let mut length = 0;
        while let Some(Ok(frame)) = body.frame().await {
            length += frame.data_ref().map_or(0, Bytes::len);
            if length > UNWANTED_BYTES_MAX {
                break;
            }
        }
    };
    // Whether it came to its end makes no difference.
    drop(timeout(Duration::from_secs(UNWANTED_SECONDS_MAX), reading).await);
}

/// Whether a body of which so many bytes came in this time comes too slowly.
pub(crate) fn is_slow(bytes: u64, elapsed: Duration) -> bool {
    let seconds = elapsed.as_secs();
    seconds > SLOW_SECONDS_MAX && bytes / seconds < RATE_BYTES_PER_SECOND_MIN
}

pub(crate) fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// A body that is there already.
pub(crate) fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never| -> BodyError { match never {} }).boxed_unsync()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trickle_is_slow_after_a_while() {
        let check = |bytes, seconds| is_slow(bytes, Duration::from_secs(seconds));
        assert!(!check(0, 60));
        assert!(check(60_000, 61));
        assert!(!check(63_000, 61));
        assert!(!check(u64::MAX, 1_000_000));
    }
}
