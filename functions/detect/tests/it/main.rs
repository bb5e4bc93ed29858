//! The function from event to response, its buckets in memory.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod batches;
mod deploy;
mod sending;

use std::sync::Arc;

use detect::{Detect, Error, Response, handle};
use object_store::{ObjectStore, ObjectStoreExt, memory::InMemory, path::Path};
use rule::RuleSet;
use serde_json::{Value, json};

const LOG: &str = "AWSLogs/123456789012/CloudTrail/us-east-2/2026/11/22/123456789012_CloudTrail_us-east-2_20261122T1000Z_abcdefghijklmnop.json.gz";

/// One rule, so that the shipped ones may change.
const RULE: &str = "title: A topic is made\nid: 00000000-0000-4000-8000-000000000001\n\
    logsource:\n  product: aws\n  service: cloudtrail\ndetection:\n  made:\n    \
    eventSource: sns.amazonaws.com\n    eventName: CreateTopic\n  condition: made\nlevel: low\n";

fn rules() -> RuleSet {
    let loaded = RuleSet::load([("topic.yml", RULE)].into_iter());
    assert_eq!(loaded.problems, []);
    loaded.rules
}

/// Buckets `logs` and `example-logs` of the same objects in memory, and the function that reads
/// them.
struct World {
    bucket: Arc<InMemory>,
    detect: Detect,
}

impl World {
    fn new() -> Self {
        let bucket = Arc::new(InMemory::new());
        let opened = Arc::clone(&bucket);
        let open = move |name: &str| match name {
            "logs" | "example-logs" => Ok(Arc::clone(&opened) as Arc<dyn ObjectStore>),
            other => Err(object_store::Error::Generic { store: "test", source: other.into() }),
        };
        Self { bucket, detect: Detect::new(rules(), Box::new(open)) }
    }

    async fn put(&self, key: &str, bytes: impl Into<Vec<u8>>) {
        self.bucket.put(&Path::parse(key).unwrap(), bytes.into().into()).await.unwrap();
    }

    async fn told(&self, keys: &[&str]) -> Response {
        handle(&self.detect, event(keys)).await.unwrap()
    }
}

fn event(keys: &[&str]) -> Value {
    let encode =
        |key: &str| url::form_urlencoded::byte_serialize(key.as_bytes()).collect::<String>();
    let record = |key: &&str| {
        json!({"eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": "us-east-2",
            "eventTime": "2026-11-22T10:00:00.000Z", "eventName": "ObjectCreated:Put",
            "s3": {"s3SchemaVersion": "1.0", "configurationId": "detect",
                "bucket": {"name": "logs", "arn": "arn:aws:s3:::logs"},
                "object": {"key": encode(key), "size": 1024, "sequencer": "0055AED6DCD90281E5"}}})
    };
    json!({"Records": keys.iter().map(record).collect::<Vec<_>>()})
}

fn record(event_name: &str, event_id: &str) -> Value {
    json!({"eventVersion": "1.11", "userIdentity": {"type": "Root", "accountId": "123456789012"},
        "eventTime": "2026-11-22T10:00:00Z", "eventSource": "sns.amazonaws.com",
        "eventName": event_name, "awsRegion": "us-east-2", "requestParameters": {"name": "dropmeplease"},
        "responseElements": null, "eventID": event_id, "eventType": "AwsApiCall",
        "recipientAccountId": "123456789012"})
}

fn log(records: &[Value]) -> Vec<u8> {
    record::log_file::write(records.iter().map(Value::to_string)).gzip
}

#[tokio::test]
async fn a_call_that_a_rule_names_is_found_and_its_neighbour_is_not() {
    let world = World::new();
    world.put(LOG, log(&[record("CreateTopic", "e1"), record("GetTopicAttributes", "e2")])).await;
    let response = world.told(&[LOG]).await;
    let [finding] = response.findings.as_slice() else { panic!("{response:?}") };
    assert_eq!(finding.rule.title, "A topic is made");
    assert_eq!(finding.record, record("CreateTopic", "e1"));
    assert_eq!(finding.object, format!("s3://logs/{LOG}"));
    assert_eq!((response.objects, response.records, response.skipped), (1, 2, 0));
    assert_eq!(response.rejected, []);
    let wire = serde_json::to_value(&response).unwrap();
    assert_eq!(wire["findings"][0]["rule"]["level"], "low");
    assert_eq!(world.told(&[LOG]).await, response, "again gives the same ids");
}

#[tokio::test]
async fn a_malformed_object_is_named_and_the_others_go_on() {
    let world = World::new();
    let bad = LOG.replace("abcdef", "zzzzzz");
    world.put(&bad, "{\n\"Records\"\n{\n").await;
    world.put(LOG, log(&[record("CreateTopic", "e1")])).await;
    let response = world.told(&[&bad, LOG]).await;
    assert_eq!(response.findings.len(), 1);
    let [rejected] = response.rejected.as_slice() else { panic!("{response:?}") };
    assert_eq!((rejected.bucket.as_str(), rejected.key.as_str()), ("logs", bad.as_str()));
    assert_eq!(rejected.offset, Some(12));
    assert!(rejected.reason.contains("expected `:`"), "{}", rejected.reason);
}

#[tokio::test]
async fn values_that_are_no_records_are_told_and_the_records_beside_them_asked() {
    let world = World::new();
    world.put(LOG, log(&[json!({"x": 1}), record("CreateTopic", "e1")])).await;
    let response = world.told(&[LOG]).await;
    assert_eq!((response.findings.len(), response.records), (1, 1));
    assert!(response.rejected[0].reason.contains("no records"), "{response:?}");
}

#[tokio::test]
async fn what_stands_under_a_logs_key_and_is_none_is_rejected() {
    let world = World::new();
    world.put(LOG, "{\"records\": []}").await;
    let response = world.told(&[LOG]).await;
    assert_eq!((response.skipped, response.rejected[0].offset), (0, Some(0)), "{response:?}");
}

#[tokio::test]
async fn what_is_no_log_is_skipped_without_error() {
    let world = World::new();
    let digest = json!({"digestStartTime": "2026-11-22T09:00:00Z", "logFiles": []}).to_string();
    let insight =
        json!({"eventVersion": "1.07", "eventType": "AwsCloudTrailInsight", "insightDetails": {}});
    let misplaced = LOG.replace("abcdef", "digest");
    let odd = LOG.replace("abcdef", "insigh");
    world.put(&misplaced, digest).await;
    world.put(&odd, log(&[insight])).await;
    world.put("notes.txt", "buy milk").await;
    world.put("table.csv", "a,b\n1,2\n").await;
    world.put("thing.txt", "{\"some\": \"thing\"}").await;
    world.put("empty", "").await;
    let elsewhere = LOG.replace("/CloudTrail/", "/CloudTrail-Digest/");
    let keys = [
        "AWSLogs/123456789012/CloudTrail/",
        &elsewhere,
        &misplaced,
        &odd,
        "notes.txt",
        "table.csv",
        "thing.txt",
        "empty",
    ];
    let response = world.told(&keys).await;
    assert_eq!(response, Response { skipped: keys.len() as u64, ..Response::default() });
}

#[tokio::test]
async fn a_log_under_any_key_is_a_log() {
    let world = World::new();
    let key = "my logs/a+b@c.json";
    world.put(key, json!({"Records": [record("CreateTopic", "e1")]}).to_string()).await;
    assert_eq!(world.told(&[key]).await.findings.len(), 1);
    world.put("broken", "{\"Records\": [").await;
    assert_eq!(world.told(&["broken"]).await.rejected.len(), 1);
}

#[tokio::test]
async fn an_object_that_is_gone_or_cannot_be_is_rejected() {
    let world = World::new();
    let response = world.told(&[LOG, "a//b", "../x"]).await;
    let reasons: Vec<_> = response.rejected.iter().map(|r| r.reason.as_str()).collect();
    assert_eq!(reasons.len(), 3);
    assert!(reasons[0].contains("is not there"), "{reasons:?}");
    assert!(reasons[1].contains("segment") && reasons[2].contains("segment"), "{reasons:?}");
}

#[tokio::test]
async fn a_store_that_fails_now_fails_the_invocation() {
    let world = World::new();
    world.put(LOG, log(&[record("CreateTopic", "e1")])).await;
    let mut event = event(&[LOG, "x"]);
    event["Records"][1]["s3"]["bucket"]["name"] = json!("flaky");
    let error = handle(&world.detect, event).await.unwrap_err();
    let Error::Retry { bucket, key, .. } = &error else { panic!("{error}") };
    assert_eq!((bucket.as_str(), key.as_str()), ("flaky", "x"));
    assert!(error.to_string().contains("s3://flaky/x"), "{error}");
}

#[tokio::test]
async fn removed_objects_twins_and_test_events_are_nothing_to_read() {
    let world = World::new();
    world.put(LOG, log(&[record("CreateTopic", "e1")])).await;
    assert_eq!(world.told(&[LOG, LOG]).await.findings.len(), 1);
    let mut removed = event(&[LOG]);
    removed["Records"][0]["eventName"] = json!("ObjectRemoved:Delete");
    let response = handle(&world.detect, removed).await.unwrap();
    assert_eq!(response, Response { skipped: 1, ..Response::default() });
    let test = json!({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "logs"});
    assert_eq!(handle(&world.detect, test).await.unwrap(), Response::default());
    let validation = batches::example("sns_cloudtrail_validation");
    assert_eq!(handle(&world.detect, validation).await.unwrap(), Response::default());
    let error = handle(&world.detect, json!({"detail-type": "x"})).await.unwrap_err();
    assert!(matches!(error, Error::Unrecognised(_)), "{error}");
}

#[tokio::test]
async fn a_response_stays_within_what_lambda_takes() {
    let world = World::new();
    let padded = |index: usize| {
        let mut record = record("CreateTopic", &format!("e{index}"));
        record["requestParameters"]["name"] = json!("x".repeat(50_000));
        record
    };
    world.put(LOG, log(&(0..200).map(padded).collect::<Vec<_>>())).await;
    let response = world.told(&[LOG]).await;
    assert_eq!(response.findings.len(), 200);
    assert!(serde_json::to_vec(&response).unwrap().len() <= 6 * 1024 * 1024);
    let trimmed = response.findings.iter().filter(|f| f.record["trimmed"] == true).count();
    assert!((1..200).contains(&trimmed), "{trimmed}");
    assert!(response.findings.iter().all(|f| f.record["eventName"] == "CreateTopic"));
}

#[tokio::test]
async fn the_example_log_alerts_once_and_as_printed_is_rejected_with_its_place() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data");
    let read = |name: &str| std::fs::read(format!("{folder}/{name}"));
    let (Ok(sound), Ok(printed)) = (read("example_log.json"), read("example_log_as_printed.txt"))
    else {
        eprintln!("skipped: {folder} is absent");
        return;
    };
    let world = World::new();
    let other = LOG.replace("abcdef", "printe");
    world.put(LOG, sound).await;
    world.put(&other, printed.clone()).await;
    let response = world.told(&[&other, LOG]).await;
    assert_eq!(response.findings.len(), 1);
    assert_eq!(response.records, 2);
    let [rejected] = response.rejected.as_slice() else { panic!("{response:?}") };
    let offset = usize::try_from(rejected.offset.unwrap()).unwrap();
    assert_eq!(printed[offset], b'{', "{rejected:?}");
    assert!(rejected.reason.contains("expected `:`"), "{rejected:?}");
}
