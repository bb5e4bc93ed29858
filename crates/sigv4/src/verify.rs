//! Whether a claim is true, and how the body is vouched for.

use flow::{Secret, Timestamp};
use http::{HeaderMap, header, request::Parts};
use subtle::ConstantTimeEq;

use crate::{
    authorization::Authorization,
    canonical,
    chunks::{Chain, ChunkForm, Chunks},
    error::Error,
    key::{SigningKey, string_to_sign},
};

/// How far a client's clock may stand from ours, in milliseconds: 15 minutes.
const SKEW_MILLIS_MAX: i64 = 15 * 60 * 1000;
/// How long a presigned request lives that does not say so, in seconds (S3 insists that it does).
const PRESIGNED_SECONDS_DEFAULT: u32 = 900;
/// Most trailers that a body may announce.
const TRAILERS_MAX: usize = 8;
/// The hash that vouches for nothing.
pub(crate) const UNSIGNED: &str = "UNSIGNED-PAYLOAD";

/// What the verifier knows and demands.
#[derive(Clone, Copy, Debug)]
pub struct Expect<'a> {
    /// Now.
    pub now: Timestamp,
    /// The secret of the key that the claim names.
    pub secret: &'a Secret,
    /// The token that must come with the key.
    pub session_token: Option<&'a Secret>,
    /// From when on the key is refused.
    pub key_expires: Option<Timestamp>,
    /// The service that the scope must name, where one is demanded.
    pub service: Option<&'a str>,
    /// The region that the scope must name, where one is demanded.
    pub region: Option<&'a str>,
}

/// A request whose head is proven.
#[derive(Debug)]
pub struct Verified {
    /// How its body is vouched for.
    pub payload: Payload,
}

/// How a body is vouched for.
#[derive(Debug)]
pub enum Payload {
    /// The body must have this hash. (Where the body's hash was given, it does.)
    Sha256([u8; 32]),
    /// Not at all.
    Unsigned,
    /// Piece by piece: the body goes through this decoder.
    Chunked(Box<Chunks>),
}

impl Authorization {
    /// Everything that can be judged before the body is here: scope, headers, time, token. A
    /// request that passes may still be forged.
    ///
    /// # Errors
    /// The first thing that does not fit.
    pub fn check(&self, parts: &Parts, expect: &Expect<'_>) -> Result<(), Error> {
        self.scope_fits(expect)?;
        self.headers_signed(parts)?;
        self.time_fits(expect.now)?;
        match (&self.session_token, expect.session_token) {
            (None, None) => {}
            (Some(given), Some(held)) if same(given.expose(), held.expose()) => {}
            _ => return Err(Error::WrongToken),
        }
        match expect.key_expires {
            Some(end) if end <= expect.now => Err(Error::ExpiredToken),
            _ => Ok(()),
        }
    }

    /// Proves the head of the request. `body_sha256` is the hash of the whole body where the caller
    /// has it: services other than S3 need it, as they sign it without naming it; S3 names it, and
    /// the caller holds the body to [`Verified::payload`].
    ///
    /// # Errors
    /// Those of [`Self::check`]; [`Error::SignatureMismatch`], [`Error::PayloadMismatch`],
    /// [`Error::MissingHeader`], [`Error::Unsupported`].
    pub fn verify(
        &self,
        parts: &Parts,
        expect: &Expect<'_>,
        body_sha256: Option<&[u8; 32]>,
    ) -> Result<Verified, Error> {
        self.check(parts, expect)?;
        let text = self.payload_text(&parts.headers, body_sha256)?;
        let request = canonical::request(parts, self.scope.is_s3(), &self.signed_headers, &text);
        let at = self.at.to_basic_text();
        let key = SigningKey::new(expect.secret.expose(), &self.scope);
        let signature = key.sign(string_to_sign(&at, &self.scope, &request).as_bytes());
        if !bool::from(signature.ct_eq(&self.signature)) {
            return Err(Error::SignatureMismatch);
        }
        let chain = Chain::new(key, at, self.scope.to_string(), signature);
        Ok(Verified { payload: self.payload(&parts.headers, &text, body_sha256, chain)? })
    }

    fn scope_fits(&self, expect: &Expect<'_>) -> Result<(), Error> {
        let wrong =
            |part, expected: &str| Err(Error::WrongScope { part, expected: expected.to_owned() });
        let day = self.at.to_day_text();
        if self.scope.day != day {
            return wrong("date", &day);
        }
        match (expect.service, expect.region) {
            (Some(service), _) if service != self.scope.service => wrong("service", service),
            (_, Some(region)) if region != self.scope.region => wrong("region", region),
            _ => Ok(()),
        }
    }

    /// `host` and every `x-amz-*` header must be signed. The session token may be added after
    /// signing, except for S3: it is compared with the key's own, so nothing hangs on it.
    fn headers_signed(&self, parts: &Parts) -> Result<(), Error> {
        let signed = |name: &str| {
            self.signed_headers.binary_search_by(|signed| signed.as_str().cmp(name)).is_ok()
        };
        if !signed("host") {
            return Err(Error::UnsignedHeaders("host".to_owned()));
        }
        let needed = |name: &str| {
            name.starts_with("x-amz-") && (self.scope.is_s3() || name != "x-amz-security-token")
        };
        let mut left: Vec<&str> = parts
            .headers
            .keys()
            .map(http::HeaderName::as_str)
            .filter(|name| needed(name) && !signed(name))
            .collect();
        left.sort_unstable();
        if left.is_empty() { Ok(()) } else { Err(Error::UnsignedHeaders(left.join(", "))) }
    }

    fn time_fits(&self, now: Timestamp) -> Result<(), Error> {
        let age = now.millis_since(self.at);
        let skewed = Err(Error::SkewedTime { request: self.at, server: now });
        if !self.presigned {
            return if age.abs() > SKEW_MILLIS_MAX { skewed } else { Ok(()) };
        }
        let life = i64::from(self.expires_seconds.unwrap_or(PRESIGNED_SECONDS_DEFAULT)) * 1000;
        match age {
            age if age < -SKEW_MILLIS_MAX => skewed,
            age if age > life => Err(Error::ExpiredRequest),
            _ => Ok(()),
        }
    }

    /// What stands for the body in the canonical request.
    fn payload_text(
        &self,
        headers: &HeaderMap,
        body_sha256: Option<&[u8; 32]>,
    ) -> Result<String, Error> {
        let mut named = headers.get_all("x-amz-content-sha256").iter();
        let in_header = match (named.next(), named.next()) {
            (Some(value), None) => {
                let text = value
                    .to_str()
                    .map_err(|_| Error::Malformed("x-amz-content-sha256 is not ASCII"))?;
                Some(text.trim().to_owned())
            }
            (None, _) => None,
            _ => return Err(Error::Malformed("x-amz-content-sha256 stands twice")),
        };
        match (in_header.or_else(|| self.query_hash.clone()), body_sha256) {
            (Some(text), _) => Ok(text),
            (None, _) if self.scope.is_s3() && self.presigned => Ok(UNSIGNED.to_owned()),
            (None, _) if self.scope.is_s3() => Err(Error::MissingHeader("x-amz-content-sha256")),
            (None, Some(hash)) => Ok(hex::encode(hash)),
            (None, None) => Ok(crate::key::EMPTY_SHA256.to_owned()),
        }
    }

    fn payload(
        &self,
        headers: &HeaderMap,
        text: &str,
        body_sha256: Option<&[u8; 32]>,
        chain: Chain,
    ) -> Result<Payload, Error> {
        if let Some(form) = ChunkForm::named(text) {
            return if self.scope.is_s3() {
                chunked(headers, form, chain)
            } else {
                Err(Error::Unsupported("A chunked body for this service"))
            };
        }
        if text == UNSIGNED {
            return if self.scope.is_s3() {
                Ok(Payload::Unsigned)
            } else {
                Err(Error::Unsupported("An unsigned body for this service"))
            };
        }
        if text.starts_with("STREAMING-") {
            return Err(Error::Unsupported("This form of streaming"));
        }
        let named = hash_of(text)?;
        match body_sha256 {
            Some(hash) if *hash != named => Err(Error::PayloadMismatch),
            _ => Ok(Payload::Sha256(named)),
        }
    }
}

/// How the body of a request that nothing signs is taken: as what it says of itself, which proves
/// nothing. Clients that send a checksum behind the body chunk it as if they had signed it.
///
/// # Errors
/// [`Error::Malformed`], [`Error::Unsupported`], [`Error::MissingHeader`], [`Error::TooLarge`].
pub fn unsigned_payload(headers: &HeaderMap) -> Result<Payload, Error> {
    let named = headers.get("x-amz-content-sha256").map(|value| value.to_str().unwrap_or("?"));
    let codings = headers.get_all(header::CONTENT_ENCODING).iter();
    let mut codings = codings.filter_map(|value| value.to_str().ok()).flat_map(|v| v.split(','));
    let is_chunked = codings.any(|coding| coding.trim().eq_ignore_ascii_case("aws-chunked"));
    let form = ChunkForm::UnsignedTrailer;
    let chunked = || {
        let (length, trailers) = announced(headers, form)?;
        Ok(Payload::Chunked(Box::new(Chunks::unsigned(length, trailers))))
    };
    match named {
        Some(text) if text == form.as_str() => chunked(),
        None if is_chunked => chunked(),
        None => Ok(Payload::Unsigned),
        Some(UNSIGNED) => Ok(Payload::Unsigned),
        Some(text) if text.starts_with("STREAMING-") => {
            Err(Error::Unsupported("A signed body of an unsigned request"))
        }
        Some(text) => Ok(Payload::Sha256(hash_of(text)?)),
    }
}

fn hash_of(text: &str) -> Result<[u8; 32], Error> {
    let mut named = [0; 32];
    hex::decode_to_slice(text, &mut named)
        .map_err(|_| Error::Malformed("x-amz-content-sha256 is no hash"))?;
    Ok(named)
}

fn chunked(headers: &HeaderMap, form: ChunkForm, chain: Chain) -> Result<Payload, Error> {
    let (length, trailers) = announced(headers, form)?;
    Ok(Payload::Chunked(Box::new(Chunks::new(form, chain, length, trailers))))
}

/// The length and the trailers that a chunked body is said to have.
fn announced(headers: &HeaderMap, form: ChunkForm) -> Result<(u64, Vec<String>), Error> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let length = text("x-amz-decoded-content-length")
        .and_then(|text| text.trim().parse().ok())
        .ok_or(Error::MissingHeader("x-amz-decoded-content-length"))?;
    let mut trailers = Vec::new();
    if form.has_trailers() {
        let names = headers.get_all("x-amz-trailer").iter().filter_map(|value| value.to_str().ok());
        for name in names.flat_map(|names| names.split(',')) {
            let name = name.trim().to_ascii_lowercase();
            if !name.is_empty() && !trailers.contains(&name) {
                trailers.push(name);
            }
        }
        if trailers.len() > TRAILERS_MAX {
            return Err(Error::TooLarge("trailers"));
        }
    }
    Ok((length, trailers))
}

/// Compares without telling where the difference is.
fn same(one: &str, other: &str) -> bool {
    bool::from(one.as_bytes().ct_eq(other.as_bytes()))
}
