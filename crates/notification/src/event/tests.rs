//! The event's bytes, against a golden file.

use flow::{BucketEvent, Target, Timestamp};
use proptest::prelude::*;

use super::{encode, render};
use crate::Config;

/// One line, so that the file's last byte is the only newline.
const GOLDEN: &str = include_str!("../../testdata/object_created.json");

fn object() -> BucketEvent {
    BucketEvent {
        event_name: "ObjectCreated:Put".into(),
        bucket: "trail-logs".into(),
        key: "AWSLogs/123456789012/a b@c.json.gz".into(),
        size: Some(1_024),
        e_tag: Some("d41d8cd98f00b204e9800998ecf8427e".into()),
        sequencer: "0055AED6DCD90281E5".into(),
        time: "2026-11-23T10:00:00.005Z".parse::<Timestamp>().unwrap(),
        principal_id: "AWS:AIDAEXAMPLE".into(),
        source_ip: "127.0.0.1".into(),
        request_id: "C3D13FE58DE4C810".into(),
        host_id: "FMyUVURIY8/IgAtTv8xRjskZQpcIZ9KG4V5Wp6S7S/JRWeUWerMUE5JgHvANOjpD".into(),
        targets: vec![],
    }
}

#[test]
fn the_event_is_the_golden_file_byte_for_byte() {
    assert_eq!(rendered(&object()), GOLDEN.trim_end_matches('\n'));
}

fn rendered(event: &BucketEvent) -> String {
    let config = Config::new("us-east-2".parse().unwrap(), "123456789012".parse().unwrap());
    let target = Target { configuration_id: "to-detect".into(), arn: "arn:…".into() };
    render(&config, event, &target)
}

#[test]
fn what_an_event_does_not_tell_is_left_out() {
    let members = |event_name: &str| {
        let told = BucketEvent { event_name: event_name.into(), size: None, ..object() };
        let event: serde_json::Value = serde_json::from_str(&rendered(&told)).unwrap();
        let record = &event["Records"][0];
        let object = record["s3"]["object"].as_object().unwrap();
        let version = record["eventVersion"].as_str().unwrap().to_owned();
        (version, object.keys().map(String::as_str).collect::<Vec<_>>().join(" "))
    };
    assert_eq!(members("ObjectRemoved:Delete"), ("2.1".into(), "key eTag sequencer".into()));
    assert_eq!(members("ObjectTagging:Put"), ("2.3".into(), "key eTag".into()));
}

#[test]
fn a_test_names_the_bucket_and_the_call() {
    let test = BucketEvent { event_name: BucketEvent::TEST.into(), key: String::new(), ..object() };
    assert_eq!(
        rendered(&test),
        "{\"Service\":\"Amazon S3\",\"Event\":\"s3:TestEvent\",\
         \"Time\":\"2026-11-23T10:00:00.005Z\",\"Bucket\":\"trail-logs\",\
         \"RequestId\":\"C3D13FE58DE4C810\",\
         \"HostId\":\"FMyUVURIY8/IgAtTv8xRjskZQpcIZ9KG4V5Wp6S7S/JRWeUWerMUE5JgHvANOjpD\"}"
    );
}

#[test]
fn a_key_is_encoded_as_forms_encode_with_its_slashes_kept() {
    for (key, encoded) in [
        ("a/b.c-d_e*", "a/b.c-d_e*"),
        ("a b+c@d", "a+b%2Bc%40d"),
        ("ä\n~", "%C3%A4%0A%7E"),
        ("k=v&x", "k%3Dv%26x"),
    ] {
        assert_eq!(encode(key), encoded);
    }
}

proptest! {
    #[test]
    fn every_key_decodes_to_itself(key in ".*") {
        let spaced = encode(&key).replace('+', " ");
        let decoded = percent_encoding::percent_decode_str(&spaced).decode_utf8().unwrap();
        assert_eq!(decoded, key);
    }
}
