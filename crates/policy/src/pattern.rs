//! Texts with wildcards and policy variables.

use std::borrow::Cow;

use crate::{context::Context, key};

/// A text in which `*` stands for any characters, `?` for one, `${…}` for a key's value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Pattern(Vec<Piece>);

#[derive(Clone, Debug, PartialEq)]
enum Piece {
    One(Glyph),
    /// A condition key, in lower case, and what stands for it where it has no value.
    Variable {
        key: String,
        default: Option<String>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Glyph {
    /// This character.
    Char(char),
    /// Any one character.
    Any,
    /// Any characters, or none.
    Many,
}

/// How a pattern's letters are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Case {
    Counts,
    Ignored,
}

/// What a pattern may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Grammar {
    /// `*` and `?` are wildcards.
    pub(crate) wildcards: bool,
    /// `${…}` are variables.
    pub(crate) variables: bool,
}

impl Pattern {
    /// Reads a pattern; what is wrong with it otherwise.
    pub(crate) fn parse(text: &str, grammar: Grammar) -> Result<Self, String> {
        let mut pieces = Vec::with_capacity(text.len());
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            if grammar.variables
                && let Some(after) = rest.strip_prefix("${")
            {
                let (inside, after) =
                    after.split_once('}').ok_or("a `${` is not closed with a `}`")?;
                pieces.push(variable(inside)?);
                rest = after;
                continue;
            }
            pieces.push(Piece::One(match c {
                '*' if grammar.wildcards => Glyph::Many,
                '?' if grammar.wildcards => Glyph::Any,
                _ => Glyph::Char(c),
            }));
            rest = rest.get(c.len_utf8()..).unwrap_or_default();
        }
        Ok(Self(pieces))
    }

    /// The parts between the first five colons that are written as such; `None` where there are
    /// fewer.
    pub(crate) fn arn_parts(&self) -> Option<[Pattern; 6]> {
        let mut parts: Vec<Vec<Piece>> = vec![Vec::new()];
        for piece in &self.0 {
            if *piece == Piece::One(Glyph::Char(':')) && parts.len() < 6 {
                parts.push(Vec::new());
            } else if let Some(last) = parts.last_mut() {
                last.push(piece.clone());
            }
        }
        let parts: Vec<Pattern> = parts.into_iter().map(Pattern).collect();
        parts.try_into().ok()
    }

    /// `*`
    pub(crate) fn everything() -> Self {
        Self(vec![Piece::One(Glyph::Many)])
    }

    /// Whether this is `*` alone.
    pub(crate) fn is_everything(&self) -> bool {
        self.0 == [Piece::One(Glyph::Many)]
    }

    /// Whether `text` is such a text. A variable without a value and without a default fits nothing.
    pub(crate) fn fits(&self, text: &str, case: Case, context: &Context<'_>) -> bool {
        self.resolved(context).is_some_and(|glyphs| fits(&glyphs, text, case))
    }

    fn resolved(&self, context: &Context<'_>) -> Option<Vec<Glyph>> {
        let mut glyphs = Vec::with_capacity(self.0.len());
        for piece in &self.0 {
            match piece {
                Piece::One(glyph) => glyphs.push(*glyph),
                Piece::Variable { key, default } => {
                    let value: Cow<'_, str> = match context.only(key) {
                        Some(value) => value,
                        None => Cow::Borrowed(default.as_deref()?),
                    };
                    glyphs.extend(value.chars().map(Glyph::Char));
                }
            }
        }
        Some(glyphs)
    }
}

/// What stands between `${` and `}`.
fn variable(inside: &str) -> Result<Piece, String> {
    match inside {
        "*" => return Ok(Piece::One(Glyph::Char('*'))),
        "?" => return Ok(Piece::One(Glyph::Char('?'))),
        "$" => return Ok(Piece::One(Glyph::Char('$'))),
        _ => {}
    }
    let (name, default) = match inside.split_once(',') {
        None => (inside, None),
        Some((name, default)) => {
            let quoted = default.trim().strip_prefix('\'').and_then(|d| d.strip_suffix('\''));
            (name, Some(quoted.ok_or("a variable's default stands in single quotes")?.to_owned()))
        }
    };
    let key = key::known(name.trim())?;
    Ok(Piece::Variable { key, default })
}

/// Whether the whole of `text` fits: in steps of at most their product, without recursion.
fn fits(glyphs: &[Glyph], text: &str, case: Case) -> bool {
    let same = |a: char, b: char| match case {
        Case::Counts => a == b,
        Case::Ignored => a == b || a.to_lowercase().eq(b.to_lowercase()),
    };
    let (mut at, mut rest) = (0, text.chars());
    // Where to go on when a guess was wrong: behind the last `*`, one character later.
    let mut again: Option<(usize, std::str::Chars<'_>)> = None;
    loop {
        let mut ahead = rest.clone();
        match (glyphs.get(at), ahead.next()) {
            (Some(Glyph::Many), _) => {
                again = Some((at + 1, rest.clone()));
                at += 1;
                continue;
            }
            (Some(Glyph::Any), Some(_)) => {
                (at, rest) = (at + 1, ahead);
                continue;
            }
            (Some(Glyph::Char(wanted)), Some(found)) if same(*wanted, found) => {
                (at, rest) = (at + 1, ahead);
                continue;
            }
            (None, None) => return true,
            _ => {}
        }
        let Some((behind, mut later)) = again.take() else { return false };
        if later.next().is_none() {
            return false;
        }
        (at, rest) = (behind, later.clone());
        again = Some((behind, later));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, text: &str, expected: bool) {
        let grammar = Grammar { wildcards: true, variables: true };
        let context = Context::new([("aws:username", "ada*")]);
        let pattern_ = Pattern::parse(pattern, grammar).unwrap();
        assert_eq!(pattern_.fits(text, Case::Counts, &context), expected, "{pattern} {text}");
    }

    #[test]
    fn wildcards_stand_for_characters() {
        check("", "", true);
        check("*", "", true);
        check("a*c", "abbc", true);
        check("a*c*e", "abcde", true);
        check("a*c", "abcd", false);
        check("a?c", "abc", true);
        check("a?c", "ac", false);
        check("?", "ä", true);
        check("*ab", "aab", true);
        check("**a**", "bab", true);
    }

    #[test]
    fn a_variable_is_its_value_and_no_pattern() {
        check("home/${aws:username}/*", "home/ada*/x", true);
        check("home/${aws:username}/*", "home/adam/x", false);
        check("home/${AWS:UserName}", "home/ada*", true);
        check("${aws:SourceIp}", "", false);
        check("${aws:SourceIp, 'none'}", "none", true);
        check("a${*}b${?}${$}", "a*b?$", true);
        check("a${*}b", "axb", false);
    }

    #[test]
    fn a_variable_that_nobody_can_tell_is_refused() {
        let grammar = Grammar { wildcards: true, variables: true };
        for wrong in ["${aws:PrincipalTag/team}", "${aws:username", "${}", "${aws:username,none}"] {
            assert!(Pattern::parse(wrong, grammar).is_err(), "{wrong}");
        }
    }

    #[test]
    fn many_stars_take_no_more_than_the_product_of_the_lengths() {
        let pattern = "*a".repeat(200) + "b";
        check(&pattern, &"a".repeat(2000), false);
    }
}
