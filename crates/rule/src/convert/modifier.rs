//! What the modifiers of a field ask for, together.

use rsigma_parser::Modifier;

use crate::ast::{Comparison, Part};

/// All modifiers of one field, put together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Modifiers {
    pub(super) kind: Kind,
    pub(super) part: Part,
    pub(super) all: bool,
    pub(super) cased: bool,
    pub(super) negated: bool,
}

/// How values are to be understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// As text with wildcards, after these steps.
    Text(Vec<Step>),
    /// As regular expressions.
    Regex(Flags),
    /// As networks.
    Network,
    /// As the question whether there is a value.
    Exists,
    /// As other fields' names.
    FieldRef,
    /// As bounds.
    Compare(Comparison),
}

/// A change of a value's text before it is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    WinDash,
    Utf16Le,
    Utf16Be,
    Utf16WithMark,
    Base64,
    Base64Offset,
}

/// A regular expression's flags.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Flags {
    pub(super) ignore_case: bool,
    pub(super) multi_line: bool,
    pub(super) dot_all: bool,
}

impl Modifiers {
    /// Reads them in their order; two that contradict each other are refused.
    pub(super) fn read(given: &[Modifier]) -> Result<Self, String> {
        let mut kind = None;
        let mut part = None;
        let mut steps = Vec::new();
        let mut flags = Flags::default();
        for modifier in given {
            match modifier {
                Modifier::All | Modifier::Cased | Modifier::Neq => {}
                Modifier::Contains => only(&mut part, Part::Anywhere, modifier)?,
                Modifier::StartsWith => only(&mut part, Part::Start, modifier)?,
                Modifier::EndsWith => only(&mut part, Part::End, modifier)?,
                Modifier::WindAsh => steps.push(Step::WinDash),
                Modifier::Wide => steps.push(Step::Utf16Le),
                Modifier::Utf16be => steps.push(Step::Utf16Be),
                Modifier::Utf16 => steps.push(Step::Utf16WithMark),
                Modifier::Base64 => steps.push(Step::Base64),
                Modifier::Base64Offset => steps.push(Step::Base64Offset),
                Modifier::IgnoreCase => flags.ignore_case = true,
                Modifier::Multiline => flags.multi_line = true,
                Modifier::DotAll => flags.dot_all = true,
                Modifier::Re => only(&mut kind, Kind::Regex(Flags::default()), modifier)?,
                Modifier::Cidr => only(&mut kind, Kind::Network, modifier)?,
                Modifier::Exists => only(&mut kind, Kind::Exists, modifier)?,
                Modifier::FieldRef => only(&mut kind, Kind::FieldRef, modifier)?,
                Modifier::Lt => only(&mut kind, Kind::Compare(Comparison::Less), modifier)?,
                Modifier::Lte => {
                    only(&mut kind, Kind::Compare(Comparison::LessOrEqual), modifier)?;
                }
                Modifier::Gt => only(&mut kind, Kind::Compare(Comparison::Greater), modifier)?,
                Modifier::Gte => {
                    only(&mut kind, Kind::Compare(Comparison::GreaterOrEqual), modifier)?;
                }
                Modifier::Expand
                | Modifier::Minute
                | Modifier::Hour
                | Modifier::Day
                | Modifier::Week
                | Modifier::Month
                | Modifier::Year => {
                    return Err(format!("the modifier `{}` is not supported", word(modifier)));
                }
            }
        }
        let kind = match kind {
            Some(Kind::Regex(_)) => Kind::Regex(flags),
            _ if flags != Flags::default() => {
                return Err("`i`, `m` and `s` are flags of `re`, which is missing".to_owned());
            }
            Some(kind) => kind,
            None => Kind::Text(std::mem::take(&mut steps)),
        };
        let is_text = matches!(kind, Kind::Text(_));
        if !steps.is_empty() || (part.is_some() && !is_text && kind != Kind::FieldRef) {
            return Err("these modifiers cannot stand together".to_owned());
        }
        let has = |modifier| given.contains(&modifier);
        Ok(Self {
            kind,
            part: part.unwrap_or(Part::Whole),
            all: has(Modifier::All),
            cased: has(Modifier::Cased),
            negated: has(Modifier::Neq),
        })
    }
}

fn only<T>(slot: &mut Option<T>, value: T, modifier: &Modifier) -> Result<(), String> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(format!("`{}` contradicts the modifier before it", word(modifier))),
    }
}

fn word(modifier: &Modifier) -> String {
    format!("{modifier:?}").to_lowercase()
}
