//! Whether an input fits its shape, before a client sends it.

use flow::Tree;
use model::{Kind, Member, Service, Structure};

use crate::error::Problem;
use crate::limit::deep;
use crate::lookup;

/// Refuses a value that its shape does not admit, and members that the model does not know.
///
/// Members that a service requires may be missing: it is the service that says so.
pub(crate) fn check(
    service: &Service,
    member: &Member,
    tree: &Tree,
    depth: usize,
) -> Result<(), Problem> {
    deep(depth)?;
    let kind = lookup::kind(service, member.shape);
    let expected = match (kind, tree) {
        (_, Tree::Null) | (Kind::Document, _) => return Ok(()),
        // JSON in a header is whatever JSON may be.
        (Kind::String, _) if member.json_value => return Ok(()),
        (Kind::Structure(structure), Tree::Map(members)) => {
            return check_members(service, structure, members, depth);
        }
        (Kind::List { member, .. }, Tree::List(items)) => {
            return items.iter().enumerate().try_for_each(|(at, item)| {
                check(service, member, item, depth + 1).map_err(|problem| problem.at(at))
            });
        }
        (Kind::Map { value, .. }, Tree::Map(entries)) => {
            return entries.iter().try_for_each(|(key, tree)| {
                check(service, value, tree, depth + 1).map_err(|problem| problem.at(key))
            });
        }
        (Kind::Integer, Tree::Int(number)) if i32::try_from(*number).is_ok() => return Ok(()),
        (Kind::String, Tree::Text(_))
        | (Kind::Long, Tree::Int(_))
        | (Kind::Float, Tree::Float(_) | Tree::Int(_))
        | (Kind::Boolean, Tree::Bool(_))
        | (Kind::Blob, Tree::Blob(_))
        | (Kind::Timestamp(_), Tree::Time(_)) => return Ok(()),
        (Kind::Structure(_), _) => "a structure",
        (Kind::List { .. }, _) => "a list",
        (Kind::Map { .. }, _) => "a map",
        (Kind::Integer, _) => "a whole number of 32 bits",
        (Kind::String, _) => "text",
        (Kind::Long, _) => "a whole number of 64 bits",
        (Kind::Float, _) => "a number",
        (Kind::Boolean, _) => "true or false",
        (Kind::Blob, _) => "bytes",
        (Kind::Timestamp(_), _) => "a moment",
    };
    Err(Problem::value(expected))
}

fn check_members(
    service: &Service,
    structure: &Structure,
    members: &[(String, Tree)],
    depth: usize,
) -> Result<(), Problem> {
    let set = members.iter().filter(|(_, tree)| !tree.is_null());
    if structure.union && set.count() > 1 {
        return Err(Problem::value("one member of the union only"));
    }
    members.iter().try_for_each(|(name, tree)| {
        let known = structure.members.iter().find(|member| member.name == *name);
        let known = known.ok_or_else(|| Problem::value("a member of the model").at(name))?;
        // Bytes may stand for a whole body of whatever shape: streams of events are not taken apart.
        let stream = service.structure(known.shape).is_some_and(|shape| shape.event_stream);
        if (stream || known.streaming) && matches!(tree, Tree::Blob(_)) {
            return Ok(());
        }
        check(service, known, tree, depth + 1).map_err(|problem| problem.at(name))
    })
}
