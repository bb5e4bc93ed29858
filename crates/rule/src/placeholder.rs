//! What `%names%` in values stand for, where a rule asks for it with `expand`.
//!
//! The values stand beside the rules, in a file `placeholders.yml`: a map of names, each with a value or
//! a list of values, which may hold wildcards. One file does for all rules that are loaded together.

use std::collections::BTreeMap;

use serde_yaml_ng::Value;

use crate::{document, error::Problem};

/// The names of a file of values, whatever folder it is in.
const FILES: [&str; 2] = ["placeholders.yml", "placeholders.yaml"];
/// The most values that one value with placeholders may become.
const FILLED_MAX: usize = 10_000;

/// Names and their values.
#[derive(Debug, Default)]
pub(crate) struct Placeholders(BTreeMap<String, Vec<String>>);

/// Whether a file of this name holds values rather than rules.
pub(crate) fn is_placeholder_file(name: &str) -> bool {
    let last = name.rsplit(['/', '\\']).next().unwrap_or(name);
    FILES.contains(&last)
}

impl Placeholders {
    /// Adds the values of a file; what is wrong with it is told, the rest is taken.
    pub(crate) fn read(&mut self, file: &str, text: &str) -> Vec<Problem> {
        let problem = |line, reason: String| Problem { file: file.to_owned(), line, reason };
        if text.len() > document::TEXT_BYTES_MAX {
            let reason = format!("the file is longer than {} KiB", document::TEXT_BYTES_MAX / 1024);
            return vec![problem(1, reason)];
        }
        let names: serde_yaml_ng::Mapping = match serde_yaml_ng::from_str(text) {
            Ok(Value::Mapping(names)) => names,
            Ok(Value::Null) => return Vec::new(),
            Ok(_) => {
                let reason = "placeholders are a map: `Name: [value, value]`";
                return vec![problem(1, reason.to_owned())];
            }
            Err(error) => {
                let line = error.location().map_or(1, |place| place.line());
                return vec![problem(line, format!("the YAML cannot be read: {error}"))];
            }
        };
        let mut problems = Vec::new();
        for (name, values) in names {
            let name = match name {
                Value::String(name) => name,
                other => texts(&other).and_then(|mut one| one.pop()).unwrap_or_default(),
            };
            if let Err(reason) = self.add(&name, &values) {
                let opens = |line: &str| document::opens_with(line, &name);
                let line = text.lines().position(opens).unwrap_or(0) + 1;
                problems.push(problem(line, reason));
            }
        }
        problems
    }

    fn add(&mut self, name: &str, values: &Value) -> Result<(), String> {
        if name.is_empty() || !name.chars().all(is_in_name) {
            return Err(format!("`{name}` is no placeholder: letters, digits, `_`, `-` and `.`"));
        }
        let texts = texts(values).filter(|texts| !texts.is_empty());
        let texts = texts.ok_or_else(|| format!("`{name}` needs a value, or a list of values"))?;
        match self.0.insert(name.to_owned(), texts) {
            None => Ok(()),
            Some(_) => Err(format!("`{name}` has values in another file already")),
        }
    }

    /// The values that `text` becomes: one for each value of its placeholder, or each combination of
    /// several. `\%` is a plain percent sign.
    pub(crate) fn fill(&self, text: &str) -> Result<Vec<String>, String> {
        let mut filled = vec![String::new()];
        for part in parts(text) {
            let choices = match &part {
                Part::Plain(plain) => std::slice::from_ref(plain),
                Part::Named(name) => self.0.get(*name).map(Vec::as_slice).ok_or_else(|| {
                    format!(
                        "`%{name}%` has no value: give it one in a file `{}` beside the rules, \
                         as `{name}: [value, value]`",
                        FILES[0]
                    )
                })?,
            };
            if filled.len().saturating_mul(choices.len()) > FILLED_MAX {
                return Err(format!("`{text}` gives more than {FILLED_MAX} values"));
            }
            filled = filled
                .iter()
                .flat_map(|start| choices.iter().map(move |choice| format!("{start}{choice}")))
                .collect();
        }
        Ok(filled)
    }
}

fn is_in_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '.')
}

/// A scalar as its text, or a list of them.
fn texts(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::String(text) => Some(vec![text.clone()]),
        Value::Number(number) => Some(vec![number.to_string()]),
        Value::Bool(truth) => Some(vec![truth.to_string()]),
        Value::Sequence(values) if !values.iter().any(Value::is_sequence) => {
            values.iter().map(texts).collect::<Option<Vec<_>>>().map(|texts| texts.concat())
        }
        _ => None,
    }
}

/// A part of a value.
#[derive(Debug)]
enum Part<'a> {
    Plain(String),
    Named(&'a str),
}

fn parts(text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let after = rest.get(c.len_utf8()..).unwrap_or_default();
        let name = (c == '%').then(|| after.split_once('%')).flatten();
        if let Some(percent) = rest.strip_prefix("\\%") {
            plain.push('%');
            rest = percent;
        } else if let Some(other) = rest.strip_prefix("\\\\") {
            // A backslash that stands for itself does not escape what follows.
            plain.push_str("\\\\");
            rest = other;
        } else if let Some((name, other)) = name.filter(|(name, _)| is_name(name)) {
            parts.push(Part::Plain(std::mem::take(&mut plain)));
            parts.push(Part::Named(name));
            rest = other;
        } else {
            plain.push(c);
            rest = after;
        }
    }
    parts.push(Part::Plain(plain));
    parts
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(is_in_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(text: &str) -> Placeholders {
        let mut placeholders = Placeholders::default();
        assert_eq!(placeholders.read("placeholders.yml", text), []);
        placeholders
    }

    #[test]
    fn a_value_becomes_one_for_each_value_of_its_placeholders() {
        let placeholders = given("admins: [ana, 'bo*', 7]\nenv: [prod, test]\none: x\n");
        let check = |text: &str, filled: &[&str]| {
            assert_eq!(placeholders.fill(text).unwrap(), filled, "{text}");
        };
        check("%admins%", &["ana", "bo*", "7"]);
        check("%env%-%one%", &["prod-x", "test-x"]);
        check("plain", &["plain"]);
        check("\\%plain%one%", &["%plainx"]);
        check("\\%one\\%", &["%one%"]);
        check("\\\\%one%", &["\\\\x"]);
        check("100% %% %a b%", &["100% %% %a b%"]);
        let error = placeholders.fill("%none%").unwrap_err();
        assert!(error.contains("`%none%` has no value") && error.contains("placeholders.yml"));
        assert!(placeholders.fill(&"%admins%".repeat(9)).unwrap_err().contains("more than"));
    }

    #[test]
    fn a_bad_file_of_values_is_told_with_its_line() {
        let check = |text: &str, line: usize, reason: &str| {
            let problems = Placeholders::default().read("x/placeholders.yml", text);
            let [problem] = problems.as_slice() else { panic!("{text}: {problems:?}") };
            assert_eq!(problem.line, line, "{text}: {problem}");
            assert!(problem.reason.contains(reason), "{text}: {problem}");
        };
        check("- a\n", 1, "a map");
        check("a: x\nb: []\n", 2, "needs a value");
        check("a: x\nb: {c: d}\n", 2, "needs a value");
        check("a: x\nb: [[c]]\n", 2, "needs a value");
        check("a: x\nb:\n", 2, "needs a value");
        check("a: x\n'b c': y\n", 2, "no placeholder");
        check("a: [\n", 2, "YAML");
        check(&"#".repeat(300_000), 1, "longer than");
        let mut twice = given("a: x\n");
        assert!(twice.read("other/placeholders.yml", "a: y\n")[0].reason.contains("another file"));
    }

    #[test]
    fn a_file_of_values_is_known_by_its_name() {
        assert!(is_placeholder_file("rules/aws/placeholders.yml"));
        assert!(is_placeholder_file("placeholders.yaml"));
        assert!(!is_placeholder_file("my-placeholders.yml"));
    }
}
