//! A form to a tree, by the model's shapes.

use flow::Tree;
use model::{Kind, Member, Service, Structure};

use super::Dialect;
use super::form::Node;
use super::write::name;
use crate::error::Problem;
use crate::limit::LIST_ITEMS_MAX;
use crate::{lookup, text};

/// The members of a structure. Parameters that the model does not know are left out.
pub(super) fn members(
    service: &Service,
    structure: &Structure,
    dialect: Dialect,
    node: &Node,
) -> Result<Vec<(String, Tree)>, Problem> {
    let mut read = Vec::new();
    for member in &structure.members {
        let kind = lookup::kind(service, member.shape);
        let name = name(dialect, member, kind);
        // Clients differ in whose name a flattened list takes: the member's or the items'.
        let Some(node) = node.child(&name).or_else(|| node.child(lookup::wire(member))) else {
            continue;
        };
        let tree = value(service, member, dialect, node).map_err(|problem| problem.at(&name))?;
        read.push((member.name.clone(), tree));
    }
    if structure.union && read.len() > 1 {
        return Err(Problem::value("one member of the union only"));
    }
    Ok(read)
}

fn value(
    service: &Service,
    member: &Member,
    dialect: Dialect,
    node: &Node,
) -> Result<Tree, Problem> {
    let kind = lookup::kind(service, member.shape);
    let flat = lookup::is_flat(member, kind);
    match kind {
        Kind::Structure(structure) => members(service, structure, dialect, node).map(Tree::Map),
        Kind::List { member: item, .. } => {
            let name = lookup::wire_or(item, "member");
            let inside =
                if flat || dialect == Dialect::Ec2 { Some(node) } else { node.child(name) };
            let read = |(at, node): (usize, &Node)| {
                value(service, item, dialect, node).map_err(|problem| problem.at(at))
            };
            numbered(node, inside)?.into_iter().map(read).collect::<Result<_, _>>().map(Tree::List)
        }
        Kind::Map { key, value: item, .. } => {
            let inside = if flat { Some(node) } else { node.child("entry") };
            let mut entries: Vec<(String, Tree)> = Vec::new();
            let mut seen = std::collections::HashSet::new();
            for (at, node) in numbered(node, inside)? {
                let (key, tree) = entry(service, key, item, dialect, node).map_err(|p| p.at(at))?;
                if !seen.insert(key.clone()) {
                    return Err(Problem::value("each key once").at(at));
                }
                entries.push((key, tree));
            }
            Ok(Tree::Map(entries))
        }
        kind => {
            let given = node.text.as_deref();
            text::read(kind, given.ok_or_else(|| Problem::value("a single value"))?)
        }
    }
}

fn entry(
    service: &Service,
    key: &Member,
    item: &Member,
    dialect: Dialect,
    node: &Node,
) -> Result<(String, Tree), Problem> {
    let key_name = lookup::wire_or(key, "key");
    let value_name = lookup::wire_or(item, "value");
    let key = node.child(key_name).and_then(|node| node.text.clone());
    let key = key.ok_or_else(|| Problem::value(format!("`{key_name}`")))?;
    let tree = match node.child(value_name) {
        Some(node) => value(service, item, dialect, node).map_err(|p| p.at(value_name))?,
        None => Tree::Null,
    };
    Ok((key, tree))
}

/// The items of a list by their numbers, in order; gaps are closed. `a=` is an empty list.
fn numbered<'a>(node: &Node, inside: Option<&'a Node>) -> Result<Vec<(usize, &'a Node)>, Problem> {
    if node.text.as_deref().is_some_and(|text| !text.is_empty()) {
        return Err(Problem::value("numbered items"));
    }
    let mut items = Vec::new();
    for (name, node) in inside.into_iter().flat_map(|inside| &inside.children) {
        let digits = !name.is_empty() && name.bytes().all(|b| b.is_ascii_digit());
        if !digits {
            return Err(Problem::value("numbered items").at(name));
        }
        match name.parse() {
            Ok(at) if at <= LIST_ITEMS_MAX => items.push((at, node)),
            _ => return Err(Problem::limit(format!("at most {LIST_ITEMS_MAX} items")).at(name)),
        }
    }
    items.sort_by_key(|(at, _)| *at);
    if items.windows(2).any(|pair| matches!(pair, [(a, _), (b, _)] if a == b)) {
        return Err(Problem::value("each number once"));
    }
    Ok(items)
}
