//! awsQuery and ec2Query: a form in, XML out.
//!
//! Sources: <https://smithy.io/2.0/aws/protocols/aws-query-protocol.html> and
//! <https://smithy.io/2.0/aws/protocols/aws-ec2-query-protocol.html>.

pub(crate) mod form;
mod read;
mod write;

use flow::Tree;
use http::{HeaderMap, HeaderValue, Method};
use model::{Operation, Protocol, Service};

use crate::error::Problem;
use crate::lookup;
use crate::message::{HttpAnswer, HttpRequest};
use crate::xml::{self, Writer};

/// The two dialects differ in names and in how lists are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dialect {
    Aws,
    Ec2,
}

impl Dialect {
    fn of(protocol: Protocol) -> Self {
        if protocol == Protocol::Ec2 { Self::Ec2 } else { Self::Aws }
    }
}

/// The input in a form, in the body or in the query.
pub(crate) fn decode_request(
    service: &Service,
    operation: &Operation,
    protocol: Protocol,
    query: &str,
    body: &[u8],
) -> Result<Tree, Problem> {
    let Some(structure) = lookup::structure(service, &operation.input) else {
        return Ok(Tree::Null);
    };
    let body = std::str::from_utf8(body)
        .map_err(|error| Problem::syntax(error.valid_up_to(), "a form in ASCII").because(error))?;
    let root = form::Node::of(query, body)?;
    read::members(service, structure, Dialect::of(protocol), &root).map(Tree::Map)
}

/// The request that asks for `operation`, as a form in the body.
pub(crate) fn encode_request(
    service: &Service,
    operation: &Operation,
    protocol: Protocol,
    input: &Tree,
) -> HttpRequest {
    let mut pairs = vec![
        ("Action".to_owned(), operation.name.clone()),
        ("Version".to_owned(), service.api_version.clone()),
    ];
    if let Some(structure) = lookup::structure(service, &operation.input) {
        write::members(service, structure, Dialect::of(protocol), input, "", 0, &mut pairs);
    }
    let mut headers = HeaderMap::new();
    headers.insert(
        http::header::CONTENT_TYPE,
        HeaderValue::from_static("application/x-www-form-urlencoded; charset=utf-8"),
    );
    HttpRequest {
        method: Method::POST,
        uri: "/".to_owned(),
        host_prefix: String::new(),
        headers,
        body: form::encode(&pairs).into_bytes(),
    }
}

/// The answer that gives `output`.
pub(crate) fn encode_response(
    service: &Service,
    operation: &Operation,
    protocol: Protocol,
    output: &Tree,
    request_id: &str,
) -> HttpAnswer {
    let ec2 = protocol == Protocol::Ec2;
    let mut out = if ec2 { Writer::declared() } else { Writer::default() };
    let namespace = service.xml_namespace.clone();
    let attributes: Vec<_> = namespace.into_iter().map(|uri| ("xmlns".to_owned(), uri)).collect();
    let structure = lookup::structure(service, &operation.output);
    let members = |out: &mut Writer| {
        if let Some(structure) = structure {
            xml::write_members(service, structure, output, 0, out, |_| true);
        }
    };
    out.element(&format!("{}Response", operation.name), &attributes, |out| {
        if ec2 {
            out.text("requestId", request_id);
            members(out);
            return;
        }
        match &operation.result_wrapper {
            Some(wrapper) => out.element(wrapper, &[], members),
            None => members(out),
        }
        out.element("ResponseMetadata", &[], |out| out.text("RequestId", request_id));
    });
    let content_type = if ec2 { "text/xml;charset=UTF-8" } else { "text/xml" };
    HttpAnswer::new(200, content_type, out.into_bytes()).with("x-amzn-requestid", request_id)
}

/// The output in an answer's body; an empty body is an empty output.
pub(crate) fn decode_response(
    service: &Service,
    operation: &Operation,
    protocol: Protocol,
    body: &[u8],
) -> Result<Tree, Problem> {
    let Some(structure) = lookup::structure(service, &operation.output) else {
        return Ok(Tree::Null);
    };
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(Tree::Map(Vec::new()));
    }
    let root = xml::parse(body)?;
    // Some models leave the wrapper out although every service writes one.
    let usual = format!("{}Result", operation.name);
    let wrapper = operation.result_wrapper.as_deref().unwrap_or(&usual);
    let inner = match protocol {
        Protocol::Ec2 => &root,
        _ => root.child(wrapper).unwrap_or(&root),
    };
    xml::members(service, structure, inner, |_| true).map(Tree::Map)
}
