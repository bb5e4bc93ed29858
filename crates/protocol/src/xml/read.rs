//! Elements to a tree with the model's names and shapes.

use flow::Tree;
use model::{Kind, Member, Service, Structure};

use crate::error::Problem;
use crate::limit::{LIST_ITEMS_MAX, MEMBERS_MAX};
use crate::xml::Element;
use crate::{lookup, text};

/// The members of a structure that `wanted` admits. What the model does not know is left out.
pub(crate) fn members(
    service: &Service,
    structure: &Structure,
    element: &Element,
    wanted: impl Fn(&Member) -> bool,
) -> Result<Vec<(String, Tree)>, Problem> {
    let mut read = Vec::new();
    for member in structure.members.iter().filter(|member| wanted(member)) {
        let found = found(service, member, element).map_err(|p| p.at(lookup::wire(member)))?;
        if let Some(tree) = found {
            read.push((member.name.clone(), tree));
        }
    }
    if structure.union && read.len() > 1 {
        return Err(Problem::value("one member of the union only"));
    }
    Ok(read)
}

fn found(service: &Service, member: &Member, element: &Element) -> Result<Option<Tree>, Problem> {
    let kind = lookup::kind(service, member.shape);
    if member.xml_attribute {
        let named = |(name, _): &&(String, String)| name == lookup::wire(member);
        let Some((_, text)) = element.attributes.iter().find(named) else { return Ok(None) };
        return text::read(kind, text).map(Some);
    }
    let children = named(element, lookup::element_name(member, kind), lookup::wire(member));
    let Some(first) = children.first() else { return Ok(None) };
    match kind {
        Kind::List { member: item, .. } if lookup::is_flat(member, kind) => {
            list(service, item, &children).map(Some)
        }
        Kind::Map { key, value, .. } if lookup::is_flat(member, kind) => {
            map(service, key, value, &children).map(Some)
        }
        _ if children.len() > 1 => Err(Problem::value("one element only")),
        _ => value(service, member, first).map(Some),
    }
}

/// Children of the first name, or of the second where there are none of the first.
fn named<'a>(element: &'a Element, first: &str, second: &str) -> Vec<&'a Element> {
    let of = |name: &str| -> Vec<&'a Element> {
        element.children.iter().filter(|child| child.name == name).collect()
    };
    let children = of(first);
    if children.is_empty() && first != second { of(second) } else { children }
}

fn value(service: &Service, member: &Member, element: &Element) -> Result<Tree, Problem> {
    match lookup::kind(service, member.shape) {
        Kind::Structure(structure) => members(service, structure, element, |_| true).map(Tree::Map),
        Kind::List { member: item, .. } => {
            let name = lookup::wire_or(item, "member");
            list(service, item, &named(element, name, name))
        }
        Kind::Map { key, value, .. } => map(service, key, value, &named(element, "entry", "entry")),
        kind => text::read(kind, &element.text),
    }
}

fn list(service: &Service, item: &Member, children: &[&Element]) -> Result<Tree, Problem> {
    if children.len() > LIST_ITEMS_MAX {
        return Err(Problem::limit(format!("at most {LIST_ITEMS_MAX} items")));
    }
    let read = |(at, child): (usize, &&Element)| {
        value(service, item, child).map_err(|problem| problem.at(at))
    };
    children.iter().enumerate().map(read).collect::<Result<_, _>>().map(Tree::List)
}

fn map(
    service: &Service,
    key: &Member,
    item: &Member,
    children: &[&Element],
) -> Result<Tree, Problem> {
    if children.len() > MEMBERS_MAX {
        return Err(Problem::limit(format!("at most {MEMBERS_MAX} entries")));
    }
    let (key_name, value_name) = (lookup::wire_or(key, "key"), lookup::wire_or(item, "value"));
    let mut seen = std::collections::HashSet::new();
    let mut entries = Vec::with_capacity(children.len());
    for (at, entry) in children.iter().enumerate() {
        let key = entry
            .text_of(key_name)
            .ok_or_else(|| Problem::value(format!("an element `{key_name}`")).at(at))?;
        if !seen.insert(key) {
            return Err(Problem::value("each key once").at(at));
        }
        let tree = match entry.child(value_name) {
            Some(child) => value(service, item, child).map_err(|p| p.at(value_name).at(at))?,
            None => Tree::Null,
        };
        entries.push((key.to_owned(), tree));
    }
    Ok(Tree::Map(entries))
}
