//! The accounts themselves: whatever is taken out of the books is missed.

use rusqlite::Connection;
use testkit::{Plan, World, token};

use crate::EXECUTABLE;

/// Changes one thing in the data directory after the stop; one of the problems must say `missed`.
async fn check(file: &str, change: &str, missed: &str) {
    let mut world = Plan::of(EXECUTABLE).open().await.unwrap();
    world.client().create_topic("dropmeplease").await.unwrap();
    world.client().create_topic("another").await.unwrap();
    world.drain().await.unwrap();
    world.stop().await;
    assert!(world.problems().await.unwrap().is_empty(), "all is well before");
    let changed = Connection::open(world.dir().join(file)).unwrap().execute(change, []).unwrap();
    assert!(changed > 0, "{change} changes nothing");
    expect(&mut world, missed).await;
}

async fn expect(world: &mut World, missed: &str) {
    let problems = world.problems().await.unwrap();
    assert!(problems.iter().any(|problem| problem.contains(missed)), "{missed}: {problems:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_that_is_not_in_the_outbox_is_missed() {
    let change = "DELETE FROM store_queue WHERE queue = 'alert' AND id LIKE '% webhook:%'";
    check("work.db", change, "due, not in the outbox for webhook:").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_that_nobody_asked_for_is_noticed() {
    let change = "UPDATE store_queue SET id = 'x' || id WHERE queue = 'alert'";
    check("work.db", change, "in the outbox, not due").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_nobody_was_told_of_is_missed() {
    let change = "DELETE FROM store_queue WHERE queue = 'notification'";
    check("work.db", change, "announced, not accounted for").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_no_cut_explains_is_noticed() {
    let change = "DELETE FROM store_table WHERE name = 'trail.delivered'";
    check("state.db", change, "an object without a cut").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_file_that_is_gone_is_missed_with_its_records() {
    let change = "DELETE FROM objects WHERE key LIKE 'AWSLogs/%'";
    let index = "bucket/bucket.db";
    check(index, change, "delivered, not in its bucket").await;
    check(index, change, "in none of its files").await;
}

/// Sends a message, changes one thing about it while the server is stopped, and receives what is there.
async fn check_message(change: &str, missed: Option<&str>) {
    let mut world = Plan::of(EXECUTABLE).open().await.unwrap();
    world.client().create_queue("jobs", &[]).await.unwrap();
    world.client().send("jobs", &token("one")).await.unwrap();
    for message in world.client().receive("jobs", 0).await.unwrap() {
        world.client().delete(message).await.unwrap();
    }
    world.client().send("jobs", &token("two")).await.unwrap();
    world.stop().await;
    Connection::open(world.dir().join("queue.db")).unwrap().execute_batch(change).unwrap();
    world.restart().await.unwrap();
    for message in world.client().receive("jobs", 0).await.unwrap() {
        world.client().delete(message).await.unwrap();
    }
    world.drain().await.unwrap();
    world.stop().await;
    match missed {
        Some(missed) => expect(&mut world, missed).await,
        None => assert_eq!(world.problems().await.unwrap(), Vec::<String>::new()),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_lost_doubled_or_invented_is_noticed() {
    let copy = |id: &str| {
        format!(
            "INSERT INTO messages (id, queue, due, sent) SELECT 1000, queue, due, sent FROM messages;
             INSERT INTO contents (id, message_id, sender, body)
             SELECT 1000, {id}, sender, body FROM contents;"
        )
    };
    check_message("", None).await;
    check_message("DELETE FROM messages", Some("due in `jobs`, never came: _m-two_")).await;
    check_message(&copy("'another'"), Some("one message of `jobs` under several ids: _m-two_"))
        .await;
    let again = "UPDATE contents SET message_id = 'mine', body = '_m-none_'";
    check_message(again, Some("came in `jobs`, never sent: _m-none_")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answered_call_without_a_record_is_missed_and_a_record_without_a_call_noticed() {
    let mut world = Plan::of(EXECUTABLE).open().await.unwrap();
    world.client().create_topic("dropmeplease").await.unwrap();
    world.drain().await.unwrap();
    world.stop().await;
    let day = format!("journal/{}.db", world.now().to_day_path().replace('/', "-"));
    let journal = Connection::open(world.dir().join(day)).unwrap();
    let forge = "UPDATE entry SET body = \
                 CAST(replace(CAST(body AS TEXT), 'trailhound-test/', 'somebody/') AS BLOB)";
    journal.execute(forge, []).unwrap();
    drop(journal);
    expect(&mut world, "answered, not recorded: sns:CreateTopic").await;
    expect(&mut world, "recorded, never called").await;
}
