//! S3's bodies on their way in: they stream, and they end well only if they are what was signed.

use std::{
    pin::Pin,
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use flow::{BodyError, Fault};
use http::{HeaderMap, HeaderName, HeaderValue};
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;
use sha2::{Digest, Sha256};
use sigv4::{Chunks, Family, Payload};
use tokio::time::{Instant, Sleep, sleep};

use crate::body::{SILENCE_SECONDS_MAX, is_slow};

/// Why a body did not end well.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unproven {
    /// It is not what was signed.
    #[error("{0}")]
    Forged(sigv4::Error),
    /// The client fell silent, or nearly so.
    #[error("Your socket connection to the server was not read from or written to in time.")]
    Slow,
    /// The client went away.
    #[error("the client went away within the body")]
    Broken,
}

impl Unproven {
    /// What S3 answers.
    pub(crate) fn fault(&self) -> Fault {
        match self {
            Self::Forged(error) => {
                let reply = error.reply(Family::S3, false);
                Fault::new(reply.code, reply.message).with_status(reply.status)
            }
            Self::Slow => Fault::new("RequestTimeout", self.to_string()),
            Self::Broken => Fault::new("IncompleteBody", self.to_string()),
        }
    }
}

/// What is known of a body once it was read, or while it is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reading(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    bytes: AtomicU64,
    unread: Mutex<Option<Incoming>>,
    failure: OnceLock<Unproven>,
}

impl Reading {
    /// Payload bytes so far.
    pub(crate) fn bytes(&self) -> u64 {
        self.0.bytes.load(Ordering::Relaxed)
    }

    /// What nobody read, once nobody will.
    pub(crate) fn unread(&self) -> Option<Incoming> {
        self.0.unread.lock().expect("no holder panics").take()
    }

    /// Why the body ended before its time.
    pub(crate) fn failure(&self) -> Option<&Unproven> {
        self.0.failure.get()
    }
}

/// A body that is held to its signature. Its last piece is kept back until the whole is proven, so
/// that nobody who counts bytes takes a forged body for a whole one.
pub(crate) struct Proven {
    wire: Option<Incoming>,
    proof: Proof,
    kept: Option<Bytes>,
    trailers: Option<HeaderMap>,
    ended: bool,
    left: Option<u64>,
    reading: Reading,
    since: Instant,
    /// Bytes that came, payload or not.
    on_wire: u64,
    silence: Pin<Box<Sleep>>,
}

enum Proof {
    None,
    Hash(Box<Sha256>, [u8; 32]),
    Chunks(Box<Chunks>, Bytes),
}

impl Proven {
    /// `length` is that of the payload, where it is known.
    pub(crate) fn new(wire: Incoming, payload: Payload, length: Option<u64>) -> (Self, Reading) {
        let proof = match payload {
            Payload::Unsigned => Proof::None,
            Payload::Sha256(hash) => Proof::Hash(Box::new(Sha256::new()), hash),
            Payload::Chunked(chunks) => Proof::Chunks(chunks, Bytes::new()),
        };
        let reading = Reading::default();
        let body = Self {
            wire: Some(wire),
            proof,
            kept: None,
            trailers: None,
            ended: false,
            left: length,
            reading: reading.clone(),
            since: Instant::now(),
            on_wire: 0,
            silence: Box::pin(sleep(Duration::from_secs(SILENCE_SECONDS_MAX))),
        };
        (body, reading)
    }

    /// The next piece of payload; `None` at the end of the wire.
    fn poll_piece(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<Bytes>, Unproven>> {
        loop {
            if let Proof::Chunks(chunks, input) = &mut self.proof
                && let Some(piece) = chunks.push(input).map_err(Unproven::Forged)?
            {
                return Poll::Ready(Ok(Some(piece)));
            }
            let Some(frame) = ready!(self.poll_wire(context))? else {
                return Poll::Ready(Ok(None));
            };
            let Ok(data) = frame.into_data() else { continue };
            match &mut self.proof {
                Proof::Chunks(_, input) => *input = data,
                _ if data.is_empty() => {}
                Proof::None => return Poll::Ready(Ok(Some(data))),
                Proof::Hash(hash, _) => {
                    hash.update(&data);
                    return Poll::Ready(Ok(Some(data)));
                }
            }
        }
    }

    fn poll_wire(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Result<Option<Frame<Bytes>>, Unproven>> {
        use http_body::Body as _;
        let Some(wire) = &mut self.wire else { return Poll::Ready(Ok(None)) };
        match Pin::new(wire).poll_frame(context) {
            Poll::Ready(frame) => {
                let next = Instant::now() + Duration::from_secs(SILENCE_SECONDS_MAX);
                self.silence.as_mut().reset(next);
                if let Some(Ok(frame)) = &frame {
                    let more = frame.data_ref().map_or(0, Bytes::len);
                    self.on_wire += u64::try_from(more).expect("a length in memory fits 64 bits");
                    if is_slow(self.on_wire, self.since.elapsed()) {
                        return Poll::Ready(Err(Unproven::Slow));
                    }
                }
                Poll::Ready(frame.transpose().map_err(|_| Unproven::Broken))
            }
            Poll::Pending => self.silence.as_mut().poll(context).map(|()| Err(Unproven::Slow)),
        }
    }

    /// Judges the whole.
    fn finish(&mut self) -> Result<(), Unproven> {
        match &mut self.proof {
            Proof::None => Ok(()),
            Proof::Hash(hash, expected) => {
                let found: [u8; 32] = hash.finalize_reset().into();
                let fits = found == *expected;
                if fits { Ok(()) } else { Err(Unproven::Forged(sigv4::Error::PayloadMismatch)) }
            }
            Proof::Chunks(chunks, _) => {
                let trailers = chunks.finish().map_err(Unproven::Forged)?;
                let mut headers = HeaderMap::new();
                for (name, value) in trailers {
                    let bad = Unproven::Forged(sigv4::Error::BadTrailer("one is no header"));
                    let name = HeaderName::try_from(name).map_err(|_| bad.clone())?;
                    headers.insert(name, HeaderValue::try_from(value).map_err(|_| bad)?);
                }
                self.trailers = (!headers.is_empty()).then_some(headers);
                Ok(())
            }
        }
    }

    fn give(&mut self, piece: Bytes) -> Frame<Bytes> {
        let length = u64::try_from(piece.len()).expect("a length in memory fits 64 bits");
        self.reading.0.bytes.fetch_add(length, Ordering::Relaxed);
        self.left = self.left.map(|left| left.saturating_sub(length));
        Frame::data(piece)
    }

    fn fail(&mut self, failure: Unproven) -> BodyError {
        self.ended = true;
        self.kept = None;
        self.reading.0.failure.get_or_init(|| failure.clone());
        failure.fault().into()
    }
}

impl http_body::Body for Proven {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        while !self.ended {
            match ready!(self.poll_piece(context)) {
                Ok(Some(piece)) => {
                    if let Some(kept) = self.kept.replace(piece) {
                        return Poll::Ready(Some(Ok(self.give(kept))));
                    }
                }
                Ok(None) => match self.finish() {
                    Ok(()) => self.ended = true,
                    Err(failure) => return Poll::Ready(Some(Err(self.fail(failure)))),
                },
                Err(failure) => return Poll::Ready(Some(Err(self.fail(failure)))),
            }
        }
        if let Some(kept) = self.kept.take() {
            return Poll::Ready(Some(Ok(self.give(kept))));
        }
        Poll::Ready(self.trailers.take().map(|trailers| Ok(Frame::trailers(trailers))))
    }

    fn is_end_stream(&self) -> bool {
        self.ended && self.kept.is_none() && self.trailers.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        self.left.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

impl Drop for Proven {
    fn drop(&mut self) {
        use http_body::Body as _;
        let left = self.wire.take().filter(|wire| !wire.is_end_stream());
        *self.reading.0.unread.lock().expect("no holder panics") = left;
    }
}
