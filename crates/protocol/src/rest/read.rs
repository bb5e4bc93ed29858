//! A request or answer to its members, wherever they stand.

use flow::Tree;
use http::HeaderMap;
use model::{Location, Member, Service, Structure};
use percent_encoding::percent_decode_str;

use super::body::{self, Body};
use super::{header, query};
use crate::error::Problem;
use crate::{json, lookup, text};

/// Where members come from, besides headers and the body.
#[derive(Clone, Copy)]
pub(super) enum Source<'a> {
    /// The labels of the path, percent-encoded, and the query, decoded.
    Request { labels: &'a [(&'a str, &'a str)], query: &'a [(String, String)] },
    /// The status.
    Answer { status: u16 },
}

/// All members that are there, in the model's order.
pub(super) fn members(
    service: &Service,
    structure: &Structure,
    source: Source<'_>,
    headers: &HeaderMap,
    bytes: &[u8],
) -> Result<Vec<(String, Tree)>, Problem> {
    let answer = matches!(source, Source::Answer { .. });
    let mut inside = in_body(service, structure, answer, bytes)?;
    let named = query::names(service, structure);
    let mut read = Vec::new();
    for member in &structure.members {
        let tree = match inside.iter().position(|(name, _)| *name == member.name) {
            Some(at) => Some(inside.swap_remove(at).1),
            None => outside(service, member, source, headers, &named)
                .map_err(|problem| problem.at(lookup::wire(member)))?,
        };
        if let Some(tree) = tree {
            read.push((member.name.clone(), tree));
        }
    }
    Ok(read)
}

fn outside(
    service: &Service,
    member: &Member,
    source: Source<'_>,
    headers: &HeaderMap,
    named: &[&str],
) -> Result<Option<Tree>, Problem> {
    match (member.location, source) {
        (Location::Header, _) => header::read(service, member, headers),
        (Location::HeaderPrefix, _) => header::read_prefixed(service, member, headers),
        (Location::Status, Source::Answer { status }) => Ok(Some(Tree::Int(status.into()))),
        (Location::Query, Source::Request { query, .. }) => {
            query::read(service, member, query, named)
        }
        (Location::Uri, Source::Request { labels, .. }) => {
            let Some((_, text)) = labels.iter().find(|(label, _)| *label == lookup::wire(member))
            else {
                return Ok(None);
            };
            let text = percent_decode_str(text)
                .decode_utf8()
                .map_err(|error| Problem::value("UTF-8, percent-encoded").because(error))?;
            text::read(lookup::kind(service, member.shape), &text).map(Some)
        }
        _ => Ok(None),
    }
}

fn in_body(
    service: &Service,
    structure: &Structure,
    answer: bool,
    bytes: &[u8],
) -> Result<Vec<(String, Tree)>, Problem> {
    let blank = bytes.iter().all(u8::is_ascii_whitespace);
    let one = |member: &Member, tree: Tree| Ok(vec![(member.name.clone(), tree)]);
    match body::of(service, structure, answer) {
        Body::Empty => Ok(Vec::new()),
        Body::Bytes(_) | Body::Text(_) if bytes.is_empty() => Ok(Vec::new()),
        Body::Bytes(member) => one(member, Tree::Blob(bytes.to_vec())),
        Body::Text(member) => {
            let text = std::str::from_utf8(bytes)
                .map_err(|error| Problem::syntax(error.valid_up_to(), "UTF-8").because(error))?;
            one(member, Tree::from(text))
        }
        Body::Members | Body::Value(_) if blank => Ok(Vec::new()),
        Body::Value(member) => {
            let tree = json::read(service, member, json::parse(bytes)?)
                .map_err(|problem| problem.at(&member.name))?;
            if tree.is_null() { Ok(Vec::new()) } else { one(member, tree) }
        }
        Body::Members => match json::parse(bytes)? {
            Tree::Map(raw) => {
                json::members(service, structure, raw, |m| body::is_in_body(m, answer))
            }
            Tree::Null => Ok(Vec::new()),
            _ => Err(Problem::syntax(0, "an object")),
        },
    }
}
