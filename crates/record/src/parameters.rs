//! `requestParameters` and `responseElements`: a decoded tree as records spell it.

use flow::Tree;
use model::{Kind, Member, Service, ShapeId};
use serde_json::{Map, Number, Value};

use crate::redaction::{self, HIDDEN, Redaction};

/// How deep a record follows a tree; deeper parts are left out.
const DEPTH_MAX: u32 = 64;

/// The members of `tree`, the input or output `member` of an operation of `service`; `None` where
/// there is nothing to show.
pub(crate) fn of(service: &Service, member: &Member, tree: &Tree) -> Option<Map<String, Value>> {
    match (Writer { service }.value(member.shape, tree, 0)?, tree) {
        (Value::Object(members), Tree::Map(_)) if !members.is_empty() => Some(members),
        _ => None,
    }
}

/// `TopicArn` as `topicArn`: records begin every member's name with a small letter.
pub(crate) fn small_first(name: &str) -> String {
    let mut characters = name.chars();
    match characters.next() {
        Some(first) => first.to_lowercase().chain(characters).collect(),
        None => String::new(),
    }
}

struct Writer<'a> {
    service: &'a Service,
}

impl Writer<'_> {
    /// A value of a shape; `None` where records do not hold it.
    fn value(&self, id: ShapeId, tree: &Tree, depth: u32) -> Option<Value> {
        if depth > DEPTH_MAX {
            return None;
        }
        let shape = self.service.shape(id)?;
        if shape.sensitive {
            return Some(Value::from(HIDDEN));
        }
        match (&shape.kind, tree) {
            (Kind::Structure(structure), Tree::Map(given)) => {
                let members = given.iter().filter_map(|(name, value)| {
                    // What the model does not know may be a secret.
                    let member = structure.members.iter().find(|member| member.name == *name)?;
                    Some((small_first(name), self.member(member, value, depth)?))
                });
                Some(Value::Object(members.collect()))
            }
            (Kind::List { member, .. }, Tree::List(items)) => {
                let items = items.iter().filter_map(|item| self.member(member, item, depth));
                Some(Value::Array(items.collect()))
            }
            (Kind::Map { key, value, .. }, Tree::Map(entries)) => {
                if key.sensitive || self.service.shape(key.shape)?.sensitive {
                    return Some(Value::from(HIDDEN));
                }
                let entries = entries.iter().filter_map(|(name, entry)| {
                    if redaction::of(&self.service.name, name, entry.as_text().is_some()).is_some()
                    {
                        return Some((name.clone(), Value::from(HIDDEN)));
                    }
                    Some((name.clone(), self.member(value, entry, depth)?))
                });
                Some(Value::Object(entries.collect()))
            }
            (Kind::Document, _) => document(tree, depth),
            (Kind::Blob | Kind::Structure(_) | Kind::List { .. } | Kind::Map { .. }, _) => None,
            _ => plain(tree),
        }
    }

    /// A member's value; `None` where records leave the member out.
    fn member(&self, member: &Member, tree: &Tree, depth: u32) -> Option<Value> {
        if tree.is_null() || member.streaming {
            return None;
        }
        match redaction::of(&self.service.name, &member.name, tree.as_text().is_some()) {
            Some(Redaction::Drop) => None,
            Some(Redaction::Hide) => Some(Value::from(HIDDEN)),
            None if member.sensitive => Some(Value::from(HIDDEN)),
            None => self.value(member.shape, tree, depth + 1),
        }
    }
}

/// JSON that no model describes, as it came.
fn document(tree: &Tree, depth: u32) -> Option<Value> {
    if depth > DEPTH_MAX {
        return None;
    }
    match tree {
        Tree::List(items) => {
            Some(items.iter().filter_map(|item| document(item, depth + 1)).collect())
        }
        Tree::Map(members) => {
            let members = members.iter().filter_map(|(name, value)| {
                let hidden = redaction::of("", name, value.as_text().is_some()).is_some();
                let value = if hidden { Value::from(HIDDEN) } else { document(value, depth + 1)? };
                Some((name.clone(), value))
            });
            Some(Value::Object(members.collect()))
        }
        Tree::Null => Some(Value::Null),
        _ => plain(tree),
    }
}

/// A value without parts. Bytes are left out: no record dumps them.
fn plain(tree: &Tree) -> Option<Value> {
    match tree {
        Tree::Bool(value) => Some(Value::from(*value)),
        Tree::Int(value) => Some(Value::from(*value)),
        Tree::Float(value) => Some(match Number::from_f64(*value) {
            Some(number) => Value::Number(number),
            None => Value::from(value.to_string()),
        }),
        Tree::Text(text) => Some(Value::from(text.as_str())),
        Tree::Time(moment) => Some(Value::from(moment.to_record_text())),
        Tree::Null | Tree::Blob(_) | Tree::List(_) | Tree::Map(_) => None,
    }
}
