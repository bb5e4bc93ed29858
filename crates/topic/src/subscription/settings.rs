//! What a subscription asks of its deliveries: which messages, in which form, and what becomes of
//! those that cannot be delivered.

use flow::{AccountId, Arn, Fault, Region, Tree};
use serde_json::{Map, Value};

use crate::{
    delivery_policy,
    filter::{FilterPolicy, FilterScope},
    protocol::Protocol,
};

/// The attributes of a subscription that can be set.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub(crate) struct Settings {
    pub(crate) raw: bool,
    pub(crate) filter_policy: Option<String>,
    pub(crate) filter_scope: FilterScope,
    pub(crate) redrive_policy: Option<String>,
    pub(crate) delivery_policy: Option<String>,
}

/// Whose subscription it is: what its attributes may say depends on that.
#[derive(Clone, Copy)]
pub(crate) struct Owner<'a> {
    pub(crate) protocol: Protocol,
    pub(crate) account: &'a AccountId,
    pub(crate) region: &'a Region,
}

fn refused(why: &str) -> Fault {
    Fault::new("InvalidParameterException", format!("Invalid parameter: {why}"))
}

/// Text that is set, or none where it says nothing.
fn some(value: &str) -> Option<String> {
    Some(value.to_owned()).filter(|text| !text.is_empty())
}

impl Settings {
    /// Reads the attributes of `Subscribe`.
    pub(crate) fn from_tree(tree: Option<&Tree>, owner: Owner<'_>) -> Result<Self, Fault> {
        let mut settings = Self::default();
        for (name, value) in tree.map(Tree::members).unwrap_or_default() {
            settings
                .take(name, value.as_text().unwrap_or_default(), owner)
                .map_err(of_attributes)?;
        }
        settings.check_filter().map_err(of_attributes)?;
        Ok(settings)
    }

    /// `SetSubscriptionAttributes`.
    pub(crate) fn set(&mut self, name: &str, value: &str, owner: Owner<'_>) -> Result<(), Fault> {
        let mut changed = self.clone();
        changed.take(name, value, owner)?;
        changed.check_filter()?;
        *self = changed;
        Ok(())
    }

    /// Takes one attribute; one that would have no effect is refused.
    fn take(&mut self, name: &str, value: &str, owner: Owner<'_>) -> Result<(), Fault> {
        match name {
            "RawMessageDelivery" => {
                self.raw = match value.to_ascii_lowercase().as_str() {
                    "true" => true,
                    "false" => false,
                    _ => {
                        let why = format!("Value [{value}] must be true or false.");
                        return Err(refused(&format!("RawMessageDelivery: {why}")));
                    }
                };
                if self.raw && !owner.protocol.may_be_raw() {
                    let protocol = owner.protocol.as_str();
                    return Err(refused(&format!(
                        "RawMessageDelivery: Delivery protocol [{protocol}] does not support raw \
                         message delivery."
                    )));
                }
            }
            "FilterPolicy" => self.filter_policy = some(value),
            "FilterPolicyScope" => {
                self.filter_scope = match value {
                    "MessageAttributes" => FilterScope::MessageAttributes,
                    "MessageBody" => FilterScope::MessageBody,
                    _ => {
                        let why = format!(
                            "Invalid value [{value}]. Please use either \
                                           MessageBody or MessageAttributes"
                        );
                        return Err(refused(&format!("FilterPolicyScope: {why}")));
                    }
                };
            }
            "RedrivePolicy" => {
                if !matches!(value, "" | "{}") {
                    target(value, owner)?;
                }
                self.redrive_policy = some(value).filter(|text| text != "{}");
            }
            "DeliveryPolicy" => {
                if !value.is_empty() && !owner.protocol.is_http() {
                    return Err(refused("DeliveryPolicy: it is offered for http and https alone"));
                }
                if !value.is_empty() {
                    delivery_policy::check_subscription(value).map_err(|why| refused(&why))?;
                }
                self.delivery_policy = some(value);
            }
            "SubscriptionRoleArn" | "ReplayPolicy" => {
                return Err(refused(&format!("{name} is not offered by this server")));
            }
            _ => return Err(refused("AttributeName")),
        }
        Ok(())
    }

    fn check_filter(&self) -> Result<(), Fault> {
        let Some(text) = &self.filter_policy else { return Ok(()) };
        FilterPolicy::parse(text, self.filter_scope)
            .map(drop)
            .map_err(|why| refused(&why.to_string()))
    }

    /// The queue for what cannot be delivered.
    pub(crate) fn dead_letter_queue(&self) -> Option<String> {
        let value: Value = serde_json::from_str(self.redrive_policy.as_deref()?).ok()?;
        value.get("deadLetterTargetArn")?.as_str().map(str::to_owned)
    }

    /// Whether a message with these attributes and this text is wanted.
    pub(crate) fn wants(&self, attributes: &[(String, String, String)], text: &str) -> bool {
        let Some(policy) = &self.filter_policy else { return true };
        // It was checked when it was set.
        let Ok(policy) = FilterPolicy::parse(policy, self.filter_scope) else { return true };
        match self.filter_scope {
            FilterScope::MessageAttributes => policy.matches(&values(attributes)),
            FilterScope::MessageBody => {
                let body: Option<Map<String, Value>> = serde_json::from_str(text).ok();
                body.is_some_and(|body| policy.matches(&body))
            }
        }
    }
}

/// A message's attributes as filter policies see them; binary ones are not looked at.
fn values(attributes: &[(String, String, String)]) -> Map<String, Value> {
    let value = |kind: &str, text: &str| match kind {
        // A single value counts as a list of it.
        "String.Array" => {
            serde_json::from_str(text).ok().filter(|value: &Value| !value.is_object())
        }
        _ => match kind.split('.').next() {
            Some("Number") => serde_json::from_str(text).ok().filter(Value::is_number),
            Some("Binary") => None,
            _ => Some(Value::from(text)),
        },
    };
    attributes
        .iter()
        .filter_map(|(name, kind, text)| Some((name.clone(), value(kind, text)?)))
        .collect()
}

/// Checks a redrive policy.
fn target(text: &str, owner: Owner<'_>) -> Result<(), Fault> {
    let refused = |why: &str| refused(&format!("RedrivePolicy: {why}"));
    let value: Map<String, Value> =
        serde_json::from_str(text).map_err(|_| refused("failed to parse JSON."))?;
    let arn = match value.get("deadLetterTargetArn") {
        Some(Value::String(arn)) if value.len() == 1 => arn,
        _ => return Err(refused("it must hold deadLetterTargetArn and nothing else")),
    };
    let parsed: Arn = arn.parse().map_err(|_| refused("deadLetterTargetArn is an invalid arn"))?;
    if parsed.service != "sqs" || parsed.resource.is_empty() {
        return Err(refused("deadLetterTargetArn is an invalid arn"));
    }
    if parsed.account != owner.account.as_str() || parsed.region != owner.region.as_str() {
        return Err(refused("deadLetterTargetArn must be in the topic's account and region"));
    }
    if parsed.resource.ends_with(".fifo") {
        return Err(refused("deadLetterTargetArn must be a standard queue"));
    }
    Ok(())
}

/// The same fault as `Subscribe` words it.
fn of_attributes(fault: Fault) -> Fault {
    let why = fault.message.strip_prefix("Invalid parameter: ").unwrap_or(&fault.message);
    Fault::new(fault.code.clone(), format!("Invalid parameter: Attributes Reason: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(protocol: Protocol, given: &[(&str, &str)]) -> Result<Settings, String> {
        let (account, region) = ("123456789012".parse().unwrap(), "us-east-2".parse().unwrap());
        let owner = Owner { protocol, account: &account, region: &region };
        let tree = Tree::map(given.iter().map(|(name, value)| (*name, Tree::from(*value))));
        Settings::from_tree(Some(&tree), owner).map_err(|fault| fault.message)
    }

    const DEAD: &str = r#"{"deadLetterTargetArn":"arn:aws:sqs:us-east-2:123456789012:dead"}"#;

    #[test]
    fn what_a_subscription_asks_is_read() {
        let given = [
            ("RawMessageDelivery", "true"),
            ("FilterPolicy", r#"{"a":{"b":["x"]}}"#),
            ("FilterPolicyScope", "MessageBody"),
            ("RedrivePolicy", DEAD),
        ];
        let settings = read(Protocol::Queue, &given).unwrap();
        assert!(settings.raw);
        let dead = settings.dead_letter_queue();
        assert_eq!(dead.as_deref(), Some("arn:aws:sqs:us-east-2:123456789012:dead"));
        assert!(settings.wants(&[], r#"{"a":{"b":"x"}}"#));
        assert!(!settings.wants(&[], r#"{"a":{"b":"y"}}"#));
        assert!(!settings.wants(&[], "no JSON"));
    }

    #[test]
    fn attributes_are_compared_by_their_types() {
        let policy = r#"{"text":["1"],"number":[{"numeric":[">",1]}],"list":["x"],
                         "bytes":[{"exists":false}]}"#;
        let settings = read(Protocol::Queue, &[("FilterPolicy", policy)]).unwrap();
        let of = |name: &str, kind: &str, value: &str| {
            (name.to_owned(), kind.to_owned(), value.to_owned())
        };
        let mut attributes = vec![
            of("text", "String", "1"),
            of("number", "Number", "2"),
            of("list", "String.Array", r#"["w","x"]"#),
            of("bytes", "Binary", "AA=="),
        ];
        assert!(settings.wants(&attributes, ""));
        attributes[2].2 = r#""x""#.to_owned();
        assert!(settings.wants(&attributes, ""), "a single value is a list of it");
        attributes[0].1 = "Number".to_owned();
        assert!(!settings.wants(&attributes, ""));
    }

    #[test]
    fn what_cannot_be_honoured_is_refused() {
        let other = DEAD.replace("us-east-2", "us-east-1");
        for (protocol, name, value, expected) in [
            (Protocol::Function, "RawMessageDelivery", "true", "[lambda] does not support raw"),
            (Protocol::Queue, "RawMessageDelivery", "maybe", "must be true or false"),
            (Protocol::Queue, "FilterPolicy", "[]", "FilterPolicy: "),
            (Protocol::Queue, "FilterPolicy", r#"{"a":{"b":["x"]}}"#, "nested"),
            (Protocol::Queue, "FilterPolicyScope", "Both", "Invalid value [Both]"),
            (Protocol::Queue, "RedrivePolicy", "x", "failed to parse"),
            (Protocol::Queue, "RedrivePolicy", r#"{"maxReceiveCount":1}"#, "deadLetterTargetArn"),
            (Protocol::Queue, "RedrivePolicy", &other, "account and region"),
            (Protocol::Queue, "DeliveryPolicy", "{}", "http and https alone"),
            (Protocol::Queue, "ReplayPolicy", "{}", "not offered"),
            (Protocol::Queue, "Nonsense", "x", "AttributeName"),
        ] {
            let why = read(protocol, &[(name, value)]).unwrap_err();
            assert!(why.starts_with("Invalid parameter: Attributes Reason: "), "{why}");
            assert!(why.contains(expected), "{name}={value}: {why}");
        }
    }
}
