//! S3's event JSON, byte for byte as S3 orders it, and the message that tests a destination.
//!
//! The members and their meaning: "Event message structure" in the Amazon S3 User Guide.

use std::fmt::Write;

use flow::{BucketEvent, Target};
use serde::Serialize;

use crate::Config;

/// What tells `target` of `event`: one record, or the test. The same input gives the same bytes.
pub(crate) fn render(config: &Config, event: &BucketEvent, target: &Target) -> String {
    let text = if event.event_name == BucketEvent::TEST {
        serde_json::to_string(&test(event))
    } else {
        serde_json::to_string(&Event { records: [record(config, event, target)] })
    };
    text.expect("an event is plain data")
}

fn test(event: &BucketEvent) -> Test<'_> {
    Test {
        service: "Amazon S3",
        event: "s3:TestEvent",
        time: event.time.to_millis_text(),
        bucket: &event.bucket,
        request_id: &event.request_id,
        host_id: &event.host_id,
    }
}

fn record<'a>(config: &'a Config, event: &'a BucketEvent, target: &'a Target) -> Record<'a> {
    // Tags and ACLs change without an order: such events came later, and are of a later version.
    let in_order =
        !["ObjectTagging:", "ObjectAcl:"].iter().any(|kind| event.event_name.starts_with(kind));
    Record {
        event_version: if in_order { "2.1" } else { "2.3" },
        event_source: "aws:s3",
        aws_region: config.region.as_str(),
        event_time: event.time.to_millis_text(),
        event_name: &event.event_name,
        user_identity: Principal { principal_id: &event.principal_id },
        request_parameters: RequestParameters { source_ip_address: &event.source_ip },
        response_elements: ResponseElements {
            request_id: &event.request_id,
            host_id: &event.host_id,
        },
        s3: S3 {
            schema_version: "1.0",
            configuration_id: &target.configuration_id,
            bucket: Bucket {
                name: &event.bucket,
                owner_identity: Principal { principal_id: config.account.as_str() },
                arn: format!("arn:aws:s3:::{}", event.bucket),
            },
            object: Object {
                key: encode(&event.key),
                size: event.size,
                e_tag: event.e_tag.as_deref(),
                sequencer: in_order.then_some(event.sequencer.as_str()),
            },
        },
    }
}

/// A key as forms encode text, with its slashes kept.
fn encode(key: &str) -> String {
    let mut text = String::with_capacity(key.len());
    for byte in key.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'*' | b'/' => {
                text.push(char::from(byte));
            }
            b' ' => text.push('+'),
            _ => write!(text, "%{byte:02X}").expect("a String takes all"),
        }
    }
    text
}

#[derive(Serialize)]
struct Event<'a> {
    #[serde(rename = "Records")]
    records: [Record<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Record<'a> {
    event_version: &'a str,
    event_source: &'a str,
    aws_region: &'a str,
    event_time: String,
    event_name: &'a str,
    user_identity: Principal<'a>,
    request_parameters: RequestParameters<'a>,
    response_elements: ResponseElements<'a>,
    s3: S3<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Principal<'a> {
    principal_id: &'a str,
}

#[derive(Serialize)]
struct RequestParameters<'a> {
    #[serde(rename = "sourceIPAddress")]
    source_ip_address: &'a str,
}

#[derive(Serialize)]
struct ResponseElements<'a> {
    #[serde(rename = "x-amz-request-id")]
    request_id: &'a str,
    #[serde(rename = "x-amz-id-2")]
    host_id: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct S3<'a> {
    #[serde(rename = "s3SchemaVersion")]
    schema_version: &'a str,
    configuration_id: &'a str,
    bucket: Bucket<'a>,
    object: Object<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Bucket<'a> {
    name: &'a str,
    owner_identity: Principal<'a>,
    arn: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Object<'a> {
    key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    e_tag: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sequencer: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Test<'a> {
    service: &'a str,
    event: &'a str,
    time: String,
    bucket: &'a str,
    request_id: &'a str,
    host_id: &'a str,
}

#[cfg(test)]
mod tests;
