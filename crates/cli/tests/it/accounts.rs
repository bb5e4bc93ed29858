//! The accounts themselves: whatever is taken out of the books is missed.

use rusqlite::Connection;
use testkit::{Plan, World};

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
