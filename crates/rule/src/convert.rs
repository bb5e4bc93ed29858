//! From Sigma's parse tree to ours; what we would not honour is refused here.

mod condition;
mod modifier;
mod value;

use std::collections::BTreeMap;

use rsigma_parser::{Detection, DetectionItem, SigmaRule, SigmaValue};

use crate::{
    ast::{Item, Part, Path, Place, Selection},
    convert::modifier::Modifiers,
    document::{Document, Refusal},
    rule::Rule,
};

/// The rules of a document.
pub(crate) fn rules(document: &Document<'_>, file: &str) -> Result<Vec<Rule>, Refusal> {
    document.check()?;
    let parsed = rsigma_parser::parse_sigma_yaml(document.text)
        .map_err(|error| parse_refusal(&error.to_string()))?;
    if let Some(error) = parsed.errors.first() {
        return Err(parse_refusal(error));
    }
    parsed.rules.iter().map(|sigma| rule(sigma, document, file)).collect()
}

fn rule(sigma: &SigmaRule, document: &Document<'_>, file: &str) -> Result<Rule, Refusal> {
    check_logsource(sigma)?;
    if rsigma_parser::is_unsupported(sigma.sigma_version) {
        let reason = format!(
            "this version of Sigma is not supported: {} is the newest that is",
            rsigma_parser::SPEC_VERSION_SUPPORTED
        );
        return Err(Refusal::at_key("sigma-version", reason));
    }
    // In a fixed order, so that the same text gives the same rule.
    let named: BTreeMap<&str, &Detection> =
        sigma.detection.named.iter().map(|(name, detection)| (name.as_str(), detection)).collect();
    let names: Vec<&str> = named.keys().copied().collect();
    let selections =
        named.iter().map(|(name, found)| selection(name, found)).collect::<Result<_, _>>()?;
    let condition = condition::condition(&sigma.detection.conditions, &names)
        .map_err(|reason| Refusal::at_key("condition", reason))?;
    let level = match sigma.level {
        None | Some(rsigma_parser::Level::Medium) => flow::Level::Medium,
        Some(rsigma_parser::Level::Informational) => flow::Level::Informational,
        Some(rsigma_parser::Level::Low) => flow::Level::Low,
        Some(rsigma_parser::Level::High) => flow::Level::High,
        Some(rsigma_parser::Level::Critical) => flow::Level::Critical,
    };
    Ok(Rule {
        reference: flow::RuleRef {
            id: sigma.id.clone().unwrap_or_else(|| sigma.title.clone()),
            title: sigma.title.clone(),
            level,
        },
        description: sigma.description.clone().unwrap_or_default(),
        tags: sigma.tags.clone(),
        references: sigma.references.clone(),
        falsepositives: sigma.falsepositives.clone(),
        author: sigma.author.clone(),
        date: sigma.date.clone(),
        status: sigma.status.map(|status| format!("{status:?}").to_lowercase()),
        file: file.to_owned(),
        line: document.line(&crate::document::Place::Top),
        condition,
        selections,
    })
}

fn check_logsource(sigma: &SigmaRule) -> Result<(), Refusal> {
    let source = &sigma.logsource;
    let of = |found: &Option<String>, ours: &str| found.as_deref().is_none_or(|it| it == ours);
    if of(&source.product, "aws")
        && of(&source.service, "cloudtrail")
        && source.category.is_none()
        && source.custom.is_empty()
    {
        return Ok(());
    }
    let reason = "the rule is for another log source: only product aws, service cloudtrail is read";
    Err(Refusal::at_key("logsource", reason))
}

fn selection(name: &str, detection: &Detection) -> Result<Selection, Refusal> {
    let nonempty = |parts: Vec<Selection>| match parts.is_empty() {
        true => Err(Refusal::at_key(name, format!("the selection `{name}` is empty"))),
        false => Ok(parts),
    };
    let several = |parts: &[Detection]| {
        parts.iter().map(|part| selection(name, part)).collect::<Result<_, _>>().and_then(nonempty)
    };
    match detection {
        Detection::AllOf(items) => {
            let items = items.iter().map(field_item).collect::<Result<_, _>>()?;
            nonempty(items).map(Selection::All)
        }
        Detection::And(parts) => several(parts).map(Selection::All),
        Detection::AnyOf(parts) => several(parts).map(Selection::Any),
        Detection::Keywords(values) => {
            let plain = Modifiers::read(&[]).and_then(|plain| keywords(values, &plain));
            plain.map(Selection::Item).map_err(|reason| Refusal::at_key(name, reason))
        }
        Detection::ArrayMatch { .. } | Detection::Conditional { .. } => {
            let reason = "selectors of array elements (`[any]`, `[all]`) are not supported: \
                          a dotted name asks every element";
            Err(Refusal::at_key(name, reason))
        }
    }
}

fn field_item(item: &DetectionItem) -> Result<Selection, Refusal> {
    let name = item.field.name.as_deref();
    let build = || {
        let modifiers = Modifiers::read(&item.field.modifiers)?;
        let Some(name) = name else { return keywords(&item.values, &modifiers) };
        Ok(Item {
            place: Place::Field(path(name)?),
            tests: value::tests(&item.values, &modifiers)?,
            all: modifiers.all,
            negated: modifiers.negated,
        })
    };
    build().map(Selection::Item).map_err(|reason: String| match name {
        Some(name) => Refusal::at_key(&name.replace('\\', ""), format!("`{name}`: {reason}")),
        None => Refusal::at_key("detection", format!("keywords: {reason}")),
    })
}

/// Keywords stand anywhere in a text anywhere in the record.
fn keywords(values: &[SigmaValue], modifiers: &Modifiers) -> Result<Item, String> {
    if values.is_empty() {
        return Err("there are no keywords".to_owned());
    }
    if values.iter().any(|value| matches!(value, SigmaValue::Null)) {
        return Err("null is no keyword".to_owned());
    }
    let mut modifiers = modifiers.clone();
    if modifiers.part == Part::Whole {
        modifiers.part = Part::Anywhere;
    }
    Ok(Item {
        place: Place::Anywhere,
        tests: value::tests(values, &modifiers)?,
        all: modifiers.all,
        negated: modifiers.negated,
    })
}

/// The names of a dotted path.
fn path(dotted: &str) -> Result<Path, String> {
    let unescaped = dotted.replace("\\[", "\u{1}").replace("\\]", "\u{2}");
    if unescaped.contains(['[', ']']) {
        return Err("selectors of array elements are not supported".to_owned());
    }
    let plain = unescaped.replace('\u{1}', "[").replace('\u{2}', "]");
    let names: Vec<String> = plain.split('.').map(str::to_owned).collect();
    match names.iter().any(String::is_empty) {
        true => Err(format!("`{plain}` is not a field's name")),
        false => Ok(Path(names)),
    }
}

/// The parser's message, in our words where a user is likely to meet it.
fn parse_refusal(error: &str) -> Refusal {
    use crate::document::Place;
    let quoted = || error.split('\'').nth(1).unwrap_or_default();
    if error.starts_with("Unknown modifier") {
        let name = quoted();
        let reason = format!("the modifier `{name}` is not known");
        return Refusal::new(Place::Text(format!("|{name}")), reason);
    }
    if error.contains("`not` is not a value modifier") {
        let reason = "`not` is no modifier: say `not` in the condition, of a selection of its own";
        return Refusal::new(Place::Text("|not".to_owned()), reason);
    }
    if error.starts_with("Condition") {
        // The grammar's message draws a picture of several lines; the last one says it.
        let last = error.lines().last().unwrap_or(error).trim_start_matches([' ', '=']);
        return Refusal::at_key("condition", format!("the condition cannot be read: {last}"));
    }
    if error.starts_with("Missing required field") {
        return Refusal::new(Place::Top, format!("`{}` is missing", quoted()));
    }
    for key in ["status", "level", "sigma-version", "related", "logsource", "detection"] {
        if error.to_lowercase().contains(key) {
            return Refusal::at_key(key, error);
        }
    }
    Refusal::new(Place::Top, error)
}
