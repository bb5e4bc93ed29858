//! Who may invoke a function: the statements of its policy, as Lambda writes them.

use std::sync::Arc;

use ::policy::{Document, Statements};
use flow::{AccountId, ResourcePolicies};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::{Functions, version::name_in};

/// The longest policy, in bytes.
pub(crate) const POLICY_BYTES_MAX: usize = 20 * 1024;

/// Who may invoke one function.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Statements", into = "Statements")]
pub(crate) struct Policy {
    statements: Statements,
    /// The document that `GetPolicy` answers; `None` where there are no statements. Each call on the
    /// function asks for it, so it is rendered with each change.
    document: Option<Arc<str>>,
}

impl Policy {
    pub(crate) fn has(&self, sid: &str) -> bool {
        self.statements.has(sid)
    }

    pub(crate) fn add(&mut self, statement: Value) {
        self.statements.add(statement);
        self.document = rendered(&self.statements);
    }

    pub(crate) fn remove(&mut self, sid: &str) {
        self.statements.remove(sid);
        self.document = rendered(&self.statements);
    }

    pub(crate) fn document(&self) -> Option<&Arc<str>> {
        self.document.as_ref()
    }
}

impl From<Statements> for Policy {
    fn from(statements: Statements) -> Self {
        Self { document: rendered(&statements), statements }
    }
}

impl From<Policy> for Statements {
    fn from(policy: Policy) -> Self {
        policy.statements
    }
}

fn rendered(statements: &Statements) -> Option<Arc<str>> {
    let document = Document::new("2012-10-17", "default").with(statements.clone());
    (!statements.is_empty()).then(|| document.to_string().into())
}

/// What `AddPermission` grants.
pub(crate) struct Permission<'a> {
    pub(crate) sid: &'a str,
    pub(crate) action: &'a str,
    pub(crate) principal: &'a str,
    pub(crate) source_arn: Option<&'a str>,
    pub(crate) source_account: Option<&'a str>,
    pub(crate) organization: Option<&'a str>,
    pub(crate) token: Option<&'a str>,
}

impl Permission<'_> {
    /// The statement, with its members in Lambda's order; `None` where there is no such principal.
    pub(crate) fn statement(&self, function_arn: &str) -> Option<Value> {
        let mut statement = json!({
            "Sid": self.sid,
            "Effect": "Allow",
            "Principal": principal(self.principal)?,
            "Action": self.action,
            "Resource": function_arn,
        });
        let mut equal = Map::new();
        let texts = [
            ("AWS:SourceAccount", self.source_account),
            ("aws:PrincipalOrgID", self.organization),
            ("lambda:EventSourceToken", self.token),
        ];
        for (key, value) in texts {
            equal.extend(value.map(|value| (key.to_owned(), json!(value))));
        }
        let mut condition = Map::new();
        if !equal.is_empty() {
            condition.insert("StringEquals".to_owned(), Value::Object(equal));
        }
        if let Some(arn) = self.source_arn {
            condition.insert("ArnLike".to_owned(), json!({"AWS:SourceArn": arn}));
        }
        if let (Some(members), false) = (statement.as_object_mut(), condition.is_empty()) {
            members.insert("Condition".to_owned(), Value::Object(condition));
        }
        Some(statement)
    }
}

/// A principal as a policy has it: a service, an account, or an ARN of IAM.
fn principal(text: &str) -> Option<Value> {
    let is_service = text.contains('.')
        && text.ends_with(".amazonaws.com")
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-');
    if text == "*" {
        Some(json!("*"))
    } else if let Ok(account) = text.parse::<AccountId>() {
        Some(json!({"AWS": account.root_arn()}))
    } else if is_service {
        Some(json!({"Service": text}))
    } else if text.starts_with("arn:aws:iam::") || text.starts_with("arn:aws:sts::") {
        Some(json!({"AWS": text}))
    } else {
        None
    }
}

/// What a function of our own grants from the start: the account's buckets wake it.
pub(crate) fn of_own(function_arn: &str, account: &AccountId) -> Policy {
    let account = account.to_string();
    let permission = Permission {
        sid: "trailhound-buckets",
        action: "lambda:InvokeFunction",
        principal: "s3.amazonaws.com",
        source_arn: None,
        source_account: Some(&account),
        organization: None,
        token: None,
    };
    let statement = permission.statement(function_arn).expect("S3 is a principal");
    Statements::from(vec![statement]).into()
}

impl ResourcePolicies for Functions {
    fn policy_of(&self, arn: &str) -> Option<Arc<str>> {
        let (name, qualifier) = name_in(arn);
        let own = arn.strip_prefix(&self.arn_of(name))?;
        (own.is_empty() || own.starts_with(':')).then(|| self.policy_document(name, qualifier))?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:lambda:us-east-2:123456789012:function:f";

    fn check(principal: &str, source: Option<&str>, account: Option<&str>, expected: Option<&str>) {
        let permission = Permission {
            sid: "s",
            action: "lambda:InvokeFunction",
            principal,
            source_arn: source,
            source_account: account,
            organization: None,
            token: None,
        };
        let statement = permission.statement(ARN).map(|statement| statement.to_string());
        assert_eq!(statement.as_deref(), expected);
    }

    #[test]
    fn a_document_is_as_its_statements_are() {
        let account: AccountId = "123456789012".parse().unwrap();
        let mut policy = of_own(ARN, &account);
        let kept = serde_json::to_string(&policy).unwrap();
        assert!(kept.starts_with(r#"[{"Sid":"trailhound-buckets","#), "{kept}");
        assert_eq!(serde_json::from_str::<Policy>(&kept).unwrap(), policy);
        let head = r#"{"Version":"2012-10-17","Id":"default","Statement":"#;
        assert_eq!(policy.document().unwrap().as_ref(), format!("{head}{kept}}}"));
        policy.add(json!({"Sid": "s"}));
        policy.remove("trailhound-buckets");
        assert!(policy.has("s") && !policy.has("trailhound-buckets"));
        assert_eq!(policy.document().unwrap().as_ref(), format!(r#"{head}[{{"Sid":"s"}}]}}"#));
        policy.remove("s");
        assert_eq!(policy.document(), None);
    }

    #[test]
    fn a_statement_reads_as_lambdas() {
        let head = r#"{"Sid":"s","Effect":"Allow","Principal":"#;
        let tail = format!(r#","Action":"lambda:InvokeFunction","Resource":"{ARN}""#);
        let service = format!(r#"{head}{{"Service":"s3.amazonaws.com"}}{tail}"#);
        check("s3.amazonaws.com", None, None, Some(&format!("{service}}}")));
        let condition = concat!(
            r#","Condition":{"StringEquals":{"AWS:SourceAccount":"111122223333"},"#,
            r#""ArnLike":{"AWS:SourceArn":"arn:aws:s3:::b"}}}"#
        );
        let whole = format!("{service}{condition}");
        check("s3.amazonaws.com", Some("arn:aws:s3:::b"), Some("111122223333"), Some(&whole));
        let account = format!(r#"{head}{{"AWS":"arn:aws:iam::111122223333:root"}}{tail}}}"#);
        check("111122223333", None, None, Some(&account));
        check("nobody", None, None, None);
    }
}
