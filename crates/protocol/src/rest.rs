//! restJson1, and what restXml shares with it: members in the path, the query, headers and a body.
//!
//! Source: <https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html>.

mod body;
mod header;
mod query;
mod read;
mod write;

use flow::Tree;
use http::{HeaderMap, Method};
use model::{Operation, Service};

use crate::error::Problem;
use crate::message::{HttpAnswer, HttpRequest, RequestParts, status_of};
use crate::{lookup, uri};

/// The input of a request.
pub(crate) fn decode_request(
    service: &Service,
    operation: &Operation,
    parts: &RequestParts<'_>,
    body: &[u8],
) -> Result<Tree, Problem> {
    let Some(structure) = lookup::structure(service, &operation.input) else {
        return Ok(Tree::Null);
    };
    let found = uri::fits(&operation.uri, parts.path, parts.query)
        .ok_or_else(|| Problem::value(format!("the path and query of `{}`", operation.uri)))?;
    let query = query::pairs(parts.query, &operation.uri)?;
    let source = read::Source::Request { labels: &found.labels, query: &query };
    read::members(service, structure, source, parts.headers, body).map(Tree::Map)
}

/// The request that asks for `operation`.
pub(crate) fn encode_request(
    service: &Service,
    operation: &Operation,
    input: &Tree,
) -> Result<HttpRequest, Problem> {
    let mut headers = HeaderMap::new();
    let mut body = Vec::new();
    let structure = lookup::structure(service, &operation.input);
    if let Some(structure) = structure {
        headers = write::headers(service, structure, input)?;
        body = write::body(service, structure, input, write::Side::Request, &mut headers);
    }
    let method = Method::from_bytes(operation.method.as_bytes())
        .map_err(|error| Problem::value("a method of HTTP").because(error))?;
    let uri = write::uri(service, operation, structure, input)?;
    Ok(HttpRequest { method, uri, host_prefix: String::new(), headers, body })
}

/// The answer that gives `output`. A header that cannot be written is left out.
pub(crate) fn encode_response(
    service: &Service,
    operation: &Operation,
    output: &Tree,
    request_id: &str,
) -> HttpAnswer {
    let status = if operation.status == 0 { 200 } else { operation.status };
    let mut answer =
        HttpAnswer { status: status_of(status), headers: HeaderMap::new(), body: Vec::new() };
    if let Some(structure) = lookup::structure(service, &operation.output) {
        answer.headers = write::headers_lenient(service, structure, output);
        let side = write::Side::Answer;
        answer.body = write::body(service, structure, output, side, &mut answer.headers);
        if let Some(status) = write::status(structure, output) {
            answer.status = status_of(status);
        }
    }
    answer.with("x-amzn-requestid", request_id)
}

/// The output of an answer.
pub(crate) fn decode_response(
    service: &Service,
    operation: &Operation,
    status: u16,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Tree, Problem> {
    let Some(structure) = lookup::structure(service, &operation.output) else {
        return Ok(Tree::Null);
    };
    read::members(service, structure, read::Source::Answer { status }, headers, body).map(Tree::Map)
}

/// What stands before the host's name, its labels filled from the input.
pub(crate) fn host_prefix(template: &str, input: &Tree) -> Result<String, Problem> {
    let mut prefix = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let (label, after) =
            after.split_once('}').ok_or_else(|| Problem::value("a closed label of the host"))?;
        let value = input.text(label).unwrap_or_default();
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
        if value.is_empty() || !value.bytes().all(allowed) {
            return Err(Problem::value("letters, digits and dashes, for a host's name").at(label));
        }
        prefix.push_str(before);
        prefix.push_str(value);
        rest = after;
    }
    prefix.push_str(rest);
    Ok(prefix)
}
