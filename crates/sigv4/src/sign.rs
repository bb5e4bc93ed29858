//! Signing, as a client does it.

use flow::{Secret, Timestamp};
use http::{HeaderValue, Uri, header, request::Parts, uri::PathAndQuery};

use crate::{
    authorization::{PRESIGNED_SECONDS_MAX, Scope, is_s3},
    canonical,
    chunks::{Chain, ChunkForm},
    encode,
    error::Error,
    key::{EMPTY_SHA256, SigningKey, sha256, string_to_sign},
    verify::UNSIGNED,
};

/// Who signs.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The public half.
    pub access_key_id: String,
    /// The secret half.
    pub secret: Secret,
    /// What comes along with temporary credentials.
    pub session_token: Option<Secret>,
}

/// What the signature says about the body.
#[derive(Clone, Copy, Debug)]
pub enum Content<'a> {
    /// These are its bytes.
    Bytes(&'a [u8]),
    /// This is its hash.
    Sha256([u8; 32]),
    /// Nothing (S3 alone).
    Unsigned,
    /// It is `aws-chunked` (S3 alone), with a payload of so many bytes. Trailers are announced by the
    /// caller in `x-amz-trailer`.
    Chunked(ChunkForm, u64),
}

/// A signature, from which those of chunks follow.
#[derive(Debug)]
pub struct Signed {
    /// In hex.
    pub signature: String,
    chain: Chain,
}

impl Signed {
    /// Writes the chunks of the body that this signature announced.
    pub fn chunks(self, form: ChunkForm) -> ChunkWriter {
        ChunkWriter { form, chain: self.chain }
    }
}

/// Signs a request by its headers: sets `host` (from the URI, where it is missing), `x-amz-date`,
/// `x-amz-security-token`, for S3 `x-amz-content-sha256`, and `authorization`. Every header that is
/// there is signed, so set them all before.
///
/// # Errors
/// [`Error::MissingHeader`] without a host; [`Error::Malformed`] where a key or token does not fit
/// into a header.
pub fn sign(
    parts: &mut Parts,
    content: &Content<'_>,
    credentials: &Credentials,
    region: &str,
    service: &str,
    now: Timestamp,
) -> Result<Signed, Error> {
    let scope = scope(region, service, now);
    let at = now.to_basic_text();
    set_host(parts)?;
    parts.headers.remove(header::AUTHORIZATION);
    set(parts, "x-amz-date", &at)?;
    if let Some(token) = &credentials.session_token {
        set(parts, "x-amz-security-token", token.expose())?;
    }
    let payload = payload_text(content);
    if let Content::Chunked(_, length) = content {
        set(parts, "x-amz-decoded-content-length", &length.to_string())?;
    }
    if scope.is_s3() {
        set(parts, "x-amz-content-sha256", &payload)?;
    }
    let names = canonical::names_to_sign(&parts.headers);
    let (signature, chain) = signature(parts, &names, &payload, credentials, &scope, &at);
    let (id, names) = (&credentials.access_key_id, names.join(";"));
    let text = format!(
        "AWS4-HMAC-SHA256 Credential={id}/{scope}, SignedHeaders={names}, Signature={signature}"
    );
    set(parts, "authorization", &text)?;
    Ok(Signed { signature, chain })
}

/// Signs a request by its query, so that whoever has the URL can use it for `expires_seconds` (1 to
/// 604,800). Only `host` and the headers that are there are signed. The body is unsigned for S3 and
/// empty for others.
///
/// # Errors
/// As [`sign`]; [`Error::Malformed`] where the time is out of its range.
pub fn presign(
    parts: &mut Parts,
    credentials: &Credentials,
    region: &str,
    service: &str,
    expires_seconds: u32,
    now: Timestamp,
) -> Result<Signed, Error> {
    if !(1..=PRESIGNED_SECONDS_MAX).contains(&expires_seconds) {
        return Err(Error::Malformed("X-Amz-Expires is not a number from 1 to 604800"));
    }
    let scope = scope(region, service, now);
    let at = now.to_basic_text();
    set_host(parts)?;
    let names = canonical::names_to_sign(&parts.headers);
    let mut query = parts.uri.query().unwrap_or_default().to_owned();
    let mut add = |name: &str, value: &str| {
        let separator = if query.is_empty() { "" } else { "&" };
        query = format!("{query}{separator}{name}={}", encode::component(value.as_bytes()));
    };
    add("X-Amz-Algorithm", "AWS4-HMAC-SHA256");
    add("X-Amz-Credential", &format!("{}/{scope}", credentials.access_key_id));
    add("X-Amz-Date", &at);
    add("X-Amz-Expires", &expires_seconds.to_string());
    add("X-Amz-SignedHeaders", &names.join(";"));
    if let Some(token) = &credentials.session_token {
        add("X-Amz-Security-Token", token.expose());
    }
    set_query(parts, &query)?;
    let payload = if is_s3(service) { UNSIGNED } else { EMPTY_SHA256 };
    let (signature, chain) = signature(parts, &names, payload, credentials, &scope, &at);
    set_query(parts, &format!("{query}&X-Amz-Signature={signature}"))?;
    Ok(Signed { signature, chain })
}

/// Writes an `aws-chunked` body.
#[derive(Debug)]
pub struct ChunkWriter {
    form: ChunkForm,
    chain: Chain,
}

impl ChunkWriter {
    /// One chunk on the wire; `data` must not be empty, which would end the body.
    pub fn chunk(&mut self, data: &[u8]) -> Vec<u8> {
        let mut wire = self.line(data).into_bytes();
        wire.extend_from_slice(data);
        wire.extend_from_slice(b"\r\n");
        wire
    }

    /// The end of the body, with these trailers.
    pub fn end(mut self, trailers: &[(&str, &str)]) -> Vec<u8> {
        let mut wire = self.line(&[]);
        let mut lines = String::new();
        for (name, value) in trailers {
            wire.push_str(&format!("{name}:{value}\r\n"));
            lines.push_str(&format!("{name}:{value}\n"));
        }
        if self.form == ChunkForm::SignedTrailer {
            let signature = hex::encode(self.chain.trailer(&lines));
            wire.push_str(&format!("x-amz-trailer-signature:{signature}\r\n"));
        }
        wire.push_str("\r\n");
        wire.into_bytes()
    }

    fn line(&mut self, data: &[u8]) -> String {
        let size = data.len();
        if self.form.is_signed() {
            let signature = hex::encode(self.chain.chunk(sha256(data)));
            format!("{size:x};chunk-signature={signature}\r\n")
        } else {
            format!("{size:x}\r\n")
        }
    }
}

fn scope(region: &str, service: &str, now: Timestamp) -> Scope {
    Scope { day: now.to_day_text(), region: region.to_owned(), service: service.to_owned() }
}

fn payload_text(content: &Content<'_>) -> String {
    match content {
        Content::Bytes(bytes) => hex::encode(sha256(bytes)),
        Content::Sha256(hash) => hex::encode(hash),
        Content::Unsigned => UNSIGNED.to_owned(),
        Content::Chunked(form, _) => form.as_str().to_owned(),
    }
}

fn signature(
    parts: &Parts,
    names: &[String],
    payload: &str,
    credentials: &Credentials,
    scope: &Scope,
    at: &str,
) -> (String, Chain) {
    let request = canonical::request(parts, scope.is_s3(), names, payload);
    let key = SigningKey::new(credentials.secret.expose(), scope);
    let signature = key.sign(string_to_sign(at, scope, &request).as_bytes());
    let chain = Chain::new(key, at.to_owned(), scope.to_string(), signature);
    (hex::encode(signature), chain)
}

fn set(parts: &mut Parts, name: &'static str, value: &str) -> Result<(), Error> {
    let value = HeaderValue::from_str(value)
        .map_err(|_| Error::Malformed("a value does not fit into a header"))?;
    parts.headers.insert(name, value);
    Ok(())
}

fn set_host(parts: &mut Parts) -> Result<(), Error> {
    if parts.headers.contains_key(header::HOST) {
        return Ok(());
    }
    let host = parts.uri.authority().ok_or(Error::MissingHeader("host"))?.to_string();
    set(parts, "host", &host)
}

fn set_query(parts: &mut Parts, query: &str) -> Result<(), Error> {
    let malformed = |_| Error::Malformed("the query does not fit into a URL");
    let target = format!("{}?{query}", parts.uri.path());
    let mut uri = parts.uri.clone().into_parts();
    uri.path_and_query = Some(target.parse::<PathAndQuery>().map_err(malformed)?);
    parts.uri = Uri::from_parts(uri).map_err(|_| Error::Malformed("the URL has no host"))?;
    Ok(())
}
