//! Rules tried on their own records: those they must match, and those they must not.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{Loaded, Problem, RuleSet, rule::Rule};

/// The endings of a file of records; what stands before is the rule file's name.
const TEST_ENDINGS: [&str; 3] = [".test.yml", ".test.yaml", ".test.json"];
/// The endings of a file of rules.
const RULE_ENDINGS: [&str; 2] = [".yml", ".yaml"];
/// The longest file of records, in bytes.
const TEST_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Whether a file of this name holds rules.
pub fn is_rule_file(name: &str) -> bool {
    RULE_ENDINGS.iter().any(|ending| name.ends_with(ending)) && !is_test_file(name)
}

/// Whether a file of this name holds records to test rules with.
pub fn is_test_file(name: &str) -> bool {
    TEST_ENDINGS.iter().any(|ending| name.ends_with(ending))
}

/// What one record said of one rule.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct TestOutcome {
    /// The file of the rule.
    pub file: String,
    /// The rule's id.
    pub rule: String,
    /// The rule's title.
    pub title: String,
    /// Which record: `match 1`, `no_match 2`, or the file where it has none.
    pub record: String,
    /// How it went.
    pub verdict: Verdict,
}

/// How a record's trial went.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// As it must.
    Passed,
    /// The rule must match the record and does not.
    Missed,
    /// The rule must not match the record and does.
    Matched,
    /// The rule has no records that must match, or none that must not.
    Untested,
}

/// The records beside a rule.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Records {
    #[serde(default, rename = "match")]
    matching: Vec<Value>,
    #[serde(default)]
    no_match: Vec<Value>,
}

/// Tries every rule on the records of the file beside it: `x.yml` with `x.test.yml` or `.json`,
/// which hold lists of whole records under `match` and `no_match`. The texts of both are given as
/// `(name, text)` pairs. Rules and files that cannot be read are told by [`check`].
pub fn test<N: AsRef<str>, T: AsRef<str>>(
    sources: impl Iterator<Item = (N, T)>,
) -> Vec<TestOutcome> {
    let (loaded, records, _) = read(sources);
    loaded
        .rules
        .rules()
        .flat_map(|rule| {
            let records = records.get(stem(rule.file()));
            records
                .map_or_else(|| vec![outcome(rule, "none", Verdict::Untested)], |r| r.try_on(rule))
        })
        .collect()
}

/// Everything that is wrong with rules and their records, all at once.
pub fn check<N: AsRef<str>, T: AsRef<str>>(sources: impl Iterator<Item = (N, T)>) -> Vec<Problem> {
    let (loaded, _, mut problems) = read(sources);
    problems.extend(loaded.problems);
    problems.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
    problems
}

impl Records {
    fn parse(text: &str) -> Result<Self, (usize, String)> {
        if text.len() > TEST_BYTES_MAX {
            let reason = format!("the file is longer than {} MiB", TEST_BYTES_MAX / 1024 / 1024);
            return Err((1, reason));
        }
        let records: Self = serde_yaml_ng::from_str(text).map_err(|error| {
            (
                error.location().map_or(1, |l| l.line()),
                format!("the records cannot be read: {error}"),
            )
        })?;
        let whole = |record: &Value| record.get("eventName").is_some_and(Value::is_string);
        if records.matching.iter().chain(&records.no_match).all(whole) {
            Ok(records)
        } else {
            Err((1, "a record is a map with an `eventName`".to_owned()))
        }
    }

    fn try_on(&self, rule: &Rule) -> Vec<TestOutcome> {
        let (matching, others) = (&self.matching, &self.no_match);
        let must = matching.iter().enumerate().map(|(index, record)| {
            let verdict = if rule.holds(record) { Verdict::Passed } else { Verdict::Missed };
            outcome(rule, &format!("match {}", index + 1), verdict)
        });
        let must_not = others.iter().enumerate().map(|(index, record)| {
            let verdict = if rule.holds(record) { Verdict::Matched } else { Verdict::Passed };
            outcome(rule, &format!("no_match {}", index + 1), verdict)
        });
        let lacking = [("match", matching), ("no_match", others)]
            .into_iter()
            .filter(|(_, records)| records.is_empty())
            .map(|(key, _)| outcome(rule, key, Verdict::Untested));
        must.chain(must_not).chain(lacking).collect()
    }
}

fn outcome(rule: &Rule, record: &str, verdict: Verdict) -> TestOutcome {
    TestOutcome {
        file: rule.file().to_owned(),
        rule: rule.id().to_owned(),
        title: rule.title().to_owned(),
        record: record.to_owned(),
        verdict,
    }
}

/// The name of a file of rules or records without its ending.
fn stem(name: &str) -> &str {
    let endings = TEST_ENDINGS.iter().chain(&RULE_ENDINGS);
    endings.filter_map(|ending| name.strip_suffix(ending)).next().unwrap_or(name)
}

type Read = (Loaded, BTreeMap<String, Records>, Vec<Problem>);

fn read<N: AsRef<str>, T: AsRef<str>>(sources: impl Iterator<Item = (N, T)>) -> Read {
    let (tests, rules): (Vec<_>, Vec<_>) =
        sources.partition(|(name, _)| is_test_file(name.as_ref()));
    let stems: Vec<String> = rules.iter().map(|(name, _)| stem(name.as_ref()).to_owned()).collect();
    let (mut records, mut problems) = (BTreeMap::new(), Vec::new());
    for (name, text) in &tests {
        let (name, text) = (name.as_ref(), text.as_ref());
        let mut problem = |line, reason| {
            problems.push(Problem { file: name.to_owned(), line, reason });
        };
        if !stems.iter().any(|known| known == stem(name)) {
            problem(1, "there is no rule file of that name beside it".to_owned());
        }
        match Records::parse(text) {
            Ok(read) => {
                records.insert(stem(name).to_owned(), read);
            }
            Err((line, reason)) => problem(line, reason),
        }
    }
    (RuleSet::load(rules.into_iter()), records, problems)
}
