//! A signed client of an AWS endpoint: an operation and a tree go in, a tree or a fault comes out.
//!
//! It speaks as any client would, over HTTP with a signature, and knows nothing of the server.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use flow::{Clock, Fault, Tree};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri};
use sigv4::Content;
pub use sigv4::Credentials;

/// How long one request may take.
const REQUEST_TIME_MAX: Duration = Duration::from_secs(60);

/// A client of one endpoint with one set of credentials. Clones share connections.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    endpoint: String,
    region: String,
    credentials: Credentials,
    clock: Arc<dyn Clock>,
    user_agent: Option<HeaderValue>,
}

/// An answer of S3, whatever its status.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

/// Why there was no answer, or none that could be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The service answered with an error.
    #[error("{operation}: {} ({})", .fault.message, .fault.code)]
    Fault {
        /// What was called.
        operation: String,
        /// What came back.
        fault: Fault,
    },
    /// The request could not be made of this input.
    #[error("{operation}: {why}")]
    Request {
        /// What was called.
        operation: String,
        /// What does not fit.
        why: String,
    },
    /// The endpoint could not be reached, or hung up.
    #[error("{operation}: {source}")]
    Http {
        /// What was called.
        operation: String,
        /// What went wrong.
        #[source]
        source: reqwest::Error,
    },
    /// S3 answered with an error status.
    #[error("{operation}: HTTP {status}: {body}")]
    Status {
        /// What was called.
        operation: String,
        /// The HTTP status.
        status: u16,
        /// The answer's body, as text.
        body: String,
    },
}

impl Client {
    /// A client of `endpoint` (a URL without a path), calling in `region`.
    ///
    /// # Errors
    /// [`Error::Http`] where the machine's TLS cannot be set up.
    pub fn of(
        endpoint: &str,
        region: &str,
        credentials: Credentials,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Error> {
        let http = reqwest::Client::builder()
            .no_proxy()
            .user_agent(concat!("trailhound/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .timeout(REQUEST_TIME_MAX)
            .build()
            .map_err(|source| Error::Http { operation: "client".to_owned(), source })?;
        let endpoint = endpoint.trim_end_matches('/').to_owned();
        Ok(Self { http, endpoint, region: region.to_owned(), credentials, clock, user_agent: None })
    }

    /// The same client with other credentials.
    #[must_use]
    pub fn with_credentials(&self, credentials: Credentials) -> Self {
        Self { credentials, ..self.clone() }
    }

    /// The same client over another HTTP client, such as one that trusts an authority of one's own.
    #[must_use]
    pub fn with_http(&self, http: reqwest::Client) -> Self {
        Self { http, ..self.clone() }
    }

    /// The same client under another name, which records repeat as `userAgent`.
    ///
    /// # Errors
    /// [`Error::Request`] where `name` is no header's value.
    pub fn with_user_agent(&self, name: &str) -> Result<Self, Error> {
        let user_agent = HeaderValue::from_str(name).map_err(|why| Error::Request {
            operation: "client".to_owned(),
            why: format!("`{name}` is no User-Agent: {why}"),
        })?;
        Ok(Self { user_agent: Some(user_agent), ..self.clone() })
    }

    /// Calls `operation` of the service that the model names `service`, such as `sns`.
    ///
    /// # Errors
    /// [`Error::Fault`] where the service refuses, others where it was not reached.
    pub async fn call(&self, service: &str, operation: &str, input: &Tree) -> Result<Tree, Error> {
        let wrong =
            |why: String| Error::Request { operation: format!("{service}:{operation}"), why };
        let model = model::service(service)
            .ok_or_else(|| wrong("the model knows no such service".to_owned()))?;
        let described = model
            .operation(operation)
            .ok_or_else(|| wrong("the model knows no such operation".to_owned()))?;
        let spoken = *model.protocols.first().ok_or_else(|| wrong("no protocol".to_owned()))?;
        let request = protocol::encode_request(&model, described, spoken, input)
            .map_err(|why| wrong(why.to_string()))?;
        let body = Bytes::from(request.body);
        let name = format!("{service}:{operation}");
        let answer = self
            .send(&name, &model.signing_name, request.method, &request.uri, request.headers, body)
            .await?;
        let decoded = protocol::decode_response(
            &model,
            described,
            spoken,
            answer.status,
            &answer.headers,
            &answer.body,
        );
        match decoded.map_err(|why| wrong(why.to_string()))? {
            Ok(tree) => Ok(tree),
            Err(fault) => Err(Error::Fault { operation: name, fault }),
        }
    }

    /// Calls S3: `path` is percent-encoded and begins with the bucket (`/bucket/key?query`).
    ///
    /// # Errors
    /// [`Error::Status`] where S3 refuses, others where it was not reached.
    pub async fn s3(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Result<Answer, Error> {
        let name = format!("s3:{method} {path}");
        let mut map = HeaderMap::new();
        for (header, value) in headers {
            let wrong = |why: String| Error::Request { operation: name.clone(), why };
            let header: HeaderName =
                header.parse().map_err(|_| wrong(format!("`{header}` is no header")))?;
            let value = HeaderValue::from_str(value)
                .map_err(|_| wrong(format!("the value of `{header}` is no header's value")))?;
            map.append(header, value);
        }
        let method = Method::from_bytes(method.as_bytes())
            .map_err(|why| Error::Request { operation: name.clone(), why: why.to_string() })?;
        let answer = self.send(&name, "s3", method, path, map, body.into()).await?;
        if answer.status < 400 {
            return Ok(answer);
        }
        let body = String::from_utf8_lossy(&answer.body).into_owned();
        Err(Error::Status { operation: name, status: answer.status, body })
    }

    async fn send(
        &self,
        operation: &str,
        signing_name: &str,
        method: Method,
        path_and_query: &str,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Answer, Error> {
        let wrong = |why: String| Error::Request { operation: operation.to_owned(), why };
        let uri: Uri = format!("{}{path_and_query}", self.endpoint)
            .parse()
            .map_err(|why: http::uri::InvalidUri| wrong(why.to_string()))?;
        let mut request = Request::new(body.clone());
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        if let Some(name) = &self.user_agent {
            request.headers_mut().insert(http::header::USER_AGENT, name.clone());
        }
        let (mut parts, _) = request.into_parts();
        sigv4::sign(
            &mut parts,
            &Content::Bytes(&body),
            &self.credentials,
            &self.region,
            signing_name,
            self.clock.now(),
        )
        .map_err(|why| wrong(why.to_string()))?;
        let failed = |source| Error::Http { operation: operation.to_owned(), source };
        let answer = self
            .http
            .request(parts.method, parts.uri.to_string())
            .headers(parts.headers)
            .body(body)
            .send()
            .await
            .map_err(failed)?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let body = answer.bytes().await.map_err(failed)?;
        Ok(Answer { status, headers, body })
    }
}
