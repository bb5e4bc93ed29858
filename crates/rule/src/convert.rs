//! From Sigma's parse tree to ours; what we would not honour is refused here.

mod condition;
mod modifier;
mod selection;
mod value;

use std::collections::BTreeMap;

use rsigma_parser::{Detection, Detections, FilterRule, FilterRuleTarget, LogSource, SigmaRule};

pub(crate) use crate::convert::selection::item;
use crate::{
    ast::{Condition, Selection},
    document::{Document, Place, Refusal},
    filter::{Filter, Target},
    placeholder::Placeholders,
    rule::Rule,
};

/// What a document holds.
pub(crate) type Read = (Vec<Rule>, Vec<Filter>);

/// The rules and filters of a document.
pub(crate) fn read(
    document: &Document<'_>,
    file: &str,
    placeholders: &Placeholders,
) -> Result<Read, Refusal> {
    document.check()?;
    let parsed = rsigma_parser::parse_sigma_yaml(document.text)
        .map_err(|error| parse_refusal(&error.to_string()))?;
    if let Some(error) = parsed.errors.first() {
        return Err(parse_refusal(error));
    }
    let rules = parsed.rules.iter().map(|sigma| rule(sigma, document, file, placeholders));
    let filters = parsed.filters.iter().map(|sigma| filter(sigma, document, file, placeholders));
    Ok((rules.collect::<Result<_, _>>()?, filters.collect::<Result<_, _>>()?))
}

fn rule(
    sigma: &SigmaRule,
    document: &Document<'_>,
    file: &str,
    placeholders: &Placeholders,
) -> Result<Rule, Refusal> {
    check_logsource(&sigma.logsource)?;
    check_version(sigma.sigma_version)?;
    let Parts { names, selections, condition } = parts(&sigma.detection, placeholders)?;
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
        name: sigma.name.clone(),
        description: sigma.description.clone().unwrap_or_default(),
        tags: sigma.tags.clone(),
        references: sigma.references.clone(),
        falsepositives: sigma.falsepositives.clone(),
        author: sigma.author.clone(),
        date: sigma.date.clone(),
        status: sigma.status.map(|status| format!("{status:?}").to_lowercase()),
        file: file.to_owned(),
        line: document.line(&Place::Top),
        condition,
        selections,
        names,
    })
}

fn filter(
    sigma: &FilterRule,
    document: &Document<'_>,
    file: &str,
    placeholders: &Placeholders,
) -> Result<Filter, Refusal> {
    if let Some(source) = &sigma.logsource {
        check_logsource(source)?;
    }
    check_version(sigma.sigma_version)?;
    let targets = match &sigma.rules {
        FilterRuleTarget::Any => None,
        FilterRuleTarget::Specific(names) => Some(names.iter().map(|name| Target {
            line: document.line(&Place::Text(name.clone())),
            name: name.clone(),
        })),
    };
    let Parts { names, selections, condition } = parts(&sigma.detection, placeholders)?;
    Ok(Filter {
        title: sigma.title.clone(),
        file: file.to_owned(),
        targets: targets.map(Iterator::collect),
        condition,
        selections,
        names,
    })
}

/// A detection, converted.
struct Parts {
    names: Vec<String>,
    selections: Vec<Selection>,
    condition: Condition,
}

fn parts(detection: &Detections, placeholders: &Placeholders) -> Result<Parts, Refusal> {
    // In a fixed order, so that the same text gives the same rule.
    let named: BTreeMap<&str, &Detection> =
        detection.named.iter().map(|(name, detection)| (name.as_str(), detection)).collect();
    let names: Vec<&str> = named.keys().copied().collect();
    let selections = named
        .iter()
        .map(|(name, found)| selection::selection(name, found, placeholders))
        .collect::<Result<_, _>>()?;
    let condition = condition::condition(&detection.conditions, &names)
        .map_err(|reason| Refusal::at_key("condition", reason))?;
    let names = names.into_iter().map(str::to_owned).collect();
    Ok(Parts { names, selections, condition })
}

fn check_logsource(source: &LogSource) -> Result<(), Refusal> {
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

fn check_version(version: Option<u32>) -> Result<(), Refusal> {
    if !rsigma_parser::is_unsupported(version) {
        return Ok(());
    }
    let reason = format!(
        "this version of Sigma is not supported: {} is the newest that is",
        rsigma_parser::SPEC_VERSION_SUPPORTED
    );
    Err(Refusal::at_key("sigma-version", reason))
}

/// The parser's message, in our words where a user is likely to meet it.
fn parse_refusal(error: &str) -> Refusal {
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
    for key in ["status", "level", "sigma-version", "related", "logsource", "detection", "filter"] {
        if error.to_lowercase().contains(key) {
            return Refusal::at_key(key, error);
        }
    }
    Refusal::new(Place::Top, error)
}
