//! All rules together: loaded from texts, asked about records.

use std::collections::HashMap;

use flow::Finding;
use serde_json::Value;

use crate::{
    convert,
    document::{self, Place, Refusal},
    error::{Error, Problem},
    rule::Rule,
    shipped, trial,
};

/// The most rules of one set.
const RULES_MAX: usize = 10_000;

/// Rules that are asked together.
#[derive(Debug, Default)]
pub struct RuleSet {
    rules: Vec<Rule>,
}

/// What became of the texts: the rules that run, and the others with the reason.
#[derive(Debug, Default)]
pub struct Loaded {
    /// The rules that were understood in full.
    pub rules: RuleSet,
    /// The rules that were refused.
    pub problems: Vec<Problem>,
}

impl RuleSet {
    /// Reads rules from `(name, text)` pairs; texts of records to test them (`x.test.yml`) are
    /// passed over. A rule that cannot be honoured in full is refused, the others run.
    pub fn load<N: AsRef<str>, T: AsRef<str>>(sources: impl Iterator<Item = (N, T)>) -> Loaded {
        let mut loaded = Loaded::default();
        // Alerts of two rules under one id could not be told apart.
        let mut first_of_id: HashMap<String, (String, usize)> = HashMap::new();
        for (name, text) in sources {
            let file = name.as_ref();
            if trial::is_test_file(file) {
                continue;
            }
            let (rules, problems) = read_file(file, text.as_ref());
            loaded.problems.extend(problems);
            for rule in rules {
                let refuse = |reason| Problem { file: file.to_owned(), line: rule.line(), reason };
                if let Some((file, line)) = first_of_id.get(rule.id()) {
                    let reason = format!("`{}` is already the id of {file}:{line}", rule.id());
                    loaded.problems.push(refuse(reason));
                } else if loaded.rules.rules.len() >= RULES_MAX {
                    let reason = format!("there are more than {RULES_MAX} rules");
                    loaded.problems.push(refuse(reason));
                } else {
                    let place = (file.to_owned(), rule.line());
                    first_of_id.insert(rule.id().to_owned(), place);
                    loaded.rules.rules.push(rule);
                }
            }
        }
        loaded
    }

    /// The rules that come with Trailhound.
    pub fn shipped() -> Self {
        let Loaded { rules, problems } = Self::load(shipped::sources());
        debug_assert!(problems.is_empty(), "a test reads every shipped rule: {problems:?}");
        rules
    }

    /// What the rules say of a record: its JSON bytes, and where it was read.
    ///
    /// # Errors
    /// The bytes are not a JSON object.
    pub fn findings(&self, raw_record: &[u8], object: &str) -> Result<Vec<Finding>, Error> {
        let record: Value =
            serde_json::from_slice(raw_record).map_err(|error| Error::NotARecord(Some(error)))?;
        if !record.is_object() {
            return Err(Error::NotARecord(None));
        }
        Ok(self.findings_of(&record, raw_record, object))
    }

    /// The rules that hold for a record: its JSON bytes.
    ///
    /// # Errors
    /// The bytes are not a JSON object.
    pub fn matching(&self, raw_record: &[u8]) -> Result<Vec<&Rule>, Error> {
        let record: Value =
            serde_json::from_slice(raw_record).map_err(|error| Error::NotARecord(Some(error)))?;
        if !record.is_object() {
            return Err(Error::NotARecord(None));
        }
        Ok(self.rules.iter().filter(|rule| rule.holds(&record)).collect())
    }

    /// As [`RuleSet::findings`], of a record that is parsed already.
    pub fn findings_of(&self, record: &Value, raw_record: &[u8], object: &str) -> Vec<Finding> {
        self.rules
            .iter()
            .filter(|rule| rule.holds(record))
            .map(|rule| Finding {
                id: flow::alert_id(rule.id(), record, raw_record),
                rule: rule.reference().clone(),
                record: record.clone(),
                object: object.to_owned(),
            })
            .collect()
    }

    /// The rules, in the order in which they were given.
    pub fn rules(&self) -> impl ExactSizeIterator<Item = &Rule> {
        self.rules.iter()
    }
}

fn read_file(file: &str, text: &str) -> (Vec<Rule>, Vec<Problem>) {
    let top = |refusal: Refusal| Problem { file: file.to_owned(), line: 1, reason: refusal.reason };
    let documents = match document::documents(text) {
        Ok(documents) if documents.is_empty() => {
            let nothing = Refusal::new(Place::Top, "the file holds no rule");
            return (Vec::new(), vec![top(nothing)]);
        }
        Ok(documents) => documents,
        Err(refusal) => return (Vec::new(), vec![top(refusal)]),
    };
    let (mut rules, mut problems) = (Vec::new(), Vec::new());
    for document in documents {
        match convert::rules(&document, file) {
            Ok(read) => rules.extend(read),
            Err(Refusal { place, reason }) => {
                let line = document.line(&place);
                problems.push(Problem { file: file.to_owned(), line, reason });
            }
        }
    }
    (rules, problems)
}
