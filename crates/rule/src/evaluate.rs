//! Whether a rule holds for a record, worked out plainly, one step after the other.
//!
//! What CloudTrail's records ask for: a missing field is null; a list on the way, or at the end of
//! it, stands for each of its elements; an object or a list is also its compact JSON text; numbers,
//! truth values and their texts are equal.

use std::{borrow::Cow, cmp::Ordering};

use serde_json::Value;

use crate::{
    ast::{Comparison, Condition, FieldRef, Item, Number, Part, Path, Place, Selection, Test},
    moment,
    pattern::{folded, same_folded},
};

/// Whether `condition` over `selections` holds for `record`.
pub(crate) fn holds(condition: &Condition, selections: &[Selection], record: &Value) -> bool {
    match condition {
        Condition::Selection(index) => {
            selections.get(*index).is_some_and(|selection| selected(selection, record))
        }
        Condition::Not(part) => !holds(part, selections, record),
        Condition::All(parts) => parts.iter().all(|part| holds(part, selections, record)),
        Condition::AtLeast(count, parts) => {
            parts.iter().filter(|part| holds(part, selections, record)).take(*count).count()
                == *count
        }
    }
}

fn selected(selection: &Selection, record: &Value) -> bool {
    match selection {
        Selection::All(parts) => parts.iter().all(|part| selected(part, record)),
        Selection::Any(parts) => parts.iter().any(|part| selected(part, record)),
        Selection::Item(item) => item_holds(item, record),
    }
}

fn item_holds(item: &Item, record: &Value) -> bool {
    let found = |test: &Test| {
        let mut passes = |value: &Value| passes(test, value, record);
        match &item.place {
            Place::Field(path) => any_at(record, &path.0, &mut passes),
            Place::Anywhere => any_within(record, &mut passes),
        }
    };
    let holds = if item.all { item.tests.iter().all(found) } else { item.tests.iter().any(found) };
    holds != item.negated
}

/// Whether some value that `names` lead to passes; where they lead nowhere, null is asked.
fn any_at(value: &Value, names: &[String], passes: &mut impl FnMut(&Value) -> bool) -> bool {
    let Some((name, rest)) = names.split_first() else { return any_element(value, passes) };
    match value {
        Value::Object(members) => match members.get(name) {
            Some(member) => any_at(member, rest, passes),
            None => passes(&Value::Null),
        },
        Value::Array(elements) if !elements.is_empty() => {
            elements.iter().any(|element| any_at(element, names, passes))
        }
        _ => passes(&Value::Null),
    }
}

/// Whether a value, or an element of it, passes.
fn any_element(value: &Value, passes: &mut impl FnMut(&Value) -> bool) -> bool {
    passes(value)
        || value.as_array().is_some_and(|elements| elements.iter().any(|e| any_element(e, passes)))
}

/// Whether a value, or any value inside it, passes.
fn any_within(value: &Value, passes: &mut impl FnMut(&Value) -> bool) -> bool {
    passes(value)
        || match value {
            Value::Array(elements) => elements.iter().any(|element| any_within(element, passes)),
            Value::Object(members) => members.values().any(|member| any_within(member, passes)),
            _ => false,
        }
}

/// Whether one value passes; `record` is where other fields stand.
pub(crate) fn passes(test: &Test, value: &Value, record: &Value) -> bool {
    let text = || text_of(value);
    match test {
        Test::Null => value.is_null(),
        Test::Present => !value.is_null(),
        Test::Text(patterns) => text().is_some_and(|text| patterns.iter().any(|p| p.fits(&text))),
        Test::Number(number) => equals_number(value, *number),
        Test::Bool(truth) => match value {
            Value::Bool(found) => found == truth,
            Value::String(found) => same_folded(found, if *truth { "true" } else { "false" }),
            _ => false,
        },
        Test::Regex(regex) => text().is_some_and(|text| regex.is_match(&text)),
        Test::Network(network) => value.as_str().is_some_and(|text| network.holds(text)),
        Test::Compare(comparison, bound) => {
            size_of(value).is_some_and(|found| compares(found, *comparison, *bound))
        }
        Test::Time(part, comparison, bound) => value
            .as_str()
            .and_then(|text| moment::part_of(text, *part))
            .is_some_and(|found| compares(Number::Int(found), *comparison, *bound)),
        Test::Field(other) => text().is_some_and(|text| stands_to(&text, other, record)),
    }
}

/// A value as the text that string conditions see; null has none.
fn text_of(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(Cow::Borrowed(text)),
        other => Some(Cow::Owned(other.to_string())),
    }
}

fn equals_number(value: &Value, number: Number) -> bool {
    match value {
        Value::String(text) => *text == number.to_string(),
        _ => number_of(value).is_some_and(|found| order(found, number) == Some(Ordering::Equal)),
    }
}

/// A number, or the number that a text is.
fn size_of(value: &Value) -> Option<Number> {
    match value {
        Value::String(text) => Number::parse(text),
        _ => number_of(value),
    }
}

fn compares(found: Number, comparison: Comparison, bound: Number) -> bool {
    let Some(order) = order(found, bound) else { return false };
    match comparison {
        Comparison::Equal => order.is_eq(),
        Comparison::Less => order.is_lt(),
        Comparison::LessOrEqual => order.is_le(),
        Comparison::Greater => order.is_gt(),
        Comparison::GreaterOrEqual => order.is_ge(),
    }
}

fn number_of(value: &Value) -> Option<Number> {
    let number = value.as_number()?;
    number.as_i64().map(Number::Int).or_else(|| number.as_f64().map(Number::Float))
}

fn order(a: Number, b: Number) -> Option<Ordering> {
    match (a, b) {
        (Number::Int(a), Number::Int(b)) => Some(a.cmp(&b)),
        _ => a.as_f64().partial_cmp(&b.as_f64()),
    }
}

impl Number {
    /// The number that `text` is.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let finite = |number: &f64| number.is_finite();
        text.parse()
            .map(Self::Int)
            .ok()
            .or_else(|| text.parse().ok().filter(finite).map(Self::Float))
    }

    fn as_f64(self) -> f64 {
        match self {
            Self::Int(number) => number as f64,
            Self::Float(number) => number,
        }
    }
}

impl std::fmt::Display for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Int(number) => write!(f, "{number}"),
            Self::Float(number) => write!(f, "{number}"),
        }
    }
}

/// Whether `text` stands to some value of the other field as asked. A missing field has no text, so
/// nothing stands to it.
fn stands_to(text: &str, other: &FieldRef, record: &Value) -> bool {
    let fold = |text: &str| folded(text, other.cased).collect::<String>();
    let text = fold(text);
    let Path(names) = &other.path;
    any_at(record, names, &mut |value| {
        let Some(wanted) = text_of(value).map(|wanted| fold(&wanted)) else { return false };
        match other.part {
            Part::Whole => text == wanted,
            Part::Anywhere => text.contains(&wanted),
            Part::Start => text.starts_with(&wanted),
            Part::End => text.ends_with(&wanted),
        }
    })
}
