//! Messages of a queue, which fail each by itself, and events that are no objects.

use detect::{Allowed, Detect, Error, Response, handle};
use serde_json::{Value, json};

use crate::{World, log, record, rules};

const MADE: &str = "our logs/topic@made.json";
const LOG: &str = "AWSLogs/111122223333/CloudTrail/us-east-2/2026/11/22/111122223333_CloudTrail_us-east-2_20261122T1000Z_exampleexample00.json.gz";

pub(crate) fn example(name: &str) -> Value {
    let file = format!("{}/../../testdata/events/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
}

/// The last digits of the messages that are to come again.
fn failures(response: &Response) -> Vec<char> {
    let failures = response.batch_item_failures.as_ref().unwrap();
    failures.iter().map(|failure| failure.item_identifier.chars().last().unwrap()).collect()
}

#[tokio::test]
async fn every_way_to_the_function_finds_the_same() {
    let world = World::new();
    world.put(MADE, log(&[record("CreateTopic", "e1")])).await;
    world.put(LOG, log(&[record("GetTopicAttributes", "e2")])).await;
    let mut ids = std::collections::BTreeSet::new();
    for name in [
        "s3",
        "sns_s3",
        "sns_cloudtrail",
        "sqs_s3",
        "sqs_sns_s3",
        "sqs_sns_cloudtrail",
        "sqs_cloudtrail_raw",
        "eventbridge_object_created",
        "sqs_eventbridge_object_created",
    ] {
        let response = handle(&world.detect, example(name)).await.unwrap();
        let [finding] = response.findings.as_slice() else { panic!("{name}: {response:?}") };
        assert_eq!(finding.object, format!("s3://example-logs/{MADE}"), "{name}");
        assert_eq!(response.batch_item_failures.is_some(), name.starts_with("sqs"), "{name}");
        ids.insert(finding.id.clone());
    }
    assert_eq!(ids.len(), 1);
}

#[tokio::test]
async fn a_record_that_comes_by_itself_is_asked_without_a_bucket() {
    let none = Box::new(|_: &str| panic!("nothing is fetched"));
    let detect = Detect::new(rules(), none).reading(Allowed::none());
    for name in ["eventbridge_api_call", "sqs_eventbridge_api_call", "sqs_sns_eventbridge_api_call"]
    {
        let response = handle(&detect, example(name)).await.unwrap();
        let titles: Vec<_> = response.findings.iter().map(|f| f.rule.title.as_str()).collect();
        assert_eq!((titles, response.records), (vec!["A topic is made"], 1), "{name}");
        let finding = &response.findings[0];
        assert_eq!(finding.object, "eventbridge:17793124-05d4-b198-2fde-7ededc63b103");
        assert_eq!(finding.record["userIdentity"]["userName"], "alice");
    }
    let log_file = flow::alert_id(
        "x",
        &example("eventbridge_api_call")["detail"],
        b"other bytes of the same record",
    );
    let bus = flow::alert_id("x", &example("eventbridge_api_call")["detail"], b"{}");
    assert_eq!(log_file, bus, "its log file, delivered later, alerts under the same id");
}

#[tokio::test]
async fn a_message_that_cannot_be_dealt_with_now_comes_again_and_no_other() {
    let world = World::new();
    world.put(MADE, log(&[record("CreateTopic", "e1")])).await;
    world.put(LOG, log(&[record("CreateTopic", "e2")])).await;
    let mut batch = example("sqs_mixed");
    let flaky = example("s3").to_string().replace("example-logs", "flaky");
    let mut message = batch["Records"][0].clone();
    message["messageId"] = json!("m-8");
    message["body"] = json!(flaky);
    batch["Records"].as_array_mut().unwrap().push(message.clone());
    let gone = example("s3").to_string().replace("topic%40made", "gone");
    message["messageId"] = json!("m-9");
    message["body"] = json!(gone);
    batch["Records"].as_array_mut().unwrap().push(message);
    let response = handle(&world.detect, batch).await.unwrap();
    // What is not understood, and what could not be read now; what is gone for good is rejected.
    assert_eq!(failures(&response), ['1', '8']);
    assert_eq!((response.unrecognised, response.rejected.len()), (1, 1), "{response:?}");
    assert_eq!(response.findings.len(), 2);
    assert_eq!(response.objects, 2);
}

#[tokio::test]
async fn a_bucket_that_was_not_named_is_not_read_and_fails_what_names_it() {
    let World { bucket, detect } = World::new();
    let world = World { bucket, detect: detect.reading("logs".parse().unwrap()) };
    world.put(MADE, log(&[record("CreateTopic", "e1")])).await;
    let error = handle(&world.detect, example("s3")).await.unwrap_err();
    assert!(matches!(&error, Error::NotAllowed { bucket, .. } if bucket == "example-logs"));
    assert!(error.to_string().contains("TRAILHOUND_BUCKETS"), "{error}");
    let response = handle(&world.detect, example("sqs_s3")).await.unwrap();
    assert_eq!(failures(&response), ['0']);
    assert_eq!(world.told(&[MADE]).await.findings.len(), 1);
}

#[tokio::test]
async fn a_word_about_a_subscription_is_passed_over() {
    let world = World::new();
    for name in ["sqs_sns_subscription", "sqs_sns_unsubscription", "sqs_s3_test"] {
        let response = handle(&world.detect, example(name)).await.unwrap();
        let nothing = Response { batch_item_failures: Some(vec![]), ..Response::default() };
        assert_eq!(response, nothing, "{name}");
    }
}

#[tokio::test]
async fn many_objects_are_read_side_by_side_and_answered_in_their_order() {
    let world = World::new();
    let keys: Vec<String> = (0..60).map(|index| format!("log-{index}.json")).collect();
    for (index, key) in keys.iter().enumerate() {
        world.put(key, log(&[record("CreateTopic", &format!("e{index}"))])).await;
    }
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let response = world.told(&keys).await;
    let objects: Vec<_> = response.findings.iter().map(|finding| finding.object.as_str()).collect();
    let wanted: Vec<_> = keys.iter().map(|key| format!("s3://logs/{key}")).collect();
    assert_eq!(objects, wanted);
}
