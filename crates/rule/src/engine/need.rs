//! What a rule cannot hold without.

use std::collections::BTreeMap;

use crate::{
    ast::{Condition, Item, Path, Place, Selection, Test},
    pattern::Pattern,
    rule::Rule,
};

/// Texts of which a key's value must be one.
#[derive(Clone, Debug)]
pub(super) struct Want(Vec<Pattern>);

impl Want {
    /// Whether `text` is one of them.
    pub(super) fn is_met_by(&self, text: &str) -> bool {
        self.0.iter().any(|pattern| pattern.fits(text))
    }
}

/// The names of a record that say most about it, best first.
const BEST: [&str; 4] = ["eventName", "errorCode", "eventSource", "userAgent"];

/// The keys, at most `count`, that keep the most rules from being asked: for each rule the best one
/// that it cannot do without.
pub(super) fn choose(rules: &[Rule], count: usize) -> Vec<String> {
    let mut uses: BTreeMap<String, usize> = BTreeMap::new();
    for rule in rules {
        let mut names = Vec::new();
        rule.selections.iter().for_each(|selection| names_in(selection, &mut names));
        // Only letters: whoever writes one of them as an escape is noticed.
        names.retain(|name: &String| name.bytes().all(|byte| byte.is_ascii_alphabetic()));
        let rank = |name: &String| {
            (BEST.iter().position(|best| best == name).unwrap_or(BEST.len()), name.clone())
        };
        names.sort_by_cached_key(rank);
        if let Some(name) = names.into_iter().find(|name| wants(rule, name).is_some()) {
            *uses.entry(name).or_default() += 1;
        }
    }
    let mut names: Vec<(String, usize)> = uses.into_iter().collect();
    names.sort_by_key(|(_, uses)| std::cmp::Reverse(*uses));
    names.into_iter().map(|(name, _)| name).take(count).collect()
}

fn names_in(selection: &Selection, names: &mut Vec<String>) {
    match selection {
        Selection::All(parts) | Selection::Any(parts) => {
            parts.iter().for_each(|part| names_in(part, names));
        }
        Selection::Item(Item { place: Place::Field(Path(path)), .. }) => {
            names.extend(path.last().cloned());
        }
        Selection::Item(_) => {}
    }
}

/// What the rule wants of the value of a key called `name`, wherever in the record that is: where no
/// such key has one of these texts as its value (or a list or an object in their place), the rule
/// does not hold. None where it may hold all the same.
pub(super) fn wants(rule: &Rule, name: &str) -> Option<Want> {
    of_condition(&rule.condition, &rule.selections, name).map(Want)
}

fn of_condition(
    condition: &Condition,
    selections: &[Selection],
    name: &str,
) -> Option<Vec<Pattern>> {
    match condition {
        Condition::Selection(index) => of_selection(selections.get(*index)?, name),
        Condition::Not(_) => None,
        Condition::All(parts) => {
            fewest(parts.iter().map(|part| of_condition(part, selections, name)))
        }
        // None of them has to hold, or that many of those that want something.
        Condition::AtLeast(0, _) => None,
        Condition::AtLeast(_, parts) => {
            all_of(parts.iter().map(|part| of_condition(part, selections, name)))
        }
    }
}

fn of_selection(selection: &Selection, name: &str) -> Option<Vec<Pattern>> {
    match selection {
        Selection::All(parts) => fewest(parts.iter().map(|part| of_selection(part, name))),
        Selection::Any(parts) => all_of(parts.iter().map(|part| of_selection(part, name))),
        Selection::Item(item) => of_item(item, name),
    }
}

fn of_item(item: &Item, name: &str) -> Option<Vec<Pattern>> {
    let Place::Field(Path(path)) = &item.place else { return None };
    if item.negated || path.last().is_none_or(|last| last != name) {
        return None;
    }
    let texts = item.tests.iter().map(|test| match test {
        Test::Text(patterns) => Some(patterns.clone()),
        _ => None,
    });
    if item.all { fewest(texts) } else { all_of(texts) }
}

/// Where every part must hold, any one that wants something will do: the one of the fewest texts.
fn fewest(parts: impl Iterator<Item = Option<Vec<Pattern>>>) -> Option<Vec<Pattern>> {
    parts.flatten().min_by_key(Vec::len)
}

/// Where one part is enough, every one has to want something.
fn all_of(parts: impl Iterator<Item = Option<Vec<Pattern>>>) -> Option<Vec<Pattern>> {
    let wants: Vec<Vec<Pattern>> = parts.collect::<Option<_>>()?;
    Some(wants.into_iter().flatten().collect())
}

/// Whether a rule looks at more than single places of a record, each by itself.
pub(super) fn wants_whole_record(rule: &Rule) -> bool {
    fn looks(selection: &Selection) -> bool {
        match selection {
            Selection::All(parts) | Selection::Any(parts) => parts.iter().any(looks),
            Selection::Item(item) => {
                matches!(item.place, Place::Anywhere)
                    || item.tests.iter().any(|test| matches!(test, Test::Field(_)))
            }
        }
    }
    rule.selections.iter().any(looks)
}
