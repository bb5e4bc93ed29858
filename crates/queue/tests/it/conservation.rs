//! Whatever is done to queues, each message is in one place: there, hidden, moved, or ended.

use std::collections::{BTreeMap, BTreeSet};

use flow::Tree;
use proptest::prelude::*;

use crate::world::{World, arn};

const RETENTION_SECONDS: i64 = 60;
const VISIBILITY_SECONDS: i64 = 7;

#[derive(Clone, Debug)]
enum Step {
    Send,
    Receive {
        max: i64,
    },
    /// The message that was received so many receives ago, by whatever handle that gave.
    Delete {
        back: usize,
    },
    Hide {
        back: usize,
        seconds: i64,
    },
    Pass {
        seconds: i64,
    },
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Send),
        4 => (1..=10_i64).prop_map(|max| Step::Receive { max }),
        3 => (0..8_usize).prop_map(|back| Step::Delete { back }),
        1 => (0..8_usize, 0..20_i64).prop_map(|(back, seconds)| Step::Hide { back, seconds }),
        3 => (0..12_i64).prop_map(|seconds| Step::Pass { seconds }),
        1 => Just(Step::Reopen),
    ]
}

fn id(message: &Tree) -> String {
    message.text("MessageId").unwrap().to_owned()
}

/// Plays the steps, and at their end looks for every message.
async fn check(steps: Vec<Step>) {
    let mut world = World::open().await;
    world.create("dead", &[]).await;
    let policy = format!(r#"{{"deadLetterTargetArn":"{}","maxReceiveCount":3}}"#, arn("dead"));
    world
        .create(
            "jobs",
            &[
                ("RedrivePolicy", &policy),
                ("MessageRetentionPeriod", &RETENTION_SECONDS.to_string()),
                ("VisibilityTimeout", &VISIBILITY_SECONDS.to_string()),
            ],
        )
        .await;
    let (mut now, mut sent) = (0, BTreeMap::new());
    let mut received: Vec<Tree> = Vec::new();
    let mut deleted = BTreeSet::new();
    for step in steps {
        match step {
            Step::Send => {
                sent.insert(world.send("jobs", "b").await, now);
            }
            Step::Receive { max } => {
                for message in world.receive_with("jobs", &[("MaxNumberOfMessages", max)]).await {
                    assert!(!deleted.contains(&id(&message)), "a deleted message came again");
                    received.push(message);
                }
            }
            Step::Delete { back } => {
                if let Some(message) = received.iter().rev().nth(back) {
                    world.delete("jobs", message).await;
                    deleted.insert(id(message));
                }
            }
            Step::Hide { back, seconds } => {
                if let Some(message) = received.iter().rev().nth(back) {
                    drop(world.hide("jobs", message, seconds).await);
                }
            }
            Step::Pass { seconds } => {
                world.pass(seconds);
                now += seconds;
            }
            Step::Reopen => world.reopen().await,
        }
    }
    let (visible, in_flight, delayed) = world.counts("jobs").await;
    let (moved, _, _) = world.counts("dead").await;
    let dead = drain(&world, "dead").await;
    assert_eq!(dead.len() as u64, moved);
    // A message that moved keeps no handle: what was thought to delete it did nothing.
    deleted.retain(|id| !dead.contains(id));
    let expired = |id: &String| {
        !dead.contains(id) && !deleted.contains(id) && now - sent[id] >= RETENTION_SECONDS
    };
    let expired = sent.keys().filter(|id| expired(id)).count() as u64;
    assert_eq!(
        sent.len() as u64,
        deleted.len() as u64 + visible + in_flight + delayed + moved + expired
    );
    assert!(dead.iter().all(|id| sent.contains_key(id)));
}

async fn drain(world: &World, name: &str) -> BTreeSet<String> {
    let mut ids = BTreeSet::new();
    loop {
        let messages = world.receive(name).await;
        if messages.is_empty() {
            return ids;
        }
        for message in messages {
            assert!(ids.insert(id(&message)), "a message came twice");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn each_message_is_in_one_place(steps in prop::collection::vec(step(), 0..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(check(steps));
    }
}
