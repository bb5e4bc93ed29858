//! awsJson 1.0 and 1.1: the operation in a header, everything else in one JSON object.
//!
//! Source: <https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html>.

use flow::Tree;
use http::{HeaderMap, HeaderValue, Method};
use model::{Operation, Service};
use serde_json::Value;

use crate::error::Problem;
use crate::message::{HttpAnswer, HttpRequest, header_value};
use crate::{json, lookup};

/// The content type of the service's version of the protocol.
pub(crate) fn content_type(service: Option<&Service>) -> &'static str {
    match service.and_then(|service| service.json_version.as_deref()) {
        Some("1.1") => "application/x-amz-json-1.1",
        _ => "application/x-amz-json-1.0",
    }
}

/// The input or output in a body; an empty body is an empty object. A stream of events is not taken
/// apart: its member holds the whole body.
pub(crate) fn decode(
    service: &Service,
    member: &Option<model::Member>,
    body: &[u8],
) -> Result<Tree, Problem> {
    let Some(structure) = lookup::structure(service, member) else { return Ok(Tree::Null) };
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(Tree::Map(Vec::new()));
    }
    if let Some(stream) = lookup::event_stream(service, structure) {
        return Ok(Tree::map([(stream.name.clone(), Tree::Blob(body.to_vec()))]));
    }
    match json::parse(body)? {
        Tree::Map(raw) => json::members(service, structure, raw, |_| true).map(Tree::Map),
        Tree::Null => Ok(Tree::Map(Vec::new())),
        _ => Err(Problem::syntax(0, "an object")),
    }
}

/// The request that asks for `operation`.
pub(crate) fn encode_request(
    service: &Service,
    operation: &Operation,
    input: &Tree,
) -> HttpRequest {
    let target = match &service.target_prefix {
        Some(prefix) => format!("{prefix}.{}", operation.name),
        None => operation.name.clone(),
    };
    let mut headers = HeaderMap::new();
    let content_type = HeaderValue::from_static(content_type(Some(service)));
    headers.insert(http::header::CONTENT_TYPE, content_type);
    headers.insert("x-amz-target", header_value(&target));
    if service.query_compatible {
        headers.insert("x-amzn-query-mode", HeaderValue::from_static("true"));
    }
    HttpRequest {
        method: Method::POST,
        uri: "/".to_owned(),
        host_prefix: String::new(),
        headers,
        body: body(service, &operation.input, input),
    }
}

/// The answer that gives `output`.
pub(crate) fn encode_response(
    service: &Service,
    operation: &Operation,
    output: &Tree,
    request_id: &str,
) -> HttpAnswer {
    HttpAnswer::new(200, content_type(Some(service)), body(service, &operation.output, output))
        .with("x-amzn-requestid", request_id)
}

/// The object, or the bytes of a stream of events.
fn body(service: &Service, member: &Option<model::Member>, tree: &Tree) -> Vec<u8> {
    let Some(structure) = lookup::structure(service, member) else { return b"{}".to_vec() };
    let stream = lookup::event_stream(service, structure);
    if let Some(Tree::Blob(bytes)) = stream.and_then(|member| lookup::value(tree, member)) {
        return bytes.clone();
    }
    Value::Object(json::structure(service, structure, tree, 0, |_| true)).to_string().into_bytes()
}
