//! Which policies let everybody in, as S3 has it ("the meaning of public").

use std::net::IpAddr;

use flow::AccountId;
use policy::Document;
use serde_json::{Value, json};

/// Condition keys that keep a policy that names everybody from being public.
const NARROWING: [&str; 14] = [
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:principalservicename",
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourceip",
    "aws:sourceorgid",
    "aws:sourceowner",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:userid",
    "aws:username",
];

/// Operators that leave in but what they name.
const FIXING: [&str; 5] =
    ["ArnEquals", "ArnLike", "StringEquals", "StringEqualsIgnoreCase", "StringLike"];

/// The least bits of a network that is not everybody's.
const V4_BITS_MIN: u8 = 8;
const V6_BITS_MIN: u8 = 32;

/// Whether a statement lets everybody in.
fn is_open(statement: &Value) -> bool {
    let everybody = |value: &Value| match value {
        Value::String(text) => text == "*",
        Value::Array(all) => all.iter().any(|one| one == "*"),
        _ => false,
    };
    let named = match statement.get("Principal") {
        Some(Value::Object(kinds)) => kinds.get("AWS").is_some_and(everybody),
        Some(other) => everybody(other),
        None => statement.get("NotPrincipal").is_some(),
    };
    let narrowed = statement.get("Condition").and_then(Value::as_object).is_some_and(|operators| {
        operators.iter().any(|(operator, keys)| {
            let mut keys = keys.as_object().into_iter().flatten();
            keys.any(|(key, values)| narrows(operator, &key.to_ascii_lowercase(), values))
        })
    });
    statement.get("Effect").and_then(Value::as_str) == Some("Allow") && named && !narrowed
}

/// Whether a condition leaves but those in whom it names: S3 asks for values that are fixed, hence
/// neither patterns nor what is only left out, and for networks that are not half of the world.
fn narrows(operator: &str, key: &str, values: &Value) -> bool {
    let operator = operator.strip_prefix("ForAnyValue:").unwrap_or(operator);
    let fits = match key {
        "aws:sourceip" => operator == "IpAddress",
        _ => FIXING.contains(&operator),
    };
    let values = match values {
        Value::Array(all) => all.as_slice(),
        one => std::slice::from_ref(one),
    };
    let fixed = |value: &Value| {
        let Some(text) = value.as_str() else { return false };
        match key {
            "aws:sourceip" => is_narrow(text),
            // All sessions of one role.
            "aws:userid" => is_fixed(text.strip_suffix(":*").unwrap_or(text)),
            _ => is_fixed(text),
        }
    };
    fits && NARROWING.contains(&key) && !values.is_empty() && values.iter().all(fixed)
}

fn is_fixed(text: &str) -> bool {
    !text.is_empty() && !text.contains(['*', '?']) && !text.contains("${")
}

/// Whether a network is no broader than S3 lets pass for one that is not everybody's.
fn is_narrow(network: &str) -> bool {
    let (address, bits) = network.split_once('/').unwrap_or((network, "128"));
    let Ok(bits) = bits.parse::<u8>() else { return false };
    match address.parse() {
        Ok(IpAddr::V4(_)) => bits >= V4_BITS_MIN,
        Ok(IpAddr::V6(_)) => bits >= V6_BITS_MIN,
        Err(_) => false,
    }
}

/// Whether a policy lets everybody in.
pub(super) fn is_public(text: &str) -> bool {
    Document::of(text).is_some_and(|policy| policy.statements.iter().any(is_open))
}

/// A policy in which what it lets everybody do is left to the account's own.
pub(super) fn restricted(text: &str, account: &AccountId) -> String {
    // What is no policy lets nobody in as it is.
    let Some(mut policy) = Document::of(text) else { return text.to_owned() };
    for statement in &mut policy.statements {
        if is_open(statement)
            && let Some(members) = statement.as_object_mut()
        {
            let condition = members.entry("Condition").or_insert_with(|| json!({}));
            if let Some(operators) = condition.as_object_mut() {
                let equals = operators.entry("StringEquals").or_insert_with(|| json!({}));
                if let Some(keys) = equals.as_object_mut() {
                    keys.insert("aws:PrincipalAccount".to_owned(), json!(account.as_str()));
                }
            }
        }
    }
    policy.to_string()
}

#[cfg(test)]
mod tests {
    use policy::{Asker, Context, Kind, Policies, Policy, Verdict, decide};
    use proptest::prelude::*;

    use super::*;

    fn policy(principal: &Value, condition: &Value) -> String {
        json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": principal, "Action": "s3:GetObject",
            "Resource": "arn:aws:s3:::bkt/*", "Condition": condition,
        }]})
        .to_string()
    }

    #[test]
    fn a_policy_is_public_where_it_lets_everybody_in() {
        let anyone = json!({});
        for (principal, condition, public) in [
            (json!("*"), anyone.clone(), true),
            (json!({"AWS": "*"}), anyone.clone(), true),
            (json!({"AWS": ["111122223333", "*"]}), anyone.clone(), true),
            (json!({"AWS": "111122223333"}), anyone.clone(), false),
            (json!({"Service": "cloudtrail.amazonaws.com"}), anyone, false),
            (json!("*"), json!({"StringEquals": {"aws:SourceAccount": "123456789012"}}), false),
            (json!("*"), json!({"Bool": {"aws:SecureTransport": "true"}}), true),
        ] {
            let found = is_public(&policy(&principal, &condition));
            assert_eq!(found, public, "{principal} {condition}");
        }
    }

    #[test]
    fn a_condition_narrows_a_policy_where_its_values_are_fixed() {
        for (condition, public) in [
            (json!({"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}), false),
            (json!({"IpAddress": {"aws:SourceIp": ["192.0.2.1", "2001:db8::/32"]}}), false),
            (json!({"IpAddress": {"aws:SourceIp": ["192.0.2.1", "0.0.0.0/1"]}}), true),
            (json!({"IpAddress": {"aws:SourceIp": "::/0"}}), true),
            (json!({"NotIpAddress": {"aws:SourceIp": "192.0.2.0/24"}}), true),
            (json!({"IpAddress": {"aws:SourceIp": []}}), true),
            (json!({"StringNotEquals": {"aws:SourceVpc": "vpc-1"}}), true),
            (json!({"StringEquals": {"aws:SourceVpc": "vpc-1"}}), false),
            (json!({"StringEqualsIfExists": {"aws:SourceVpc": "vpc-1"}}), true),
            (json!({"Null": {"aws:PrincipalArn": "true"}}), true),
            (json!({"StringLike": {"aws:SourceVpc": "*"}}), true),
            (json!({"StringEquals": {"aws:username": "${aws:username}"}}), true),
            (json!({"StringLike": {"aws:userid": "AROAEXAMPLE:*"}}), false),
            (json!({"StringEquals": {"aws:Referer": "https://example.com"}}), true),
        ] {
            assert_eq!(is_public(&policy(&json!("*"), &condition)), public, "{condition}");
        }
    }

    /// A condition of one operator on one key.
    fn condition() -> impl Strategy<Value = Value> {
        let operators = prop::sample::select(vec![
            "StringEquals",
            "StringNotEquals",
            "StringEqualsIfExists",
            "StringLike",
            "StringNotLike",
            "IpAddress",
            "NotIpAddress",
            "Null",
            "Bool",
        ]);
        let keys = prop::sample::select(vec![
            "aws:SourceIp",
            "aws:PrincipalAccount",
            "aws:SourceVpc",
            "aws:userid",
            "aws:UserAgent",
            "aws:PrincipalType",
            "aws:SecureTransport",
        ]);
        let values = prop::sample::select(vec![
            "*",
            "true",
            "false",
            "0.0.0.0/0",
            "198.51.100.0/24",
            "203.0.113.7",
            "vpc-1",
            "123456789012",
            "Anonymous",
        ]);
        (operators, keys, values).prop_map(|(operator, key, value)| json!({operator: {key: value}}))
    }

    /// Whether a policy lets a stranger in who comes from that address.
    fn lets_in(text: &str, address: &str) -> Option<bool> {
        let policy = Policy::parse(text, Kind::Resource).ok()?;
        let mut context = Context::new([("aws:SourceIp", address)]);
        for (key, value) in [
            ("aws:PrincipalType", "Anonymous"),
            ("aws:PrincipalIsAWSService", "false"),
            ("aws:SecureTransport", "false"),
            ("aws:UserAgent", "curl"),
        ] {
            context.add(key, value);
        }
        let policies = Policies { resource: Some(&policy), ..Policies::default() };
        let resource = "arn:aws:s3:::bkt/key";
        let asker = Asker::Anonymous;
        let said = decide(&asker, "s3:GetObject", resource, None, &context, &policies);
        Some(said == Verdict::Allowed)
    }

    proptest! {
        #[test]
        fn a_restricted_policy_lets_in_none_but_those_of_a_narrow_network(
            principal in prop::sample::select(vec![
                json!("*"), json!({"AWS": "*"}), json!({"AWS": ["111122223333", "*"]}),
                json!({"AWS": "111122223333"}),
            ]),
            condition in condition(),
            address in prop::sample::select(vec!["198.51.100.9", "203.0.113.7", "192.0.2.1"]),
        ) {
            let text = policy(&principal, &condition);
            let held = if is_public(&text) {
                restricted(&text, &"123456789012".parse().unwrap())
            } else {
                text.clone()
            };
            if let (Some(plain), Some(held)) = (lets_in(&text, address), lets_in(&held, address)) {
                let fixed = condition.pointer("/IpAddress/aws:SourceIp").and_then(Value::as_str);
                prop_assert_eq!(held, plain && fixed.is_some_and(|network| network != "0.0.0.0/0"));
            }
        }
    }

    #[test]
    fn what_a_restricted_bucket_lets_everybody_do_is_left_to_the_account() {
        let account: AccountId = "123456789012".parse().unwrap();
        let text = policy(&json!("*"), &json!({"Bool": {"aws:SecureTransport": "true"}}));
        let held: Value = serde_json::from_str(&restricted(&text, &account)).unwrap();
        let condition = &held["Statement"][0]["Condition"];
        assert_eq!(condition["StringEquals"]["aws:PrincipalAccount"], "123456789012");
        assert_eq!(condition["Bool"]["aws:SecureTransport"], "true");
    }
}
