//! The grammar of an expression.

use rsigma_parser::{Modifier, SigmaString, SigmaValue};

use crate::{
    ast::{Condition, Selection},
    convert,
    placeholder::Placeholders,
    when::WhenError,
};

/// How deep parentheses and `not` may nest: the grammar recurses.
const DEPTH_MAX: usize = 32;
/// What every event source ends with.
const SOURCE_ENDING: &str = ".amazonaws.com";
/// The event sources that write their API's version behind an event's name, and how versions begin.
const VERSIONED: [&str; 2] = ["lambda", "cloudfront"];
const VERSION: &str = "20*";

/// What an expression says.
pub(super) struct Parsed {
    pub(super) condition: Condition,
    pub(super) selections: Vec<Selection>,
    pub(super) names: Vec<String>,
}

/// Reads the whole of `expression`.
pub(super) fn parse(expression: &str) -> Result<Parsed, WhenError> {
    let mut parser =
        Parser { text: expression, at: 0, depth: 0, selections: Vec::new(), names: Vec::new() };
    let condition = parser.any()?;
    parser.skip_blanks();
    if !parser.rest().is_empty() {
        return Err(parser.expected("`and`, `or` or the end"));
    }
    Ok(Parsed { condition, selections: parser.selections, names: parser.names })
}

struct Parser<'a> {
    text: &'a str,
    /// How much is read, in bytes.
    at: usize,
    depth: usize,
    selections: Vec<Selection>,
    names: Vec<String>,
}

/// A value as it was written.
struct Written {
    text: String,
    quoted: bool,
}

impl<'a> Parser<'a> {
    fn any(&mut self) -> Result<Condition, WhenError> {
        let mut parts = vec![self.all()?];
        while self.takes_word("or") {
            parts.push(self.all()?);
        }
        Ok(one_or(parts, |parts| Condition::AtLeast(1, parts)))
    }

    fn all(&mut self) -> Result<Condition, WhenError> {
        let mut parts = vec![self.part()?];
        while self.takes_word("and") {
            parts.push(self.part()?);
        }
        Ok(one_or(parts, Condition::All))
    }

    fn part(&mut self) -> Result<Condition, WhenError> {
        self.skip_blanks();
        if self.takes_word("not") {
            return self.deeper(Self::part).map(|part| Condition::Not(Box::new(part)));
        }
        if self.takes('(') {
            let inner = self.deeper(Self::any)?;
            self.skip_blanks();
            return match self.takes(')') {
                true => Ok(inner),
                false => Err(self.expected("`and`, `or` or `)`")),
            };
        }
        let start = self.at;
        let selection = self.question()?;
        let asked = self.text.get(start..self.at).unwrap_or_default();
        self.names.push(asked.trim_end().to_owned());
        self.selections.push(selection);
        Ok(Condition::Selection(self.selections.len() - 1))
    }

    fn deeper(
        &mut self,
        inner: fn(&mut Self) -> Result<Condition, WhenError>,
    ) -> Result<Condition, WhenError> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(self.wrong(format!("parentheses and `not` nest at most {DEPTH_MAX} deep")));
        }
        let found = inner(self);
        self.depth -= 1;
        found
    }

    /// A call, or a field and its values.
    fn question(&mut self) -> Result<Selection, WhenError> {
        const QUESTION: &str = "a call such as `sns:CreateTopic`, or `field=value`";
        let start = self.at;
        let word = self.word();
        let joins = matches!(lower(word).as_str(), "and" | "or") && !self.opens_a_test();
        if word.is_empty() || joins {
            self.at = start;
            return Err(self.expected(QUESTION));
        }
        let after_word = self.at;
        let modifiers = self.modifiers()?;
        self.skip_blanks();
        let negated = self.rest().starts_with("!=");
        if negated || self.rest().starts_with('=') {
            self.at += if negated { 2 } else { 1 };
            return self.comparison(start, word, modifiers, negated);
        }
        if !modifiers.is_empty() {
            return Err(self.expected("`=` or `!=` and a value"));
        }
        let Some((service, name)) = word.split_once(':') else {
            return Err(
                self.expected("`=` or `!=` and a value, or a call such as `sns:CreateTopic`")
            );
        };
        self.at = after_word;
        match (service.is_empty(), name.is_empty() || name.contains(':')) {
            (false, false) => self.call(start, service, name),
            (true, _) => Err(WhenError::at(self.text, start, "expected a service before `:`")),
            (_, true) => {
                let at = start + service.len() + 1;
                Err(WhenError::at(self.text, at, "expected the name of one call after `:`"))
            }
        }
    }

    fn modifiers(&mut self) -> Result<Vec<Modifier>, WhenError> {
        let mut modifiers = Vec::new();
        while self.takes('|') {
            let start = self.at;
            let word = self.word();
            let Ok(modifier) = word.parse::<Modifier>() else {
                let reason =
                    "expected one of Sigma's modifiers, such as `contains` or `startswith`";
                return Err(WhenError::at(self.text, start, reason));
            };
            if modifier == Modifier::Expand {
                let reason =
                    "`expand` takes its values from a folder of rules: give the values here";
                return Err(WhenError::at(self.text, start, reason));
            }
            modifiers.push(modifier);
        }
        Ok(modifiers)
    }

    fn comparison(
        &mut self,
        start: usize,
        field: &str,
        mut modifiers: Vec<Modifier>,
        negated: bool,
    ) -> Result<Selection, WhenError> {
        let plain = modifiers.is_empty();
        let mut values = Vec::new();
        loop {
            self.skip_blanks();
            let value = self.value()?;
            values.push(match plain || modifiers.contains(&Modifier::Exists) {
                true => value.typed(),
                false => value.text(),
            });
            self.skip_blanks();
            if !self.takes(',') {
                break;
            }
        }
        if negated {
            modifiers.push(Modifier::Neq);
        }
        self.item(start, field, &modifiers, &values).map(Selection::Item)
    }

    fn call(&self, start: usize, service: &str, name: &str) -> Result<Selection, WhenError> {
        let text = |text: String| SigmaValue::String(SigmaString::new(&text));
        let mut items = Vec::new();
        if service != "*" {
            let whole = service.ends_with(SOURCE_ENDING);
            let source = format!("{service}{}", if whole { "" } else { SOURCE_ENDING });
            items.push(self.item(start, "eventSource", &[], &[text(source)])?);
        }
        let mut names = vec![text(name.to_owned())];
        let service = lower(service.strip_suffix(SOURCE_ENDING).unwrap_or(service));
        if VERSIONED.contains(&service.as_str()) && !name.ends_with('*') {
            names.push(text(format!("{name}{VERSION}")));
        }
        items.push(self.item(start, "eventName", &[], &names)?);
        Ok(Selection::All(items.into_iter().map(Selection::Item).collect()))
    }

    fn item(
        &self,
        start: usize,
        field: &str,
        modifiers: &[Modifier],
        values: &[SigmaValue],
    ) -> Result<crate::ast::Item, WhenError> {
        convert::item(field, modifiers, values, &Placeholders::default())
            .map_err(|reason| WhenError::at(self.text, start, reason))
    }

    /// A value, in quotes or up to what ends it.
    fn value(&mut self) -> Result<Written, WhenError> {
        let quote = self.rest().chars().next().filter(|c| matches!(c, '\'' | '"'));
        let Some(quote) = quote else {
            let ends = |c: char| c.is_whitespace() || matches!(c, '(' | ')' | ',' | '\'' | '"');
            let text = self.take_until(ends);
            let followed = self.rest().chars().next();
            if text.is_empty() {
                return Err(self.expected("a value, such as AccessDenied or \"two words\""));
            }
            if followed.is_some_and(|c| matches!(c, '(' | '\'' | '"')) {
                return Err(
                    self.wrong("the value holds a quote or a parenthesis: put it in quotes")
                );
            }
            return Ok(Written { text: text.to_owned(), quoted: false });
        };
        let start = self.at;
        self.at += quote.len_utf8();
        let mut text = String::new();
        let mut escaped = false;
        let inner = self.rest();
        for (index, c) in inner.char_indices() {
            match c {
                _ if escaped => {
                    // What else a backslash does is Sigma's business.
                    if c != quote {
                        text.push('\\');
                    }
                    text.push(c);
                    escaped = false;
                }
                '\\' => escaped = true,
                _ if c == quote => {
                    self.at += index + c.len_utf8();
                    return Ok(Written { text, quoted: true });
                }
                _ => text.push(c),
            }
        }
        Err(WhenError::at(self.text, start, format!("the quote {quote} is never closed")))
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn skip_blanks(&mut self) {
        self.take_until(|c| !c.is_whitespace());
    }

    fn take_until(&mut self, ends: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let taken = rest.find(ends).and_then(|end| rest.get(..end)).unwrap_or(rest);
        self.at += taken.len();
        taken
    }

    /// A field's name, a call, a modifier.
    fn word(&mut self) -> &'a str {
        self.take_until(|c| {
            c.is_whitespace() || matches!(c, '(' | ')' | '=' | '!' | '|' | ',' | '\'' | '"')
        })
    }

    fn takes(&mut self, wanted: char) -> bool {
        let found = self.rest().starts_with(wanted);
        if found {
            self.at += wanted.len_utf8();
        }
        found
    }

    /// Whether the next word is this one, which is then read; a field may be called so too.
    fn takes_word(&mut self, wanted: &str) -> bool {
        let start = self.at;
        self.skip_blanks();
        let found = lower(self.word()) == wanted && !self.opens_a_test();
        if !found {
            self.at = start;
        }
        found
    }

    /// Whether what follows makes a field of the word before it.
    fn opens_a_test(&self) -> bool {
        self.rest().starts_with(['=', '!', '|'])
    }

    fn expected(&self, what: &str) -> WhenError {
        self.wrong(format!("expected {what}"))
    }

    fn wrong(&self, reason: impl Into<String>) -> WhenError {
        WhenError::at(self.text, self.at, reason)
    }
}

impl Written {
    fn text(&self) -> SigmaValue {
        SigmaValue::String(SigmaString::new(&self.text))
    }

    /// A value that is a number or a word of JSON where it is written as JSON would write it.
    fn typed(&self) -> SigmaValue {
        let text = self.text.as_str();
        if self.quoted {
            return self.text();
        }
        match text {
            "null" => SigmaValue::Null,
            "true" => SigmaValue::Bool(true),
            "false" => SigmaValue::Bool(false),
            _ => {
                let whole = text.parse().ok().filter(|number: &i64| number.to_string() == text);
                let fraction = text
                    .parse()
                    .ok()
                    .filter(|number: &f64| number.is_finite() && number.to_string() == text);
                whole
                    .map(SigmaValue::Integer)
                    .or(fraction.map(SigmaValue::Float))
                    .unwrap_or_else(|| self.text())
            }
        }
    }
}

fn one_or(mut parts: Vec<Condition>, several: fn(Vec<Condition>) -> Condition) -> Condition {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        last => {
            parts.extend(last);
            several(parts)
        }
    }
}

fn lower(text: &str) -> String {
    text.to_ascii_lowercase()
}
