//! Findings that the function itself sends on.

use std::sync::{Arc, Mutex};

use alert::{Means, Sender};
use detect::{Error, handle};
use flow::{Accepted, ManualClock, Pending, Publish, PublishError, Secret, Timestamp};
use serde_json::json;

use crate::{LOG, World, event, log, record};

/// A topic of messages; those named `busy` take none.
#[derive(Default)]
struct Topics(Mutex<Vec<(String, String)>>);

impl Publish for Topics {
    fn publish<'a>(
        &'a self,
        arn: &'a str,
        delivery_id: &'a str,
        _subject: Option<&'a str>,
        _message: &'a str,
    ) -> Pending<'a, Result<Accepted, PublishError>> {
        Box::pin(async move {
            if arn.ends_with(":busy") {
                return Err(PublishError::Retry("busy".to_owned()));
            }
            self.0.lock().unwrap().push((arn.to_owned(), delivery_id.to_owned()));
            Ok(Accepted(String::new()))
        })
    }
}

fn sending(topics: &Arc<Topics>, names: &[&str]) -> World {
    let destination =
        |name: &&str| format!("sns:arn:aws:sns:us-east-2:111122223333:{name}").parse().unwrap();
    let means = Means {
        signing_key: Secret::new("key"),
        home: None,
        output: Arc::new(Mutex::new(Vec::new())),
        client: outgoing::Client::with(outgoing::Policy::default()).unwrap(),
        publish: Arc::clone(topics) as Arc<dyn Publish>,
        clock: Arc::new(ManualClock::new(Timestamp::from_millis(0))),
    };
    let sender = Sender::new(names.iter().map(destination).collect(), means).unwrap();
    let World { bucket, detect } = World::new();
    World { bucket, detect: detect.sending(sender) }
}

#[tokio::test]
async fn each_finding_is_sent_to_each_destination_before_the_answer() {
    let topics = Arc::new(Topics::default());
    let world = sending(&topics, &["one", "two"]);
    world.put(LOG, log(&[record("CreateTopic", "e1"), record("CreateTopic", "e2")])).await;
    let response = world.told(&[LOG]).await;
    assert_eq!((response.sent, response.findings.len()), (4, 2));
    let sent = topics.0.lock().unwrap().clone();
    let ids: Vec<_> = response.findings.iter().map(|finding| finding.id.as_str()).collect();
    let of = |name: &str| sent.iter().filter(|(arn, _)| arn.ends_with(name)).count();
    assert_eq!((of("one"), of("two")), (2, 2));
    let first = |delivery: &str| delivery.split(' ').next().unwrap().to_owned();
    assert!(sent.iter().all(|(_, delivery)| ids.contains(&first(delivery).as_str())), "{sent:?}");
}

#[tokio::test]
async fn a_send_that_fails_fails_the_invocation_and_holds_no_other_back() {
    let topics = Arc::new(Topics::default());
    let world = sending(&topics, &["busy", "two"]);
    world.put(LOG, log(&[record("CreateTopic", "e1"), record("CreateTopic", "e2")])).await;
    for time in 1..=2 {
        let error = handle(&world.detect, event(&[LOG])).await.unwrap_err();
        assert!(matches!(error, Error::Send { failed: 2, .. }), "{error}");
        assert!(error.to_string().contains(":busy: busy"), "{error}");
        assert_eq!(topics.0.lock().unwrap().len(), 2 * time);
    }
    let sent = topics.0.lock().unwrap().clone();
    let ids: std::collections::BTreeSet<_> = sent.iter().map(|(_, id)| id).collect();
    assert_eq!(ids.len(), 2, "again under the same ids");
}

#[tokio::test]
async fn what_cannot_be_read_now_does_not_hold_back_what_was_found() {
    let topics = Arc::new(Topics::default());
    let world = sending(&topics, &["one"]);
    world.put(LOG, log(&[record("CreateTopic", "e1")])).await;
    let mut event = event(&["x", LOG]);
    event["Records"][0]["s3"]["bucket"]["name"] = json!("flaky");
    let error = handle(&world.detect, event).await.unwrap_err();
    assert!(matches!(error, Error::Retry { .. }), "{error}");
    assert_eq!(topics.0.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn one_finding_of_two_log_files_is_sent_once() {
    let topics = Arc::new(Topics::default());
    let world = sending(&topics, &["one"]);
    let other = LOG.replace("abcdef", "second");
    for key in [LOG, &other] {
        world.put(key, log(&[record("CreateTopic", "e1")])).await;
    }
    let response = world.told(&[LOG, &other]).await;
    assert_eq!((response.sent, response.findings.len()), (1, 2));
}
