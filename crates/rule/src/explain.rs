//! Why a rule holds for a record or not: every part of it, and the values that decided.

mod words;

use std::borrow::Cow;

use serde::Serialize;
use serde_json::Value;

use crate::{
    ast::{Condition, Item, Place, Selection},
    evaluate,
    rule::Rule,
};

/// What a step asks that holds where all its parts do.
const ALL: &str = "all of";
/// The most values of one item that are shown.
const FOUND_MAX: usize = 12;
/// The longest part of a value that is shown, in characters.
const VALUE_CHARS_MAX: usize = 200;

/// A rule beside a record: what it asks, and what was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// The rule.
    pub rule: flow::RuleRef,
    /// Whether it holds.
    pub holds: bool,
    /// Its condition.
    pub condition: Step,
}

/// A part of a rule, whether it holds, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// What is asked, in words; the rule's own texts stand in it as they are.
    pub asks: String,
    /// Whether it holds.
    pub holds: bool,
    /// What it is made of.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Step>,
    /// The values that it looked at, those that passed first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub found: Vec<Found>,
    /// How many values more there were.
    #[serde(skip_serializing_if = "is_zero")]
    pub more: usize,
}

/// A value of the record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Found {
    /// Where it stands, lists' elements counted from 0: `resources[1].ARN`.
    pub path: String,
    /// Its JSON, cut short where it is long; nothing where nothing stands there.
    pub value: Option<String>,
    /// What of the asked it passes.
    pub passes: Vec<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

impl Rule {
    /// Says of each part of the rule whether it holds for `record`, and on which values. The verdict
    /// is that of [`Rule::holds`].
    pub fn explain(&self, record: &Value) -> Explanation {
        let condition = self.step(&self.condition, record);
        Explanation { rule: self.reference.clone(), holds: condition.holds, condition }
    }

    fn step(&self, condition: &Condition, record: &Value) -> Step {
        let steps =
            |parts: &[Condition]| parts.iter().map(|part| self.step(part, record)).collect();
        match condition {
            Condition::Selection(index) => {
                let name = self.names.get(*index).map_or("", String::as_str);
                match self.selections.get(*index).map(|found| selection(found, record)) {
                    // A map is its lines.
                    Some(lines) if lines.asks == ALL => Step { asks: name.to_owned(), ..lines },
                    Some(other) => every(name, vec![other]),
                    None => Step { holds: false, ..every(name, Vec::new()) },
                }
            }
            Condition::Not(part) => {
                let part = self.step(part, record);
                Step { holds: !part.holds, ..every("not", vec![part]) }
            }
            Condition::All(parts) => every(ALL, steps(parts)),
            Condition::AtLeast(count, parts) => {
                let parts: Vec<Step> = steps(parts);
                let holding = parts.iter().filter(|part| part.holds).count();
                Step { holds: holding >= *count, ..every(&format!("{count} of"), parts) }
            }
        }
    }
}

impl Step {
    /// The one part in the place of the step.
    fn only(mut self) -> Self {
        self.parts.pop().unwrap_or(self)
    }
}

/// A step that holds where all of its parts do.
fn every(asks: &str, parts: Vec<Step>) -> Step {
    let holds = parts.iter().all(|part| part.holds);
    Step { asks: asks.to_owned(), holds, parts, found: Vec::new(), more: 0 }
}

fn selection(selection: &Selection, record: &Value) -> Step {
    let steps = |parts: &[Selection]| -> Vec<Step> {
        parts.iter().map(|part| self::selection(part, record)).collect()
    };
    match selection {
        // A map of one line is that line.
        Selection::All(parts) if parts.len() == 1 => every(ALL, steps(parts)).only(),
        Selection::All(parts) => every(ALL, steps(parts)),
        Selection::Any(parts) => {
            let parts = steps(parts);
            Step { holds: parts.iter().any(|part| part.holds), ..every("1 of", parts) }
        }
        Selection::Item(asked) => item(asked, record),
    }
}

fn item(item: &Item, record: &Value) -> Step {
    let mut values = Vec::new();
    match &item.place {
        Place::Field(path) => at(record, &path.0, &mut String::new(), &mut values),
        Place::Anywhere => within(record, &mut String::new(), &mut values),
    }
    let mut passed = vec![false; item.tests.len()];
    let mut found: Vec<Found> = values
        .into_iter()
        .map(|(path, value)| {
            let mut passes = Vec::new();
            for (test, passed) in item.tests.iter().zip(&mut passed) {
                if evaluate::passes(test, &value, record) {
                    *passed = true;
                    passes.push(test.to_string());
                }
            }
            Found { path, value: shown(&value), passes }
        })
        .collect();
    let holds = match item.all {
        true => passed.iter().all(|passed| *passed),
        false => passed.iter().any(|passed| *passed),
    };
    if matches!(item.place, Place::Anywhere) {
        // What a keyword did not find is the whole record.
        found.retain(|found| !found.passes.is_empty());
    }
    found.sort_by_key(|found| found.passes.is_empty());
    let more = found.len().saturating_sub(FOUND_MAX);
    found.truncate(FOUND_MAX);
    Step { asks: item.to_string(), holds: holds != item.negated, parts: Vec::new(), found, more }
}

/// A value's JSON as people are shown it.
fn shown(value: &Value) -> Option<String> {
    let text = match value {
        Value::Null => return None,
        other => other.to_string(),
    };
    Some(match text.char_indices().nth(VALUE_CHARS_MAX) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    })
}

type Values<'a> = Vec<(String, Cow<'a, Value>)>;

/// The values that `names` lead to, as the evaluator meets them: null where they lead nowhere.
fn at<'a>(value: &'a Value, names: &[String], path: &mut String, into: &mut Values<'a>) {
    let Some((name, rest)) = names.split_first() else { return elements(value, path, into) };
    let mut nothing = |path: &str| {
        let rest: Vec<&str> = names.iter().map(String::as_str).collect();
        let dot = if path.is_empty() { "" } else { "." };
        into.push((format!("{path}{dot}{}", rest.join(".")), Cow::Owned(Value::Null)));
    };
    match value {
        Value::Object(members) => match members.get(name) {
            Some(member) => inside(path, name, |path| at(member, rest, path, into)),
            None => nothing(path),
        },
        Value::Array(list) if !list.is_empty() => {
            for (index, element) in list.iter().enumerate() {
                element_of(path, index, |path| at(element, names, path, into));
            }
        }
        _ => nothing(path),
    }
}

/// A value and the elements of it.
fn elements<'a>(value: &'a Value, path: &mut String, into: &mut Values<'a>) {
    into.push((path.clone(), Cow::Borrowed(value)));
    for (index, element) in value.as_array().into_iter().flatten().enumerate() {
        element_of(path, index, |path| elements(element, path, into));
    }
}

/// A value and every value in it.
fn within<'a>(value: &'a Value, path: &mut String, into: &mut Values<'a>) {
    into.push((path.clone(), Cow::Borrowed(value)));
    match value {
        Value::Array(list) => {
            for (index, element) in list.iter().enumerate() {
                element_of(path, index, |path| within(element, path, into));
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                inside(path, name, |path| within(member, path, into));
            }
        }
        _ => {}
    }
}

fn inside(path: &mut String, name: &str, then: impl FnOnce(&mut String)) {
    let length = path.len();
    if length > 0 {
        path.push('.');
    }
    path.push_str(name);
    then(path);
    path.truncate(length);
}

fn element_of(path: &mut String, index: usize, then: impl FnOnce(&mut String)) {
    let length = path.len();
    path.push_str(&format!("[{index}]"));
    then(path);
    path.truncate(length);
}
