//! S3's event JSON, byte for byte as S3 orders it.
//!
//! The members and their meaning: "Event message structure" in the Amazon S3 User Guide.

use std::fmt::Write;

use flow::{ObjectCreated, Target};
use serde::Serialize;

use crate::Config;

/// The event that tells `target` of `object`: one record. The same input gives the same bytes.
pub(crate) fn render(config: &Config, object: &ObjectCreated, target: &Target) -> Vec<u8> {
    let record = Record {
        event_version: "2.1",
        event_source: "aws:s3",
        aws_region: config.region.as_str(),
        event_time: object.time.to_millis_text(),
        event_name: &object.event_name,
        user_identity: Principal { principal_id: &object.principal_id },
        request_parameters: RequestParameters { source_ip_address: &object.source_ip },
        response_elements: ResponseElements {
            request_id: &object.request_id,
            host_id: &object.host_id,
        },
        s3: S3 {
            schema_version: "1.0",
            configuration_id: &target.configuration_id,
            bucket: Bucket {
                name: &object.bucket,
                owner_identity: Principal { principal_id: config.account.as_str() },
                arn: format!("arn:aws:s3:::{}", object.bucket),
            },
            object: Object {
                key: encode(&object.key),
                size: object.size,
                e_tag: &object.e_tag,
                sequencer: &object.sequencer,
            },
        },
    };
    serde_json::to_vec(&Event { records: [record] }).expect("an event is plain data")
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
    size: u64,
    e_tag: &'a str,
    sequencer: &'a str,
}

#[cfg(test)]
mod tests;
