//! What other rooms ask for.

use std::collections::BTreeMap;

use flow::{AttributeValue, Enqueue, MessageAttribute, QueueMessage, SendError};
use queue::Ask;
use tokio_util::sync::CancellationToken;

use crate::world::{World, arn};

const DAY_SECONDS: i64 = 24 * 60 * 60;

fn message(body: &str) -> QueueMessage {
    QueueMessage { body: body.to_owned(), ..QueueMessage::default() }
}

fn ask() -> Ask {
    Ask { max: 10, wait_seconds: Some(0), visibility_seconds: None }
}

#[tokio::test]
async fn the_same_delivery_is_one_message_for_a_day() {
    let mut world = World::open().await;
    world.create("jobs", &[]).await;
    let jobs = arn("jobs");
    let first = world.queues.enqueue(&jobs, "d-1", message("a")).await.unwrap();
    assert_eq!(world.queues.enqueue(&jobs, "d-1", message("a")).await, Ok(first.clone()));
    world.reopen().await;
    assert_eq!(world.queues.enqueue(&jobs, "d-1", message("a")).await, Ok(first.clone()));
    world.queues.enqueue(&jobs, "d-2", message("b")).await.unwrap();
    assert_eq!(world.counts("jobs").await, (2, 0, 0));
    world.pass(DAY_SECONDS);
    world.run();
    let forgotten =
        async || world.queues.enqueue(&jobs, "d-1", message("a")).await != Ok(first.clone());
    world.until("a message of its own", forgotten).await;
    assert_eq!(world.counts("jobs").await, (3, 0, 0));
}

#[tokio::test]
async fn what_a_queue_cannot_take_is_rejected() {
    let world = World::open().await;
    world.create("jobs", &[("MaximumMessageSize", "1024")]).await;
    let nowhere = arn("nowhere");
    let sent = world.queues.enqueue(&nowhere, "d", message("a")).await;
    assert_eq!(sent, Err(SendError::NoSuchQueue(nowhere)));
    for body in ["", "\u{7}", &"x".repeat(1025)] {
        let sent = world.queues.enqueue(&arn("jobs"), "d", message(body)).await;
        assert!(matches!(sent, Err(SendError::Rejected(_))), "{sent:?}");
    }
}

#[tokio::test]
async fn messages_are_received_and_settled_from_inside_as_by_calls() {
    let world = World::open().await;
    world.create("jobs", &[("VisibilityTimeout", "10")]).await;
    let (jobs, never) = (arn("jobs"), CancellationToken::new());
    assert!(world.queues.exists(&jobs) && !world.queues.exists(&arn("nowhere")));
    assert_eq!(world.queues.visibility_seconds(&jobs), Some(10));
    let who =
        MessageAttribute { data_type: "String".into(), value: AttributeValue::Text("me".into()) };
    let attributes = BTreeMap::from([("who".to_owned(), who)]);
    let sent = QueueMessage {
        body: "a".into(),
        attributes: attributes.clone(),
        group: Some("tenant-1".into()),
    };
    world.queues.enqueue(&jobs, "d", sent).await.unwrap();
    let got = world.queues.receive(&jobs, ask(), &never).await.unwrap().remove(0);
    assert_eq!((got.body.as_str(), &got.attributes), ("a", &attributes));
    assert_eq!(got.system["ApproximateReceiveCount"], "1");
    assert_eq!(got.system["MessageGroupId"], "tenant-1");
    assert!(got.md5_of_attributes().is_some());
    world.queues.change_visibility(&jobs, &got.receipt_handle, 0).await.unwrap();
    let again = world.queues.receive(&jobs, ask(), &never).await.unwrap().remove(0);
    world.queues.change_visibility(&jobs, &got.receipt_handle, 0).await.unwrap();
    let shown = world.queues.change_visibility(&jobs, &again.receipt_handle, 0).await;
    assert!(matches!(shown, Err(SendError::Rejected(_))), "{shown:?}");
    world.queues.delete(&jobs, &[got.receipt_handle, again.receipt_handle]).await.unwrap();
    assert_eq!(world.counts("jobs").await, (0, 0, 0));
    let missing = world.queues.receive(&arn("nowhere"), ask(), &never).await;
    assert_eq!(missing, Err(SendError::NoSuchQueue(arn("nowhere"))));
}

#[tokio::test]
async fn a_wait_from_inside_ends_when_it_is_told_to() {
    let world = World::open().await;
    world.create("jobs", &[]).await;
    let stop = CancellationToken::new();
    let (queues, token) = (world.queues.clone(), stop.clone());
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(async move {
        let ask = Ask { wait_seconds: Some(20), ..ask() };
        queues.receive(&arn("jobs"), ask, &token).await
    });
    world.settle().await;
    assert!(tasks.try_join_next().is_none());
    stop.cancel();
    assert_eq!(tasks.join_next().await.unwrap().unwrap(), Ok(Vec::new()));
}
