//! What a rule cannot hold without.

use std::collections::BTreeMap;

use crate::{
    ast::{Condition, Item, Path, Place, Selection, Test},
    pattern::{Pattern, Subject},
    rule::Rule,
};

/// Texts of which a key's value must be one.
#[derive(Clone, Debug)]
pub(super) struct Want(Vec<Pattern>);

impl Want {
    /// Whether `text` is one of them.
    pub(super) fn is_met_by(&self, text: Subject<'_>) -> bool {
        self.0.iter().any(|pattern| text.fits(pattern))
    }
}

/// The names of a record that say most about it, best first.
const BEST: [&str; 5] = ["eventName", "errorCode", "eventSource", "userAgent", "type"];

/// The names whose values most records share.
const WORST: [&str; 6] =
    ["eventType", "eventCategory", "eventVersion", "awsRegion", "recipientAccountId", "accountId"];

/// What to look for in a record.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Need {
    /// A key, for its value; made of ASCII letters.
    Key(String),
    /// A string that is a value; made of ASCII letters, in any case.
    Text(String),
}

/// What to look for, at most `count` things, so that the most rules need not be asked: for each rule
/// the best one that it cannot do without.
pub(super) fn choose(rules: &[Rule], count: usize) -> Vec<Need> {
    let mut uses: BTreeMap<Need, usize> = BTreeMap::new();
    for rule in rules {
        if let Some(need) = best(rule) {
            *uses.entry(need).or_default() += 1;
        }
    }
    let mut needs: Vec<(Need, usize)> = uses.into_iter().collect();
    needs.sort_by_key(|(_, uses)| std::cmp::Reverse(*uses));
    needs.into_iter().map(|(need, _)| need).take(count).collect()
}

fn best(rule: &Rule) -> Option<Need> {
    let mut names = Vec::new();
    rule.selections.iter().for_each(|selection| names_in(selection, &mut names));
    // Only letters: whoever writes one of them as an escape is noticed.
    names.retain(|name: &String| name.bytes().all(|byte| byte.is_ascii_alphabetic()));
    let rank = |name: &String| {
        let is_worst = WORST.contains(&name.as_str());
        let best = BEST.iter().position(|best| best == name).unwrap_or(BEST.len());
        (is_worst, best, name.clone())
    };
    names.sort_by_cached_key(rank);
    let (name, Want(patterns)) =
        names.into_iter().find_map(|name| wants(rule, &name).map(|want| (name, want)))?;
    // A key that is everywhere says less than its value.
    if Some(&*name) != BEST.first().copied()
        && let [pattern] = &*patterns
        && let Some(text) = pattern.letters().filter(|text| is_seen(text))
    {
        return Some(Need::Text(text));
    }
    Some(Need::Key(name))
}

/// Whether a text of letters is seen wherever something equals it: no other letter folds to one of
/// its own, and it is not how a truth value reads.
fn is_seen(text: &str) -> bool {
    text.len() > 2 && !text.contains(['k', 's']) && text != "true" && text != "null"
}

/// Whether a rule cannot do without `text` as a value.
pub(super) fn wants_text(rule: &Rule, text: &str) -> bool {
    best(rule).is_some_and(|need| matches!(need, Need::Text(best) if best == text))
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
