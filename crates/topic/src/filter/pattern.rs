//! One pattern of a filter policy, and whether it holds of a single value.

use serde_json::Value;

use crate::filter::{network::Network, wildcard::Wildcard};

/// How exactly numbers are compared (SNS: five digits after the point).
const PARTS_OF_ONE: f64 = 1e5;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Pattern {
    Text(String),
    Number(f64),
    Bool(bool),
    Null,
    Prefix(String),
    Suffix(String),
    /// In lower case.
    IgnoreCase(String),
    Wildcard(Wildcard),
    /// None of these holds.
    AnythingBut(Vec<Pattern>),
    /// All of these hold.
    Numeric(Vec<(Comparison, f64)>),
    Cidr(Network),
    /// Whether there is a value at all.
    Exists(bool),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Comparison {
    fn holds(self, value: f64, bound: f64) -> bool {
        let (value, bound) = (parts(value), parts(bound));
        match self {
            Self::Equal => value == bound,
            Self::Less => value < bound,
            Self::LessOrEqual => value <= bound,
            Self::Greater => value > bound,
            Self::GreaterOrEqual => value >= bound,
        }
    }
}

fn parts(value: f64) -> f64 {
    (value * PARTS_OF_ONE).round()
}

impl Pattern {
    pub(super) fn holds(&self, value: &Value) -> bool {
        let text = value.as_str();
        match self {
            Self::Text(wanted) => text == Some(wanted),
            Self::Number(wanted) => {
                value.as_f64().is_some_and(|value| Comparison::Equal.holds(value, *wanted))
            }
            Self::Bool(wanted) => value.as_bool() == Some(*wanted),
            Self::Null => value.is_null(),
            Self::Prefix(wanted) => text.is_some_and(|text| text.starts_with(wanted)),
            Self::Suffix(wanted) => text.is_some_and(|text| text.ends_with(wanted)),
            Self::IgnoreCase(wanted) => text.is_some_and(|text| text.to_lowercase() == *wanted),
            Self::Wildcard(wanted) => text.is_some_and(|text| wanted.matches(text)),
            Self::AnythingBut(unwanted) => !unwanted.iter().any(|one| one.holds(value)),
            Self::Numeric(bounds) => value.as_f64().is_some_and(|value| {
                bounds.iter().all(|(comparison, bound)| comparison.holds(value, *bound))
            }),
            Self::Cidr(network) => text.is_some_and(|text| network.contains(text)),
            // A single value exists.
            Self::Exists(wanted) => *wanted,
        }
    }
}
