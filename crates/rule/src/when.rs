//! One question on a command line, as a rule: `sns:CreateTopic`, or
//! `errorCode=AccessDenied and userIdentity.arn|contains=ci`.
//!
//! - `SERVICE:NAME` is a call: the event source before `.amazonaws.com`, and the event's name. `*` and
//!   `?` are wildcards in both. Lambda and CloudFront write their API's version behind the name
//!   (`CreateFunction20150331`), so a name stands for its versions there.
//! - `FIELD=VALUE` asks a field by its dotted name, `FIELD!=VALUE` holds where it holds no such value.
//!   `FIELD|MODIFIER=VALUE` takes Sigma's modifiers. Several values, parted by commas, are
//!   alternatives. `null` is a missing field. Values mean what they mean in Sigma, wildcards included;
//!   those with blanks, commas or parentheses stand in quotes.
//! - `not`, `and`, `or` bind in this order; parentheses group.

mod parse;

use crate::rule::Rule;

/// The longest expression, in bytes.
const EXPRESSION_BYTES_MAX: usize = 4 * 1024;

/// What is wrong with an expression, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}, at character {character} of the expression{}", .before.as_ref().map(|text| format!(", before `{text}`")).unwrap_or_default())]
pub struct WhenError {
    reason: String,
    character: usize,
    before: Option<String>,
}

impl WhenError {
    /// How much of what follows the place is shown, in characters.
    const BEFORE_CHARS_MAX: usize = 24;

    /// `reason` at this byte of `expression`.
    fn at(expression: &str, offset: usize, reason: impl Into<String>) -> Self {
        let (read, rest) = expression.split_at_checked(offset).unwrap_or((expression, ""));
        let before: String = rest.chars().take(Self::BEFORE_CHARS_MAX).collect();
        Self {
            reason: reason.into(),
            character: read.chars().count() + 1,
            before: (!before.is_empty()).then_some(before),
        }
    }

    /// The character that is wrong, counted from 1; one past the last where something is missing.
    pub fn character(&self) -> usize {
        self.character
    }

    /// What is wrong, or what was expected there.
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

/// The rule that asks `expression`. Its title is the expression, its id `when:` and the expression,
/// its level medium.
///
/// # Errors
/// The expression cannot be read; the error says at which character, and what was expected there.
pub fn when(expression: &str) -> Result<Rule, WhenError> {
    if expression.len() > EXPRESSION_BYTES_MAX {
        let reason = format!("the expression is longer than {EXPRESSION_BYTES_MAX} bytes");
        return Err(WhenError::at(expression, 0, reason));
    }
    let parsed = parse::parse(expression)?;
    let title = expression.trim().to_owned();
    Ok(Rule {
        reference: flow::RuleRef { id: format!("when:{title}"), title, level: flow::Level::Medium },
        name: None,
        description: String::new(),
        tags: Vec::new(),
        references: Vec::new(),
        falsepositives: Vec::new(),
        author: None,
        date: None,
        status: None,
        file: "--when".to_owned(),
        line: 1,
        condition: parsed.condition,
        selections: parsed.selections,
        names: parsed.names,
    })
}
