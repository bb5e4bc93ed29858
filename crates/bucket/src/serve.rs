//! One request: judged, handed to `s3s`, its answer dressed as S3's.

use bytes::Bytes;
use flow::{Body, BodyError, HttpService, Pending, RequestId};
use http::{
    HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri, header, request::Parts,
};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use s3s::{
    HttpError,
    dto::{Range, Timestamp, TimestampFormat},
};

use crate::{
    Buckets, attributes,
    checksum::{Algorithm, Stated, Sums},
    offered,
    refusal::Refusal,
    s3::Slot,
    trailer::Trailers,
};

/// Bytes of a request's XML document: 10,000 parts with their checksums fit.
pub(crate) const DOCUMENT_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Bytes of an error's document that `s3s` made.
const ERROR_BYTES_MAX: usize = 64 * 1024;

impl HttpService for Buckets {
    fn serve(&self, request: Request<Body>) -> Pending<'_, Response<Body>> {
        Box::pin(async move {
            let ids = request.extensions().get::<RequestId>().cloned();
            let method = request.method().clone();
            let mut answer = match Box::pin(self.answer(request)).await {
                Ok(answer) => answer,
                Err(refusal) => refused(&refusal, &method, ids.as_ref()),
            };
            let headers = answer.headers_mut();
            headers.insert(header::SERVER, HeaderValue::from_static("AmazonS3"));
            if let Some(ids) = ids {
                let texts = [("x-amz-request-id", ids.request_id), ("x-amz-id-2", ids.host_id)];
                for (name, text) in texts {
                    if let Ok(value) = HeaderValue::try_from(text) {
                        headers.insert(name, value);
                    }
                }
            }
            answer
        })
    }

    fn has_bucket<'a>(&'a self, name: &'a str) -> Pending<'a, bool> {
        Box::pin(async move {
            match self.room.bucket(name).await {
                Ok(_) => true,
                // Where the index cannot be read, there may be one.
                Err(refusal) => refusal.status != 404,
            }
        })
    }
}

impl Buckets {
    async fn answer(&self, request: Request<Body>) -> Result<Response<Body>, Refusal> {
        let (mut parts, body) = request.into_parts();
        strip(&mut parts)?;
        offered::check(&parts, self.room.config.account.as_str())?;
        let asks_attributes = offered::asks_attributes(&parts);
        let (slot, trailers) = (Slot::default(), Trailers::default());
        parts.extensions.insert(slot.clone());
        parts.extensions.insert(trailers.clone());
        let body = if offered::is_data(&parts) {
            streamed(&trailers, body)
        } else {
            s3s::Body::from(document(&mut parts, body).await?)
        };
        let answer = self.service.call(Request::from_parts(parts, body)).await;
        if let Some(refusal) = slot.take() {
            return Err(refusal);
        }
        let mut answer = answer.map_err(unanswered)?;
        // `s3s` knows of parts in answers to GET alone.
        if answer.status() == StatusCode::OK && answer.headers().contains_key(header::CONTENT_RANGE)
        {
            *answer.status_mut() = StatusCode::PARTIAL_CONTENT;
        }
        if answer.status().is_client_error() || answer.status().is_server_error() {
            return Err(understood(answer).await);
        }
        let answer = answer.map(BodyExt::boxed_unsync);
        if asks_attributes { attributes::without_quotes(answer).await } else { Ok(answer) }
    }
}

fn streamed(trailers: &Trailers, body: Body) -> s3s::Body {
    s3s::Body::http_body_unsync(trailers.watch(body))
}

fn limited(body: Body, bytes_max: usize) -> Body {
    Limited::new(body, bytes_max).boxed_unsync()
}

fn unanswered(cause: HttpError) -> Refusal {
    Refusal::internal("answering", &BodyError::from(cause))
}

/// Takes away what the gateway has verified, and what a client may say badly without harm.
fn strip(parts: &mut Parts) -> Result<(), Refusal> {
    parts.headers.remove(header::AUTHORIZATION);
    parts.headers.remove("x-amz-content-sha256");
    let bad_date = |headers: &HeaderMap, name: &str| {
        let text = headers.get(name).map(|value| value.to_str().unwrap_or_default());
        text.is_some_and(|text| Timestamp::parse(TimestampFormat::HttpDate, text).is_err())
    };
    for name in ["if-modified-since", "if-unmodified-since"] {
        if bad_date(&parts.headers, name) {
            parts.headers.remove(name);
        }
    }
    let range = parts.headers.get(header::RANGE).map(|value| value.to_str().unwrap_or_default());
    if range.is_some_and(|range| range == "bytes=-" || Range::parse(range).is_err()) {
        parts.headers.remove(header::RANGE);
    }
    let unreadable = || Refusal::new("InvalidURI", 400, "Couldn't parse the specified URI.");
    // Read loosely, keys that differ would be one.
    let text = percent_encoding::percent_decode_str(parts.uri.path());
    text.decode_utf8().map_err(|_| unreadable())?;
    let Some(query) = parts.uri.query() else { return Ok(()) };
    let kept: Vec<&str> = query
        .split('&')
        .filter(|pair| !pair.get(..6).is_some_and(|head| head.eq_ignore_ascii_case("x-amz-")))
        .collect();
    let path = parts.uri.path();
    let uri = if kept.is_empty() { path.to_owned() } else { format!("{path}?{}", kept.join("&")) };
    parts.uri = Uri::try_from(uri).map_err(|_| unreadable())?;
    Ok(())
}

/// Reads a small document whole and compares it with what the client stated about it.
async fn document(parts: &mut Parts, body: Body) -> Result<Bytes, Refusal> {
    let body = limited(body, DOCUMENT_BYTES_MAX).collect().await.map_err(|cause| {
        if cause.is::<LengthLimitError>() {
            Refusal::new("MaxMessageLengthExceeded", 400, "Your request was too big.")
        } else {
            crate::object_put::broken(&cause)
        }
    })?;
    let trailers = body.trailers().cloned();
    let bytes = body.to_bytes();
    let mut headers = parts.headers.clone();
    if offered::completes(parts) {
        let sums = headers.keys().filter(|name| name.as_str().starts_with("x-amz-checksum-"));
        for name in sums.cloned().collect::<Vec<_>>() {
            headers.remove(name);
        }
    }
    // The creation of an upload has no body: its headers speak of parts to come.
    if !bytes.is_empty() {
        let stated = Stated::of_headers(&headers)?.with_trailers(trailers.as_ref())?;
        let all = [Algorithm::Crc32, Algorithm::Crc32c, Algorithm::Crc64Nvme, Algorithm::Sha1];
        stated.check(&Sums::of_bytes(&bytes, &all))?;
    }
    parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(bytes.len()));
    Ok(bytes)
}

/// Reads an error that `s3s` made itself.
async fn understood(answer: s3s::HttpResponse) -> Refusal {
    let status = answer.status().as_u16();
    let body = limited(answer.into_body().boxed_unsync(), ERROR_BYTES_MAX).collect().await;
    let bytes = body.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let element = |name: &str| {
        let (_, rest) = text.split_once(&format!("<{name}>"))?;
        let (inner, _) = rest.split_once(&format!("</{name}>"))?;
        Some(unescaped(inner))
    };
    let code = element("Code").unwrap_or_else(|| "InternalError".to_owned());
    let message = element("Message").unwrap_or_else(|| told(&code).to_owned());
    Refusal::new(code, status, message)
}

/// What S3 says to codes that come without a message.
fn told(code: &str) -> &'static str {
    match code {
        "InvalidBucketName" => "The specified bucket is not valid.",
        "InvalidURI" => "Couldn't parse the specified URI.",
        "KeyTooLongError" => "Your key is too long",
        "MalformedXML" => {
            "The XML you provided was not well-formed or did not validate against our published \
             schema"
        }
        "MissingContentLength" => "You must provide the Content-Length HTTP header.",
        "MethodNotAllowed" => "The specified method is not allowed against this resource.",
        "NotImplemented" => "A header you provided implies functionality that is not implemented",
        "InternalError" => "We encountered an internal error. Please try again.",
        _ => "The request was refused.",
    }
}

/// An error as S3 answers it, with a fault for the record of the call.
fn refused(refusal: &Refusal, method: &Method, ids: Option<&RequestId>) -> Response<Body> {
    let status = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let bodiless = *method == Method::HEAD || status == StatusCode::NOT_MODIFIED;
    let text = if bodiless { String::new() } else { error_document(refusal, ids) };
    let body = Full::new(Bytes::from(text)).map_err(|never| match never {}).boxed_unsync();
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    if !bodiless {
        let xml = HeaderValue::from_static("application/xml");
        answer.headers_mut().insert(header::CONTENT_TYPE, xml);
    }
    for (name, value) in &refusal.headers {
        answer.headers_mut().insert(name, value.clone());
    }
    answer.extensions_mut().insert(refusal.fault());
    answer
}

fn error_document(refusal: &Refusal, ids: Option<&RequestId>) -> String {
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>");
    let mut element = |name: &str, value: &str| {
        text.push_str(&format!("<{name}>{}</{name}>", escaped(value)));
    };
    element("Code", &refusal.code);
    element("Message", &refusal.message);
    for (name, value) in &refusal.details {
        element(name, value);
    }
    if let Some(ids) = ids {
        element("RequestId", &ids.request_id);
        element("HostId", &ids.host_id);
    }
    text.push_str("</Error>");
    text
}

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\t' | '\n' => safe.push(letter),
            // XML has no way to write the other control characters.
            letter if letter.is_control() || matches!(letter, '\u{fffe}' | '\u{ffff}') => {
                safe.push('\u{fffd}');
            }
            letter => safe.push(letter),
        }
    }
    safe
}

fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&apos;", "'")
        .replace("&amp;", "&")
}
