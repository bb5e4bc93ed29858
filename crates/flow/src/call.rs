//! An API call on its way in, and the same call once it is answered.

use http::HeaderMap;

use crate::{AccountId, Caller, Region, Timestamp, Tree};

/// A verified, decoded call, as an embedded service receives it.
#[derive(Clone, Debug)]
pub struct Request {
    /// The model's name of the service, such as `sns` or `cloudtrail`.
    pub service: String,
    /// The operation, such as `CreateTopic`.
    pub operation: String,
    /// The input, by the model's member names.
    pub input: Tree,
    /// Who calls.
    pub caller: Caller,
    /// The region that the credential names.
    pub region: Region,
    /// When the call arrived.
    pub time: Timestamp,
    /// The id that the answer carries and the record repeats.
    pub request_id: String,
    /// Where the call came from: an address without a port.
    pub source_ip: String,
    /// The endpoint as the client named it, such as `http://127.0.0.1:4580`.
    pub endpoint: String,
}

/// What an embedded service answers.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// The output, by the model's member names; [`Tree::Null`] where the operation has none.
    pub output: Tree,
    /// What the record names under `resources`.
    pub resources: Vec<Resource>,
}

impl From<Tree> for Answer {
    fn from(output: Tree) -> Self {
        Self { output, resources: Vec::new() }
    }
}

/// An error that the caller receives, in the words of the service's model. A body may end in one.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Fault {
    /// The model's shape name (`TrailNotFoundException`) or a common code (`AccessDenied`).
    pub code: String,
    /// What the caller reads.
    pub message: String,
    /// The HTTP status; where the model states one for the shape, the model's is used.
    pub status: u16,
    /// Further members of the error's shape; [`Tree::Null`] where there are none.
    pub detail: Tree,
}

impl Fault {
    /// A fault of the caller's making, status 400.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into(), status: 400, detail: Tree::Null }
    }

    /// The same fault with another status.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// Our own failure: status 500, nothing of the cause in the message.
    pub fn internal() -> Self {
        Self::new("InternalFailure", "The request failed for a reason of the server's own.")
            .with_status(500)
    }
}

/// A resource that a call touched, as a record lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// The account that owns it; S3 objects carry none.
    pub account_id: Option<AccountId>,
    /// The CloudFormation type, such as `AWS::S3::Object`.
    pub kind: String,
    /// The ARN.
    pub arn: String,
}

/// How a call ended.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// Served; the output by the model's member names.
    Answered(Tree),
    /// Refused or failed.
    Failed(Fault),
}

/// The TLS connection that carried a call (`tlsDetails`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsDetails {
    /// Such as `TLSv1.3`.
    pub version: Option<String>,
    /// Such as `TLS_AES_128_GCM_SHA256`.
    pub cipher_suite: Option<String>,
    /// The Host header as the client sent it.
    pub host_header: Option<String>,
}

/// Who called what, with what, and what came back: all that a record is made of.
#[derive(Clone, Debug)]
pub struct Call {
    /// The model's name of the service; `None` where no service of the model fits.
    pub service: Option<String>,
    /// The name that the credential was scoped to (the signing name), such as `sns`.
    pub signing_name: String,
    /// The operation, or `None` where the model knows none for this request.
    pub operation: Option<String>,
    /// The input by the model's member names; `None` where the body was not understood.
    pub input: Option<Tree>,
    /// How it ended.
    pub outcome: Outcome,
    /// Who called.
    pub caller: Caller,
    /// The region that the credential names.
    pub region: Region,
    /// The account whose log this belongs to.
    pub recipient: AccountId,
    /// When the call was answered.
    pub completed: Timestamp,
    /// The id that the answer carried.
    pub request_id: String,
    /// Where the call came from: an address without a port.
    pub source_ip: String,
    /// The User-Agent header.
    pub user_agent: Option<String>,
    /// What the call touched.
    pub resources: Vec<Resource>,
    /// The TLS connection, where there was one.
    pub tls: Option<TlsDetails>,
    /// The request line and headers, which S3's records are made from.
    pub http: HttpFacts,
}

/// What S3's records say beyond the model: the request as it stood on the wire.
#[derive(Clone, Debug, Default)]
pub struct HttpFacts {
    /// The method.
    pub method: String,
    /// The path as sent, still percent-encoded.
    pub path: String,
    /// The query as sent, without the question mark.
    pub query: String,
    /// The headers as sent.
    pub headers: HeaderMap,
    /// Bytes of the request's body, after de-chunking.
    pub bytes_in: u64,
    /// Bytes of the answer's body.
    pub bytes_out: u64,
    /// The second id that S3 answers with (`x-amz-id-2`).
    pub host_id: Option<String>,
    /// Whether the signature stood in the query.
    pub presigned: bool,
}
