//! The tables against each other and against captures of real records.

use std::{collections::BTreeSet, path::Path};

use super::{
    category::{ANSWERED, DATA_EVENTS},
    event_name::{LAMBDA_VERSIONS, S3_CONTROL_EVENT_NAMES, S3_EVENT_NAMES},
    *,
};
use crate::{service, service as service_named};

#[test]
fn every_name_in_the_tables_is_one_of_the_model() {
    let has = |name: &str, operation: &str| {
        service(name).is_some_and(|service| service.operation(operation).is_some())
    };
    for (name, operation, _) in READ_ONLY {
        assert!(has(name, operation), "{name} {operation}");
    }
    for (name, operations) in DATA_EVENTS.iter().chain(ANSWERED) {
        for operation in *operations {
            assert!(has(name, operation), "{name} {operation}");
        }
    }
    for (operation, _) in S3_EVENT_NAMES {
        assert!(has("s3", operation), "s3 {operation}");
    }
    for (operation, _) in S3_CONTROL_EVENT_NAMES {
        assert!(has("s3control", operation), "s3control {operation}");
    }
    for operation in LAMBDA_VERSIONS.iter().flat_map(|(_, names)| *names) {
        assert!(has("lambda", operation), "lambda {operation}");
    }
    for (name, _) in EVENT_SOURCES.iter().chain(API_VERSIONS) {
        assert!(service(name).is_some(), "{name}");
    }
}

#[test]
fn a_verb_reads_only_as_a_whole_word() {
    assert!(begins_with_a_reading_verb("GetTopicAttributes"));
    assert!(begins_with_a_reading_verb("Query"));
    for other in
        ["Getaway", "Isolate", "Testify", "CreateTopic", "Listen", "VerifyEmailIdentity", ""]
    {
        assert!(!begins_with_a_reading_verb(other), "{other}");
    }
}

#[test]
fn exceptions_stand_before_the_verb() {
    let reads = |name: &str, operation: &str| read_only(&service(name).unwrap(), operation);
    assert!(reads("kms", "Decrypt") && reads("kms", "Verify") && reads("sts", "AssumeRole"));
    assert!(reads("sts", "GetSessionToken") && reads("sts", "GetCallerIdentity"));
    assert!(!reads("sts", "GetFederationToken") && !reads("ses", "VerifyEmailIdentity"));
    assert!(
        !reads("elasticache", "TestFailover") && !reads("dynamodb", "ExportTableToPointInTime")
    );
}

#[test]
fn records_name_operations_as_aws_does() {
    let s3 = service("s3").unwrap();
    let lambda = service("lambda").unwrap();
    assert_eq!(event_name(&s3, "ListObjectsV2"), "ListObjects");
    assert_eq!(event_name(&s3, "GetBucketPolicy"), "GetBucketPolicy");
    assert_eq!(event_name(&lambda, "CreateFunction"), "CreateFunction20150331");
    assert_eq!(event_name(&lambda, "UpdateFunctionCode"), "UpdateFunctionCode20150331v2");
    assert_eq!(event_name(&lambda, "Invoke"), "Invoke");
    assert_eq!(operations_called(&s3, "ListObjects"), ["ListObjects", "ListObjectsV2"]);
    assert_eq!(service("cloudwatch").unwrap().event_source, "monitoring.amazonaws.com");
    assert_eq!(service("sesv2").unwrap().event_source, "ses.amazonaws.com");
    assert_eq!(service("mq").unwrap().event_source, "amazonmq.amazonaws.com");
}

#[test]
fn an_arn_says_what_kind_of_thing_it_names() {
    assert_eq!(resource_kind("arn:aws:s3:::b"), Some("AWS::S3::Bucket"));
    assert_eq!(resource_kind("arn:aws:s3:::b/k:1"), Some("AWS::S3::Object"));
    assert_eq!(resource_kind("arn:aws:iam::123456789012:role/x/y"), Some("AWS::IAM::Role"));
    assert_eq!(resource_kind("arn:aws:sns:us-east-2:123456789012:t"), Some("AWS::SNS::Topic"));
    assert_eq!(resource_kind("arn:aws:s3"), None);
    assert_eq!(resource_kind("nothing"), None);
}

#[test]
fn sqs_errors_keep_the_codes_of_its_query_days() {
    let sqs = service("sqs").unwrap();
    for (name, _) in SQS_QUERY_ERROR_CODES {
        assert!(sqs.shapes.iter().any(|shape| shape.name == *name), "{name}");
    }
    assert_eq!(
        query_error_code(&sqs, "QueueDoesNotExist"),
        Some("AWS.SimpleQueueService.NonExistentQueue")
    );
}

/// Real records, one a line; read in place where they are.
const CAPTURES: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/dev_records.ndjson");

/// Operations that were seen and that the model does not have: private or retired.
const NOT_IN_THE_MODEL: &[&str] = &[
    "DescribeRecommendationGroups",
    "DescribeRecommendations",
    "GetStorageLensDashboardDataInternal",
    "ListInstanceAssociations",
    "PutFoundationModelEntitlement",
    "UpdateInstanceAssociationStatus",
    "UpdateInstanceInformation",
];

#[test]
fn captured_records_agree_with_the_tables() {
    if !Path::new(CAPTURES).is_file() {
        println!("skipped: {CAPTURES} is not here");
        return;
    }
    let text = std::fs::read_to_string(CAPTURES).unwrap();
    let mut unknown = BTreeSet::new();
    let (mut compared, mut wrong) = (0, BTreeSet::new());
    for line in text.lines() {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        let field = |name: &str| record.get(name).and_then(|v| v.as_str()).unwrap_or_default();
        if field("eventType") != "AwsApiCall" {
            continue;
        }
        let (source, event) = (field("eventSource"), field("eventName"));
        let known = crate::by_event_source(source)
            .iter()
            .filter_map(|name| service(name))
            .find_map(|service| {
                let operation = (*operations_called(&service, event).first()?).to_owned();
                Some((service, operation))
            });
        let Some((service, operation)) = known else {
            if !NOT_IN_THE_MODEL.contains(&event) {
                unknown.insert(format!("{source} {event}"));
            }
            continue;
        };
        compared += 1;
        if let Some(is) = record.get("readOnly").and_then(serde_json::Value::as_bool)
            && is != read_only(&service, &operation)
        {
            wrong.insert(format!("{source} {event}: readOnly {is}"));
        }
        if let Some(is) = record.get("eventCategory").and_then(|v| v.as_str())
            && is != category(&service, &operation).as_str()
        {
            wrong.insert(format!("{source} {event}: eventCategory {is}"));
        }
        if let Some(is) = record.get("apiVersion").and_then(|v| v.as_str())
            && !crate::by_event_source(source)
                .iter()
                .filter_map(|name| service_named(name))
                .any(|service| api_version_in_record(&service) == Some(is))
        {
            wrong.insert(format!("{source} {event}: apiVersion {is}"));
        }
    }
    println!("compared {compared} records; not in the model: {unknown:?}");
    assert!(compared > 4000, "{compared}");
    // Retired services, and two ways in which Logs once wrote its version.
    wrong.retain(|line| !line.contains("apiVersion 55606"));
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(unknown.iter().all(|line| ["robomaker", "sms."].iter().any(|s| line.starts_with(s))));
}
