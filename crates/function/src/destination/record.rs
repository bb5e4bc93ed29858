//! What a destination is told: the invocation record, or the event itself.

use std::collections::BTreeMap;

use flow::{AttributeValue, MessageAttribute, QueueMessage, Timestamp};
use serde::Serialize;
use serde_json::{Value, value::RawValue};

use super::{Condition, Outcome, Returned};
use crate::version::{LATEST, name_in};

/// What a dead letter keeps of an error's message, in bytes; Lambda's limit.
const MESSAGE_BYTES_MAX: usize = 1_024;
/// The status of an invocation that the function was given.
const RAN: u16 = 200;
/// The status of one for which there was no place.
const THROTTLED: u16 = 429;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Record<'a> {
    version: &'static str,
    timestamp: String,
    request_context: RequestContext<'a>,
    request_payload: Payload<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_context: Option<ResponseContext<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_payload: Option<Payload<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RequestContext<'a> {
    request_id: &'a str,
    function_arn: String,
    condition: &'static str,
    approximate_invoke_count: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResponseContext<'a> {
    status_code: u16,
    executed_version: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    function_error: Option<&'a str>,
}

/// JSON as it came; what is none is told as text.
#[derive(Serialize)]
#[serde(untagged)]
enum Payload<'a> {
    Json(&'a RawValue),
    Text(String),
}

impl<'a> Payload<'a> {
    fn of(bytes: &'a [u8]) -> Self {
        match serde_json::from_slice(bytes) {
            Ok(json) => Self::Json(json),
            Err(_) => Self::Text(String::from_utf8_lossy(bytes).into_owned()),
        }
    }
}

/// The record of an invocation, as Lambda sends it.
pub(super) fn invocation_record(
    outcome: &Outcome<'_>,
    version: &str,
    now: Timestamp,
) -> QueueMessage {
    let Outcome { job, condition, tries, returned, .. } = *outcome;
    let record = Record {
        version: "1.0",
        timestamp: now.to_millis_text(),
        request_context: RequestContext {
            request_id: &job.request_id,
            function_arn: match name_in(&job.function) {
                (_, Some(_)) => job.function.clone(),
                (_, None) => format!("{}:{LATEST}", job.function),
            },
            condition: condition.as_str(),
            approximate_invoke_count: tries,
        },
        request_payload: Payload::of(&job.event),
        response_context: returned.map(|returned| ResponseContext {
            status_code: RAN,
            executed_version: version,
            function_error: returned.error.map(|_| "Unhandled"),
        }),
        response_payload: returned.map(|returned| Payload::of(returned.payload)),
    };
    let body = serde_json::to_string(&record).expect("texts and JSON are JSON");
    QueueMessage { body, ..QueueMessage::default() }
}

/// The event as it came, with what went wrong beside it.
pub(super) fn dead_letter(outcome: &Outcome<'_>) -> QueueMessage {
    let Outcome { job, condition, returned, .. } = *outcome;
    let attribute = |kind: &str, text: String| MessageAttribute {
        data_type: kind.to_owned(),
        value: AttributeValue::Text(text),
    };
    let status = if returned.is_some() { RAN } else { THROTTLED };
    let mut message = match returned {
        Some(returned) => error_message(returned),
        None if condition == Condition::ZeroReservedConcurrency => "Rate Exceeded.".to_owned(),
        None => format!("{}: the event was not handled in time", condition.as_str()),
    };
    message.truncate(message.floor_char_boundary(MESSAGE_BYTES_MAX));
    let mut attributes = BTreeMap::from([
        ("RequestID".to_owned(), attribute("String", job.request_id.clone())),
        ("ErrorCode".to_owned(), attribute("Number", status.to_string())),
    ]);
    // An attribute cannot be empty.
    if !message.is_empty() {
        attributes.insert("ErrorMessage".to_owned(), attribute("String", message));
    }
    let body = String::from_utf8_lossy(&job.event).into_owned();
    QueueMessage { body, attributes, group: None }
}

/// What the function said went wrong.
fn error_message(returned: Returned<'_>) -> String {
    let payload: Option<Value> = serde_json::from_slice(returned.payload).ok();
    let told = payload.as_ref().and_then(|payload| payload.get("errorMessage")?.as_str());
    let told = told.or(returned.error).unwrap_or_default();
    // Queues take no such characters.
    told.chars().filter(|c| !c.is_control() || matches!(c, '\t' | '\n' | '\r')).collect()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use serde_json::json;

    use super::*;
    use crate::Job;

    const ARN: &str = "arn:aws:lambda:us-east-2:123456789012:function:f";

    fn check(event: &'static str, condition: Condition, returned: Option<Returned<'_>>) -> String {
        let job = Job::under(ARN, "id".to_owned(), Bytes::from_static(event.as_bytes()));
        let put_at = Timestamp::from_secs(1);
        let outcome = Outcome { job: &job, condition, tries: 3, returned, put_at };
        invocation_record(&outcome, LATEST, Timestamp::from_secs(1_795_341_600)).body
    }

    #[test]
    fn a_record_reads_as_lambdas() {
        let returned = Returned { payload: br#"{"b":1.0,"a":null}"#, error: None };
        let told = check(r#"{"z":1e400,"a":[]}"#, Condition::Success, Some(returned));
        let expected = concat!(
            r#"{"version":"1.0","timestamp":"2026-11-22T10:00:00.000Z","requestContext":"#,
            r#"{"requestId":"id","functionArn":"arn:aws:lambda:us-east-2:123456789012:function:f:$LATEST","#,
            r#""condition":"Success","approximateInvokeCount":3},"requestPayload":{"z":1e400,"a":[]},"#,
            r#""responseContext":{"statusCode":200,"executedVersion":"$LATEST"},"#,
            r#""responsePayload":{"b":1.0,"a":null}}"#
        );
        assert_eq!(told, expected);
    }

    #[test]
    fn a_failure_is_told_with_what_the_function_said() {
        let payload = br#"{"errorType":"E","errorMessage":"on purpose"}"#;
        let returned = Returned { payload, error: Some("E: on purpose") };
        let told = check("{}", Condition::RetriesExhausted, Some(returned));
        let told: Value = serde_json::from_str(&told).unwrap();
        assert_eq!(told["requestContext"]["condition"], "RetriesExhausted");
        let context =
            json!({"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"});
        assert_eq!(told["responseContext"], context);
        assert_eq!(told["responsePayload"]["errorMessage"], "on purpose");
    }

    #[test]
    fn an_event_that_never_ran_has_no_response() {
        let told = check("no json", Condition::EventAgeExceeded, None);
        let told: Value = serde_json::from_str(&told).unwrap();
        assert_eq!(told["requestPayload"], "no json");
        assert!(told.get("responseContext").is_none() && told.get("responsePayload").is_none());
    }

    #[test]
    fn a_dead_letter_is_the_event_with_what_went_wrong() {
        let job = Job::under(ARN, "id".to_owned(), Bytes::from_static(b"{\"n\": 1}"));
        let told = |condition, returned| {
            let put_at = Timestamp::from_secs(1);
            let letter = dead_letter(&Outcome { job: &job, condition, tries: 1, returned, put_at });
            assert_eq!(letter.body, "{\"n\": 1}");
            let of = |name: &str| match &letter.attributes[name] {
                MessageAttribute { data_type, value: AttributeValue::Text(text) } => {
                    format!("{data_type} {text}")
                }
                other => panic!("{other:?}"),
            };
            [of("RequestID"), of("ErrorCode"), of("ErrorMessage")]
        };
        let long = format!(r#"{{"errorMessage":"\u0001{}"}}"#, "é".repeat(2_000));
        let returned = Returned { payload: long.as_bytes(), error: Some("E") };
        let expected = format!("String {}", "é".repeat(512));
        let all = told(Condition::RetriesExhausted, Some(returned));
        assert_eq!(all, ["String id", "Number 200", expected.as_str()]);
        let all = told(Condition::ZeroReservedConcurrency, None);
        assert_eq!(all, ["String id", "Number 429", "String Rate Exceeded."]);
    }
}
