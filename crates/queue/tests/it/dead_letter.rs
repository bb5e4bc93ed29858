//! Messages that were received too often, and their way back.

use flow::Tree;

use crate::world::{World, arn, bodies, number, texts, url};

async fn with_dead_letters(world: &World, receives_max: u32) {
    world.create("dead", &[]).await;
    let policy =
        format!(r#"{{"deadLetterTargetArn":"{}","maxReceiveCount":{receives_max}}}"#, arn("dead"));
    world.create("jobs", &[("RedrivePolicy", &policy), ("VisibilityTimeout", "10")]).await;
}

/// Receives and lets go, so often that the message is dead.
async fn kill(world: &World, receives: u32) {
    for _ in 0..receives {
        world.receive("jobs").await;
        world.pass(10);
    }
    assert!(world.receive("jobs").await.is_empty());
}

#[tokio::test]
async fn a_message_moves_at_the_receive_that_would_be_one_too_many() {
    let world = World::open().await;
    with_dead_letters(&world, 2).await;
    let id = world.send("jobs", "a").await;
    for count in 1..=2 {
        let got = world.receive("jobs").await;
        assert_eq!(number(&got[0], "ApproximateReceiveCount"), count);
        world.pass(10);
    }
    assert_eq!(world.counts("dead").await, (0, 0, 0));
    assert!(world.receive("jobs").await.is_empty());
    assert_eq!(world.counts("jobs").await, (0, 0, 0));
    let dead = world.receive("dead").await.remove(0);
    assert_eq!(dead.text("MessageId"), Some(id.as_str()));
    assert_eq!(number(&dead, "SentTimestamp"), 1_700_000_000_000);
    assert_eq!(
        dead.get("Attributes").unwrap().text("DeadLetterQueueSourceArn"),
        Some(arn("jobs").as_str())
    );
}

#[tokio::test]
async fn messages_behind_dead_ones_are_given_by_the_same_receive() {
    let world = World::open().await;
    with_dead_letters(&world, 1).await;
    for n in 0..15 {
        world.send("jobs", &n.to_string()).await;
    }
    assert_eq!(world.receive("jobs").await.len(), 10);
    assert_eq!(world.receive("jobs").await.len(), 5);
    world.pass(10);
    world.send("jobs", "fresh").await;
    assert_eq!(bodies(&world.receive("jobs").await), ["fresh"]);
    assert_eq!(world.counts("dead").await, (15, 0, 0));
}

#[tokio::test]
async fn a_dead_letter_queue_that_is_gone_takes_nothing() {
    let world = World::open().await;
    with_dead_letters(&world, 1).await;
    world.send("jobs", "a").await;
    world.call("DeleteQueue", texts(&[("QueueUrl", &url("dead"))])).await.unwrap();
    for _ in 0..3 {
        assert_eq!(bodies(&world.receive("jobs").await), ["a"]);
        world.pass(10);
    }
}

#[tokio::test]
async fn who_sends_dead_letters_is_listed_and_may_be_limited() {
    let world = World::open().await;
    with_dead_letters(&world, 1).await;
    let sources = || world.call("ListDeadLetterSourceQueues", texts(&[("QueueUrl", &url("dead"))]));
    assert_eq!(sources().await.unwrap().list("queueUrls"), [Tree::from(url("jobs"))]);
    let none = world.call("ListDeadLetterSourceQueues", texts(&[("QueueUrl", &url("jobs"))])).await;
    assert_eq!(none.unwrap().get("queueUrls"), Some(&Tree::List(Vec::new())));
    let allow = [("RedriveAllowPolicy", r#"{"redrivePermission":"denyAll"}"#)];
    let input = Tree::map([("QueueUrl", url("dead").into()), ("Attributes", texts(&allow))]);
    world.call("SetQueueAttributes", input).await.unwrap();
    let policy = format!(r#"{{"deadLetterTargetArn":"{}","maxReceiveCount":"3"}}"#, arn("dead"));
    let attributes = texts(&[("RedrivePolicy", &policy)]);
    let input = Tree::map([("QueueName", "other".into()), ("Attributes", attributes)]);
    assert_eq!(world.code("CreateQueue", input).await, "InvalidParameterValue");
}

#[tokio::test]
async fn a_task_moves_dead_letters_back_as_new_messages() {
    let mut world = World::open().await;
    with_dead_letters(&world, 1).await;
    let id = world.send("jobs", "a").await;
    kill(&world, 1).await;
    let source = || texts(&[("SourceArn", &arn("dead"))]);
    let started = world.call("StartMessageMoveTask", source()).await.unwrap();
    assert!(started.text("TaskHandle").is_some());
    assert_eq!(world.code("StartMessageMoveTask", source()).await, "InvalidParameterValue");
    world.run();
    let list = async || {
        world.call("ListMessageMoveTasks", source()).await.unwrap().list("Results")[0].clone()
    };
    world
        .until("the end of the task", async || list().await.text("Status") == Some("COMPLETED"))
        .await;
    let task = list().await;
    assert_eq!(task.int("ApproximateNumberOfMessagesMoved"), Some(1));
    assert_eq!(task.get("TaskHandle"), None);
    let back = world.receive("jobs").await.remove(0);
    assert_eq!(back.text("Body"), Some("a"));
    assert_ne!(back.text("MessageId"), Some(id.as_str()));
    assert_eq!(number(&back, "ApproximateReceiveCount"), 1);
    assert_eq!(number(&back, "SentTimestamp"), 1_700_000_010_000);
}

#[tokio::test]
async fn a_task_is_refused_where_it_makes_no_sense() {
    let world = World::open().await;
    with_dead_letters(&world, 1).await;
    let start = |source: &str, destination: &str| {
        let input = texts(&[("SourceArn", source), ("DestinationArn", destination)]);
        world.call("StartMessageMoveTask", input)
    };
    for (source, destination, code) in [
        (arn("nowhere"), arn("jobs"), "ResourceNotFoundException"),
        (arn("dead"), arn("nowhere"), "ResourceNotFoundException"),
        (arn("jobs"), arn("dead"), "InvalidParameterValue"),
        (arn("dead"), arn("dead"), "InvalidParameterValue"),
    ] {
        assert_eq!(start(&source, &destination).await.unwrap_err().code, code, "{source}");
    }
    let cancel = texts(&[("TaskHandle", "nonsense")]);
    assert_eq!(world.code("CancelMessageMoveTask", cancel).await, "ResourceNotFoundException");
}

#[tokio::test]
async fn a_task_keeps_its_rate_until_it_is_cancelled() {
    let mut world = World::open().await;
    with_dead_letters(&world, 1).await;
    for n in 0..5 {
        world.send("jobs", &n.to_string()).await;
    }
    kill(&world, 1).await;
    let input = Tree::map([
        ("SourceArn", Tree::from(arn("dead"))),
        ("MaxNumberOfMessagesPerSecond", 2_i64.into()),
    ]);
    let started = world.call("StartMessageMoveTask", input).await.unwrap();
    world.run();
    let moved = async |count| {
        world.until("messages that moved", async || world.counts("jobs").await.0 >= count).await;
        assert_eq!(world.counts("jobs").await, (count, 0, 0));
    };
    moved(2).await;
    world.pass(1);
    moved(4).await;
    let handle = texts(&[("TaskHandle", started.text("TaskHandle").unwrap())]);
    let cancelled = world.call("CancelMessageMoveTask", handle.clone()).await.unwrap();
    assert_eq!(cancelled.int("ApproximateNumberOfMessagesMoved"), Some(4));
    assert_eq!(world.code("CancelMessageMoveTask", handle).await, "InvalidParameterValue");
    world.pass(2);
    world.settle().await;
    assert_eq!(world.counts("jobs").await, (4, 0, 0));
    assert_eq!(world.counts("dead").await, (1, 0, 0));
}
