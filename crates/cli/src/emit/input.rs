//! What was given as text, as the model's shapes have it.

use anyhow::{Context, bail};
use flow::{Timestamp, Tree};
use model::{Kind, Member, Service, ShapeId, Structure};
use serde_json::{Map, Value};

use super::known::nearest;
use crate::output;

/// How deep values go.
const DEPTH_MAX: u32 = 32;

/// The tree of an operation's input or output, its members by their names in records.
///
/// # Errors
/// Names the member that the model does not know, or the value that does not fit.
pub(super) fn tree(
    service: &Service,
    member: Option<&Member>,
    given: Map<String, Value>,
) -> anyhow::Result<Tree> {
    match member {
        Some(member) => Shaping { service }.value(member.shape, Value::Object(given), 0),
        None if given.is_empty() => Ok(Tree::Null),
        None => bail!("it takes no members"),
    }
}

/// A member's name as records spell it.
pub(super) fn spelled(name: &str) -> String {
    let mut characters = name.chars();
    let first = characters.next().map(char::to_lowercase);
    first.into_iter().flatten().chain(characters).collect()
}

struct Shaping<'a> {
    service: &'a Service,
}

impl Shaping<'_> {
    fn value(&self, id: ShapeId, given: Value, depth: u32) -> anyhow::Result<Tree> {
        let Some(shape) = self.service.shape(id).filter(|_| depth < DEPTH_MAX) else {
            bail!("it goes too deep");
        };
        Ok(match &shape.kind {
            Kind::Structure(structure) => {
                let members = object(given)?.into_iter();
                let members =
                    members.map(|(name, value)| self.member(structure, name, value, depth));
                Tree::Map(members.collect::<anyhow::Result<_>>()?)
            }
            Kind::List { member, .. } => {
                let items = list(given)?.into_iter();
                let items = items.map(|item| self.value(member.shape, item, depth + 1));
                Tree::List(items.collect::<anyhow::Result<_>>()?)
            }
            Kind::Map { value, .. } => {
                let entries = object(given)?.into_iter().map(|(name, entry)| {
                    let entry = self.value(value.shape, entry, depth + 1);
                    Ok((name.clone(), entry.with_context(|| said(&name))?))
                });
                Tree::Map(entries.collect::<anyhow::Result<_>>()?)
            }
            Kind::String => Tree::Text(text(given)?),
            Kind::Integer | Kind::Long => {
                let text = text(given)?;
                Tree::Int(
                    text.parse().with_context(|| format!("{} is no whole number", said(&text)))?,
                )
            }
            Kind::Float => {
                let text = text(given)?;
                Tree::Float(text.parse().with_context(|| format!("{} is no number", said(&text)))?)
            }
            Kind::Boolean => {
                let text = text(given)?;
                Tree::Bool(
                    text.parse()
                        .with_context(|| format!("{} is not true or false", said(&text)))?,
                )
            }
            Kind::Timestamp(_) => {
                let time: Timestamp =
                    text(given)?.parse().context("give a time such as 2026-11-22T10:00:00Z")?;
                Tree::Time(time)
            }
            Kind::Blob => bail!("it is bytes, which no record holds"),
            Kind::Document => document(parsed(given)),
        })
    }

    fn member(
        &self,
        structure: &Structure,
        name: String,
        value: Value,
        depth: u32,
    ) -> anyhow::Result<(String, Tree)> {
        let members = || structure.members.iter();
        let found = members().find(|member| spelled(&member.name) == name || member.name == name);
        let Some(member) = found else {
            let known: Vec<String> = members().map(|member| spelled(&member.name)).collect();
            let hint = nearest(&name, known.iter().map(String::as_str));
            match known.as_slice() {
                [] => bail!("there is no {}: it takes no members", said(&name)),
                known => bail!("there is no {}{hint} Known: {}", said(&name), known.join(", ")),
            }
        };
        let value = self.value(member.shape, value, depth + 1).with_context(|| said(&name))?;
        Ok((member.name.clone(), value))
    }
}

fn said(name: &str) -> String {
    format!("`{}`", output::safe(name))
}

/// Text that is JSON of an object or a list, as that.
fn parsed(given: Value) -> Value {
    let told = given.as_str().filter(|text| text.starts_with(['{', '[']));
    told.and_then(|text| serde_json::from_str(text).ok()).unwrap_or(given)
}

fn object(given: Value) -> anyhow::Result<Map<String, Value>> {
    match parsed(given) {
        Value::Object(members) => Ok(members),
        _ => bail!("it has members: give NAME.MEMBER=VALUE, or a JSON object"),
    }
}

fn list(given: Value) -> anyhow::Result<Vec<Value>> {
    match parsed(given) {
        Value::Array(items) => Ok(items),
        Value::String(text) => Ok(text.split(',').map(Value::from).collect()),
        _ => bail!("it is a list: give its items with commas, or a JSON list"),
    }
}

fn text(given: Value) -> anyhow::Result<String> {
    match given {
        Value::String(text) => Ok(text),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(flag) => Ok(flag.to_string()),
        _ => bail!("it is one value, no list and no object"),
    }
}

fn document(given: Value) -> Tree {
    match given {
        Value::Null => Tree::Null,
        Value::Bool(flag) => Tree::Bool(flag),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => Tree::Int(whole),
            None => Tree::Float(number.as_f64().unwrap_or_default()),
        },
        Value::String(text) => Tree::Text(text),
        Value::Array(items) => Tree::List(items.into_iter().map(document).collect()),
        Value::Object(members) => {
            Tree::Map(members.into_iter().map(|(name, value)| (name, document(value))).collect())
        }
    }
}
