//! What S3's records say in ways of their own: parameters by their names on the wire, transfer
//! figures, and the object beside its bucket.

use flow::{Call, HttpFacts, Principal};
use model::{Location, Service};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use crate::{redaction::HIDDEN, resource::Listed};

/// Query names that carry the signature. The names of the other parts of a presigned query stay.
const QUERY_NEVER: &[&str] =
    &["awsaccesskeyid", "signature", "x-amz-credential", "x-amz-security-token", "x-amz-signature"];

/// `x-amz-` headers that belong to signing and transport, or hold what the caller stores.
const HEADERS_NEVER: &[&str] = &[
    "x-amz-content-sha256",
    "x-amz-date",
    "x-amz-decoded-content-length",
    "x-amz-security-token",
    "x-amz-trailer",
    "x-amz-user-agent",
];

/// The bucket and the key that a request names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) bucket: Option<String>,
    pub(crate) key: Option<String>,
}

impl Place {
    /// From the decoded input, else from the host (`bucket.s3.…`), else from the path.
    pub(crate) fn of(call: &Call) -> Self {
        let text = |name: &str| call.input.as_ref()?.text(name).map(str::to_owned);
        if let Some(bucket) = text("Bucket") {
            return Self { bucket: Some(bucket), key: text("Key") };
        }
        let path = call.http.path.strip_prefix('/').unwrap_or(&call.http.path);
        let some = |part: &str| (!part.is_empty()).then(|| decoded(part));
        let host = host(&call.http).unwrap_or_default();
        let virtual_bucket = [".s3.", ".s3-"]
            .iter()
            .filter_map(|mark| host.split_once(mark))
            .map(|(bucket, _)| bucket)
            .find(|bucket| !bucket.is_empty());
        if let Some(bucket) = virtual_bucket {
            return Self { bucket: Some(bucket.to_owned()), key: some(path) };
        }
        let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
        Self { bucket: some(bucket), key: some(key) }
    }
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

fn host(http: &HttpFacts) -> Option<&str> {
    http.headers.get(http::header::HOST)?.to_str().ok()
}

/// `requestParameters`: the bucket, the Host, the key, the query and the `x-amz-` headers.
pub(crate) fn parameters(call: &Call, service: &Service, place: &Place) -> Map<String, Value> {
    let mut parameters = Map::new();
    let mut put = |name: &str, value: String| {
        parameters.insert(name.to_owned(), Value::from(value));
    };
    if let Some(bucket) = &place.bucket {
        put("bucketName", bucket.clone());
    }
    if let Some(host) = host(&call.http) {
        put("Host", host.to_owned());
    }
    if let Some(key) = &place.key {
        put("key", key.clone());
    }
    for pair in call.http.query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = decoded(name);
        if !QUERY_NEVER.contains(&name.to_ascii_lowercase().as_str()) {
            put(&name, decoded(&value.replace('+', " ")));
        }
    }
    for (name, value) in &call.http.headers {
        let name = name.as_str();
        let Ok(value) = value.to_str() else { continue };
        if is_shown(name) {
            let hidden = is_sensitive(service, call.operation.as_deref(), name);
            put(name, if hidden { HIDDEN.to_owned() } else { value.to_owned() });
        }
    }
    parameters
}

fn is_shown(header: &str) -> bool {
    header.starts_with("x-amz-")
        && !header.starts_with("x-amz-meta-")
        && !HEADERS_NEVER.contains(&header)
}

/// Whether a header carries a member that the model calls sensitive, in this operation or, where
/// the operation is not known, in any.
fn is_sensitive(service: &Service, operation: Option<&str>, header: &str) -> bool {
    // Keys that callers bring, whatever the model says of the operation.
    if header.ends_with("-customer-key") {
        return true;
    }
    let inputs = service
        .operations
        .iter()
        .filter(|known| operation.is_none_or(|operation| known.name == operation))
        .filter_map(|operation| service.structure(operation.input.as_ref()?.shape));
    inputs.flat_map(|input| &input.members).any(|member| {
        member.location == Location::Header
            && member.sensitive
            && member.wire_name.as_deref().is_some_and(|name| name.eq_ignore_ascii_case(header))
    })
}

/// `additionalEventData`: how the request was signed and how much was transferred.
pub(crate) fn additional(call: &Call) -> Map<String, Value> {
    let mut data = Map::new();
    let mut put = |name: &str, value: Value| {
        data.insert(name.to_owned(), value);
    };
    let signed = call.caller.principal != Principal::Anonymous;
    if signed {
        put("SignatureVersion", Value::from("SigV4"));
    }
    if let Some(cipher) = call.tls.as_ref().and_then(|tls| tls.cipher_suite.as_deref()) {
        put("CipherSuite", Value::from(cipher));
    }
    put("bytesTransferredIn", Value::from(call.http.bytes_in));
    if signed {
        let method = if call.http.presigned { "QueryString" } else { "AuthHeader" };
        put("AuthenticationMethod", Value::from(method));
    }
    if let Some(host_id) = &call.http.host_id {
        put("x-amz-id-2", Value::from(host_id.as_str()));
    }
    put("bytesTransferredOut", Value::from(call.http.bytes_out));
    data
}

/// The object and its bucket for calls on objects, the bucket for the others. Creating a bucket
/// lists nothing, as in every record seen.
pub(crate) fn resources(call: &Call, place: &Place, is_data: bool) -> Vec<Listed> {
    let Some(bucket) = &place.bucket else { return Vec::new() };
    if call.operation.as_deref() == Some("CreateBucket") {
        return Vec::new();
    }
    let arn = format!("arn:aws:s3:::{bucket}");
    let mut listed = Vec::new();
    if is_data {
        let key = place.key.as_deref();
        let object = format!("{arn}/{}", key.unwrap_or_default());
        let object = Listed::whole(None, "AWS::S3::Object", object);
        listed.push(Listed { is_prefix: key.is_none(), ..object });
    }
    listed.push(Listed::whole(Some(&call.recipient), "AWS::S3::Bucket", arn));
    listed
}
