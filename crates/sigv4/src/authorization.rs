//! What a request says about its own signature, before anybody knows whether it is true.

use std::fmt;

use flow::{Secret, Timestamp};
use http::{HeaderMap, header, request::Parts};

use crate::{
    encode::{decode_query, pairs},
    error::Error,
    key::TERMINATOR,
};

/// Longest `Authorization` header, in bytes.
const AUTHORIZATION_BYTES_MAX: usize = 8 * 1024;
/// Longest query, in bytes.
const QUERY_BYTES_MAX: usize = 64 * 1024;
/// Most names and values in a query.
const QUERY_PAIRS_MAX: usize = 1_000;
/// Most headers that a signature covers.
const SIGNED_HEADERS_MAX: usize = 128;
/// Longest access key id, in bytes.
const KEY_ID_BYTES_MAX: usize = 128;
/// Longest life of a presigned request, in seconds: seven days.
pub(crate) const PRESIGNED_SECONDS_MAX: u32 = 604_800;

/// A request's claim about its signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authorization {
    /// Whose secret is said to have signed.
    pub access_key_id: String,
    /// The day, region and service that the signature is for.
    pub scope: Scope,
    /// The names of the signed headers, lower-case, ascending.
    pub signed_headers: Vec<String>,
    /// When the client says that it signed.
    pub at: Timestamp,
    /// Whether the signature stands in the query.
    pub presigned: bool,
    /// The session token that came along.
    pub session_token: Option<Secret>,
    /// How long a presigned request lives, in seconds, where it says so.
    pub(crate) expires_seconds: Option<u32>,
    /// The hash that a presigned request names in its query.
    pub(crate) query_hash: Option<String>,
    pub(crate) signature: [u8; 32],
}

/// The day, region and service of a signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// Such as `20261122`.
    pub day: String,
    /// Such as `us-east-2`.
    pub region: String,
    /// The signing name, such as `sns`.
    pub service: String,
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}/{TERMINATOR}", self.day, self.region, self.service)
    }
}

impl Scope {
    /// Whether the rules of S3 hold: a path encoded once, the body's hash in a header.
    pub(crate) fn is_s3(&self) -> bool {
        is_s3(&self.service)
    }
}

pub(crate) fn is_s3(service: &str) -> bool {
    matches!(service, "s3" | "s3express" | "s3-outposts" | "s3-object-lambda")
}

impl Authorization {
    /// Reads the claim of a request; `None` where nothing signs it.
    ///
    /// # Errors
    /// [`Error::Incomplete`], [`Error::Malformed`], [`Error::Unsupported`], [`Error::TooLarge`].
    pub fn parse(parts: &Parts) -> Result<Option<Self>, Error> {
        let query = parts.uri.query().unwrap_or_default();
        if query.len() > QUERY_BYTES_MAX || pairs(query).count() > QUERY_PAIRS_MAX {
            return Err(Error::TooLarge("query parameters"));
        }
        let in_query = QueryClaim::read(query)?;
        let mut headers = parts.headers.get_all(header::AUTHORIZATION).iter();
        match (headers.next(), headers.next(), in_query) {
            (None, _, None) => Ok(None),
            (None, _, Some(claim)) => claim.authorization().map(Some),
            (Some(value), None, None) => {
                if value.len() > AUTHORIZATION_BYTES_MAX {
                    return Err(Error::TooLarge("authorization header's bytes"));
                }
                let text = value.to_str().map_err(|_| Error::Malformed("it is not ASCII"))?;
                Self::from_header(text, &parts.headers).map(Some)
            }
            _ => Err(Error::Malformed("only one authorization is allowed")),
        }
    }

    fn from_header(text: &str, headers: &HeaderMap) -> Result<Self, Error> {
        let text = text.trim();
        let (algorithm, rest) = text.split_once([' ', '\t', ',']).unwrap_or((text, ""));
        algorithm_offered(algorithm)?;
        let (mut credential, mut names, mut signature) = (None, None, None);
        for field in rest.split([',', ' ', '\t']).filter(|field| !field.is_empty()) {
            let (name, value) =
                field.split_once('=').ok_or(Error::Malformed("a part has no equals sign"))?;
            let slot = match name {
                "Credential" => &mut credential,
                "SignedHeaders" => &mut names,
                "Signature" => &mut signature,
                _ => return Err(Error::Malformed("a part has an unknown name")),
            };
            if slot.replace(value).is_some() {
                return Err(Error::Malformed("a part stands twice"));
            }
        }
        let (access_key_id, scope) =
            credential_of(credential.ok_or(Error::Incomplete("Credential"))?)?;
        Ok(Self {
            access_key_id,
            scope,
            signed_headers: names_of(names.ok_or(Error::Incomplete("SignedHeaders"))?)?,
            signature: signature_of(signature.ok_or(Error::Incomplete("Signature"))?)?,
            at: time_of(headers)?,
            presigned: false,
            session_token: single(headers, "x-amz-security-token")?.map(Secret::new),
            expires_seconds: None,
            query_hash: None,
        })
    }
}

/// The `X-Amz-…` parameters of a presigned request, decoded.
#[derive(Default)]
struct QueryClaim {
    algorithm: Option<String>,
    credential: Option<String>,
    date: Option<String>,
    expires: Option<String>,
    names: Option<String>,
    signature: Option<String>,
    token: Option<String>,
    hash: Option<String>,
}

impl QueryClaim {
    fn read(query: &str) -> Result<Option<Self>, Error> {
        let mut claim = Self::default();
        let (mut version2, mut key_id) = (false, false);
        for (name, value) in pairs(query) {
            let slot = match decode_query(name).as_slice() {
                b"X-Amz-Algorithm" => &mut claim.algorithm,
                b"X-Amz-Credential" => &mut claim.credential,
                b"X-Amz-Date" => &mut claim.date,
                b"X-Amz-Expires" => &mut claim.expires,
                b"X-Amz-SignedHeaders" => &mut claim.names,
                b"X-Amz-Signature" => &mut claim.signature,
                b"X-Amz-Security-Token" => &mut claim.token,
                b"X-Amz-Content-Sha256" => &mut claim.hash,
                b"AWSAccessKeyId" => {
                    key_id = true;
                    continue;
                }
                b"Signature" => {
                    version2 = true;
                    continue;
                }
                _ => continue,
            };
            let text = String::from_utf8(decode_query(value))
                .map_err(|_| Error::Malformed("a query parameter is not text"))?;
            if slot.replace(text).is_some() {
                return Err(Error::Malformed("a query parameter stands twice"));
            }
        }
        let claims =
            claim.algorithm.is_some() || claim.credential.is_some() || claim.signature.is_some();
        if version2 && key_id && !claims {
            return Err(Error::Version2);
        }
        Ok(claims.then_some(claim))
    }

    fn authorization(self) -> Result<Authorization, Error> {
        algorithm_offered(&self.algorithm.ok_or(Error::Incomplete("X-Amz-Algorithm"))?)?;
        let credential = self.credential.ok_or(Error::Incomplete("X-Amz-Credential"))?;
        let (access_key_id, scope) = credential_of(&credential)?;
        let expires_seconds = match self.expires {
            None if scope.is_s3() => return Err(Error::Incomplete("X-Amz-Expires")),
            None => None,
            Some(text) => Some(expires_of(&text)?),
        };
        Ok(Authorization {
            access_key_id,
            scope,
            signed_headers: names_of(&self.names.ok_or(Error::Incomplete("X-Amz-SignedHeaders"))?)?,
            signature: signature_of(&self.signature.ok_or(Error::Incomplete("X-Amz-Signature"))?)?,
            at: basic_time(&self.date.ok_or(Error::Incomplete("X-Amz-Date"))?)
                .ok_or(Error::Malformed("X-Amz-Date is not in the form 20261122T100000Z"))?,
            presigned: true,
            session_token: self.token.map(Secret::new),
            expires_seconds,
            query_hash: self.hash,
        })
    }
}

fn algorithm_offered(name: &str) -> Result<(), Error> {
    match name {
        "AWS4-HMAC-SHA256" => Ok(()),
        "AWS4-ECDSA-P256-SHA256" => Err(Error::Unsupported("Signature Version 4A")),
        "AWS" => Err(Error::Version2),
        _ => Err(Error::Unsupported("The authorization mechanism")),
    }
}

fn credential_of(text: &str) -> Result<(String, Scope), Error> {
    let malformed = Error::Malformed("Credential is not KEY/DATE/REGION/SERVICE/aws4_request");
    let mut parts = text.split('/');
    let (Some(id), Some(day), Some(region), Some(service), Some(end), None) =
        (parts.next(), parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(malformed);
    };
    if end != TERMINATOR {
        return Err(Error::WrongScope { part: "terminator", expected: TERMINATOR.to_owned() });
    }
    let word = |text: &str, max: usize| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        !text.is_empty() && text.len() <= max && text.bytes().all(plain)
    };
    let digits = day.len() == 8 && day.bytes().all(|byte| byte.is_ascii_digit());
    if !digits || !word(id, KEY_ID_BYTES_MAX) || !word(region, 64) || !word(service, 64) {
        return Err(malformed);
    }
    let scope =
        Scope { day: day.to_owned(), region: region.to_owned(), service: service.to_owned() };
    Ok((id.to_owned(), scope))
}

fn names_of(text: &str) -> Result<Vec<String>, Error> {
    let names: Vec<&str> = text.split(';').collect();
    if names.len() > SIGNED_HEADERS_MAX {
        return Err(Error::TooLarge("signed headers"));
    }
    let proper = |name: &&str| {
        http::HeaderName::from_bytes(name.as_bytes()).is_ok_and(|parsed| parsed.as_str() == *name)
    };
    let ascending = names.iter().zip(names.iter().skip(1)).all(|(one, next)| one < next);
    if names.iter().all(proper) && ascending {
        Ok(names.into_iter().map(str::to_owned).collect())
    } else {
        Err(Error::Malformed("SignedHeaders are not lower-case names in ascending order"))
    }
}

fn signature_of(text: &str) -> Result<[u8; 32], Error> {
    let mut signature = [0; 32];
    hex::decode_to_slice(text, &mut signature)
        .map_err(|_| Error::Malformed("Signature is not 64 hexadecimal digits"))?;
    Ok(signature)
}

fn expires_of(text: &str) -> Result<u32, Error> {
    match text.parse::<u32>() {
        Ok(seconds) if (1..=PRESIGNED_SECONDS_MAX).contains(&seconds) => Ok(seconds),
        _ => Err(Error::Malformed("X-Amz-Expires is not a number from 1 to 604800")),
    }
}

/// The header's text where it stands once.
fn single(headers: &HeaderMap, name: &'static str) -> Result<Option<String>, Error> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => {
            let text = value.to_str().map_err(|_| Error::Malformed("a header is not ASCII"))?;
            Ok(Some(text.trim().to_owned()))
        }
        _ => Err(Error::Malformed("a header stands twice")),
    }
}

fn time_of(headers: &HeaderMap) -> Result<Timestamp, Error> {
    if let Some(text) = single(headers, "x-amz-date")? {
        return basic_time(&text)
            .ok_or(Error::Malformed("x-amz-date is not in the form 20261122T100000Z"));
    }
    let text = single(headers, "date")?.ok_or(Error::Incomplete("x-amz-date"))?;
    basic_time(&text).or_else(|| http_time(&text)).ok_or(Error::Malformed("Date cannot be read"))
}

/// `20261122T100000Z`.
fn basic_time(text: &str) -> Option<Timestamp> {
    (text.len() == 16).then(|| text.parse().ok()).flatten()
}

/// `Sun, 22 Nov 2026 10:00:00 GMT` (RFC 9110, 5.6.7).
fn http_time(text: &str) -> Option<Timestamp> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (_, rest) = text.split_once(", ")?;
    let mut parts = rest.split(' ');
    let (day, name, year, clock) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let zone = parts.next()?;
    if !matches!(zone, "GMT" | "UTC" | "+0000") || parts.next().is_some() {
        return None;
    }
    let month = MONTHS.iter().position(|month| *month == name)? + 1;
    basic_time(&format!("{year}{month:02}{day:0>2}T{}Z", clock.replace(':', "")))
}

#[cfg(test)]
mod tests;
