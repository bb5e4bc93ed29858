//! Signed requests that the S3 client does not make.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request};
use object_store::{
    Error as S3Error,
    aws::AwsAuthorizer,
    client::{HttpRequest, HttpRequestBody},
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Response, StatusCode};

use crate::bucket::Bucket;

/// What does not stand for itself in a signed URL.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
/// And in its path.
const ENCODED_IN_PATH: &AsciiSet = &ENCODED.remove(b'/');
/// The longest answer that is held, in bytes: a thousand keys of a thousand characters, encoded, and
/// what stands around them.
const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;

impl Bucket {
    /// Gets what a key and a query name: an object, or with an empty key something of the bucket,
    /// such as a listing.
    ///
    /// # Errors
    /// As the S3 client has them, so that [`crate::Trouble`] reads them.
    pub async fn ask(
        &self,
        key: &str,
        query: &[(&str, &str)],
        headers: &[(&'static str, &'static str)],
    ) -> Result<Bytes, S3Error> {
        let mut answer = self.answer(Method::GET, key, query, headers).await?;
        let mut bytes = Vec::new();
        while let Some(part) = answer.chunk().await.map_err(failed)? {
            if bytes.len() + part.len() > ANSWER_BYTES_MAX {
                return Err(failed(format!("the answer is longer than {ANSWER_BYTES_MAX} bytes")));
            }
            bytes.extend_from_slice(&part);
        }
        Ok(bytes.into())
    }

    /// The headers of an object.
    pub(crate) async fn headers_of(&self, key: &str) -> Result<HeaderMap, S3Error> {
        Ok(self.answer(Method::HEAD, key, &[], &[]).await?.headers().clone())
    }

    async fn answer(
        &self,
        method: Method,
        key: &str,
        query: &[(&str, &str)],
        headers: &[(&'static str, &'static str)],
    ) -> Result<Response, S3Error> {
        if key.split('/').any(|part| part == "." || part == "..") {
            // A URL has no such parts: the request would be for another key.
            let why = "its key has a part `.` or `..`, which cannot be asked for";
            return Err(S3Error::NotImplemented {
                operation: why.to_owned(),
                implementer: "S3".to_owned(),
            });
        }
        let encode = |text| utf8_percent_encode(text, ENCODED);
        let query = query.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value)));
        let query = query.collect::<Vec<_>>().join("&");
        let mark = if query.is_empty() { "" } else { "?" };
        let url =
            format!("{}/{}{mark}{query}", self.url, utf8_percent_encode(key, ENCODED_IN_PATH));
        let request = Request::builder().method(method.clone()).uri(&url);
        let mut request: HttpRequest = request.body(HttpRequestBody::empty()).map_err(failed)?;
        for (name, value) in headers {
            let name = HeaderName::from_static(name);
            request.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        if let Some(keys) = &self.keys {
            let credential = keys.get().await.map_err(|error| S3Error::Unauthenticated {
                path: key.to_owned(),
                source: error.into(),
            })?;
            AwsAuthorizer::new(&credential, "s3", &self.region)
                .with_request_payer(self.requester_pays)
                .try_authorize(&mut request, None)?;
        }
        let headers = std::mem::take(request.headers_mut());
        let asked = self.client.request(method, &url).headers(headers).send().await;
        checked(key, asked.map_err(failed)?).await
    }
}

/// The answer, or what it says is wrong in the words of the S3 client.
async fn checked(key: &str, answer: Response) -> Result<Response, S3Error> {
    let status = answer.status();
    if status.is_success() {
        return Ok(answer);
    }
    // An error without words is told by its status.
    let body = answer.text().await.unwrap_or_default();
    let source = format!("Server returned non-2xx status code: {status}: {body}").into();
    let path = key.to_owned();
    Err(match status {
        StatusCode::NOT_FOUND => S3Error::NotFound { path, source },
        StatusCode::FORBIDDEN => S3Error::PermissionDenied { path, source },
        StatusCode::UNAUTHORIZED => S3Error::Unauthenticated { path, source },
        _ => S3Error::Generic { store: "S3", source },
    })
}

fn failed(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> S3Error {
    S3Error::Generic { store: "S3", source: source.into() }
}
