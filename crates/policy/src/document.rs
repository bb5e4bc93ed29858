//! Documents as services edit them for their callers: statements that come and go by their ids.

use std::fmt;

use flow::AccountId;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// The member that holds the statements.
const STATEMENT: &str = "Statement";

/// Statements, in their order; as JSON a list.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Statements(Vec<Value>);

/// A document's statements, and what else it holds. Shown as JSON, with its members where they
/// stood.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// The place of the statements is kept by a member without a value.
    members: Map<String, Value>,
    /// The statements.
    pub statements: Statements,
}

impl Statements {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each of them.
    pub fn iter(&self) -> std::slice::Iter<'_, Value> {
        self.0.iter()
    }

    /// Each of them, to be changed.
    pub fn iter_mut(&mut self) -> std::slice::IterMut<'_, Value> {
        self.0.iter_mut()
    }

    /// Whether one has this `Sid`.
    pub fn has(&self, sid: &str) -> bool {
        self.0.iter().any(|statement| sid_of(statement) == Some(sid))
    }

    /// One more, the last. Whether there is one of its id already is for the caller to ask, since
    /// each service has its own words for it.
    pub fn add(&mut self, statement: Value) {
        self.0.push(statement);
    }

    /// Takes away those with this `Sid`; whether there was one.
    pub fn remove(&mut self, sid: &str) -> bool {
        let before = self.0.len();
        self.0.retain(|statement| sid_of(statement) != Some(sid));
        self.0.len() < before
    }
}

impl<'a> IntoIterator for &'a Statements {
    type Item = &'a Value;
    type IntoIter = std::slice::Iter<'a, Value>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<'a> IntoIterator for &'a mut Statements {
    type Item = &'a mut Value;
    type IntoIter = std::slice::IterMut<'a, Value>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter_mut()
    }
}

impl From<Vec<Value>> for Statements {
    fn from(statements: Vec<Value>) -> Self {
        Self(statements)
    }
}

impl Document {
    /// One without statements.
    pub fn new(version: &str, id: &str) -> Self {
        let mut members = Map::new();
        members.insert("Version".to_owned(), json!(version));
        members.insert("Id".to_owned(), json!(id));
        members.insert(STATEMENT.to_owned(), Value::Null);
        Self { members, statements: Statements::default() }
    }

    /// That of a text; `None` where it is no JSON object. A statement that stands alone becomes a
    /// list of one.
    pub fn of(text: &str) -> Option<Self> {
        let mut members: Map<String, Value> = serde_json::from_str(text).ok()?;
        let statements = match members.insert(STATEMENT.to_owned(), Value::Null) {
            Some(Value::Array(list)) => list,
            Some(Value::Null) | None => Vec::new(),
            Some(one) => vec![one],
        };
        Some(Self { members, statements: Statements(statements) })
    }

    /// The same with these statements.
    #[must_use]
    pub fn with(mut self, statements: Statements) -> Self {
        self.statements = statements;
        self
    }
}

impl fmt::Display for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut members = self.members.clone();
        members.insert(STATEMENT.to_owned(), Value::Array(self.statements.0.clone()));
        Value::Object(members).fmt(f)
    }
}

/// A statement that allows the roots of `accounts` these actions on `resource`, as `AddPermission`
/// of SQS and SNS makes it.
pub fn allow(sid: &str, accounts: &[AccountId], actions: Vec<String>, resource: &str) -> Value {
    let roots = accounts.iter().map(AccountId::root_arn).collect();
    json!({
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"AWS": one_or_all(roots)},
        "Action": one_or_all(actions),
        "Resource": resource,
    })
}

fn sid_of(statement: &Value) -> Option<&str> {
    statement.get("Sid")?.as_str()
}

/// One text alone stands without a list, as AWS writes it.
fn one_or_all(mut texts: Vec<String>) -> Value {
    match texts.len() {
        1 => texts.pop().map_or(Value::Null, Value::from),
        _ => Value::from(texts),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Kind, Policy};

    const QUEUE: &str = "arn:aws:sqs:us-east-2:123456789012:jobs";

    fn accounts(ids: &[&str]) -> Vec<AccountId> {
        ids.iter().map(|id| id.parse().unwrap()).collect()
    }

    fn actions(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_statement_comes_and_goes_under_its_id() {
        let mut document = Document::new("2012-10-17", "x");
        assert!(document.statements.is_empty() && !document.statements.has("a"));
        for sid in ["a", "b"] {
            let one = allow(sid, &accounts(&["111122223333"]), actions(&["SQS:*"]), QUEUE);
            document.statements.add(one);
        }
        assert_eq!(document.statements.len(), 2);
        assert!(document.statements.has("a"));
        Policy::parse(&document.to_string(), Kind::Resource).unwrap();
        assert!(document.statements.remove("a") && !document.statements.remove("a"));
        assert!(!document.statements.has("a") && document.statements.has("b"));
    }

    #[test]
    fn all_else_stays_where_it_was() {
        for (given, expected) in [
            (r#"{"Statement":[],"Id":"x"}"#, r#"{"Statement":[{"Sid":"b"}],"Id":"x"}"#),
            (
                r#"{"Id":"x","Statement":{"Sid":"a"},"Version":"2008-10-17"}"#,
                r#"{"Id":"x","Statement":[{"Sid":"a"},{"Sid":"b"}],"Version":"2008-10-17"}"#,
            ),
            ("{}", r#"{"Statement":[{"Sid":"b"}]}"#),
        ] {
            let mut document = Document::of(given).unwrap();
            document.statements.add(json!({"Sid": "b"}));
            assert_eq!(document.to_string(), expected);
            assert_eq!(Document::of(expected), Some(document));
        }
        for none in ["", "[]", "\"a\"", "{"] {
            assert_eq!(Document::of(none), None, "{none}");
        }
    }

    #[test]
    fn one_alone_stands_without_a_list() {
        let one = allow("s", &accounts(&["111122223333"]), actions(&["SNS:Publish"]), QUEUE);
        let head = r#"{"Sid":"s","Effect":"Allow","Principal":"#;
        let root = r#""arn:aws:iam::111122223333:root""#;
        let tail = format!(r#""Resource":"{QUEUE}"}}"#);
        let expected = format!(r#"{head}{{"AWS":{root}}},"Action":"SNS:Publish",{tail}"#);
        assert_eq!(one.to_string(), expected);
        let both = accounts(&["111122223333", "123456789012"]);
        let two = allow("s", &both, actions(&["SNS:Publish", "SNS:Subscribe"]), QUEUE);
        let expected = format!(
            r#"{head}{{"AWS":[{root},"arn:aws:iam::123456789012:root"]}},"Action":["SNS:Publish","SNS:Subscribe"],{tail}"#
        );
        assert_eq!(two.to_string(), expected);
    }

    #[test]
    fn statements_are_kept_as_a_list() {
        let statements = Statements::from(vec![json!({"Sid": "a"})]);
        let text = serde_json::to_string(&statements).unwrap();
        assert_eq!(text, r#"[{"Sid":"a"}]"#);
        assert_eq!(serde_json::from_str::<Statements>(&text).unwrap(), statements);
    }
}
