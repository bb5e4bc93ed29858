//! All rules together, asked about records.

use std::collections::HashSet;

use flow::Finding;
use serde_json::Value;

use crate::{error::Error, rule::Rule};

/// Rules that are asked together.
#[derive(Debug, Default)]
pub struct RuleSet {
    rules: Vec<Rule>,
}

impl RuleSet {
    /// A set of these rules. Of several that share an id the first is kept, since alerts of two
    /// rules under one id could not be told apart; [`RuleSet::load`] tells of such.
    pub fn from_rules(rules: Vec<Rule>) -> Self {
        let mut ids = HashSet::new();
        let first = |rule: &Rule| ids.insert(rule.id().to_owned());
        Self { rules: rules.into_iter().filter(first).collect() }
    }

    /// These rules and `more`, as [`RuleSet::from_rules`] puts them together.
    #[must_use]
    pub fn with(self, more: impl IntoIterator<Item = Rule>) -> Self {
        Self::from_rules(self.rules.into_iter().chain(more).collect())
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
