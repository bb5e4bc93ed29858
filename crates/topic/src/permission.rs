//! A topic's policy: the default one, and single statements that come and go.

use std::sync::Arc;

use flow::{AccountId, Fault};
use policy::{Document, Kind, Policy};
use serde_json::json;

use crate::topic::{Topic, invalid};

/// What the owner may do by the default policy, and what `AddPermission` may name.
const ACTIONS: [&str; 8] = [
    "GetTopicAttributes",
    "SetTopicAttributes",
    "AddPermission",
    "RemovePermission",
    "DeleteTopic",
    "Subscribe",
    "ListSubscriptionsByTopic",
    "Publish",
];

/// The policy that a topic has until it is given another.
pub(crate) fn default_policy(arn: &str, owner: &AccountId) -> String {
    json!({
        "Version": "2008-10-17",
        "Id": "__default_policy_ID",
        "Statement": [{
            "Sid": "__default_statement_ID",
            "Effect": "Allow",
            "Principal": {"AWS": "*"},
            "Action": ACTIONS.map(|action| format!("SNS:{action}")),
            "Resource": arn,
            "Condition": {"StringEquals": {"AWS:SourceOwner": owner.as_str()}},
        }],
    })
    .to_string()
}

/// Checks that a policy that is to be a topic's can be honoured.
pub(crate) fn check(text: &str) -> Result<(), Fault> {
    let read = Policy::parse(text, Kind::Resource);
    read.map(drop).map_err(|why| invalid("Policy", &why.to_string()))
}

impl Topic {
    /// The policy that holds.
    pub(crate) fn policy(&self, owner: &AccountId) -> String {
        let own = self.attributes.policy.clone();
        own.unwrap_or_else(|| default_policy(&self.arn, owner))
    }

    /// The same for those who decide: a policy whose last statement was taken away says nothing,
    /// which a document cannot.
    pub(crate) fn asked_policy(&self, owner: &AccountId) -> Option<Arc<str>> {
        let text = self.policy(owner);
        let silent = Document::of(&text).is_some_and(|policy| policy.statements.is_empty());
        (!silent).then(|| text.into())
    }

    /// `AddPermission`.
    pub(crate) fn permit(
        &mut self,
        owner: &AccountId,
        label: &str,
        accounts: &[&str],
        actions: &[&str],
    ) -> Result<(), Fault> {
        let parsed: Result<Vec<AccountId>, _> = accounts.iter().map(|one| one.parse()).collect();
        let accounts = parsed
            .ok()
            .filter(|accounts| !accounts.is_empty())
            .ok_or_else(|| invalid("AWSAccountId", "it must name accounts by their 12 digits"))?;
        if let Some(other) = actions.iter().find(|action| !ACTIONS.contains(action)) {
            let why = format!("Policy statement action out of service scope: {other}");
            return Err(invalid("ActionName", &why));
        }
        if actions.is_empty() {
            return Err(invalid("ActionName", "it must name an action"));
        }
        let mut policy = self.document(owner);
        if policy.statements.has(label) {
            return Err(Fault::new(
                "InvalidParameterException",
                "Invalid parameter: Statement already exists",
            ));
        }
        let actions = actions.iter().map(|action| format!("SNS:{action}")).collect();
        policy.statements.add(policy::allow(label, &accounts, actions, &self.arn));
        self.attributes.policy = Some(policy.to_string());
        Ok(())
    }

    /// `RemovePermission`; a label that names nothing changes nothing.
    pub(crate) fn forbid(&mut self, owner: &AccountId, label: &str) {
        let mut policy = self.document(owner);
        if policy.statements.remove(label) {
            self.attributes.policy = Some(policy.to_string());
        }
    }

    fn document(&self, owner: &AccountId) -> Document {
        // It was read when it was given; what an older server took may be none.
        let kept = Document::of(&self.policy(owner));
        kept.unwrap_or_else(|| Document::new("2012-10-17", "__default_policy_ID"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn a_policy_that_cannot_be_honoured_is_refused_with_its_place() {
        let owner: AccountId = "123456789012".parse().unwrap();
        let text = default_policy("arn:aws:sns:us-east-2:123456789012:t", &owner);
        check(&text).unwrap();
        for (from, to, place) in [
            (r#""Allow""#, r#""Maybe""#, "Statement[0].Effect"),
            (r#""Resource""#, r#""Ressource""#, "Statement[0].Ressource"),
            ("StringEquals", "StringEqualz", "Statement[0].Condition.StringEqualz"),
            (r#""AWS":"*""#, r#""CanonicalUser":"79a5""#, "Statement[0].Principal"),
            ("Statement\"", "Statements\"", "Statements"),
            ("}", "", "line 1"),
        ] {
            assert!(text.contains(from), "{from}");
            let fault = check(&text.replace(from, to)).unwrap_err();
            assert_eq!(fault.code, "InvalidParameterException");
            assert!(fault.message.contains(place), "{}", fault.message);
        }
    }

    #[test]
    fn a_permission_comes_and_goes_under_its_label() {
        let owner: AccountId = "123456789012".parse().unwrap();
        let mut topic = Topic::new("arn:aws:sns:us-east-2:123456789012:t".into(), "t".into());
        topic.permit(&owner, "others", &["111122223333"], &["Publish"]).unwrap();
        let policy: Value = serde_json::from_str(&topic.policy(&owner)).unwrap();
        assert_eq!(policy["Statement"][1]["Principal"]["AWS"], "arn:aws:iam::111122223333:root");
        assert_eq!(policy["Statement"][1]["Action"], "SNS:Publish");
        assert!(topic.permit(&owner, "others", &["111122223333"], &["Publish"]).is_err());
        assert!(topic.permit(&owner, "x", &["me"], &["Publish"]).is_err());
        assert!(topic.permit(&owner, "x", &["111122223333"], &["Fly"]).is_err());
        topic.forbid(&owner, "others");
        let policy: Value = serde_json::from_str(&topic.policy(&owner)).unwrap();
        assert_eq!(policy["Statement"].as_array().unwrap().len(), 1);
    }

    #[test]
    fn a_policy_without_statements_is_kept_and_not_asked() {
        let owner: AccountId = "123456789012".parse().unwrap();
        let mut topic = Topic::new("arn:aws:sns:us-east-2:123456789012:t".into(), "t".into());
        let asked = topic.asked_policy(&owner).unwrap();
        assert_eq!(*asked, topic.policy(&owner));
        Policy::parse(&asked, Kind::Resource).unwrap();
        topic.forbid(&owner, "__default_statement_ID");
        assert!(topic.policy(&owner).contains(r#""Statement":[]"#));
        assert_eq!(topic.asked_policy(&owner), None);
    }
}
