//! Filter policies: which messages a subscription wants.
//!
//! The operators and limits: "Amazon SNS subscription filter policies" in the SNS developer guide.

mod network;
mod parse;
mod pattern;
mod wildcard;

use serde_json::{Map, Value};

use crate::filter::pattern::Pattern;

/// What a filter policy looks at (`FilterPolicyScope`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum FilterScope {
    /// The message's attributes, by name.
    #[default]
    MessageAttributes,
    /// The message itself, which must be a JSON object.
    MessageBody,
}

impl FilterScope {
    /// As SNS spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MessageAttributes => "MessageAttributes",
            Self::MessageBody => "MessageBody",
        }
    }
}

/// Why a filter policy is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("FilterPolicy: {0}")]
pub struct InvalidFilter(pub(crate) String);

/// A filter policy, read and checked.
#[derive(Clone, Debug, PartialEq)]
pub struct FilterPolicy(Wanted);

/// All that must hold of one object.
#[derive(Clone, Debug, Default, PartialEq)]
struct Wanted {
    /// Members, each with what it must be.
    members: Vec<(String, Member)>,
    /// Of each group at least one must hold.
    either: Vec<Vec<Wanted>>,
}

#[derive(Clone, Debug, PartialEq)]
enum Member {
    /// One of these must hold of the value, or of one of its elements.
    Leaf(Vec<Pattern>),
    /// The value is an object, or a list with an object, of which this holds.
    Inside(Wanted),
}

impl FilterPolicy {
    /// Reads a policy.
    ///
    /// # Errors
    /// [`InvalidFilter`] says what is wrong with it.
    pub fn parse(text: &str, scope: FilterScope) -> Result<Self, InvalidFilter> {
        parse::policy(text, scope).map(Self)
    }

    /// Whether the policy wants a message with these values.
    pub fn matches(&self, values: &Map<String, Value>) -> bool {
        self.0.holds(Some(values))
    }
}

impl Wanted {
    fn holds(&self, values: Option<&Map<String, Value>>) -> bool {
        let value = |name: &String| values.and_then(|values| values.get(name));
        self.members.iter().all(|(name, member)| member.holds(value(name)))
            && self.either.iter().all(|group| group.iter().any(|one| one.holds(values)))
    }
}

impl Member {
    fn holds(&self, value: Option<&Value>) -> bool {
        match (self, value) {
            (Self::Leaf(patterns), value) => {
                let single = scalars(value);
                patterns.iter().any(|pattern| match pattern {
                    Pattern::Exists(wanted) => *wanted != single.is_empty(),
                    other => single.iter().any(|value| other.holds(value)),
                })
            }
            (Self::Inside(wanted), Some(Value::Object(inner))) => wanted.holds(Some(inner)),
            (Self::Inside(wanted), Some(Value::Array(items))) => {
                items.iter().filter_map(Value::as_object).any(|inner| wanted.holds(Some(inner)))
            }
            // Nothing is inside: only what asks for absence holds.
            (Self::Inside(wanted), _) => wanted.holds(None),
        }
    }
}

/// The single values that a leaf is compared with; objects are none.
fn scalars(value: Option<&Value>) -> Vec<&Value> {
    let plain = |value: &&Value| !value.is_object() && !value.is_array();
    match value {
        Some(Value::Array(items)) => items.iter().filter(plain).collect(),
        other => other.into_iter().filter(plain).collect(),
    }
}

#[cfg(test)]
mod tests;
