//! A tree of plain JSON to one with the model's names and shapes.

use flow::Tree;
use model::{Kind, Member, Service, Structure};

use crate::error::Problem;
use crate::{lookup, moment, text};

/// The value of a member. What the model does not know is left out; null is nothing.
pub(crate) fn value(service: &Service, member: &Member, raw: Tree) -> Result<Tree, Problem> {
    let kind = lookup::kind(service, member.shape);
    match (kind, raw) {
        (Kind::Document, raw) => Ok(raw),
        (_, Tree::Null) => Ok(Tree::Null),
        (Kind::Structure(structure), Tree::Map(raw)) => {
            members(service, structure, raw, |_| true).map(Tree::Map)
        }
        (Kind::Structure(_), _) => Err(Problem::value("an object")),
        (Kind::List { member, .. }, Tree::List(items)) => {
            let item = |(at, raw)| value(service, member, raw).map_err(|p| p.at(at));
            items.into_iter().enumerate().map(item).collect::<Result<_, _>>().map(Tree::List)
        }
        (Kind::List { .. }, _) => Err(Problem::value("an array")),
        (Kind::Map { value: member, .. }, Tree::Map(entries)) => {
            let mut read = Vec::with_capacity(entries.len());
            for (key, raw) in entries.into_iter().filter(|(_, raw)| !raw.is_null()) {
                let value = value(service, member, raw).map_err(|p| p.at(&key))?;
                read.push((key, value));
            }
            Ok(Tree::Map(read))
        }
        (Kind::Map { .. }, _) => Err(Problem::value("an object")),
        (kind, raw) => scalar(kind, raw),
    }
}

/// The members of a structure that `wanted` admits, in the order of the text.
pub(crate) fn members(
    service: &Service,
    structure: &Structure,
    raw: Vec<(String, Tree)>,
    wanted: impl Fn(&Member) -> bool,
) -> Result<Vec<(String, Tree)>, Problem> {
    let mut read = Vec::new();
    for (name, raw) in raw.into_iter().filter(|(_, raw)| !raw.is_null()) {
        let known = |member: &&Member| lookup::wire(member) == name && wanted(member);
        let Some(member) = structure.members.iter().find(known) else { continue };
        if structure.union && !read.is_empty() {
            return Err(Problem::value("one member of the union only"));
        }
        let value = value(service, member, raw).map_err(|p| p.at(&name))?;
        read.push((member.name.clone(), value));
    }
    Ok(read)
}

fn scalar(kind: &Kind, raw: Tree) -> Result<Tree, Problem> {
    match (kind, raw) {
        (Kind::String, Tree::Text(text)) => Ok(Tree::Text(text)),
        (Kind::String, _) => Err(Problem::value("a string")),
        (Kind::Integer, raw) => whole(&raw)
            .filter(|number| i32::try_from(*number).is_ok())
            .map(Tree::Int)
            .ok_or_else(|| Problem::value("a whole number of 32 bits")),
        (Kind::Long, raw) => {
            whole(&raw).map(Tree::Int).ok_or_else(|| Problem::value("a whole number of 64 bits"))
        }
        (Kind::Float, raw) => {
            float(&raw).map(Tree::Float).ok_or_else(|| Problem::value("a number"))
        }
        (Kind::Boolean, Tree::Bool(value)) => Ok(Tree::Bool(value)),
        (Kind::Boolean, _) => Err(Problem::value("true or false")),
        (Kind::Blob, Tree::Text(text)) => text::blob(&text).map(Tree::Blob),
        (Kind::Blob, _) => Err(Problem::value("a string of base64")),
        (Kind::Timestamp(_), raw) => {
            moment::from_tree(&raw).map(Tree::Time).ok_or_else(|| Problem::value("a moment"))
        }
        (Kind::Document | Kind::Structure(_) | Kind::List { .. } | Kind::Map { .. }, raw) => {
            Ok(raw)
        }
    }
}

fn whole(raw: &Tree) -> Option<i64> {
    match raw {
        Tree::Int(number) => Some(*number),
        Tree::Float(number) => moment::whole(*number),
        _ => None,
    }
}

fn float(raw: &Tree) -> Option<f64> {
    match raw {
        // Through text, because no lossless conversion exists and a lossy one is wanted.
        Tree::Int(number) => number.to_string().parse().ok(),
        Tree::Float(number) => Some(*number),
        Tree::Text(text) => text::float(text).filter(|number| !number.is_finite()),
        _ => None,
    }
}
