//! Signature Version 4 against AWS's published answers and against itself.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

mod chunks;
mod known;
mod round_trip;
mod vectors;

use flow::{Secret, Timestamp};
use http::request::Parts;
use sigv4::{Authorization, Error, Expect, Verified};

/// The request line's parts and headers as a request without a body.
fn parts(method: &str, uri: &str, headers: &[(&str, &str)]) -> Parts {
    let mut request = http::Request::builder().method(method).uri(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap().into_parts().0
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn expect<'a>(secret: &'a Secret, token: Option<&'a Secret>, now: Timestamp) -> Expect<'a> {
    Expect { now, secret, session_token: token, key_expires: None, service: None, region: None }
}

fn verify(parts: &Parts, expect: &Expect<'_>, body: Option<&[u8]>) -> Result<Verified, Error> {
    let hash = body.map(sigv4::sha256);
    Authorization::parse(parts)?.ok_or(Error::MissingToken)?.verify(parts, expect, hash.as_ref())
}
