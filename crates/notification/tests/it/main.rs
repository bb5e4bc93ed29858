//! The room alone: objects in, events at a function, with a clock that stands still.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{
    collections::{HashMap, HashSet},
    path::Path,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use flow::{
    Accepted, Access, Authorize, BucketEvent, Clock, Decision, Enqueue, Invoke, InvokeError,
    ManualClock, Pending, Publish, PublishError, QueueMessage, SendError, Target, Timestamp, Who,
};
use notification::{Config, Notifications, Reach, run};
use store::{Counts, Database};
use tokio::{sync::Notify, task::JoinHandle};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Functions that answer as their names say, and remember what they were given.
#[derive(Default)]
struct Functions {
    calls: Mutex<Vec<(String, String, Bytes)>>,
    called: Notify,
    /// `arn…:flaky` fails this often.
    failures: Mutex<HashMap<String, u32>>,
    /// `arn…:slow` waits for this.
    gate: Notify,
    /// Those whose policies deny.
    denied: Mutex<HashSet<String>>,
    asked: Mutex<Vec<Access>>,
}

impl Enqueue for Functions {
    fn enqueue<'a>(
        &'a self,
        queue_arn: &'a str,
        delivery_id: &'a str,
        message: QueueMessage,
    ) -> Pending<'a, Result<Accepted, SendError>> {
        Box::pin(async move {
            let call = (queue_arn.to_owned(), delivery_id.to_owned(), message.body.into());
            self.calls.lock().unwrap().push(call);
            if queue_arn.ends_with(":full") {
                return Err(SendError::Rejected("too large".to_owned()));
            }
            Ok(Accepted(delivery_id.to_owned()))
        })
    }
}

impl Publish for Functions {
    fn publish<'a>(
        &'a self,
        topic_arn: &'a str,
        delivery_id: &'a str,
        subject: Option<&'a str>,
        message: &'a str,
    ) -> Pending<'a, Result<Accepted, PublishError>> {
        Box::pin(async move {
            assert_eq!(subject, Some("Amazon S3 Notification"));
            let call = (topic_arn.to_owned(), delivery_id.to_owned(), message.to_owned().into());
            self.calls.lock().unwrap().push(call);
            Ok(Accepted(delivery_id.to_owned()))
        })
    }
}

impl Authorize for Functions {
    fn decide(&self, who: Who<'_>, access: &Access) -> Decision {
        assert!(matches!(who, Who::Service("s3.amazonaws.com")));
        self.asked.lock().unwrap().push(access.clone());
        if self.denied.lock().unwrap().contains(&access.resource) {
            return Decision::Denied(format!("no policy allows {}", access.action));
        }
        Decision::Allowed
    }
}

impl Invoke for Functions {
    fn invoke<'a>(
        &'a self,
        arn: &'a str,
        delivery_id: &'a str,
        event: Bytes,
    ) -> Pending<'a, Result<Accepted, InvokeError>> {
        Box::pin(async move {
            let call = (arn.to_owned(), delivery_id.to_owned(), event);
            self.calls.lock().unwrap().push(call);
            self.called.notify_one();
            if arn.ends_with(":missing") {
                return Err(InvokeError::NoSuchFunction("missing".to_owned()));
            }
            if arn.ends_with(":slow") {
                self.gate.notified().await;
            }
            if let Some(left) = self.failures.lock().unwrap().get_mut(arn)
                && *left > 0
            {
                *left -= 1;
                return Err(InvokeError::Retry("busy".to_owned()));
            }
            Ok(Accepted(delivery_id.to_owned()))
        })
    }
}

struct World {
    notifications: Notifications,
    functions: Arc<Functions>,
    clock: Arc<ManualClock>,
    stop: CancellationToken,
    running: JoinHandle<()>,
}

impl World {
    async fn open(folder: &Path, boot: &str, functions: Arc<Functions>) -> Self {
        let database = Database::open(&folder.join("work.db"), boot).unwrap();
        let clock = Arc::new(ManualClock::new(start()));
        let config = Config::new("us-east-2".parse().unwrap(), "123456789012".parse().unwrap());
        let reach = Reach {
            functions: Arc::<Functions>::clone(&functions),
            queues: Arc::<Functions>::clone(&functions),
            topics: Arc::<Functions>::clone(&functions),
            authorize: Arc::<Functions>::clone(&functions),
        };
        let time: Arc<dyn Clock> = Arc::<ManualClock>::clone(&clock);
        let notifications = Notifications::open(config, &database, reach, time).await.unwrap();
        let stop = CancellationToken::new();
        let running = TaskTracker::new().spawn(run(notifications.clone(), stop.clone()));
        Self { notifications, functions, clock, stop, running }
    }

    /// Waits until the queue's counts are as wanted.
    async fn until(&self, wanted: impl Fn(Counts) -> bool) {
        while !wanted(self.notifications.queue().counts().await.unwrap()) {
            tokio::task::yield_now().await;
        }
    }

    fn calls(&self) -> Vec<(String, String, Bytes)> {
        self.functions.calls.lock().unwrap().clone()
    }
}

fn start() -> Timestamp {
    "2026-11-23T10:00:00Z".parse().unwrap()
}

fn arn(function: &str) -> String {
    format!("arn:aws:lambda:us-east-2:123456789012:function:{function}")
}

fn object(key: &str, functions: &[&str]) -> BucketEvent {
    let target = |function: &&str| Target { configuration_id: "c".into(), arn: arn(function) };
    BucketEvent {
        event_name: "ObjectCreated:Put".into(),
        bucket: "logs".into(),
        key: key.into(),
        size: Some(1),
        e_tag: Some("e".into()),
        sequencer: "0A".into(),
        time: start(),
        principal_id: "AWS:cloudtrail.amazonaws.com".into(),
        source_ip: "127.0.0.1".into(),
        request_id: "r".into(),
        host_id: "h".into(),
        targets: functions.iter().map(target).collect(),
    }
}

#[tokio::test]
async fn each_target_is_told_once_however_often_the_object_is_handed_over() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path(), "1", Arc::default()).await;
    let object = object("a b", &["one", "two"]);
    world.notifications.accept(&object).await.unwrap();
    world.notifications.accept(&object).await.unwrap();
    world.until(|counts| counts.done == 2).await;
    world.notifications.accept(&object).await.unwrap();
    world.stop.cancel();
    world.running.await.unwrap();
    let calls = world.functions.calls.lock().unwrap().clone();
    let told: HashSet<String> = calls.iter().map(|call| call.0.clone()).collect();
    assert_eq!((calls.len(), told), (2, HashSet::from([arn("one"), arn("two")])));
    for (arn, delivery_id, event) in calls {
        assert_eq!(delivery_id, format!("logs/a b/0A/{arn}"));
        let event: serde_json::Value = serde_json::from_slice(&event).unwrap();
        assert_eq!(event["Records"][0]["s3"]["object"]["key"], "a+b");
    }
}

#[tokio::test]
async fn a_failed_hand_over_is_repeated_under_the_same_id_after_growing_waits() {
    let folder = tempfile::tempdir().unwrap();
    let functions = Arc::new(Functions::default());
    functions.failures.lock().unwrap().insert(arn("flaky"), 3);
    let world = World::open(folder.path(), "1", functions).await;
    world.notifications.accept(&object("k", &["flaky"])).await.unwrap();
    for (tries, wait) in [(1, 1_000), (2, 2_000), (3, 4_000)] {
        while world.calls().len() < tries {
            tokio::task::yield_now().await;
        }
        world.until(|counts| counts.waiting == 1).await;
        assert_eq!(world.calls().len(), tries);
        let due = world.notifications.queue().next_due().await.unwrap();
        assert_eq!(due, Some(world.clock.now().plus_millis(wait)));
        world.clock.advance(wait);
    }
    world.until(|counts| counts.done == 1).await;
    let calls = world.calls();
    assert_eq!(calls.len(), 4);
    assert!(calls.iter().all(|call| call == &calls[0]), "the same id and bytes each time");
}

#[tokio::test]
async fn a_slow_target_delays_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path(), "1", Arc::default()).await;
    for n in 0..20 {
        world.notifications.accept(&object(&format!("slow/{n}"), &["slow"])).await.unwrap();
    }
    world.notifications.accept(&object("quick", &["quick"])).await.unwrap();
    world.until(|counts| counts.done == 1).await;
    assert!(world.calls().iter().any(|call| call.0 == arn("quick")));
}

#[tokio::test]
async fn a_function_that_never_takes_an_event_counts_as_failed() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path(), "1", Arc::default()).await;
    world.notifications.accept(&object("k", &["slow"])).await.unwrap();
    world.functions.called.notified().await;
    // The next try may have begun before anybody looks, so this waits for the last one's failure.
    while world.notifications.queue().counts().await.unwrap().dead == 0 {
        world.clock.advance(30_000);
        tokio::task::yield_now().await;
    }
    let dead = world.notifications.queue().dead(1).await.unwrap();
    assert!(dead[0].reason.contains("did not take it within 30000 ms"), "{}", dead[0].reason);
}

#[tokio::test]
async fn what_cannot_be_told_is_buried_by_name_and_can_be_told_later() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path(), "1", Arc::default()).await;
    let mut object = object("AWSLogs/k.json.gz", &["missing"]);
    object.targets.push(Target {
        configuration_id: "q".into(),
        arn: "arn:aws:sqs:us-east-2:123456789012:full".into(),
    });
    world.notifications.accept(&object).await.unwrap();
    let queue = world.notifications.queue();
    world.until(|counts| counts.dead == 1).await;
    world.clock.advance(1);
    while queue.counts().await.unwrap().dead < 2 {
        world.clock.advance(300_000);
        tokio::task::yield_now().await;
    }
    let dead = queue.dead(9).await.unwrap();
    for row in &dead {
        assert_eq!(row.detail["bucket"], "logs");
        assert_eq!(row.detail["key"], "AWSLogs/k.json.gz");
        assert!(row.reason.contains("s3://logs/AWSLogs/k.json.gz"), "{}", row.reason);
    }
    let reasons: Vec<bool> =
        dead.iter().map(|row| row.reason.contains("function `missing` does not exist")).collect();
    assert_eq!(reasons, [false, true]);

    let before = world.calls().len();
    assert!(queue.revive(&dead[1].id, world.clock.now()).await.unwrap());
    while world.calls().len() == before {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_stop_finishes_what_is_begun_and_a_restart_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let functions: Arc<Functions> = Arc::default();
    let world = World::open(folder.path(), "1", Arc::clone(&functions)).await;
    world.notifications.accept(&object("k", &["slow"])).await.unwrap();
    functions.called.notified().await;
    world.stop.cancel();
    functions.gate.notify_one();
    world.running.await.unwrap();
    assert_eq!(world.notifications.queue().counts().await.unwrap().done, 1);

    world.notifications.accept(&object("later", &["one"])).await.unwrap();
    drop(world.notifications);
    let world = World::open(folder.path(), "2", functions).await;
    world.until(|counts| counts.done == 2).await;
}

#[tokio::test]
async fn queues_and_topics_are_told_what_functions_are() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path(), "1", Arc::default()).await;
    let mut object = object("k", &["one"]);
    for arn in ["arn:aws:sqs:us-east-2:123456789012:q", "arn:aws:sns:us-east-2:123456789012:t"] {
        object.targets.push(Target { configuration_id: "c".into(), arn: arn.into() });
    }
    world.notifications.accept(&object).await.unwrap();
    world.until(|counts| counts.done == 3).await;
    let calls = world.calls();
    assert!(calls.iter().all(|call| call.2 == calls[0].2), "{calls:?}");
    let asked = world.functions.asked.lock().unwrap().clone();
    let mut actions: Vec<_> = asked.iter().map(|access| access.action.as_str()).collect();
    actions.sort_unstable();
    assert_eq!(actions, ["lambda:InvokeFunction", "sns:Publish", "sqs:SendMessage"]);
    let source = ("aws:SourceArn".to_owned(), "arn:aws:s3:::logs".to_owned());
    let account = ("aws:SourceAccount".to_owned(), "123456789012".to_owned());
    assert!(asked.iter().all(|a| a.context.contains(&source) && a.context.contains(&account)));
}

#[tokio::test]
async fn a_permission_that_was_taken_away_may_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let functions = Arc::new(Functions::default());
    functions.denied.lock().unwrap().insert(arn("one"));
    let world = World::open(folder.path(), "1", functions).await;
    world.notifications.accept(&object("k", &["one"])).await.unwrap();
    world.until(|counts| counts.waiting == 1).await;
    while world.functions.asked.lock().unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    world.until(|counts| counts.waiting == 1).await;
    assert!(world.calls().is_empty());
    world.functions.denied.lock().unwrap().clear();
    while world.notifications.queue().counts().await.unwrap().done == 0 {
        world.clock.advance(1_000);
        tokio::task::yield_now().await;
    }
    assert_eq!(world.calls().len(), 1);
}

#[tokio::test]
async fn what_is_denied_for_too_long_is_buried_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let functions = Arc::new(Functions::default());
    functions.denied.lock().unwrap().insert(arn("one"));
    let world = World::open(folder.path(), "1", functions).await;
    world.notifications.accept(&object("k", &["one"])).await.unwrap();
    while world.notifications.queue().counts().await.unwrap().dead == 0 {
        world.clock.advance(300_000);
        tokio::task::yield_now().await;
    }
    let dead = world.notifications.queue().dead(1).await.unwrap();
    assert!(
        dead[0].reason.contains("no policy allows lambda:InvokeFunction"),
        "{}",
        dead[0].reason
    );
}
