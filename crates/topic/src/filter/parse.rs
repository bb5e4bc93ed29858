//! From a filter policy's JSON to what must hold, refused where SNS would refuse it.

use serde_json::{Map, Value};

use crate::filter::{
    FilterScope, InvalidFilter, Member, Wanted,
    pattern::{Comparison, Pattern},
    wildcard::Wildcard,
};

/// The longest policy, in bytes.
const POLICY_BYTES_MAX: usize = 256 * 1024;
/// Names that a policy may look at.
const NAMES_MAX: usize = 5;
/// Combinations of values.
const COMBINATIONS_MAX: u64 = 150;
/// Bounds of numbers.
const NUMBER_MAX: f64 = 1e9;

/// The operators; an object below `$or` with such a name is a pattern.
const OPERATORS: [&str; 8] = [
    "anything-but",
    "cidr",
    "equals-ignore-case",
    "exists",
    "numeric",
    "prefix",
    "suffix",
    "wildcard",
];

fn wrong(why: impl Into<String>) -> InvalidFilter {
    InvalidFilter(why.into())
}

/// What is counted while a policy is read.
struct Count {
    scope: FilterScope,
    names: usize,
}

pub(super) fn policy(text: &str, scope: FilterScope) -> Result<Wanted, InvalidFilter> {
    if text.len() > POLICY_BYTES_MAX {
        return Err(wrong("Filter policy is too long: it has at most 256 KB"));
    }
    let value: Value =
        serde_json::from_str(text).map_err(|why| wrong(format!("failed to parse JSON. {why}")))?;
    let Value::Object(members) = value else {
        return Err(wrong("Filter policy must be a JSON object"));
    };
    let mut count = Count { scope, names: 0 };
    let (wanted, combinations) = wanted(&members, 1, &mut count)?;
    if count.names > NAMES_MAX {
        return Err(wrong(format!("Filter policy can not have more than {NAMES_MAX} keys")));
    }
    if combinations > COMBINATIONS_MAX {
        return Err(wrong(format!(
            "Filter policy is too complex: {combinations} combinations of values, at most \
             {COMBINATIONS_MAX}"
        )));
    }
    Ok(wanted)
}

/// What must hold of an object at `depth`, and how many combinations of values that makes.
fn wanted(
    members: &Map<String, Value>,
    depth: u64,
    count: &mut Count,
) -> Result<(Wanted, u64), InvalidFilter> {
    let (mut all, mut combinations) = (Wanted::default(), 1_u64);
    for (name, value) in members {
        if let Some(group) = alternatives(name, value) {
            let (mut either, mut sum) = (Vec::new(), 0_u64);
            for one in group {
                let (one, some) = wanted(one, depth, count)?;
                either.push(one);
                sum = sum.saturating_add(some);
            }
            all.either.push(either);
            combinations = combinations.saturating_mul(sum);
            continue;
        }
        let (member, some) = member(name, value, depth, count)?;
        all.members.push((name.clone(), member));
        combinations = combinations.saturating_mul(some);
    }
    Ok((all, combinations))
}

/// The objects of an `$or`; what looks otherwise is a member of that name.
fn alternatives<'a>(name: &str, value: &'a Value) -> Option<Vec<&'a Map<String, Value>>> {
    let items = value.as_array().filter(|items| name == "$or" && items.len() > 1)?;
    let objects: Option<Vec<_>> = items.iter().map(Value::as_object).collect();
    objects.filter(|all| {
        all.iter().all(|one| !one.keys().any(|key| OPERATORS.contains(&key.as_str())))
    })
}

fn member(
    name: &str,
    value: &Value,
    depth: u64,
    count: &mut Count,
) -> Result<(Member, u64), InvalidFilter> {
    match value {
        Value::Array(items) if items.is_empty() => {
            Err(wrong(format!("Empty arrays are not allowed: `{name}`")))
        }
        Value::Array(items) => {
            count.names += 1;
            let patterns: Result<Vec<_>, _> = items.iter().map(pattern).collect();
            let own = u64::try_from(items.len()).unwrap_or(u64::MAX);
            let levels = match count.scope {
                FilterScope::MessageAttributes => 1,
                FilterScope::MessageBody => depth,
            };
            Ok((Member::Leaf(patterns?), own.saturating_mul(levels)))
        }
        Value::Object(_) if count.scope == FilterScope::MessageAttributes => Err(wrong(
            "Filter policy scope MessageAttributes does not support nested filter policy",
        )),
        Value::Object(inner) if inner.is_empty() => {
            Err(wrong(format!("Empty objects are not allowed: `{name}`")))
        }
        Value::Object(inner) => {
            let (inner, some) = wanted(inner, depth + 1, count)?;
            Ok((Member::Inside(inner), some))
        }
        _ => Err(wrong(format!("\"{name}\" must be an object or an array"))),
    }
}

fn pattern(value: &Value) -> Result<Pattern, InvalidFilter> {
    match value {
        Value::String(text) => Ok(Pattern::Text(text.clone())),
        Value::Number(_) => Ok(Pattern::Number(number(value)?)),
        Value::Bool(wanted) => Ok(Pattern::Bool(*wanted)),
        Value::Null => Ok(Pattern::Null),
        Value::Array(_) => Err(wrong("Match value must be String, number, true, false, or null")),
        Value::Object(object) => {
            let mut members = object.iter();
            match (members.next(), members.next()) {
                (Some((operator, value)), None) => operation(operator, value),
                _ => Err(wrong("Only one key allowed in match expression")),
            }
        }
    }
}

fn operation(operator: &str, value: &Value) -> Result<Pattern, InvalidFilter> {
    match operator {
        "exists" => value
            .as_bool()
            .map(Pattern::Exists)
            .ok_or_else(|| wrong("exists match pattern must be either true or false.")),
        "anything-but" => anything_but(value),
        "numeric" => numeric(value),
        "cidr" => {
            let network = text(operator, value)?.parse();
            network.map(Pattern::Cidr).map_err(|()| wrong("Malformed CIDR, one '/' required"))
        }
        "prefix" => Ok(Pattern::Prefix(text(operator, value)?)),
        "suffix" => Ok(Pattern::Suffix(text(operator, value)?)),
        "equals-ignore-case" => Ok(Pattern::IgnoreCase(text(operator, value)?.to_lowercase())),
        "wildcard" => {
            Wildcard::parse(&text(operator, value)?).map(Pattern::Wildcard).map_err(wrong)
        }
        other => Err(wrong(format!("Unrecognized match type {other}"))),
    }
}

fn text(operator: &str, value: &Value) -> Result<String, InvalidFilter> {
    let text = value.as_str().map(str::to_owned);
    text.ok_or_else(|| wrong(format!("{operator} match pattern must be a string")))
}

fn number(value: &Value) -> Result<f64, InvalidFilter> {
    let number = value.as_f64().ok_or_else(|| wrong("Value must be numeric"))?;
    if number.abs() > NUMBER_MAX {
        return Err(wrong(format!("Value must be between -1.0E9 and 1.0E9: {number}")));
    }
    Ok(number)
}

fn anything_but(value: &Value) -> Result<Pattern, InvalidFilter> {
    let kinds = "Value of anything-but must be an array or single string/number value.";
    let exact = |value: &Value| match value {
        Value::String(_) | Value::Number(_) => pattern(value),
        _ => Err(wrong(kinds)),
    };
    let unwanted = match value {
        Value::Array(items) if items.is_empty() => return Err(wrong(kinds)),
        Value::Array(items) => {
            if items.iter().any(Value::is_string) && items.iter().any(Value::is_number) {
                return Err(wrong("Inside anything-but list, values must be of one type"));
            }
            items.iter().map(exact).collect::<Result<Vec<_>, _>>()?
        }
        Value::Object(object) => {
            let mut members = object.iter();
            match (members.next(), members.next()) {
                (Some((operator, inner)), None)
                    if matches!(operator.as_str(), "prefix" | "suffix" | "wildcard") =>
                {
                    let inner = match inner {
                        Value::Array(items) if !items.is_empty() => items.as_slice(),
                        single => std::slice::from_ref(single),
                    };
                    let all = inner.iter().map(|one| operation(operator, one));
                    all.collect::<Result<Vec<_>, _>>()?
                }
                (Some((operator, _)), None) => {
                    return Err(wrong(format!("Unsupported anything-but pattern: {operator}")));
                }
                _ => return Err(wrong(kinds)),
            }
        }
        single => vec![exact(single)?],
    };
    Ok(Pattern::AnythingBut(unwanted))
}

fn numeric(value: &Value) -> Result<Pattern, InvalidFilter> {
    let items = value.as_array().ok_or_else(|| wrong("Value of numeric must be an array."))?;
    let mut bounds = Vec::new();
    for pair in items.chunks(2) {
        let [operator, bound] = pair else {
            return Err(wrong("Too few elements in numeric expression"));
        };
        let comparison = match operator.as_str() {
            Some("=") => Comparison::Equal,
            Some("<") => Comparison::Less,
            Some("<=") => Comparison::LessOrEqual,
            Some(">") => Comparison::Greater,
            Some(">=") => Comparison::GreaterOrEqual,
            Some(other) => {
                return Err(wrong(format!("Unrecognized numeric range operator: {other}")));
            }
            None => return Err(wrong("Invalid member in numeric match: an operator is missing")),
        };
        bounds.push((comparison, number(bound)?));
    }
    check_range(&bounds)?;
    Ok(Pattern::Numeric(bounds))
}

/// One comparison, or a lower bound and then an upper one above it.
fn check_range(bounds: &[(Comparison, f64)]) -> Result<(), InvalidFilter> {
    use Comparison::{Greater, GreaterOrEqual, Less, LessOrEqual};
    match bounds {
        [] => Err(wrong("Too few elements in numeric expression")),
        [_] => Ok(()),
        [(Greater | GreaterOrEqual, low), (Less | LessOrEqual, high)] if low < high => Ok(()),
        [(Greater | GreaterOrEqual, _), (Less | LessOrEqual, _)] => {
            Err(wrong("Bottom must be less than top"))
        }
        _ => Err(wrong("Bad numeric range operator: a range is a lower bound and an upper one")),
    }
}
