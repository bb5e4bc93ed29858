//! `aws-chunked` bodies, taken apart as they arrive: each piece checked, nothing held but a line.

use bytes::{Buf, Bytes};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::{
    authorization::Scope,
    error::Error,
    key::{EMPTY_SHA256, SigningKey},
};

/// Longest line before a chunk, in bytes: 16 digits, a signature, room for an extension.
const CHUNK_LINE_BYTES_MAX: usize = 256;
/// Longest trailer, in bytes.
const TRAILER_LINE_BYTES_MAX: usize = 1024;
/// Largest chunk, in bytes: the largest object of one upload.
const CHUNK_BYTES_MAX: u64 = 5 * 1024 * 1024 * 1024;
/// Most empty lines after the last chunk; clients write one or two.
const EMPTY_LINES_MAX: u32 = 3;
const TRAILER_SIGNATURE: &str = "x-amz-trailer-signature";

/// The forms of `aws-chunked`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChunkForm {
    /// Each chunk is signed.
    Signed,
    /// Each chunk is signed, and so are trailers.
    SignedTrailer,
    /// Nothing is signed; a trailer holds a checksum.
    UnsignedTrailer,
}

impl ChunkForm {
    /// What stands in `x-amz-content-sha256`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Signed => "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
            Self::SignedTrailer => "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
            Self::UnsignedTrailer => "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        }
    }

    pub(crate) fn named(text: &str) -> Option<Self> {
        [Self::Signed, Self::SignedTrailer, Self::UnsignedTrailer]
            .into_iter()
            .find(|form| form.as_str() == text)
    }

    pub(crate) fn has_trailers(self) -> bool {
        self != Self::Signed
    }

    pub(crate) fn is_signed(self) -> bool {
        self != Self::UnsignedTrailer
    }
}

/// Signatures of which each covers the one before.
#[derive(Clone)]
pub(crate) struct Chain {
    key: SigningKey,
    at: String,
    scope: String,
    previous: [u8; 32],
}

impl std::fmt::Debug for Chain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Chain({})", self.scope)
    }
}

impl Chain {
    pub(crate) fn new(key: SigningKey, at: String, scope: String, first: [u8; 32]) -> Self {
        Self { key, at, scope, previous: first }
    }

    /// For a body in which nothing is signed.
    fn of_nobody() -> Self {
        let (at, scope) = (String::new(), String::new());
        Self { key: SigningKey::of_nobody(), at, scope, previous: [0; 32] }
    }

    /// Signs the next chunk, whose hash is `hash`.
    pub(crate) fn chunk(&mut self, hash: [u8; 32]) -> [u8; 32] {
        self.next("PAYLOAD", &format!("{EMPTY_SHA256}\n{}", hex::encode(hash)))
    }

    /// Signs the trailers, each a `name:value\n`.
    pub(crate) fn trailer(&mut self, lines: &str) -> [u8; 32] {
        self.next("TRAILER", &hex::encode(crate::key::sha256(lines.as_bytes())))
    }

    fn next(&mut self, kind: &str, hashes: &str) -> [u8; 32] {
        let previous = hex::encode(self.previous);
        let text =
            format!("AWS4-HMAC-SHA256-{kind}\n{}\n{}\n{previous}\n{hashes}", self.at, self.scope);
        self.previous = self.key.sign(text.as_bytes());
        self.previous
    }
}

/// Takes an `aws-chunked` body apart: bytes in, payload out, an error as soon as something does not
/// fit. A payload is proven only once [`Chunks::finish`] has agreed.
#[derive(Debug)]
pub struct Chunks {
    form: ChunkForm,
    chain: Chain,
    state: State,
    /// The line that has begun.
    line: Vec<u8>,
    hash: Sha256,
    decoded_length: u64,
    decoded: u64,
    announced: Vec<String>,
    trailers: Vec<(String, String)>,
    trailer_signature: Option<[u8; 32]>,
    empty_lines: u32,
}

#[derive(Debug)]
enum State {
    /// In the line before a chunk.
    Header,
    /// In a chunk, of which this many bytes are to come.
    Data { left: u64, signature: [u8; 32] },
    /// After a chunk: its line end is to come.
    DataEnd,
    /// After the last chunk.
    Trailers,
}

impl Chunks {
    pub(crate) fn new(
        form: ChunkForm,
        chain: Chain,
        decoded_length: u64,
        announced: Vec<String>,
    ) -> Self {
        Self {
            form,
            chain,
            state: State::Header,
            line: Vec::new(),
            hash: Sha256::new(),
            decoded_length,
            decoded: 0,
            announced,
            trailers: Vec::new(),
            trailer_signature: None,
            empty_lines: 0,
        }
    }

    /// A body in which nothing is signed, of a request that nothing signs.
    pub(crate) fn unsigned(decoded_length: u64, announced: Vec<String>) -> Self {
        Self::new(ChunkForm::UnsignedTrailer, Chain::of_nobody(), decoded_length, announced)
    }

    /// How long the payload will be, in bytes.
    pub fn decoded_length(&self) -> u64 {
        self.decoded_length
    }

    /// Takes bytes off the front of `input` until a piece of payload is found, or `None` once the
    /// input is used up.
    ///
    /// # Errors
    /// [`Error::BadChunk`], [`Error::BadTrailer`], [`Error::IncompleteBody`],
    /// [`Error::SignatureMismatch`]; the body is then worthless.
    pub fn push(&mut self, input: &mut Bytes) -> Result<Option<Bytes>, Error> {
        while !input.is_empty() {
            match self.state {
                State::Header => {
                    if let Some(line) = self.take_line(input, CHUNK_LINE_BYTES_MAX)? {
                        self.begin_chunk(&line)?;
                    }
                }
                State::Data { left, signature } => {
                    return self.take_data(input, left, signature).map(Some);
                }
                State::DataEnd => {
                    if let Some(line) = self.take_line(input, 2)? {
                        if !line.is_empty() {
                            return Err(Error::BadChunk("a chunk is longer than it says"));
                        }
                        self.state = State::Header;
                    }
                }
                State::Trailers => {
                    if let Some(line) = self.take_line(input, TRAILER_LINE_BYTES_MAX)? {
                        self.trailer(&line)?;
                    }
                }
            }
        }
        Ok(None)
    }

    /// The body has ended: gives its trailers, such as `x-amz-checksum-crc32`, names in lower case.
    ///
    /// # Errors
    /// [`Error::IncompleteBody`], [`Error::BadTrailer`], [`Error::SignatureMismatch`].
    pub fn finish(&mut self) -> Result<Vec<(String, String)>, Error> {
        if !matches!(self.state, State::Trailers) {
            return Err(Error::IncompleteBody);
        }
        if !self.line.is_empty() {
            // An unsigned checksum that was cut short would pass for a whole one.
            if !self.form.is_signed() {
                return Err(Error::IncompleteBody);
            }
            let line = std::mem::take(&mut self.line);
            self.trailer(&text_of(line)?)?;
        }
        if self.trailers.len() < self.announced.len() {
            return Err(Error::BadTrailer("an announced trailer is missing"));
        }
        if self.form == ChunkForm::SignedTrailer {
            let given = self
                .trailer_signature
                .ok_or(Error::BadTrailer("the trailers' signature is missing"))?;
            let lines: String =
                self.trailers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
            equal(self.chain.clone().trailer(&lines), given)?;
        }
        Ok(self.trailers.clone())
    }

    /// The line that ends in `input`, without its end; `None` where it goes on.
    fn take_line(&mut self, input: &mut Bytes, max: usize) -> Result<Option<String>, Error> {
        let end = input.iter().position(|byte| *byte == b'\n');
        let take = end.map_or(input.len(), |at| at + 1);
        if self.line.len().saturating_add(take) > max {
            return Err(Error::BadChunk("a line is too long"));
        }
        self.line.extend_from_slice(&input.split_to(take));
        if end.is_none() {
            return Ok(None);
        }
        text_of(std::mem::take(&mut self.line)).map(Some)
    }

    fn begin_chunk(&mut self, line: &str) -> Result<(), Error> {
        let mut parts = line.split(';').map(str::trim);
        let digits = parts.next().unwrap_or_default();
        let hexadecimal = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        if digits.is_empty() || digits.len() > 16 || !hexadecimal {
            return Err(Error::BadChunk("a chunk's size is not a hexadecimal number"));
        }
        let size = u64::from_str_radix(digits, 16)
            .map_err(|_| Error::BadChunk("a chunk's size is not a hexadecimal number"))?;
        let mut signature = [0; 32];
        if self.form.is_signed() {
            let text = parts
                .find_map(|part| part.strip_prefix("chunk-signature="))
                .ok_or(Error::BadChunk("a chunk has no signature"))?;
            hex::decode_to_slice(text, &mut signature)
                .map_err(|_| Error::BadChunk("a chunk's signature is not 64 digits"))?;
        }
        if size > CHUNK_BYTES_MAX {
            return Err(Error::BadChunk("a chunk is too large"));
        }
        if size > self.decoded_length - self.decoded {
            return Err(Error::IncompleteBody);
        }
        if size > 0 {
            self.state = State::Data { left: size, signature };
            return Ok(());
        }
        self.end_chunk(signature)?;
        if self.decoded < self.decoded_length {
            return Err(Error::IncompleteBody);
        }
        self.state = State::Trailers;
        Ok(())
    }

    fn take_data(
        &mut self,
        input: &mut Bytes,
        left: u64,
        signature: [u8; 32],
    ) -> Result<Bytes, Error> {
        let take = usize::try_from(left).unwrap_or(usize::MAX).min(input.remaining());
        let data = input.split_to(take);
        let taken = u64::try_from(take).expect("a length in memory fits 64 bits");
        self.decoded += taken;
        if self.form.is_signed() {
            self.hash.update(&data);
        }
        if taken == left {
            self.end_chunk(signature)?;
            self.state = State::DataEnd;
        } else {
            self.state = State::Data { left: left - taken, signature };
        }
        Ok(data)
    }

    fn end_chunk(&mut self, signature: [u8; 32]) -> Result<(), Error> {
        if !self.form.is_signed() {
            return Ok(());
        }
        let hash = self.hash.finalize_reset().into();
        equal(self.chain.chunk(hash), signature)
    }

    fn trailer(&mut self, line: &str) -> Result<(), Error> {
        if line.is_empty() {
            self.empty_lines += 1;
            return if self.empty_lines > EMPTY_LINES_MAX {
                Err(Error::BadTrailer("something follows the end"))
            } else {
                Ok(())
            };
        }
        let (name, value) = line.split_once(':').ok_or(Error::BadTrailer("a line has no colon"))?;
        let (name, value) = (name.trim().to_ascii_lowercase(), value.trim());
        if self.trailer_signature.is_some() {
            return Err(Error::BadTrailer("something follows the trailers' signature"));
        }
        if name == TRAILER_SIGNATURE && self.form == ChunkForm::SignedTrailer {
            let mut signature = [0; 32];
            hex::decode_to_slice(value, &mut signature)
                .map_err(|_| Error::BadTrailer("their signature is not 64 digits"))?;
            self.trailer_signature = Some(signature);
            return Ok(());
        }
        let stands_twice = self.trailers.iter().any(|(known, _)| *known == name);
        if !self.announced.contains(&name) || stands_twice {
            return Err(Error::BadTrailer("one was not announced"));
        }
        self.trailers.push((name, value.to_owned()));
        Ok(())
    }
}

fn text_of(mut line: Vec<u8>) -> Result<String, Error> {
    if line.last() == Some(&b'\n') {
        line.pop();
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    String::from_utf8(line).map_err(|_| Error::BadChunk("a line is not text"))
}

fn equal(made: [u8; 32], given: [u8; 32]) -> Result<(), Error> {
    if bool::from(made.ct_eq(&given)) { Ok(()) } else { Err(Error::SignatureMismatch) }
}

/// Decodes a whole `aws-chunked` body against a key of nobody: a door for fuzzing.
///
/// # Errors
/// As [`Chunks::push`] and [`Chunks::finish`].
pub fn check_chunks(form: ChunkForm, decoded_length: u64, wire: &[u8]) -> Result<u64, Error> {
    let scope = Scope {
        day: "20261122".to_owned(),
        region: "us-east-2".to_owned(),
        service: "s3".to_owned(),
    };
    let key = SigningKey::new("", &scope);
    let chain = Chain::new(key, "20261122T100000Z".to_owned(), scope.to_string(), [0; 32]);
    let announced =
        if form.has_trailers() { vec!["x-amz-checksum-crc32".to_owned()] } else { Vec::new() };
    let mut chunks = Chunks::new(form, chain, decoded_length, announced);
    let mut input = Bytes::copy_from_slice(wire);
    while chunks.push(&mut input)?.is_some() {}
    chunks.finish()?;
    Ok(chunks.decoded)
}
