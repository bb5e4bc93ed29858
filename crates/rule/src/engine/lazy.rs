//! A record's members, picked out of its bytes as rules ask for them.
//!
//! Nothing is judged on the way: where the bytes are not what is expected, the whole record is
//! parsed, and that says what is wrong.

use std::{borrow::Cow, ops::Range};

use record::scan::{Member, before_mark, plain_members};
use serde_json::Value;

use crate::{
    ast::{Condition, Item, Path, Place, Selection, Test},
    error::Error,
    evaluate,
    pattern::Subject,
    rule::Rule,
};

/// How deep values may nest; what `serde_json` allows.
const DEPTH_MAX: usize = 127;

/// Where the members of a record stand: keys without their quotes, and values.
pub(super) type Members = Vec<Member>;

/// The bytes are not as expected.
struct Odd;

/// What is known of a record's members.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Known {
    /// They have not been looked for.
    Nothing,
    /// Where they stand, and that all of the record is JSON without escapes.
    Plain,
    /// Where they stand, if the record is JSON.
    Places,
    /// They were not found.
    Odd,
}

/// A record that rules are asked about.
pub(super) struct Lazy<'a> {
    json: &'a [u8],
    /// The outermost members, once they have been looked for.
    members: &'a mut Members,
    known: Known,
    /// The record as a tree, once something has asked for it.
    whole: Option<Value>,
}

impl<'a> Lazy<'a> {
    pub(super) fn new(json: &'a [u8], members: &'a mut Members) -> Self {
        Self { json, members, known: Known::Nothing, whole: None }
    }

    /// Whether `rule` holds. `whole` says that it is to be asked of the whole record.
    pub(super) fn holds(&mut self, rule: &Rule, whole: bool) -> Result<bool, Error> {
        if !whole && self.whole.is_none() {
            if self.known == Known::Nothing {
                self.known = self.look();
            }
            if self.known != Known::Odd
                && let Ok(holds) = self.condition(&rule.condition, &rule.selections)
            {
                return Ok(holds);
            }
        }
        if self.whole.is_none() {
            let record: Value = serde_json::from_slice(self.json)
                .map_err(|error| Error::NotARecord(Some(error)))?;
            self.whole = Some(record);
        }
        match &self.whole {
            Some(record) if record.is_object() => Ok(rule.holds(record)),
            _ => Err(Error::NotARecord(None)),
        }
    }

    /// Whether all of the record has been found to be JSON.
    pub(super) fn is_checked(&self) -> bool {
        self.known == Known::Plain || self.whole.is_some()
    }

    fn look(&mut self) -> Known {
        if plain_members(self.json, self.members) {
            Known::Plain
        } else if index(self.json, self.members).is_ok() {
            Known::Places
        } else {
            Known::Odd
        }
    }

    /// The value of the last member called `name`.
    fn member(&self, name: &str) -> Result<Option<&[u8]>, Odd> {
        for (key, value) in self.members.iter().rev() {
            let is_it = match self.known {
                Known::Plain => self.json.get(key.clone()) == Some(name.as_bytes()),
                _ => is_named(self.json, key, name)?,
            };
            if is_it {
                return self.json.get(value.clone()).map(Some).ok_or(Odd);
            }
        }
        Ok(None)
    }

    fn condition(&self, condition: &Condition, selections: &[Selection]) -> Result<bool, Odd> {
        match condition {
            Condition::Selection(index) => {
                selections.get(*index).map_or(Ok(false), |selection| self.selection(selection))
            }
            Condition::Not(part) => Ok(!self.condition(part, selections)?),
            Condition::All(parts) => {
                for part in parts {
                    if !self.condition(part, selections)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Condition::AtLeast(count, parts) => {
                let mut held = 0;
                for part in parts {
                    if held >= *count {
                        break;
                    }
                    held += usize::from(self.condition(part, selections)?);
                }
                Ok(held >= *count)
            }
        }
    }

    fn selection(&self, selection: &Selection) -> Result<bool, Odd> {
        match selection {
            Selection::All(parts) => {
                for part in parts {
                    if !self.selection(part)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Selection::Any(parts) => {
                for part in parts {
                    if self.selection(part)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Selection::Item(item) => self.item(item),
        }
    }

    fn item(&self, item: &Item) -> Result<bool, Odd> {
        let Place::Field(Path(names)) = &item.place else { return Err(Odd) };
        let Some((name, rest)) = names.split_first() else { return Err(Odd) };
        let value = self.member(name)?;
        let found = |tests: &[Test]| match value {
            Some(value) => any_at(value, rest, tests, DEPTH_MAX),
            None => passes(tests, b"null"),
        };
        let holds = if item.all {
            let mut holds = true;
            for test in &item.tests {
                holds = holds && found(std::slice::from_ref(test))?;
            }
            holds
        } else {
            found(&item.tests)?
        };
        Ok(holds != item.negated)
    }
}

/// Whether some value that `names` lead to passes one of `tests`; where they lead nowhere, null is
/// asked.
fn any_at(value: &[u8], names: &[String], tests: &[Test], depth: usize) -> Result<bool, Odd> {
    let Some((name, rest)) = names.split_first() else { return any_element(value, tests, depth) };
    let depth = depth.checked_sub(1).ok_or(Odd)?;
    match value.first() {
        Some(b'{') => {
            let mut last = None;
            each_member(value, |key, member| {
                if is_named(value, &key, name)? {
                    last = Some(member);
                }
                Ok(())
            })?;
            match last.map(|member| value.get(member).ok_or(Odd)).transpose()? {
                Some(value) => any_at(value, rest, tests, depth),
                None => passes(tests, b"null"),
            }
        }
        Some(b'[') => {
            let mut is_empty = true;
            for element in elements(value)? {
                is_empty = false;
                if any_at(element, names, tests, depth)? {
                    return Ok(true);
                }
            }
            if is_empty { passes(tests, b"null") } else { Ok(false) }
        }
        _ => passes(tests, b"null"),
    }
}

/// Whether a value, or an element of it, passes.
fn any_element(value: &[u8], tests: &[Test], depth: usize) -> Result<bool, Odd> {
    if passes(tests, value)? {
        return Ok(true);
    }
    if value.first() == Some(&b'[') {
        let depth = depth.checked_sub(1).ok_or(Odd)?;
        for element in elements(value)? {
            if any_element(element, tests, depth)? {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// Whether a single value passes one of `tests`.
fn passes(tests: &[Test], value: &[u8]) -> Result<bool, Odd> {
    if value.first() == Some(&b'"') {
        let text = text(value)?;
        let subject = Subject::new(&text);
        for test in tests {
            let passes = match test {
                Test::Text(patterns) => patterns.iter().any(|pattern| subject.fits(pattern)),
                Test::Regex(regex) => regex.is_match(&text),
                Test::Null => false,
                Test::Present => true,
                Test::Field(_) => return Err(Odd),
                test => evaluate::passes(test, &Value::from(&*text), &Value::Null),
            };
            if passes {
                return Ok(true);
            }
        }
        return Ok(false);
    }
    let value = match value {
        b"null" => Value::Null,
        value => serde_json::from_slice(value).map_err(|_| Odd)?,
    };
    for test in tests {
        if matches!(test, Test::Field(_)) {
            return Err(Odd);
        }
        if evaluate::passes(test, &value, &Value::Null) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The text that a string says.
fn text(string: &[u8]) -> Result<Cow<'_, str>, Odd> {
    let written = string.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\""));
    let written = std::str::from_utf8(written.ok_or(Odd)?).map_err(|_| Odd)?;
    if !written.contains('\\') {
        return Ok(Cow::Borrowed(written));
    }
    serde_json::from_slice(string).map(Cow::Owned).map_err(|_| Odd)
}

/// Whether the key that stands at `key` reads `name`.
#[inline]
fn is_named(json: &[u8], key: &Range<usize>, name: &str) -> Result<bool, Odd> {
    let written = json.get(key.clone()).ok_or(Odd)?;
    // A key that is written with escapes is longer than what it says.
    if written.len() > name.len() && written.contains(&b'\\') {
        let quoted = json.get(key.start - 1..key.end + 1).ok_or(Odd)?;
        return Ok(text(quoted)? == name);
    }
    Ok(written == name.as_bytes())
}

/// Notes where the members of an object stand.
fn index(object: &[u8], members: &mut Members) -> Result<(), Odd> {
    members.clear();
    each_member(object, |key, value| {
        members.push((key, value));
        Ok(())
    })
}

/// Calls `each` with where a key, without its quotes, and its value stand.
fn each_member(
    object: &[u8],
    mut each: impl FnMut(Range<usize>, Range<usize>) -> Result<(), Odd>,
) -> Result<(), Odd> {
    if object.first() != Some(&b'{') {
        return Err(Odd);
    }
    let mut at = space(object, 1);
    if object.get(at) == Some(&b'}') {
        return Ok(());
    }
    loop {
        let key_end = string_end(object, at)?;
        let key = at + 1..key_end - 1;
        at = space(object, key_end);
        if object.get(at) != Some(&b':') {
            return Err(Odd);
        }
        let start = space(object, at + 1);
        let end = value_end(object, start)?;
        each(key, start..end)?;
        at = space(object, end);
        match object.get(at) {
            Some(b',') => at = space(object, at + 1),
            Some(b'}') => return Ok(()),
            _ => return Err(Odd),
        }
    }
}

/// The elements of a list.
fn elements(list: &[u8]) -> Result<Vec<&[u8]>, Odd> {
    let mut elements = Vec::new();
    let mut at = space(list, 1);
    if list.get(at) == Some(&b']') {
        return Ok(elements);
    }
    loop {
        let end = value_end(list, at)?;
        elements.push(list.get(at..end).ok_or(Odd)?);
        at = space(list, end);
        match list.get(at) {
            Some(b',') => at = space(list, at + 1),
            Some(b']') => return Ok(elements),
            _ => return Err(Odd),
        }
    }
}

fn space(text: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\n' | b'\t' | b'\r') = text.get(at) {
        at += 1;
    }
    at
}

/// Where the string ends that begins at `at`: behind its closing quote.
#[inline]
fn string_end(text: &[u8], at: usize) -> Result<usize, Odd> {
    if text.get(at) != Some(&b'"') {
        return Err(Odd);
    }
    let mut at = at + 1;
    loop {
        at += before_mark(text.get(at..).ok_or(Odd)?, |_| 0);
        match text.get(at) {
            Some(b'"') => return Ok(at + 1),
            Some(_) => at += 2,
            None => return Err(Odd),
        }
    }
}

/// Where the value ends that begins at `at`.
fn value_end(text: &[u8], at: usize) -> Result<usize, Odd> {
    match text.get(at) {
        Some(b'"') => string_end(text, at),
        Some(b'{' | b'[') => {
            let (mut at, mut depth) = (at, 0_usize);
            loop {
                match text.get(at).ok_or(Odd)? {
                    b'"' => at = string_end(text, at)? - 1,
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' if depth == 1 => return Ok(at + 1),
                    b'}' | b']' => depth -= 1,
                    _ => {}
                }
                at += 1;
            }
        }
        Some(b'-' | b'0'..=b'9' | b't' | b'f' | b'n') => {
            let rest = text.get(at..).ok_or(Odd)?;
            let is_end =
                |byte: &u8| matches!(byte, b',' | b'}' | b']' | b' ' | b'\n' | b'\t' | b'\r');
            rest.iter().position(is_end).map(|length| at + length).ok_or(Odd)
        }
        _ => Err(Odd),
    }
}
