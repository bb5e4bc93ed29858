//! The sentence, one test per verb.

use serde_json::Value;
use server::DataDir;
use testkit::{Arrival, Plan, World};

use crate::{
    EXECUTABLE,
    given::{DETECT, TOPIC_MADE, TRUNCATED, gzip, log_path},
};

/// One hour, in milliseconds.
const HOUR: i64 = 60 * 60 * 1000;

async fn world() -> World {
    Plan::of(EXECUTABLE).open().await.unwrap()
}

/// What `arrivals` are about, in the order of the alphabet: alerts overtake each other.
fn about(arrivals: &[Arrival]) -> Vec<&str> {
    let names = arrivals.iter().map(|a| a.alert["record"]["eventName"].as_str().unwrap_or("?"));
    let mut names: Vec<&str> = names.collect();
    names.sort_unstable();
    names
}

async fn record_of(world: &World, event: &str) -> Value {
    let records = world.records().await.unwrap();
    let mut named = records.into_iter().filter(|record| record["eventName"] == event);
    named.next().unwrap_or_else(|| panic!("{event} is not recorded"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_alerts_the_webhook_and_the_subscriber_once() {
    let world = world().await;
    world.subscribe().await.unwrap();
    world.client().create_topic("dropmeplease").await.unwrap();
    world.drain().await.unwrap();
    let (hooked, subscribed) = (world.sink.hooked(), world.sink.subscribed());
    assert_eq!(about(&hooked), ["CreateTopic"]);
    assert_eq!(about(&subscribed), ["CreateTopic"]);
    assert_eq!(hooked[0].id, subscribed[0].id);
    assert_eq!(hooked[0].alert["id"], hooked[0].id.as_str());
    assert_eq!(hooked[0].alert["record"], record_of(&world, "CreateTopic").await);
    world.finish().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_no_rule_names_is_recorded_and_alerts_nobody() {
    let world = world().await;
    let attributes = [("TopicArn", "arn:aws:sns:us-east-2:123456789012:alerts")];
    world.client().call("sns", "GetTopicAttributes", &attributes).await.unwrap();
    world.drain().await.unwrap();
    assert_eq!(record_of(&world, "GetTopicAttributes").await["responseElements"], Value::Null);
    assert!(world.sink.arrivals().is_empty());
    world.finish().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denied_call_is_recorded_with_its_error() {
    let world = world().await;
    let root = world.client();
    let made = root.call("sts", "GetSessionToken", &[]).await.unwrap();
    let issued = made.get("Credentials").unwrap();
    let text = |name: &str| issued.text(name).unwrap().to_owned();
    let session = root.with_credentials(client::Credentials {
        access_key_id: text("AccessKeyId"),
        secret: flow::Secret::new(text("SecretAccessKey")),
        session_token: Some(flow::Secret::new(text("SessionToken"))),
    });
    session.call("sts", "GetSessionToken", &[]).await.unwrap_err();
    let records = world.records().await.unwrap();
    let denied = records.iter().find(|record| record["errorCode"] == "AccessDenied").unwrap();
    assert_eq!(denied["eventName"], "GetSessionToken");
    assert_eq!(denied["userIdentity"]["accessKeyId"], text("AccessKeyId"));
    assert_eq!(denied["responseElements"], Value::Null);
    world.finish().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_of_a_service_that_is_not_here_is_recorded() {
    let world = world().await;
    world.client().call("dynamodb", "ListTables", &[]).await.unwrap_err();
    let record = record_of(&world, "ListTables").await;
    assert_eq!(record["eventSource"], "dynamodb.amazonaws.com");
    assert!(record["errorCode"].is_string(), "{record}");
    world.finish().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_call_leads_to_silence_within_three_files() {
    let world = world().await;
    let client = world.client();
    client.create_bucket("inbox", "us-east-2").await.unwrap();
    client.notify("inbox", DETECT).await.unwrap();
    client.create_bucket("second-logs", "us-east-2").await.unwrap();
    client.notify("second-logs", DETECT).await.unwrap();
    client.start_trail("second", "second-logs").await.unwrap();
    world.drain().await.unwrap();
    let logs = world.config().default_bucket();
    let before = (world.announced(&logs).len(), world.announced("second-logs").len());
    // The function reads what woke it, and that reading is recorded like anyone's.
    client.put("inbox/note.txt", "nothing to see").await.unwrap();
    world.drain().await.unwrap();
    let after = world.announced(&logs).len() - before.0;
    assert!((1..=3).contains(&after), "{after} files: {:?}", world.announced(&logs));
    assert_eq!(world.announced("second-logs").len(), before.1, "it takes no data events");
    let quiet = world.records().await.unwrap().len();
    world.advance(60_000);
    world.drain().await.unwrap();
    assert_eq!(world.records().await.unwrap().len(), quiet);
    assert_eq!(world.announced(&logs).len() - before.0, after);
    let own = world.records().await.unwrap();
    let of_logs = |record: &&Value| record["requestParameters"]["bucketName"] == logs.as_str();
    assert!(!own.iter().any(|record| of_logs(&record)), "a trail's own deliveries are recorded");
    world.finish().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_log_object_put_twice_alerts_once() {
    let world = world().await;
    let client = world.client();
    client.create_bucket("inbox", "us-east-2").await.unwrap();
    client.notify("inbox", DETECT).await.unwrap();
    for _ in 0..2 {
        client.put(&log_path("inbox", "given"), gzip(TOPIC_MADE)).await.unwrap();
        world.drain().await.unwrap();
    }
    assert_eq!(world.announced("inbox").len(), 2);
    assert_eq!(about(&world.sink.hooked()), ["CreateTopic"]);
    world.finish().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_object_is_a_dead_letter_while_others_go_on() {
    let world = world().await;
    let client = world.client();
    client.create_bucket("inbox", "us-east-2").await.unwrap();
    client.notify("inbox", DETECT).await.unwrap();
    client.put(&log_path("inbox", "torn"), gzip(TRUNCATED)).await.unwrap();
    client.put(&log_path("inbox", "given"), gzip(TOPIC_MADE)).await.unwrap();
    world.drain().await.unwrap();
    // What was whole before the fault alerts too.
    let hooked = world.sink.hooked();
    let mut events: Vec<_> = hooked.iter().map(|a| &a.alert["record"]["eventID"]).collect();
    events.sort_unstable_by_key(|id| id.as_str());
    let given = "7d0b6a52-1b86-4f0e-9c53-2f5a8e6d4c01";
    let torn = "7d0b6a52-1b86-4f0e-9c53-2f5a8e6d4c03";
    assert_eq!(events, [given, torn], "{hooked:#?}");
    let dead = world.admin().dead().await.unwrap();
    let [letter] = dead.as_slice() else { panic!("{dead:#?}") };
    assert_eq!(letter.hop, "function");
    assert_eq!(letter.bucket.as_deref(), Some("inbox"));
    assert_eq!(letter.key.as_deref(), log_path("inbox", "torn").strip_prefix("inbox/"));
    let end = u64::try_from(TRUNCATED.len()).unwrap();
    assert!(letter.offset.is_some_and(|at| at <= end && at > end - 100), "{letter:#?}");
    let (object, at) = (log_path("inbox", "torn"), letter.offset.unwrap());
    assert!(letter.reason.starts_with(&format!("s3://{object}: expected ")), "{letter:#?}");
    assert!(letter.reason.ends_with(&format!(" at byte {at}")), "{letter:#?}");
    assert_eq!(letter.attempts, 1, "what cannot be read is not tried again");
    world.finish().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_log_is_passed_over_in_silence() {
    let world = world().await;
    let client = world.client();
    client.create_bucket("inbox", "us-east-2").await.unwrap();
    client.notify("inbox", DETECT).await.unwrap();
    let digest = "inbox/AWSLogs/123456789012/CloudTrail-Digest/us-east-2/2026/11/22/d.json.gz";
    client.put(digest, gzip("{\"awsAccountId\":\"123456789012\"}")).await.unwrap();
    client.put("inbox/AWSLogs/123456789012/CloudTrail/", "").await.unwrap();
    client.put("inbox/notes.txt", "a log bucket is no archive of letters").await.unwrap();
    client.put("inbox/empty.json.gz", "").await.unwrap();
    world.drain().await.unwrap();
    assert_eq!(world.announced("inbox").len(), 4);
    assert!(world.admin().dead().await.unwrap().is_empty());
    assert!(world.sink.arrivals().is_empty());
    world.finish().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_is_down_for_an_hour_gets_its_alert_once_with_the_same_id() {
    let world = world().await;
    world.sink.fail(usize::MAX);
    world.client().create_topic("dropmeplease").await.unwrap();
    let begun = world.now();
    let tries = || world.sink.arrivals().len();
    world.until("the first try", 20, async || tries() > 0).await.unwrap();
    while world.now().millis_since(begun) < HOUR {
        let before = tries();
        world.advance(5 * 60 * 1000);
        world.until("another try", 1_000, async || tries() > before).await.unwrap();
    }
    assert!(world.sink.hooked().is_empty());
    world.sink.fail(0);
    world.drain().await.unwrap();
    let (hooked, all) = (world.sink.hooked(), world.sink.arrivals());
    assert_eq!(hooked.len(), 1);
    assert!(all.len() >= 13, "{} tries in an hour", all.len());
    assert!(all.iter().all(|arrival| arrival.id == hooked[0].id && arrival.body == hooked[0].body));
    world.finish().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destination_that_hangs_delays_no_other() {
    let temporary = tempfile::tempdir().unwrap();
    let file = temporary.path().join("alerts.ndjson");
    let plan = Plan::of(EXECUTABLE).alerting(&format!("file:{}", file.display()));
    let world = plan.open().await.unwrap();
    world.sink.hang(true);
    world.client().create_topic("dropmeplease").await.unwrap();
    let lines = || std::fs::read_to_string(&file).unwrap_or_default().lines().count();
    world.until("the line in the file", 20, async || lines() == 1).await.unwrap();
    assert!(world.sink.arrivals().is_empty());
    world.sink.hang(false);
    world.drain().await.unwrap();
    assert_eq!((about(&world.sink.hooked()), lines()), (vec!["CreateTopic"], 1));
    world.finish().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trail_whose_bucket_is_gone_says_so_and_loses_nothing() {
    let plan = Plan::of(EXECUTABLE).with(|config| config.trail.default = false);
    let world = plan.open().await.unwrap();
    let client = world.client();
    client.create_bucket("logs", "us-east-2").await.unwrap();
    client.start_trail("main", "logs").await.unwrap();
    client.s3("DELETE", "/logs", "").await.unwrap();
    client.create_topic("dropmeplease").await.unwrap();
    let error = async || {
        let status = client.trail_status("main").await.unwrap();
        status.text("LatestDeliveryError").map(str::to_owned)
    };
    let failing = async || error().await.as_deref() == Some("NoSuchBucket");
    world.until("the trail's error", 20, failing).await.unwrap();
    client.create_bucket("logs", "us-east-2").await.unwrap();
    client.notify("logs", DETECT).await.unwrap();
    world.drain().await.unwrap();
    assert_eq!(error().await, None);
    assert_eq!(about(&world.sink.hooked()), ["CreateTopic", "DeleteBucket"]);
    world.finish().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_restarted_in_the_middle_goes_on_where_it_left_off() {
    let mut world = world().await;
    world.sink.fail(usize::MAX);
    world.client().create_topic("before").await.unwrap();
    // Stopped at once: the record is cut and delivered, and goes as far as it comes.
    world.restart().await.unwrap();
    world.client().create_topic("between").await.unwrap();
    world.until("a try", 20, async || world.sink.arrivals().len() > 1).await.unwrap();
    world.restart().await.unwrap();
    world.sink.fail(0);
    world.drain().await.unwrap();
    let mut names: Vec<_> = world.sink.hooked();
    names.sort_by_key(|a| a.alert["record"]["requestParameters"]["name"].to_string());
    let names: Vec<_> =
        names.iter().map(|a| &a.alert["record"]["requestParameters"]["name"]).collect();
    assert_eq!(names, ["before", "between"]);
    world.finish().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_server_over_the_same_directory_is_refused() {
    let world = world().await;
    let refused = DataDir::open(world.dir()).unwrap_err().to_string();
    assert!(refused.contains("in use by another trailhound"), "{refused}");
    world.client().create_topic("still-here").await.unwrap();
    world.finish().await.unwrap();
}
