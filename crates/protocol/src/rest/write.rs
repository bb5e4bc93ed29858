//! Members to a request or answer, each to where it stands.

use flow::Tree;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use model::{Kind, Location, Member, Operation, Service, Structure, TimestampFormat};
use percent_encoding::{AsciiSet, utf8_percent_encode};
use serde_json::Value;

use super::body::{self, Body};
use super::{header, query};
use crate::aws_query::form::{self, ESCAPED};
use crate::error::Problem;
use crate::{json, lookup, text};

/// A greedy label keeps its slashes.
const ESCAPED_PATH: &AsciiSet = &ESCAPED.remove(b'/');

/// The two directions differ in what fills a body.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Request,
    Answer,
}

/// The path and query of a request.
pub(super) fn uri(
    service: &Service,
    operation: &Operation,
    structure: Option<&Structure>,
    input: &Tree,
) -> Result<String, Problem> {
    let (path, fixed) = operation.uri.split_once('?').unwrap_or((&operation.uri, ""));
    let members = structure.map_or(&[][..], |structure| &structure.members);
    let mut uri = String::new();
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((label, after)) = after.split_once('}') else { break };
        uri.push_str(before);
        uri.push_str(&label_text(service, members, label, input)?);
        rest = after;
    }
    uri.push_str(rest);
    let named = |member: &&Member| member.location == Location::Query;
    let names = structure.map(|it| query::names(service, it)).unwrap_or_default();
    let mut pairs = Vec::new();
    for member in members.iter().filter(named) {
        if let Some(tree) = lookup::value(input, member) {
            query::write(service, member, tree, &names, &mut pairs);
        }
    }
    let query = [fixed.to_owned(), form::encode(&pairs)];
    let query: Vec<String> = query.into_iter().filter(|part| !part.is_empty()).collect();
    if !query.is_empty() {
        uri.push('?');
        uri.push_str(&query.join("&"));
    }
    Ok(uri)
}

fn label_text(
    service: &Service,
    members: &[Member],
    label: &str,
    input: &Tree,
) -> Result<String, Problem> {
    let (label, escaped) = match label.strip_suffix('+') {
        Some(label) => (label, ESCAPED_PATH),
        None => (label, ESCAPED),
    };
    let of_label = |m: &&Member| m.location == Location::Uri && lookup::wire(m) == label;
    let member = members.iter().find(of_label);
    let text = member.and_then(|member| {
        let kind = lookup::kind(service, member.shape);
        let format = lookup::format(member, kind, TimestampFormat::Iso8601);
        lookup::value(input, member).map(|tree| text::write(tree, format))
    });
    match text {
        Some(text) if !text.is_empty() => Ok(utf8_percent_encode(&text, escaped).to_string()),
        _ => Err(Problem::value("a value for the path").at(label)),
    }
}

/// The headers of all members that stand in headers.
pub(super) fn headers(
    service: &Service,
    structure: &Structure,
    tree: &Tree,
) -> Result<HeaderMap, Problem> {
    let mut headers = HeaderMap::new();
    for (name, value) in lines(service, structure, tree) {
        let (name, value) = header::line(&name, &value)?;
        headers.insert(name, value);
    }
    Ok(headers)
}

/// The same without those that HTTP cannot carry.
pub(super) fn headers_lenient(service: &Service, structure: &Structure, tree: &Tree) -> HeaderMap {
    let lines = lines(service, structure, tree);
    lines.iter().filter_map(|(name, value)| header::line(name, value.trim()).ok()).collect()
}

fn lines(service: &Service, structure: &Structure, tree: &Tree) -> Vec<(String, String)> {
    let mut lines = Vec::new();
    for member in &structure.members {
        let Some(tree) = lookup::value(tree, member) else { continue };
        match (member.location, tree) {
            (Location::Header, tree) => {
                let value = header::write(service, member, tree);
                lines.extend(value.map(|value| (lookup::wire(member).to_owned(), value)));
            }
            (Location::HeaderPrefix, Tree::Map(entries)) => {
                for (name, tree) in entries.iter().filter(|(_, tree)| !tree.is_null()) {
                    let name = format!("{}{name}", header::prefix(member));
                    lines.push((name, text::write(tree, TimestampFormat::Rfc822)));
                }
            }
            _ => {}
        }
    }
    lines
}

/// The status that the output asks for.
pub(super) fn status(structure: &Structure, output: &Tree) -> Option<u16> {
    let member = structure.members.iter().find(|member| member.location == Location::Status)?;
    u16::try_from(output.int(&member.name)?).ok()
}

/// The body; its type goes to `headers`, unless a member stands there.
pub(super) fn body(
    service: &Service,
    structure: &Structure,
    tree: &Tree,
    side: Side,
    headers: &mut HeaderMap,
) -> Vec<u8> {
    let answer = side == Side::Answer;
    let value = |member: &Member| lookup::value(tree, member);
    let (content_type, bytes) = match body::of(service, structure, answer) {
        Body::Empty => return Vec::new(),
        Body::Bytes(member) => match value(member) {
            // What a function answers is JSON, and Lambda says so.
            Some(Tree::Blob(bytes)) if answer && service.name == "lambda" => {
                ("application/json", bytes.clone())
            }
            Some(Tree::Blob(bytes)) => ("application/octet-stream", bytes.clone()),
            Some(Tree::Text(text)) => ("application/octet-stream", text.clone().into_bytes()),
            _ if answer => return Vec::new(),
            _ => ("application/octet-stream", Vec::new()),
        },
        Body::Text(member) => match value(member) {
            Some(Tree::Text(text)) => ("text/plain", text.clone().into_bytes()),
            _ => return Vec::new(),
        },
        Body::Value(member) => match (value(member), lookup::kind(service, member.shape)) {
            (Some(tree), _) => {
                ("application/json", to_bytes(json::write(service, member, tree, 0)))
            }
            // An empty object stands for a structure that is not there, but not for a union.
            (None, Kind::Structure(inner)) if !inner.union && !answer => {
                ("application/json", b"{}".to_vec())
            }
            (None, _) => return Vec::new(),
        },
        Body::Members => {
            let wanted = |member: &Member| body::is_in_body(member, answer);
            let object = json::structure(service, structure, tree, 0, wanted);
            ("application/json", to_bytes(Value::Object(object)))
        }
    };
    headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static(content_type));
    bytes
}

fn to_bytes(value: Value) -> Vec<u8> {
    value.to_string().into_bytes()
}
