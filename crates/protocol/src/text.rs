//! Single values as text: in headers, paths, queries, forms and XML.

use base64::{Engine, prelude::BASE64_STANDARD};
use flow::Tree;
use model::{Kind, TimestampFormat};

use crate::{error::Problem, moment};

/// The value that `text` spells for a shape; refuses lists, maps and structures.
pub(crate) fn read(kind: &Kind, text: &str) -> Result<Tree, Problem> {
    match kind {
        Kind::String | Kind::Document => Ok(Tree::Text(text.to_owned())),
        Kind::Integer => {
            number::<i32>(text, "a whole number of 32 bits").map(|n| Tree::Int(n.into()))
        }
        Kind::Long => number::<i64>(text, "a whole number of 64 bits").map(Tree::Int),
        Kind::Float => {
            float(text.trim()).map(Tree::Float).ok_or_else(|| Problem::value("a number"))
        }
        Kind::Boolean => match text.trim() {
            text if text.eq_ignore_ascii_case("true") => Ok(Tree::Bool(true)),
            text if text.eq_ignore_ascii_case("false") => Ok(Tree::Bool(false)),
            _ => Err(Problem::value("`true` or `false`")),
        },
        Kind::Blob => blob(text).map(Tree::Blob),
        Kind::Timestamp(_) => {
            moment::read(text).map(Tree::Time).ok_or_else(|| Problem::value("a moment"))
        }
        Kind::Structure(_) | Kind::List { .. } | Kind::Map { .. } => {
            Err(Problem::value("members, not one text"))
        }
    }
}

/// The text of a single value; lists, maps and structures are empty.
pub(crate) fn write(tree: &Tree, format: TimestampFormat) -> String {
    match tree {
        Tree::Null | Tree::List(_) | Tree::Map(_) => String::new(),
        Tree::Bool(value) => value.to_string(),
        Tree::Int(number) => number.to_string(),
        Tree::Float(number) => float_text(*number),
        Tree::Text(text) => text.clone(),
        Tree::Blob(bytes) => BASE64_STANDARD.encode(bytes),
        Tree::Time(at) => moment::write(*at, format),
    }
}

/// Bytes from base64; white space between the characters is allowed.
pub(crate) fn blob(text: &str) -> Result<Vec<u8>, Problem> {
    let decoded = match BASE64_STANDARD.decode(text) {
        Ok(bytes) => Ok(bytes),
        Err(_) if text.contains(char::is_whitespace) => {
            let dense: String = text.split_whitespace().collect();
            BASE64_STANDARD.decode(dense)
        }
        Err(error) => Err(error),
    };
    decoded.map_err(|error| Problem::value("base64").because(error))
}

/// A number as AWS writes it; `NaN`, `Infinity` and `-Infinity` too.
pub(crate) fn float(text: &str) -> Option<f64> {
    match text {
        "NaN" => Some(f64::NAN),
        "Infinity" => Some(f64::INFINITY),
        "-Infinity" => Some(f64::NEG_INFINITY),
        _ if text.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b)) => {
            text.parse().ok().filter(|number: &f64| number.is_finite())
        }
        _ => None,
    }
}

/// The same the other way.
pub(crate) fn float_text(number: f64) -> String {
    if number.is_nan() {
        "NaN".to_owned()
    } else if number.is_infinite() {
        if number > 0.0 { "Infinity".to_owned() } else { "-Infinity".to_owned() }
    } else {
        format!("{number:?}")
    }
}

fn number<T: std::str::FromStr>(text: &str, expected: &str) -> Result<T, Problem> {
    text.trim().parse().map_err(|_| Problem::value(expected))
}
