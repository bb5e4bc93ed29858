//! All rules together, asked about records.

use std::collections::HashSet;

use flow::Finding;
use serde_json::Value;

use record::{log_file::RawRecord, outline::Anchor};

use crate::{
    engine::{Engine, Memory},
    error::Error,
    rule::Rule,
};

/// Rules that are asked together.
#[derive(Debug, Default)]
pub struct RuleSet {
    rules: Vec<Rule>,
    engine: Engine,
}

impl RuleSet {
    /// A set of these rules. Of several that share an id the first is kept, since alerts of two
    /// rules under one id could not be told apart; [`RuleSet::load`] tells of such.
    pub fn from_rules(rules: Vec<Rule>) -> Self {
        let mut ids = HashSet::new();
        let first = |rule: &Rule| ids.insert(rule.id().to_owned());
        let rules: Vec<Rule> = rules.into_iter().filter(first).collect();
        Self { engine: Engine::new(&rules), rules }
    }

    /// These rules and `more`, as [`RuleSet::from_rules`] puts them together.
    #[must_use]
    pub fn with(self, more: impl IntoIterator<Item = Rule>) -> Self {
        Self::from_rules(self.rules.into_iter().chain(more).collect())
    }

    /// The keys whose places in a record [`RuleSet::ask`] wants to be told.
    pub fn anchors(&self) -> &[Anchor] {
        self.engine.anchors()
    }

    /// Calls `held` with each rule that holds for a record, in the rules' order; answers whether any
    /// rule had to be asked. This is how many records are asked about: a record that concerns no
    /// rule is not parsed. The record must have been read with [`RuleSet::anchors`].
    ///
    /// # Errors
    /// The record is not a JSON object, and some rule might have held for it otherwise.
    pub fn ask<'r>(
        &'r self,
        memory: &mut Memory,
        record: &RawRecord<'_>,
        held: &mut dyn FnMut(&'r Rule),
    ) -> Result<bool, Error> {
        self.engine.ask(&self.rules, memory, record, held)
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
