//! What the modifiers of a field ask for, together.

use rsigma_parser::Modifier;

use crate::ast::{Comparison, Part, TimePart};

/// All modifiers of one field, put together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Modifiers {
    pub(super) kind: Kind,
    pub(super) part: Part,
    pub(super) all: bool,
    pub(super) cased: bool,
    pub(super) negated: bool,
    /// Whether `%names%` in values stand for the values of placeholders.
    pub(super) expand: bool,
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
    /// As bounds of a part of a date.
    Time(TimePart, Comparison),
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

/// What was read so far.
#[derive(Default)]
struct Reading {
    kind: Option<Kind>,
    part: Option<Part>,
    time: Option<TimePart>,
    steps: Vec<Step>,
    flags: Flags,
}

impl Modifiers {
    /// Reads them in their order; two that contradict each other are refused.
    pub(super) fn read(given: &[Modifier]) -> Result<Self, String> {
        let mut reading = Reading::default();
        for modifier in given {
            reading.take(*modifier)?;
        }
        let has = |modifier| given.contains(&modifier);
        let part = reading.part;
        let kind = reading.kind()?;
        let takes_part = matches!(kind, Kind::Text(_) | Kind::FieldRef);
        let ignores_case = matches!(kind, Kind::Regex(Flags { ignore_case: true, .. }));
        if (part.is_some() && !takes_part) || (ignores_case && has(Modifier::Cased)) {
            return Err(TOGETHER.to_owned());
        }
        Ok(Self {
            kind,
            part: part.unwrap_or(Part::Whole),
            all: has(Modifier::All),
            cased: has(Modifier::Cased),
            negated: has(Modifier::Neq),
            expand: has(Modifier::Expand),
        })
    }
}

const TOGETHER: &str = "these modifiers cannot stand together";

impl Reading {
    fn take(&mut self, modifier: Modifier) -> Result<(), String> {
        let kind = match modifier {
            Modifier::All | Modifier::Cased | Modifier::Neq | Modifier::Expand => return Ok(()),
            Modifier::Contains => return only(&mut self.part, Part::Anywhere, modifier),
            Modifier::StartsWith => return only(&mut self.part, Part::Start, modifier),
            Modifier::EndsWith => return only(&mut self.part, Part::End, modifier),
            Modifier::Minute => return only(&mut self.time, TimePart::Minute, modifier),
            Modifier::Hour => return only(&mut self.time, TimePart::Hour, modifier),
            Modifier::Day => return only(&mut self.time, TimePart::Day, modifier),
            Modifier::Week => return only(&mut self.time, TimePart::Week, modifier),
            Modifier::Month => return only(&mut self.time, TimePart::Month, modifier),
            Modifier::Year => return only(&mut self.time, TimePart::Year, modifier),
            Modifier::WindAsh => return self.step(Step::WinDash),
            Modifier::Wide => return self.step(Step::Utf16Le),
            Modifier::Utf16be => return self.step(Step::Utf16Be),
            Modifier::Utf16 => return self.step(Step::Utf16WithMark),
            Modifier::Base64 => return self.step(Step::Base64),
            Modifier::Base64Offset => return self.step(Step::Base64Offset),
            Modifier::IgnoreCase => return set(&mut self.flags.ignore_case),
            Modifier::Multiline => return set(&mut self.flags.multi_line),
            Modifier::DotAll => return set(&mut self.flags.dot_all),
            Modifier::Re => Kind::Regex(Flags::default()),
            Modifier::Cidr => Kind::Network,
            Modifier::Exists => Kind::Exists,
            Modifier::FieldRef => Kind::FieldRef,
            Modifier::Lt => Kind::Compare(Comparison::Less),
            Modifier::Lte => Kind::Compare(Comparison::LessOrEqual),
            Modifier::Gt => Kind::Compare(Comparison::Greater),
            Modifier::Gte => Kind::Compare(Comparison::GreaterOrEqual),
        };
        only(&mut self.kind, kind, modifier)
    }

    fn step(&mut self, step: Step) -> Result<(), String> {
        self.steps.push(step);
        Ok(())
    }

    /// The one kind that all of it makes.
    fn kind(self) -> Result<Kind, String> {
        if self.flags != Flags::default() && !matches!(self.kind, Some(Kind::Regex(_))) {
            return Err("`i`, `m` and `s` are flags of `re`, which is missing".to_owned());
        }
        match (self.kind, self.time) {
            (None, None) => Ok(Kind::Text(self.steps)),
            _ if !self.steps.is_empty() => Err(TOGETHER.to_owned()),
            (None, Some(part)) => Ok(Kind::Time(part, Comparison::Equal)),
            (Some(Kind::Compare(comparison)), Some(part)) => Ok(Kind::Time(part, comparison)),
            (Some(_), Some(_)) => Err(TOGETHER.to_owned()),
            (Some(Kind::Regex(_)), None) => Ok(Kind::Regex(self.flags)),
            (Some(kind), None) => Ok(kind),
        }
    }
}

fn set(flag: &mut bool) -> Result<(), String> {
    *flag = true;
    Ok(())
}

fn only<T>(slot: &mut Option<T>, value: T, modifier: Modifier) -> Result<(), String> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(format!("`{}` contradicts the modifier before it", word(modifier))),
    }
}

fn word(modifier: Modifier) -> String {
    format!("{modifier:?}").to_lowercase()
}
