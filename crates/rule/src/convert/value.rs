//! The values of a field become tests.

use base64::{Engine, engine::general_purpose::STANDARD};
use regex::RegexBuilder;
use rsigma_parser::{SigmaString, SigmaValue, SpecialChar, StringPart};

use crate::{
    ast::{Comparison, FieldRef, Number, Part, Test, TimePart},
    convert::{
        modifier::{Flags, Kind, Modifiers, Step},
        selection,
    },
    pattern::{Pattern, Piece},
    placeholder::Placeholders,
};

/// The most memory that one compiled regular expression may take, in bytes.
const REGEX_BYTES_MAX: usize = 1024 * 1024;
/// The most spellings that one value may stand for, as `windash` makes them.
const SPELLINGS_MAX: usize = 625;
/// What people type where a dash belongs.
const DASHES: [char; 5] = ['-', '/', '–', '—', '―'];

/// One test for each value; placeholders are filled in first.
pub(super) fn tests(
    values: &[SigmaValue],
    modifiers: &Modifiers,
    placeholders: &Placeholders,
) -> Result<Vec<Test>, String> {
    if values.is_empty() {
        return Err("there are no values".to_owned());
    }
    if modifiers.kind == Kind::Exists {
        return exists(values, modifiers).map(|test| vec![test]);
    }
    if modifiers.expand {
        let filled = filled(values, placeholders)?;
        return filled.iter().map(|value| test(value, modifiers)).collect();
    }
    values.iter().map(|value| test(value, modifiers)).collect()
}

fn filled(values: &[SigmaValue], placeholders: &Placeholders) -> Result<Vec<SigmaValue>, String> {
    let mut filled = Vec::new();
    for value in values {
        let texts = placeholders.fill(&written(value)?)?;
        filled.extend(texts.iter().map(|text| SigmaValue::String(SigmaString::new(text))));
    }
    Ok(filled)
}

fn test(value: &SigmaValue, modifiers: &Modifiers) -> Result<Test, String> {
    match &modifiers.kind {
        Kind::Text(steps) => text_test(value, steps, modifiers),
        Kind::Regex(flags) => regex(&written(value)?, *flags),
        Kind::Network => {
            let network = written(value)?.parse();
            network.map(Test::Network).map_err(|error| format!("{error}"))
        }
        Kind::FieldRef => Ok(Test::Field(FieldRef {
            path: selection::path(&written(value)?)?,
            part: modifiers.part,
            cased: modifiers.cased,
        })),
        Kind::Compare(comparison) => {
            let text = written(value)?;
            let bound = Number::parse(&text).ok_or_else(|| format!("`{text}` is not a number"))?;
            Ok(Test::Compare(*comparison, bound))
        }
        Kind::Time(part, comparison) => time(&written(value)?, *part, *comparison),
        Kind::Exists => Err("`exists` takes one value".to_owned()),
    }
}

fn time(text: &str, part: TimePart, comparison: Comparison) -> Result<Test, String> {
    let (name, range) = match part {
        TimePart::Minute => ("minute", 0..=59),
        TimePart::Hour => ("hour", 0..=23),
        TimePart::Day => ("day", 1..=31),
        TimePart::Week => ("week", 1..=53),
        TimePart::Month => ("month", 1..=12),
        TimePart::Year => ("year", 0..=9999),
    };
    match Number::parse(text) {
        Some(Number::Int(number)) if range.contains(&number) => {
            Ok(Test::Time(part, comparison, Number::Int(number)))
        }
        _ => Err(format!("`{text}` is no {name}: give {} to {}", range.start(), range.end())),
    }
}

/// Missing and null are the same, so `exists: false` is the question for null.
fn exists(values: &[SigmaValue], modifiers: &Modifiers) -> Result<Test, String> {
    let [SigmaValue::Bool(wanted)] = values else {
        return Err("`exists` takes one value, true or false".to_owned());
    };
    if modifiers.negated {
        return Err("`exists` and `neq` cannot stand together".to_owned());
    }
    Ok(if *wanted { Test::Present } else { Test::Null })
}

fn text_test(value: &SigmaValue, steps: &[Step], modifiers: &Modifiers) -> Result<Test, String> {
    let plain = steps.is_empty() && modifiers.part == Part::Whole;
    match value {
        SigmaValue::Null if plain => Ok(Test::Null),
        SigmaValue::Null => Err("null is no text".to_owned()),
        SigmaValue::Integer(number) if plain => Ok(Test::Number(Number::Int(*number))),
        SigmaValue::Float(number) if plain => Ok(Test::Number(Number::Float(*number))),
        SigmaValue::Bool(truth) if plain => Ok(Test::Bool(*truth)),
        other => {
            let texts = spellings(SigmaString::new(&written(other)?), steps)?;
            let pattern = |text: SigmaString| pattern(&text, modifiers.part, modifiers.cased);
            Ok(Test::Text(texts.into_iter().map(pattern).collect()))
        }
    }
}

/// A value as its author wrote it.
fn written(value: &SigmaValue) -> Result<String, String> {
    match value {
        SigmaValue::String(text) => Ok(text.original.clone()),
        SigmaValue::Null => Err("null is no value here".to_owned()),
        other => Ok(other.to_string()),
    }
}

fn pattern(text: &SigmaString, part: Part, cased: bool) -> Pattern {
    let open = |wild: bool| wild.then_some(Piece::Many);
    let pieces = text.parts.iter().map(|part| match part {
        StringPart::Plain(text) => Piece::Text(text.clone()),
        StringPart::Special(SpecialChar::WildcardMulti) => Piece::Many,
        StringPart::Special(SpecialChar::WildcardSingle) => Piece::One,
    });
    let before = open(matches!(part, Part::Anywhere | Part::End));
    let after = open(matches!(part, Part::Anywhere | Part::Start));
    Pattern::new(before.into_iter().chain(pieces).chain(after), cased)
}

fn regex(pattern: &str, flags: Flags) -> Result<Test, String> {
    RegexBuilder::new(pattern)
        .case_insensitive(flags.ignore_case)
        .multi_line(flags.multi_line)
        .dot_matches_new_line(flags.dot_all)
        .size_limit(REGEX_BYTES_MAX)
        .dfa_size_limit(REGEX_BYTES_MAX)
        .build()
        .map(|regex| Test::Regex(Box::new(regex)))
        .map_err(|error| {
            let text = error.to_string();
            let last = text.lines().last().unwrap_or_default().trim_start_matches("error: ");
            format!("`{pattern}` cannot be used as a regular expression: {last}")
        })
}

/// The texts that a value stands for once `steps` are taken.
fn spellings(text: SigmaString, steps: &[Step]) -> Result<Vec<SigmaString>, String> {
    let (dashes, steps) = match steps {
        [Step::WinDash, rest @ ..] => (true, rest),
        _ => (false, steps),
    };
    let texts = if dashes {
        dashed(&text.original)?.iter().map(|text| SigmaString::new(text)).collect()
    } else {
        vec![text]
    };
    if steps.is_empty() {
        return Ok(texts);
    }
    let mut spelled = Vec::new();
    for text in texts {
        let plain = text.as_plain().ok_or("a wildcard cannot be encoded")?;
        spelled.extend(encoded(plain.into_bytes(), steps)?);
    }
    Ok(spelled)
}

fn encoded(bytes: Vec<u8>, steps: &[Step]) -> Result<Vec<SigmaString>, String> {
    let mut forms = vec![bytes];
    for step in steps {
        let mut next = Vec::new();
        for form in &forms {
            match step {
                Step::WinDash => return Err("`windash` comes before encodings".to_owned()),
                Step::Utf16Le => next.push(utf16(form, u16::to_le_bytes, &[])?),
                Step::Utf16Be => next.push(utf16(form, u16::to_be_bytes, &[])?),
                Step::Utf16WithMark => next.push(utf16(form, u16::to_le_bytes, &[0xff, 0xfe])?),
                Step::Base64 => next.push(STANDARD.encode(form).into_bytes()),
                Step::Base64Offset => next.extend(base64_at_offsets(form)?),
            }
        }
        forms = next;
    }
    forms
        .into_iter()
        .map(|form| {
            let text = String::from_utf8(form);
            text.map(|text| SigmaString::from_raw(&text))
                .map_err(|_| "UTF-16 is no text of a record: add `base64`".to_owned())
        })
        .collect()
}

fn utf16(text: &[u8], bytes: fn(u16) -> [u8; 2], mark: &[u8]) -> Result<Vec<u8>, String> {
    let text = std::str::from_utf8(text).map_err(|_| "the value is encoded as UTF-16 twice")?;
    Ok(mark.iter().copied().chain(text.encode_utf16().flat_map(bytes)).collect())
}

/// What is sure to stand in the Base64 of a longer text, for each of the three places at which the
/// value may begin in it.
fn base64_at_offsets(value: &[u8]) -> Result<Vec<Vec<u8>>, String> {
    (0..3_usize)
        .map(|offset| {
            let shifted: Vec<u8> =
                std::iter::repeat_n(b' ', offset).chain(value.iter().copied()).collect();
            let text = STANDARD.encode(&shifted).into_bytes();
            // Characters that share bits with a neighbour's bytes are not the value's alone.
            let foreign_before = [0, 2, 3].get(offset).copied().unwrap_or(0);
            let foreign_after = [0, 3, 2].get(shifted.len() % 3).copied().unwrap_or(0);
            let end = text.len().saturating_sub(foreign_after);
            match text.get(foreign_before..end) {
                Some(sure) if !sure.is_empty() => Ok(sure.to_vec()),
                _ => Err("the value is too short for `base64offset`".to_owned()),
            }
        })
        .collect()
}

/// Every spelling of a text whose words may open with any kind of dash.
fn dashed(text: &str) -> Result<Vec<String>, String> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut spelled = vec![String::new()];
    let mut before = None;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let opens_a_word = matches!(c, '-' | '/')
            && before.is_none_or(|before| !is_word(before))
            && chars.peek().is_some_and(|next| is_word(*next));
        let choices: &[char] = if opens_a_word { &DASHES } else { &[c] };
        spelled = spelled
            .iter()
            .flat_map(|start| choices.iter().map(move |choice| format!("{start}{choice}")))
            .collect();
        if spelled.len() > SPELLINGS_MAX {
            return Err(format!("`windash` gives more than {SPELLINGS_MAX} spellings"));
        }
        before = Some(c);
    }
    Ok(spelled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_of_a_longer_text_holds_one_of_the_three() {
        let needles = base64_at_offsets(b"secret").unwrap();
        for (offset, needle) in needles.iter().enumerate() {
            for after in ["", "x", "xy", "xyz"] {
                let text = STANDARD.encode(format!("{}secret{after}", "#".repeat(offset)));
                let needle = std::str::from_utf8(needle).unwrap();
                assert!(text.contains(needle), "{text} holds {needle}");
            }
        }
    }

    #[test]
    fn a_dash_that_opens_a_word_may_be_any_dash() {
        let spelled = dashed("cmd -a x-y").unwrap();
        assert_eq!(spelled.len(), 5);
        assert!(spelled.contains(&"cmd /a x-y".to_owned()));
        assert!(dashed("-a -b -c -d -e").is_err());
    }
}
