//! A message as Lambda's event tells it, and as filters look at it.

use base64::{Engine, prelude::BASE64_STANDARD};
use flow::{AttributeValue, MessageAttribute};
use serde_json::{Map, Value, json};

use super::{Matcher, Message};

/// The system attributes in Lambda's order; others follow.
const SYSTEM: [&str; 4] =
    ["ApproximateReceiveCount", "SentTimestamp", "SenderId", "ApproximateFirstReceiveTimestamp"];

/// The record of a message from the queue of that ARN.
pub(super) fn record(message: &Message, source: &str, region: &str) -> Map<String, Value> {
    let known = SYSTEM.iter().filter_map(|name| message.system.get_key_value(*name));
    let others = message.system.iter().filter(|(name, _)| !SYSTEM.contains(&name.as_str()));
    let system: Map<String, Value> =
        known.chain(others).map(|(name, text)| (name.clone(), json!(text))).collect();
    let attributes: Map<String, Value> =
        message.attributes.iter().map(|(name, value)| (name.clone(), attribute(value))).collect();
    let mut members = Map::new();
    let mut put = |name: &str, value: Value| members.insert(name.to_owned(), value);
    put("messageId", json!(message.message_id));
    put("receiptHandle", json!(message.receipt_handle));
    put("body", json!(message.body));
    put("attributes", Value::Object(system));
    put("messageAttributes", Value::Object(attributes));
    if let Some(digest) = &message.md5_of_attributes {
        put("md5OfMessageAttributes", json!(digest));
    }
    put("md5OfBody", json!(message.md5_of_body));
    put("eventSource", json!("aws:sqs"));
    put("eventSourceARN", json!(source));
    put("awsRegion", json!(region));
    members
}

fn attribute(attribute: &MessageAttribute) -> Value {
    let (name, value) = match &attribute.value {
        AttributeValue::Text(text) => ("stringValue", text.clone()),
        AttributeValue::Bytes(bytes) => ("binaryValue", BASE64_STANDARD.encode(bytes)),
    };
    json!({
        name: value, "stringListValues": [], "binaryListValues": [],
        "dataType": attribute.data_type,
    })
}

/// Whether one of the patterns wants the record, of which it sees a body that is JSON as such.
pub(super) fn is_wanted(matchers: &[Matcher], record: &Map<String, Value>) -> bool {
    if matchers.is_empty() {
        return true;
    }
    let mut seen = record.clone();
    let body = record.get("body").and_then(Value::as_str).unwrap_or_default();
    if let Ok(json @ Value::Object(_)) = serde_json::from_str(body) {
        seen.insert("body".to_owned(), json);
    }
    matchers.iter().any(|wants| wants(&seen))
}

#[cfg(test)]
pub(super) mod tests {
    use std::{collections::BTreeMap, sync::Arc};

    use super::*;

    pub(in super::super) fn message(id: &str, body: &str) -> Message {
        let system =
            [("SenderId", "AIDA"), ("ApproximateReceiveCount", "1"), ("AWSTraceHeader", "t")];
        let system = system.map(|(name, text)| (name.to_owned(), text.to_owned()));
        Message {
            message_id: id.to_owned(),
            receipt_handle: format!("handle {id}"),
            body: body.to_owned(),
            md5_of_body: "md5".to_owned(),
            attributes: BTreeMap::new(),
            md5_of_attributes: None,
            system: system.into(),
        }
    }

    #[test]
    fn a_record_reads_as_lambdas() {
        let mut given = message("m", "{\"a\": 1}");
        let attribute = |kind: &str, value| MessageAttribute { data_type: kind.to_owned(), value };
        given.attributes = BTreeMap::from([
            ("b".to_owned(), attribute("Binary", AttributeValue::Bytes(vec![0, 255]))),
            ("n".to_owned(), attribute("Number", AttributeValue::Text("7".to_owned()))),
        ]);
        given.md5_of_attributes = Some("digest".to_owned());
        let told = Value::Object(record(&given, "arn:q", "us-east-2")).to_string();
        let expected = concat!(
            r#"{"messageId":"m","receiptHandle":"handle m","body":"{\"a\": 1}","attributes":"#,
            r#"{"ApproximateReceiveCount":"1","SenderId":"AIDA","AWSTraceHeader":"t"},"messageAttributes":"#,
            r#"{"b":{"binaryValue":"AP8=","stringListValues":[],"binaryListValues":[],"dataType":"Binary"},"#,
            r#""n":{"stringValue":"7","stringListValues":[],"binaryListValues":[],"dataType":"Number"}},"#,
            r#""md5OfMessageAttributes":"digest","md5OfBody":"md5","eventSource":"aws:sqs","#,
            r#""eventSourceARN":"arn:q","awsRegion":"us-east-2"}"#
        );
        assert_eq!(told, expected);
    }

    #[test]
    fn a_filter_sees_into_a_body_that_is_json() {
        let wants: Matcher = Arc::new(|seen| seen["body"]["a"] == 1);
        let check = |matchers: &[Matcher], body: &str, expected: bool| {
            let record = record(&message("m", body), "arn:q", "us-east-2");
            assert_eq!(is_wanted(matchers, &record), expected, "{body}");
        };
        check(&[], "x", true);
        check(&[Arc::clone(&wants)], r#"{"a": 1}"#, true);
        check(&[Arc::clone(&wants)], r#"{"a": 2}"#, false);
        check(&[Arc::clone(&wants)], "a", false);
        check(&[wants, Arc::new(|seen| seen["body"] == "a")], "a", true);
    }
}
