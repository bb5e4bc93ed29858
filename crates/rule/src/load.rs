//! Rules read from texts: what was understood, and what was refused with its place.

use std::collections::HashMap;

use crate::{
    convert,
    document::{self, Place, Refusal},
    error::Problem,
    filter::Filter,
    placeholder::{Placeholders, is_placeholder_file},
    rule::Rule,
    set::RuleSet,
    shipped, trial,
};

/// The most rules of one set.
const RULES_MAX: usize = 10_000;
/// The most filters of one set: each may join every rule.
const FILTERS_MAX: usize = 100;

/// What became of the texts: the rules that run, and the others with the reason.
#[derive(Debug, Default)]
pub struct Loaded {
    /// The rules that were understood in full.
    pub rules: RuleSet,
    /// The rules that were refused.
    pub problems: Vec<Problem>,
}

/// What has been read so far.
#[derive(Default)]
struct Reading {
    rules: Vec<Rule>,
    filters: Vec<Filter>,
    problems: Vec<Problem>,
    /// Alerts of two rules under one id could not be told apart.
    first_of_id: HashMap<String, (String, usize)>,
}

impl RuleSet {
    /// Reads rules from `(name, text)` pairs, and the filters that narrow them; texts of records to
    /// test them (`x.test.yml`) are passed over. Values of placeholders are read from texts called
    /// `placeholders.yml`, whatever their folder, before all else. A rule that cannot be honoured in
    /// full is refused, the others run.
    pub fn load<N: AsRef<str>, T: AsRef<str>>(sources: impl Iterator<Item = (N, T)>) -> Loaded {
        let mut reading = Reading::default();
        let mut placeholders = Placeholders::default();
        let (values, rules): (Vec<_>, Vec<_>) = sources
            .filter(|(name, _)| !trial::is_test_file(name.as_ref()))
            .partition(|(name, _)| is_placeholder_file(name.as_ref()));
        for (name, text) in &values {
            reading.problems.extend(placeholders.read(name.as_ref(), text.as_ref()));
        }
        for (name, text) in &rules {
            reading.file(name.as_ref(), text.as_ref(), &placeholders);
        }
        for filter in &reading.filters {
            reading.problems.extend(filter.join(&mut reading.rules));
        }
        Loaded { rules: Self::from_rules(reading.rules), problems: reading.problems }
    }

    /// The rules that come with Trailhound.
    pub fn shipped() -> Self {
        let Loaded { rules, problems } = Self::load(shipped::rules());
        debug_assert!(problems.is_empty(), "a test reads every shipped rule: {problems:?}");
        rules
    }
}

impl Reading {
    fn file(&mut self, file: &str, text: &str, placeholders: &Placeholders) {
        let documents = match document::documents(text) {
            Ok(documents) if documents.is_empty() => {
                return self.refuse(file, 1, "the file holds no rule".to_owned());
            }
            Ok(documents) => documents,
            Err(Refusal { reason, .. }) => return self.refuse(file, 1, reason),
        };
        for document in documents {
            match convert::read(&document, file, placeholders) {
                Ok((rules, filters)) => {
                    rules.into_iter().for_each(|rule| self.rule(rule));
                    let mut filters = filters.into_iter();
                    let room = FILTERS_MAX - self.filters.len();
                    self.filters.extend(filters.by_ref().take(room));
                    if filters.next().is_some() {
                        let line = document.line(&Place::Top);
                        self.refuse(
                            file,
                            line,
                            format!("there are more than {FILTERS_MAX} filters"),
                        );
                    }
                }
                Err(Refusal { place, reason }) => {
                    self.refuse(file, document.line(&place), reason);
                }
            }
        }
    }

    fn rule(&mut self, rule: Rule) {
        if let Some((file, line)) = self.first_of_id.get(rule.id()) {
            let reason = format!("`{}` is already the id of {file}:{line}", rule.id());
            self.refuse(rule.file(), rule.line(), reason);
        } else if self.rules.len() >= RULES_MAX {
            let reason = format!("there are more than {RULES_MAX} rules");
            self.refuse(rule.file(), rule.line(), reason);
        } else {
            let place = (rule.file().to_owned(), rule.line());
            self.first_of_id.insert(rule.id().to_owned(), place);
            self.rules.push(rule);
        }
    }

    fn refuse(&mut self, file: &str, line: usize, reason: String) {
        self.problems.push(Problem { file: file.to_owned(), line, reason });
    }
}
