//! Filters: a condition more for rules that are written elsewhere.

use crate::{
    ast::{Condition, Selection},
    error::Problem,
    rule::Rule,
};

/// A document that narrows rules: they hold only where its condition does too.
#[derive(Debug)]
pub(crate) struct Filter {
    pub(crate) title: String,
    pub(crate) file: String,
    /// Whose condition it joins; every rule's where it says `any`.
    pub(crate) targets: Option<Vec<Target>>,
    pub(crate) condition: Condition,
    pub(crate) selections: Vec<Selection>,
    /// The selections' names, in their order.
    pub(crate) names: Vec<String>,
}

/// A rule that a filter names, by its id, its name or its title.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) name: String,
    /// Where, counted from 1.
    pub(crate) line: usize,
}

impl Filter {
    /// Joins the conditions of the rules that it names; those that are not there are told.
    pub(crate) fn join(&self, rules: &mut [Rule]) -> Vec<Problem> {
        let Some(targets) = &self.targets else {
            rules.iter_mut().for_each(|rule| self.narrow(rule));
            return Vec::new();
        };
        let mut problems = Vec::new();
        let mut narrowed = vec![false; rules.len()];
        for target in targets {
            let mut found = false;
            for (rule, narrowed) in rules.iter_mut().zip(&mut narrowed) {
                if target.is(rule) {
                    found = true;
                    // A rule that is named twice is narrowed once.
                    if !std::mem::replace(narrowed, true) {
                        self.narrow(rule);
                    }
                }
            }
            if !found {
                let reason = format!(
                    "the filter names `{}`, which is no id, name or title of a rule that was loaded",
                    target.name
                );
                problems.push(Problem { file: self.file.clone(), line: target.line, reason });
            }
        }
        problems
    }

    fn narrow(&self, rule: &mut Rule) {
        let mut condition = self.condition.clone();
        condition.shift(rule.selections.len());
        rule.selections.extend(self.selections.iter().cloned());
        let names = self.names.iter().map(|name| format!("{} / {name}", self.title));
        rule.names.extend(names);
        let own = std::mem::replace(&mut rule.condition, Condition::All(Vec::new()));
        rule.condition = Condition::All(vec![own, condition]);
    }
}

impl Target {
    fn is(&self, rule: &Rule) -> bool {
        let name = self.name.as_str();
        rule.id() == name || rule.name.as_deref() == Some(name) || rule.title() == name
    }
}
