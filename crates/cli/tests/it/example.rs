//! AWS's example log: the demo's records laid beside it, and the log itself given to the road.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use serde_json::Value;
use testkit::{Plan, Program};

use crate::{
    EXECUTABLE,
    given::{DETECT, gzip, log_path},
};

/// The shipped rule that names what the example log is about.
const TITLE: &str = "SNS topic created";

/// What differs of necessity, by where it stands in a record, and why.
const DIFFERENT: &[(&str, &str)] = &[
    ("/eventVersion", "the example is of 2015, ours is the version that CloudTrail writes now"),
    ("/eventTime", "the call is made now"),
    ("/userIdentity/accessKeyId", "the session's key was made for this demo"),
    ("/userIdentity/sessionContext/attributes/creationDate", "the session began in this demo"),
    ("/sourceIPAddress", "the call comes from this machine"),
    ("/userAgent", "the call is made by this program, not by AWS's console"),
    ("/requestParameters/topicArn", "the example made one topic and asked for another"),
    ("/responseElements/topicArn", "the example answers with another topic than was made"),
    ("/requestID", "made for each call"),
    ("/eventID", "made for each call"),
];

/// What version 1.11 says and 1.02 did not, and since when.
const ADDED: &[(&str, &str)] = &[
    ("/readOnly", "1.01 of other services; of all since 1.08"),
    ("/managementEvent", "1.06"),
    ("/eventCategory", "1.07"),
];

/// A file of the data that lies beside the repository; `None`, said aloud, where it is absent.
fn shared(name: &str) -> Option<Vec<u8>> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data");
    let path = PathBuf::from(folder).join(name);
    let bytes = std::fs::read(&path).ok();
    if bytes.is_none() {
        println!("skipped: {} is not here", path.display());
    }
    bytes
}

/// Every leaf of a record, by its JSON pointer.
fn leaves(value: &Value, at: &str, into: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(name, value)| leaves(value, &format!("{at}/{name}"), into));
        }
        leaf => drop(into.insert(at.to_owned(), leaf.clone())),
    }
}

fn leaves_of(record: &Value) -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    leaves(record, "", &mut found);
    found
}

fn compare(ours: &Value, example: &Value) {
    let (mut ours, example) = (leaves_of(ours), leaves_of(example));
    for (at, expected) in &example {
        let found = ours.remove(at).unwrap_or_else(|| panic!("{at} is missing: {ours:#?}"));
        if DIFFERENT.iter().any(|(known, _)| known == at) {
            assert!(found.is_string(), "{at}: {found}");
        } else {
            assert_eq!(&found, expected, "{at}");
        }
    }
    ours.retain(|at, _| !ADDED.iter().any(|(known, _)| known == at));
    assert!(ours.is_empty(), "the example has none of these: {ours:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demos_records_are_the_examples_field_by_field() {
    let Some(example) = shared("example_log.json") else { return };
    let example: Value = serde_json::from_slice(&example).unwrap();
    let demo = Program::at(EXECUTABLE).run(&["demo", "--json"]).await.unwrap();
    assert_eq!(demo.code, Some(0), "{demo:#?}");
    let said = demo.json_lines().remove(0);
    for name in ["CreateTopic", "GetTopicAttributes"] {
        let of = |records: &Value| {
            let mut named = records.as_array().unwrap().iter().filter(|r| r["eventName"] == name);
            named.next().unwrap_or_else(|| panic!("no {name} in {records}")).clone()
        };
        compare(&of(&said["records"]), &of(&example["Records"]));
    }
    assert_eq!(said["records"].as_array().unwrap().len(), 2);
    assert_eq!(said["alert"]["rule"]["title"], TITLE);
    assert_eq!(said["alert"]["record"], said["records"][0]);
    assert!(said["call_to_alert_ms"].is_u64(), "{said}");
    assert!(said["log_object"].as_str().is_some_and(|url| url.starts_with("s3://")), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_log_alerts_once_however_often_it_is_put() {
    let Some(example) = shared("example_log.json") else { return };
    // The shipped rules have more to say of what root does here: only one of them is meant.
    let world = Plan::of(EXECUTABLE).with_shipped_rules().open().await.unwrap();
    let client = world.client();
    client.create_bucket("inbox", "us-east-2").await.unwrap();
    client.notify("inbox", DETECT).await.unwrap();
    let log = gzip(std::str::from_utf8(&example).unwrap());
    for _ in 0..2 {
        client.put(&log_path("inbox", "example"), log.clone()).await.unwrap();
        world.drain().await.unwrap();
        let hooked = world.sink.hooked();
        let topic = hooked.iter().filter(|arrival| arrival.alert["rule"]["title"] == TITLE);
        let events: Vec<_> = topic.map(|arrival| &arrival.alert["record"]["eventID"]).collect();
        assert_eq!(events, ["17b46459-dada-4278-b8e2-5a4ca9ff1a9c"], "{hooked:#?}");
        let ids: BTreeSet<_> = hooked.iter().map(|arrival| &arrival.id).collect();
        assert_eq!(ids.len(), hooked.len(), "no rule alerts twice of one event: {hooked:#?}");
    }
    world.finish().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_as_printed_is_no_json_and_a_dead_letter_that_says_where() {
    let Some(printed) = shared("example_log_as_printed.txt") else { return };
    let world = Plan::of(EXECUTABLE).open().await.unwrap();
    let client = world.client();
    client.create_bucket("inbox", "us-east-2").await.unwrap();
    client.notify("inbox", DETECT).await.unwrap();
    let printed = String::from_utf8(printed).unwrap();
    client.put(&log_path("inbox", "printed"), gzip(&printed)).await.unwrap();
    world.drain().await.unwrap();
    let dead = world.admin().dead().await.unwrap();
    let [letter] = dead.as_slice() else { panic!("{dead:#?}") };
    // A colon is missing after the first name.
    let name = printed.find("\"Records\"").unwrap();
    let offset = usize::try_from(letter.offset.unwrap()).unwrap();
    assert!((name..name + 20).contains(&offset), "{letter:#?}");
    assert!(world.sink.arrivals().is_empty());
    world.finish().await.unwrap();
}
