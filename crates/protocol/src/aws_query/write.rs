//! A tree to a form's pairs, by the model's shapes.

use std::borrow::Cow;

use flow::Tree;
use model::{Kind, Member, Service, Structure, TimestampFormat};

use super::Dialect;
use crate::limit::DEPTH_MAX;
use crate::{lookup, text};

/// The name of a structure's member in a form.
pub(super) fn name<'a>(dialect: Dialect, member: &'a Member, kind: &'a Kind) -> Cow<'a, str> {
    match dialect {
        Dialect::Aws => Cow::Borrowed(lookup::element_name(member, kind)),
        Dialect::Ec2 => match &member.query_name {
            Some(name) => Cow::Borrowed(name),
            None => {
                let mut letters = lookup::wire(member).chars();
                let first = letters.next().map(|c| c.to_ascii_uppercase());
                Cow::Owned(first.into_iter().chain(letters).collect())
            }
        },
    }
}

/// The pairs of a structure's members, in the model's order.
pub(super) fn members(
    service: &Service,
    structure: &Structure,
    dialect: Dialect,
    tree: &Tree,
    prefix: &str,
    depth: usize,
    out: &mut Vec<(String, String)>,
) {
    for member in &structure.members {
        let Some(tree) = lookup::value(tree, member) else { continue };
        let kind = lookup::kind(service, member.shape);
        let name = under(prefix, &name(dialect, member, kind));
        value(service, member, dialect, tree, name, depth + 1, out);
    }
}

fn under(prefix: &str, name: &str) -> String {
    if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") }
}

fn value(
    service: &Service,
    member: &Member,
    dialect: Dialect,
    tree: &Tree,
    name: String,
    depth: usize,
    out: &mut Vec<(String, String)>,
) {
    if depth > DEPTH_MAX {
        return;
    }
    let kind = lookup::kind(service, member.shape);
    let flat = lookup::is_flat(member, kind);
    match (kind, tree) {
        (Kind::Structure(structure), tree) => {
            members(service, structure, dialect, tree, &name, depth, out);
        }
        (Kind::List { .. }, Tree::List(items)) if items.is_empty() => {
            if dialect == Dialect::Aws {
                out.push((name, String::new()));
            }
        }
        (Kind::List { member: item, .. }, Tree::List(items)) => {
            let name = if flat || dialect == Dialect::Ec2 {
                name
            } else {
                under(&name, lookup::wire_or(item, "member"))
            };
            for (at, tree) in items.iter().enumerate() {
                value(service, item, dialect, tree, format!("{name}.{}", at + 1), depth + 1, out);
            }
        }
        (Kind::Map { key, value: item, .. }, Tree::Map(entries)) => {
            let name = if flat { name } else { under(&name, "entry") };
            let entries = entries.iter().filter(|(_, tree)| !tree.is_null());
            for (at, (text, tree)) in entries.enumerate() {
                let entry = format!("{name}.{}", at + 1);
                out.push((under(&entry, lookup::wire_or(key, "key")), text.clone()));
                let name = under(&entry, lookup::wire_or(item, "value"));
                value(service, item, dialect, tree, name, depth + 1, out);
            }
        }
        (kind, tree) => {
            let format = lookup::format(member, kind, TimestampFormat::Iso8601);
            out.push((name, text::write(tree, format)));
        }
    }
}
