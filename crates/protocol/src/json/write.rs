//! A tree to JSON, by the model's shapes.

use flow::Tree;
use model::{Kind, Member, Service, Structure, TimestampFormat};
use serde_json::{Map, Value};

use crate::limit::DEPTH_MAX;
use crate::{lookup, moment, text};

/// The JSON of a member's value. A value that does not fit its shape is written as what it is.
pub(crate) fn value(service: &Service, member: &Member, tree: &Tree, depth: usize) -> Value {
    if depth > DEPTH_MAX {
        return Value::Null;
    }
    let kind = lookup::kind(service, member.shape);
    match (kind, tree) {
        (Kind::Structure(inner), Tree::Map(_)) => {
            Value::Object(structure(service, inner, tree, depth, |_| true))
        }
        (Kind::List { member, .. }, Tree::List(items)) => {
            items.iter().map(|item| value(service, member, item, depth + 1)).collect()
        }
        (Kind::Map { value: member, .. }, Tree::Map(entries)) => entries
            .iter()
            .filter(|(_, tree)| !tree.is_null())
            .map(|(key, tree)| (key.clone(), value(service, member, tree, depth + 1)))
            .collect(),
        (Kind::Timestamp(_), Tree::Time(at)) => {
            match lookup::format(member, kind, TimestampFormat::Unix) {
                TimestampFormat::Unix => document(tree, depth),
                format => Value::String(moment::write(*at, format)),
            }
        }
        (_, tree) => document(tree, depth),
    }
}

/// The object of a structure's members that `wanted` admits, in the model's order.
pub(crate) fn structure(
    service: &Service,
    structure: &Structure,
    tree: &Tree,
    depth: usize,
    wanted: impl Fn(&Member) -> bool,
) -> Map<String, Value> {
    let mut object = Map::new();
    for member in structure.members.iter().filter(|member| wanted(member)) {
        if let Some(tree) = lookup::value(tree, member) {
            let name = lookup::wire(member).to_owned();
            object.insert(name, value(service, member, tree, depth + 1));
        }
    }
    object
}

/// The JSON of a tree that no shape describes: bytes in base64, moments as seconds.
pub(crate) fn document(tree: &Tree, depth: usize) -> Value {
    if depth > DEPTH_MAX {
        return Value::Null;
    }
    match tree {
        Tree::Null => Value::Null,
        Tree::Bool(value) => Value::Bool(*value),
        Tree::Int(number) => Value::from(*number),
        Tree::Float(number) => serde_json::Number::from_f64(*number)
            .map_or_else(|| Value::String(text::float_text(*number)), Value::Number),
        Tree::Text(text) => Value::String(text.clone()),
        Tree::Blob(_) => Value::String(text::write(tree, TimestampFormat::Unix)),
        Tree::Time(at) if at.as_millis() % 1000 == 0 => Value::from(at.as_secs()),
        Tree::Time(at) => Value::from(moment::seconds(*at)),
        Tree::List(items) => items.iter().map(|item| document(item, depth + 1)).collect(),
        Tree::Map(entries) => {
            entries.iter().map(|(key, tree)| (key.clone(), document(tree, depth + 1))).collect()
        }
    }
}
