//! A rule that is ready to be asked.

use serde_json::Value;

use crate::{
    ast::{Condition, Selection},
    evaluate,
};

/// A Sigma rule: what it is called, and when it holds.
#[derive(Clone, Debug)]
pub struct Rule {
    pub(crate) reference: flow::RuleRef,
    pub(crate) name: Option<String>,
    pub(crate) description: String,
    pub(crate) tags: Vec<String>,
    pub(crate) references: Vec<String>,
    pub(crate) falsepositives: Vec<String>,
    pub(crate) author: Option<String>,
    pub(crate) date: Option<String>,
    pub(crate) status: Option<String>,
    pub(crate) file: String,
    pub(crate) line: usize,
    pub(crate) condition: Condition,
    pub(crate) selections: Vec<Selection>,
    /// What the selections are called, in their order.
    pub(crate) names: Vec<String>,
}

impl Rule {
    /// Whether the rule holds for `record`.
    pub fn holds(&self, record: &Value) -> bool {
        evaluate::holds(&self.condition, &self.selections, record)
    }

    /// The id: what the rule says, a UUID as a rule; the title where it says none.
    pub fn id(&self) -> &str {
        &self.reference.id
    }

    /// The title.
    pub fn title(&self) -> &str {
        &self.reference.title
    }

    /// The severity; `medium` where the rule says none.
    pub fn level(&self) -> flow::Level {
        self.reference.level
    }

    /// Id, title and level, as alerts carry them.
    pub fn reference(&self) -> &flow::RuleRef {
        &self.reference
    }

    /// The name under which the rule's text was given.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The line of that text at which the rule begins, counted from 1.
    pub fn line(&self) -> usize {
        self.line
    }

    /// What the rule is about; may be empty.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// Tags such as `attack.t1078.004`.
    pub fn tags(&self) -> &[String] {
        &self.tags
    }

    /// Where to read more.
    pub fn references(&self) -> &[String] {
        &self.references
    }

    /// When the rule may hold without harm.
    pub fn falsepositives(&self) -> &[String] {
        &self.falsepositives
    }

    /// Who wrote it.
    pub fn author(&self) -> Option<&str> {
        self.author.as_deref()
    }

    /// When it was written, as its author wrote that.
    pub fn date(&self) -> Option<&str> {
        self.date.as_deref()
    }

    /// `stable`, `test`, `experimental`, `deprecated` or `unsupported`.
    pub fn status(&self) -> Option<&str> {
        self.status.as_deref()
    }
}
