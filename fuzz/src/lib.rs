//! What several targets read from the fuzzer's bytes.

use std::sync::Arc;

use http::{HeaderName, HeaderValue, Method, Request, Uri, request::Parts};
use model::{Operation, Service};

/// The time at which every signature of the targets is judged.
pub const NOW_SECONDS: i64 = 1_795_000_000;

/// The secret of every key.
pub const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

/// The text up to the first line end, and what follows it.
pub fn line(bytes: &[u8]) -> (&[u8], &[u8]) {
    let end = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
    (&bytes[..end], bytes.get(end + 1..).unwrap_or_default())
}

/// A request as text: `METHOD TARGET`, a line a header, an empty line, the body.
pub fn request(bytes: &[u8]) -> Option<(Parts, &[u8])> {
    let (first, mut rest) = line(bytes);
    let mut words = first.splitn(2, |byte| *byte == b' ');
    let mut request = Request::new(());
    *request.method_mut() = Method::from_bytes(words.next()?).ok()?;
    *request.uri_mut() = Uri::try_from(words.next()?).ok()?;
    while !rest.is_empty() {
        let (header, after) = line(rest);
        rest = after;
        if header.is_empty() {
            break;
        }
        let colon = header.iter().position(|byte| *byte == b':')?;
        let name = HeaderName::from_bytes(&header[..colon]).ok()?;
        let value = HeaderValue::from_bytes(header[colon + 1..].trim_ascii()).ok()?;
        request.headers_mut().append(name, value);
    }
    Some((request.into_parts().0, rest))
}

/// The operation that `service operation` names; any other text names some operation too.
pub fn operation(named: &[u8]) -> Option<(Arc<Service>, Operation)> {
    let text = String::from_utf8_lossy(named);
    let (service, operation) = text.split_once(' ').unwrap_or((&text, ""));
    let service = match model::service(service) {
        Some(service) => service,
        None => model::service(model::names().nth(number(service) % model::names().len())?)?,
    };
    let found = service.operation(operation).or_else(|| {
        let count = service.operations.len().max(1);
        service.operations.get(number(operation) % count)
    });
    let found = found?.clone();
    Some((service, found))
}

/// A number that differs from text to text.
fn number(text: &str) -> usize {
    text.bytes().fold(7, |sum: usize, byte| sum.wrapping_mul(31).wrapping_add(usize::from(byte)))
}

/// What a protocol sees of a request.
pub fn parts(parts: &Parts) -> protocol::RequestParts<'_> {
    protocol::RequestParts {
        method: parts.method.as_str(),
        path: parts.uri.path(),
        query: parts.uri.query().unwrap_or_default(),
        headers: &parts.headers,
    }
}
