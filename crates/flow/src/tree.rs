//! Data between bytes and types: what a request, an answer or an error holds.

use crate::Timestamp;

/// A decoded value, its members under the model's names.
#[derive(Clone, Debug, PartialEq, Default)]
pub enum Tree {
    /// Nothing, or null.
    #[default]
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number with a fraction, or beyond 64 bits.
    Float(f64),
    /// Text.
    Text(String),
    /// Bytes, decoded from their wire form.
    Blob(Vec<u8>),
    /// A moment.
    Time(Timestamp),
    /// A list.
    List(Vec<Tree>),
    /// A structure or a map, in its order.
    Map(Vec<(String, Tree)>),
}

impl Tree {
    /// A structure of these members.
    pub fn map<K: Into<String>>(members: impl IntoIterator<Item = (K, Tree)>) -> Self {
        Self::Map(members.into_iter().map(|(name, value)| (name.into(), value)).collect())
    }

    /// The member `name`; `None` where it is missing or null, or this is no structure.
    pub fn get(&self, name: &str) -> Option<&Tree> {
        match self {
            Self::Map(members) => members
                .iter()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value)
                .filter(|value| !matches!(value, Self::Null)),
            _ => None,
        }
    }

    /// The member `name` as text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_text()
    }

    /// The member `name` as a truth value.
    pub fn bool(&self, name: &str) -> Option<bool> {
        match self.get(name)? {
            Self::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// The member `name` as a whole number.
    pub fn int(&self, name: &str) -> Option<i64> {
        match self.get(name)? {
            Self::Int(value) => Some(*value),
            _ => None,
        }
    }

    /// The member `name` as a list; empty where it is missing.
    pub fn list(&self, name: &str) -> &[Tree] {
        match self.get(name) {
            Some(Self::List(items)) => items,
            _ => &[],
        }
    }

    /// The members of a structure or map; empty for everything else.
    pub fn members(&self) -> &[(String, Tree)] {
        match self {
            Self::Map(members) => members,
            _ => &[],
        }
    }

    /// The text of a text.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Whether this is nothing.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }
}

impl From<&str> for Tree {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Tree {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<bool> for Tree {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Tree {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<Timestamp> for Tree {
    fn from(value: Timestamp) -> Self {
        Self::Time(value)
    }
}

impl From<Vec<Tree>> for Tree {
    fn from(items: Vec<Tree>) -> Self {
        Self::List(items)
    }
}

impl<T: Into<Tree>> From<Option<T>> for Tree {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}
