//! Conditions: an operator, a key, and the values that it is held against.

mod arn;
mod ip;
mod moment;

use base64::{Engine, engine::general_purpose::STANDARD};

pub(crate) use self::arn::ArnPattern;
use self::ip::Block;
use crate::{
    context::Context,
    key,
    pattern::{Case, Grammar, Pattern},
};

/// One key under one operator.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Condition {
    key: String,
    over: Over,
    if_exists: bool,
    test: Test,
}

/// How the several values of a key are taken together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Over {
    /// The key is expected to have one.
    One,
    /// `ForAllValues:`
    All,
    /// `ForAnyValue:`
    Any,
}

/// What is asked of a value. Where it is negated, no listed value may fit; otherwise one must.
#[derive(Clone, Debug, PartialEq)]
enum Test {
    /// Whether the key has no value.
    Null(bool),
    Values {
        negated: bool,
        listed: Vec<Listed>,
    },
}

/// A value of the document, ready to be held against one of the request.
#[derive(Clone, Debug, PartialEq)]
enum Listed {
    Text(Pattern, Case),
    Arn(ArnPattern),
    Number(Compare, f64),
    Moment(Compare, i64),
    Bool(bool),
    Bytes(Vec<u8>),
    Address(Block),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Compare {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Compare {
    /// The comparison that an operator's name ends in, and whether it is negated.
    fn of(name: &str) -> Option<(Self, bool)> {
        Some(match name {
            "Equals" => (Self::Equal, false),
            "NotEquals" => (Self::Equal, true),
            "LessThan" => (Self::Less, false),
            "LessThanEquals" => (Self::LessOrEqual, false),
            "GreaterThan" => (Self::Greater, false),
            "GreaterThanEquals" => (Self::GreaterOrEqual, false),
            _ => return None,
        })
    }

    fn holds<T: PartialOrd>(self, found: &T, listed: &T) -> bool {
        match self {
            Self::Equal => found == listed,
            Self::Less => found < listed,
            Self::LessOrEqual => found <= listed,
            Self::Greater => found > listed,
            Self::GreaterOrEqual => found >= listed,
        }
    }
}

impl Condition {
    /// Reads one key under `operator`; `variables` says whether the document's version knows them.
    pub(crate) fn parse(
        operator: &str,
        key: &str,
        values: &[String],
        variables: bool,
    ) -> Result<Self, String> {
        let unknown = || format!("Invalid Condition type : {operator}.");
        let (over, rest) = if let Some(rest) = operator.strip_prefix("ForAllValues:") {
            (Over::All, rest)
        } else if let Some(rest) = operator.strip_prefix("ForAnyValue:") {
            (Over::Any, rest)
        } else {
            (Over::One, operator)
        };
        let key = key::known(key)?;
        if rest == "Null" {
            let [value] = values else {
                return Err("`Null` takes \"true\" or \"false\"".to_owned());
            };
            let test = Test::Null(truth(value)?);
            return match over {
                Over::One => Ok(Self { key, over, if_exists: false, test }),
                _ => Err(unknown()),
            };
        }
        let (name, if_exists) = match rest.strip_suffix("IfExists") {
            Some(name) => (name, true),
            None => (rest, false),
        };
        let (operator, negated) = Operator::of(name).ok_or_else(unknown)?;
        let listed = values.iter().map(|value| operator.listed(value, variables));
        let listed = listed.collect::<Result<_, _>>()?;
        Ok(Self { key, over, if_exists, test: Test::Values { negated, listed } })
    }

    /// Whether it holds of a request.
    pub(crate) fn holds(&self, context: &Context<'_>) -> bool {
        let (negated, listed) = match &self.test {
            Test::Null(absent) => return context.has(&self.key) != *absent,
            Test::Values { negated, listed } => (*negated, listed),
        };
        let mut values = context.values(&self.key).peekable();
        if values.peek().is_none() {
            // AWS: what is absent equals nothing; `ForAllValues` holds of no values.
            return self.if_exists
                || match self.over {
                    Over::One => negated,
                    Over::All => true,
                    Over::Any => false,
                };
        }
        let fits = |value: &str| listed.iter().any(|listed| listed.fits(value, context));
        match (self.over, negated) {
            (Over::One, false) | (Over::Any, false) => values.any(fits),
            (Over::All, false) => values.all(fits),
            (Over::One, true) | (Over::All, true) => values.all(|value| !fits(value)),
            (Over::Any, true) => values.any(|value| !fits(value)),
        }
    }
}

/// The families of operators, less what negates them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Text { wildcards: bool, case: Case },
    Arn,
    Number(Compare),
    Moment(Compare),
    Bool,
    Bytes,
    Address,
}

impl Operator {
    fn of(name: &str) -> Option<(Self, bool)> {
        let text = |wildcards, case| Self::Text { wildcards, case };
        let plain = match name {
            "StringEquals" => (text(false, Case::Counts), false),
            "StringNotEquals" => (text(false, Case::Counts), true),
            "StringEqualsIgnoreCase" => (text(false, Case::Ignored), false),
            "StringNotEqualsIgnoreCase" => (text(false, Case::Ignored), true),
            "StringLike" => (text(true, Case::Counts), false),
            "StringNotLike" => (text(true, Case::Counts), true),
            "ArnEquals" | "ArnLike" => (Self::Arn, false),
            "ArnNotEquals" | "ArnNotLike" => (Self::Arn, true),
            "Bool" => (Self::Bool, false),
            "BinaryEquals" => (Self::Bytes, false),
            "IpAddress" => (Self::Address, false),
            "NotIpAddress" => (Self::Address, true),
            _ => {
                let number = name.strip_prefix("Numeric").and_then(Compare::of);
                let moment = name.strip_prefix("Date").and_then(Compare::of);
                return number
                    .map(|(compare, negated)| (Self::Number(compare), negated))
                    .or(moment.map(|(compare, negated)| (Self::Moment(compare), negated)));
            }
        };
        Some(plain)
    }

    fn listed(self, value: &str, variables: bool) -> Result<Listed, String> {
        Ok(match self {
            Self::Text { wildcards, case } => {
                Listed::Text(Pattern::parse(value, Grammar { wildcards, variables })?, case)
            }
            Self::Arn => Listed::Arn(ArnPattern::parse(value, variables)?),
            Self::Number(compare) => Listed::Number(
                compare,
                number(value).ok_or_else(|| format!("`{value}` is no number"))?,
            ),
            Self::Moment(compare) => Listed::Moment(
                compare,
                moment::millis(value).ok_or_else(|| {
                    format!("`{value}` is no date: give one such as 2026-11-22T10:00:00Z")
                })?,
            ),
            Self::Bool => Listed::Bool(truth(value)?),
            Self::Bytes => Listed::Bytes(
                STANDARD.decode(value).map_err(|_| format!("`{value}` is not base64"))?,
            ),
            Self::Address => Listed::Address(value.parse()?),
        })
    }
}

impl Listed {
    fn fits(&self, value: &str, context: &Context<'_>) -> bool {
        match self {
            Self::Text(pattern, case) => pattern.fits(value, *case, context),
            Self::Arn(pattern) => pattern.fits(value, context),
            Self::Number(compare, listed) => {
                number(value).is_some_and(|found| compare.holds(&found, listed))
            }
            Self::Moment(compare, listed) => {
                moment::millis(value).is_some_and(|found| compare.holds(&found, listed))
            }
            Self::Bool(listed) => truth(value).as_ref() == Ok(listed),
            Self::Bytes(listed) => STANDARD.decode(value).is_ok_and(|found| found == *listed),
            Self::Address(block) => block.holds(value),
        }
    }
}

fn number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

fn truth(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(format!("`{text}` is neither \"true\" nor \"false\"")),
    }
}

#[cfg(test)]
mod tests;
