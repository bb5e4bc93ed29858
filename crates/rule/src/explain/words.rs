//! What an item asks, in words.

use std::fmt;

use crate::ast::{Comparison, FieldRef, Item, Part, Path, Place, Test, TimePart};

/// The most values of one item that are named.
const NAMED_MAX: usize = 12;
/// The most spellings of one value that are named.
const SPELLINGS_MAX: usize = 3;

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Field(path) => write!(f, "{path}")?,
            Place::Anywhere => f.write_str("anything")?,
        }
        f.write_str(match (self.negated, self.all, self.tests.len()) {
            (false, _, 1) => " is ",
            (true, _, 1) => " is not ",
            (false, true, _) => " is all of ",
            (true, true, _) => " is not all of ",
            (false, false, _) => " is one of ",
            (true, false, _) => " is none of ",
        })?;
        list(f, &self.tests, NAMED_MAX, ", ")
    }
}

fn list<T: fmt::Display>(
    f: &mut fmt::Formatter<'_>,
    items: &[T],
    max: usize,
    between: &str,
) -> fmt::Result {
    for (index, item) in items.iter().take(max).enumerate() {
        write!(f, "{}{item}", if index == 0 { "" } else { between })?;
    }
    match items.len().saturating_sub(max) {
        0 => Ok(()),
        more => write!(f, "{between}{more} more"),
    }
}

impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Present => f.write_str("anything but null"),
            Self::Text(patterns) => list(f, patterns, SPELLINGS_MAX, " or "),
            Self::Number(number) => write!(f, "{number}"),
            Self::Bool(truth) => write!(f, "{truth}"),
            Self::Regex(regex) => write!(f, "a match of /{}/", regex.as_str()),
            Self::Network(network) => write!(f, "an address of {network}"),
            Self::Compare(comparison, bound) => write!(f, "{comparison} {bound}"),
            Self::Time(part, comparison, bound) => {
                write!(f, "a date with {part} {comparison} {bound}")
            }
            Self::Field(other) => write!(f, "{other}"),
        }
    }
}

impl fmt::Display for FieldRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = match self.part {
            Part::Whole => "the same as",
            Part::Anywhere => "a text that contains",
            Part::Start => "a text that starts with",
            Part::End => "a text that ends with",
        };
        write!(f, "{part} the field {}", self.path)
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("."))
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Equal => "=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        })
    }
}

impl fmt::Display for TimePart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Year => "year",
        })
    }
}
