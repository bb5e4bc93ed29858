//! `K=V…`: which part of a record each one sets.

use anyhow::{Context, bail};
use serde_json::{Map, Value};

use super::known::nearest;
use crate::output;

/// How deep a dotted name goes.
const DEPTH_MAX: usize = 32;

/// The record's own fields that hold a text.
const TEXTS: &[&str] = &[
    "apiVersion",
    "awsRegion",
    "errorCode",
    "errorMessage",
    "eventCategory",
    "eventID",
    "eventTime",
    "eventType",
    "eventVersion",
    "recipientAccountId",
    "requestID",
    "sharedEventID",
    "sourceIPAddress",
    "userAgent",
    "vpcEndpointAccountId",
    "vpcEndpointId",
];
/// Those that are true or false.
const FLAGS: &[&str] = &["managementEvent", "readOnly", "sessionCredentialFromConsole"];
/// Those with parts.
const OBJECTS: &[&str] = &[
    "additionalEventData",
    "requestParameters",
    "responseElements",
    "serviceEventDetails",
    "tlsDetails",
    "userIdentity",
];
/// What may stand under `userIdentity`, as CloudTrail documents it.
const IDENTITY: &[&str] = &[
    "accessKeyId",
    "accountId",
    "arn",
    "credentialId",
    "identityProvider",
    "inScopeOf",
    "invokedBy",
    "onBehalfOf",
    "principalId",
    "sessionContext",
    "type",
    "userName",
];

/// What a record is to say.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Fields {
    /// The request's parameters, by their names in records.
    pub(crate) request: Map<String, Value>,
    /// The answer's.
    pub(crate) response: Map<String, Value>,
    pub(crate) identity: Map<String, Value>,
    /// The record's other fields.
    pub(crate) others: Map<String, Value>,
}

/// Reads what stands on the command line.
///
/// # Errors
/// Names the one that is no `K=V`, or sets what no record has.
pub(crate) fn read(pairs: &[String]) -> anyhow::Result<Fields> {
    let mut fields = Fields::default();
    for pair in pairs {
        let Some((name, value)) = pair.split_once('=').filter(|(name, _)| !name.is_empty()) else {
            bail!("`{}` is no K=V, such as userName=alice", output::safe(pair));
        };
        fields.set(name, value).with_context(|| format!("`{}`", output::safe(name)))?;
    }
    Ok(fields)
}

impl Fields {
    fn set(&mut self, name: &str, value: &str) -> anyhow::Result<()> {
        let path: Vec<&str> = name.split('.').collect();
        if path.len() > DEPTH_MAX || path.iter().any(|part| part.is_empty()) {
            bail!("it is no name, or a part of it is empty");
        }
        let text = || Value::from(value);
        let Some((&first, rest)) = path.split_first() else { return Ok(()) };
        match first {
            flag if rest.is_empty() && FLAGS.contains(&flag) => {
                let flag: bool = value.parse().context("it is true or false")?;
                self.others.insert(first.to_owned(), Value::from(flag));
                Ok(())
            }
            name if rest.is_empty() && TEXTS.contains(&name) => {
                self.others.insert(first.to_owned(), text());
                Ok(())
            }
            name if rest.is_empty() && OBJECTS.contains(&name) => {
                bail!("it has parts: set them one by one, as {first}.NAME=VALUE")
            }
            "requestParameters" => put(&mut self.request, rest, text()),
            "responseElements" => put(&mut self.response, rest, text()),
            "userIdentity" => {
                let part = rest.first().copied().unwrap_or_default();
                if !IDENTITY.contains(&part) {
                    let hint = nearest(part, IDENTITY.iter().copied());
                    bail!("userIdentity holds {}{hint}", IDENTITY.join(", "));
                }
                put(&mut self.identity, rest, text())
            }
            name if OBJECTS.contains(&name) => put(&mut self.others, &path, told(value)),
            _ => put(&mut self.request, &path, text()),
        }
    }
}

/// What no model describes: JSON where it is an object, a list, a number or a truth value.
fn told(value: &str) -> Value {
    match serde_json::from_str(value) {
        Ok(told @ (Value::Object(_) | Value::Array(_) | Value::Bool(_) | Value::Number(_))) => told,
        _ => Value::from(value),
    }
}

/// Puts a value where the path leads, through objects that it makes.
fn put(into: &mut Map<String, Value>, path: &[&str], value: Value) -> anyhow::Result<()> {
    let Some((last, way)) = path.split_last() else { return Ok(()) };
    let mut place = into;
    for part in way {
        let next = place.entry(*part).or_insert_with(|| Value::Object(Map::new()));
        let Some(next) = next.as_object_mut() else {
            bail!("`{part}` is set as a whole already");
        };
        place = next;
    }
    if place.contains_key(*last) {
        bail!("it is set twice");
    }
    place.insert((*last).to_owned(), value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read_all(pairs: &[&str]) -> anyhow::Result<Fields> {
        read(&pairs.iter().map(|pair| (*pair).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn names_say_which_part_of_a_record_is_set() {
        let fields = read_all(&[
            "userName=alice=bob",
            "requestParameters.errorCode=x",
            "attributes.a=1",
            "userIdentity.type=Root",
            "userIdentity.sessionContext.attributes.mfaAuthenticated=true",
            "errorCode=AccessDenied",
            "readOnly=true",
            "additionalEventData.n=7",
            "responseElements.accessKey.status=Active",
        ])
        .unwrap();
        let value = |map: &Map<String, Value>| Value::Object(map.clone());
        assert_eq!(
            value(&fields.request),
            json!({"userName": "alice=bob", "errorCode": "x", "attributes": {"a": "1"}})
        );
        let session = json!({"attributes": {"mfaAuthenticated": "true"}});
        assert_eq!(value(&fields.identity), json!({"type": "Root", "sessionContext": session}));
        assert_eq!(
            value(&fields.others),
            json!({"errorCode": "AccessDenied", "readOnly": true, "additionalEventData": {"n": 7}})
        );
        assert_eq!(value(&fields.response), json!({"accessKey": {"status": "Active"}}));
    }

    #[test]
    fn what_cannot_be_set_is_named() {
        for (pairs, words) in [
            (vec!["alice"], "no K=V"),
            (vec!["=x"], "no K=V"),
            (vec!["a..b=x"], "a part of it is empty"),
            (vec!["a=1", "a=2"], "set twice"),
            (vec!["a=1", "a.b=2"], "set as a whole"),
            (vec!["readOnly=maybe"], "true or false"),
            (vec!["userIdentity=x"], "userIdentity.NAME"),
            (vec!["userIdentity.usrName=x"], "do you mean userName"),
        ] {
            let error = format!("{:#}", read_all(&pairs).unwrap_err());
            assert!(error.contains(words), "{error}");
        }
    }
}
