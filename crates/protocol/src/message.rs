//! What an HTTP message is made of, as far as a protocol sees it.

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

/// The head of a request, as it stood on the wire.
#[derive(Clone, Copy, Debug)]
pub struct RequestParts<'a> {
    /// The method.
    pub method: &'a str,
    /// The path as sent, still percent-encoded.
    pub path: &'a str,
    /// The query as sent, without the question mark.
    pub query: &'a str,
    /// The headers as sent.
    pub headers: &'a HeaderMap,
}

/// A request to send, unsigned and without a host.
#[derive(Clone, Debug, PartialEq)]
pub struct HttpRequest {
    /// The method.
    pub method: Method,
    /// Path and query, percent-encoded.
    pub uri: String,
    /// What stands before the endpoint's host name (`data-`, `bucket.`); mostly empty.
    pub host_prefix: String,
    /// All headers that the protocol asks for; not Host, not Content-Length.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

/// An answer to send.
#[derive(Clone, Debug, PartialEq)]
pub struct HttpAnswer {
    /// The status.
    pub status: StatusCode,
    /// All headers that the protocol asks for; not Content-Length.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

impl HttpAnswer {
    /// An answer with a body of this type.
    pub(crate) fn new(status: u16, content_type: &'static str, body: Vec<u8>) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        Self { status: status_of(status), headers, body }
    }

    /// The same answer with one more header.
    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.insert(HeaderName::from_static(name), header_value(value));
        self
    }
}

/// The status with that number; 500 where there is none.
pub(crate) fn status_of(number: u16) -> StatusCode {
    StatusCode::from_u16(number).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// Text as a header's value; what may not stand there becomes a question mark.
pub(crate) fn header_value(text: &str) -> HeaderValue {
    HeaderValue::from_bytes(text.as_bytes()).unwrap_or_else(|_| {
        let plain: String = text.chars().map(|c| if c.is_control() { '?' } else { c }).collect();
        HeaderValue::from_bytes(plain.as_bytes())
            .expect("only control characters are refused, and none is left")
    })
}
