//! A rule as it is evaluated: our own tree, independent of how Sigma is spelled.

use regex::Regex;

use crate::{network::Network, pattern::Pattern};

/// What makes a rule hold, over its selections.
#[derive(Debug, Clone)]
pub(crate) enum Condition {
    /// The selection with this index holds.
    Selection(usize),
    /// None of it holds.
    Not(Box<Condition>),
    /// Every part holds.
    All(Vec<Condition>),
    /// At least this many parts hold.
    AtLeast(usize, Vec<Condition>),
}

impl Condition {
    /// Names the selections that stand `by` places further on.
    pub(crate) fn shift(&mut self, by: usize) {
        match self {
            Self::Selection(index) => *index += by,
            Self::Not(part) => part.shift(by),
            Self::All(parts) | Self::AtLeast(_, parts) => {
                parts.iter_mut().for_each(|part| part.shift(by));
            }
        }
    }
}

/// A named part of a rule's `detection`.
#[derive(Debug, Clone)]
pub(crate) enum Selection {
    /// Every part holds: a map.
    All(Vec<Selection>),
    /// Some part holds: a list of maps.
    Any(Vec<Selection>),
    /// One line of a map, or keywords.
    Item(Item),
}

/// One place of the record, and what it must hold.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    /// Where to look.
    pub(crate) place: Place,
    /// What must be found there; never empty.
    pub(crate) tests: Vec<Test>,
    /// Whether every test must hold (`all`), each for a value of its own, or one is enough.
    pub(crate) all: bool,
    /// Whether the item holds where the tests do not (`neq`).
    pub(crate) negated: bool,
}

/// Where an item looks.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    /// Under these names, one inside the other; a list on the way stands for each of its elements.
    Field(Path),
    /// The record itself and every value in it.
    Anywhere,
}

/// Names from the record down to a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Path(pub(crate) Vec<String>);

/// What one value must be.
#[derive(Debug, Clone)]
pub(crate) enum Test {
    /// Missing or null.
    Null,
    /// Neither missing nor null (`exists: true`).
    Present,
    /// Its text is one of these.
    Text(Vec<Pattern>),
    /// This number, as a number or as text.
    Number(Number),
    /// This truth value, as such or as text.
    Bool(bool),
    /// Its text holds a match.
    Regex(Box<Regex>),
    /// An address within.
    Network(Network),
    /// A number on this side of the bound.
    Compare(Comparison, Number),
    /// A date whose part stands so to the number.
    Time(TimePart, Comparison, Number),
    /// Its text stands so to the text of another field.
    Field(FieldRef),
}

/// A number as a rule writes it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Number {
    /// Whole.
    Int(i64),
    /// With a fraction, or beyond 64 bits.
    Float(f64),
}

/// Which side of a bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// What of a date is a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TimePart {
    Minute,
    Hour,
    Day,
    /// The week of ISO 8601, 1 to 53.
    Week,
    Month,
    Year,
}

/// A comparison with another field of the same record.
#[derive(Debug, Clone)]
pub(crate) struct FieldRef {
    /// The other field.
    pub(crate) path: Path,
    /// How the first stands to it.
    pub(crate) part: Part,
    /// Whether upper and lower case differ.
    pub(crate) cased: bool,
}

/// How much of a text has to fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Whole,
    Anywhere,
    Start,
    End,
}
