//! The room alone: findings in, alerts at destinations, with a clock that stands still.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

mod endpoint;

use std::{
    io::{self, Write},
    path::Path,
    sync::{Arc, Mutex},
};

use alert::{Alerts, Config, Destination, Error, Output, run};
use flow::{
    Accepted, Clock, Finding, Level, ManualClock, Pending, Publish, PublishError, RuleRef, Secret,
    Timestamp, alert_id,
};
use outgoing::{Client, Policy};
use serde_json::{Value, json};
use store::{Counts, Database};
use tokio::task::JoinHandle;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::endpoint::{Endpoint, until};

const HOSTILE: &str =
    "\u{1b}[2J\u{9b}m\r\n<!channel> *bold* `x` <script>alert(1)</script> \u{202e}cba\u{2066}";

/// Topics: those named `missing` do not exist.
#[derive(Default)]
struct Topics(Mutex<Vec<(String, String, String, String)>>);

impl Publish for Topics {
    fn publish<'a>(
        &'a self,
        arn: &'a str,
        delivery_id: &'a str,
        subject: Option<&'a str>,
        message: &'a str,
    ) -> Pending<'a, Result<Accepted, PublishError>> {
        Box::pin(async move {
            if arn.ends_with(":missing") {
                return Err(PublishError::NoSuchTopic(arn.to_owned()));
            }
            let subject = subject.unwrap_or_default().to_owned();
            let sent = (arn.to_owned(), delivery_id.to_owned(), subject, message.to_owned());
            self.0.lock().unwrap().push(sent);
            Ok(Accepted("m".to_owned()))
        })
    }
}

/// What was written to standard output.
#[derive(Clone, Default)]
struct Screen(Arc<Mutex<Vec<u8>>>);

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct World {
    alerts: Alerts,
    topics: Arc<Topics>,
    screen: Screen,
    clock: Arc<ManualClock>,
    stop: CancellationToken,
    running: JoinHandle<()>,
}

async fn try_open(
    folder: &Path,
    boot: &str,
    destinations: &[String],
    policy: Policy,
) -> Result<World, Error> {
    let database = Database::open(&folder.join("work.db"), boot).unwrap();
    let clock = Arc::new(ManualClock::new(Timestamp::from_secs(1_700_000_000)));
    let (topics, screen) = (Arc::<Topics>::default(), Screen::default());
    let output: Output = Arc::new(Mutex::new(screen.clone()));
    let destinations: Vec<Destination> =
        destinations.iter().map(|text| text.parse().unwrap()).collect();
    let account = "123456789012".parse().unwrap();
    let region = "us-east-2".parse().unwrap();
    let mut config = Config::new(destinations, Secret::new("key"), account, region, output);
    config.age_max_millis = 3_600_000;
    let client = Client::with(policy).unwrap();
    let publish: Arc<dyn Publish> = Arc::<Topics>::clone(&topics);
    let time: Arc<dyn Clock> = Arc::<ManualClock>::clone(&clock);
    let alerts = Alerts::open(config, &database, client, publish, time).await?;
    let stop = CancellationToken::new();
    let running = TaskTracker::new().spawn(run(alerts.clone(), stop.clone()));
    Ok(World { alerts, topics, screen, clock, stop, running })
}

async fn open(folder: &Path, destinations: &[String]) -> World {
    try_open(folder, "1", destinations, Policy { allow_private: true }).await.unwrap()
}

impl World {
    async fn counted(&self, wanted: impl Fn(Counts) -> bool) {
        while !wanted(self.alerts.queue().counts().await.unwrap()) {
            tokio::task::yield_now().await;
        }
    }

    fn shown(&self) -> String {
        String::from_utf8(self.screen.0.lock().unwrap().clone()).unwrap()
    }
}

fn finding(event_id: &str) -> Finding {
    let record = json!({
        "eventID": event_id,
        "eventTime": "2026-11-23T10:00:00Z",
        "eventSource": "sns.amazonaws.com",
        "eventName": "CreateTopic",
        "awsRegion": "us-east-2",
        "recipientAccountId": "123456789012",
        "sourceIPAddress": "192.0.2.1",
        "userAgent": "aws-cli/2",
        "userIdentity": {"arn": "arn:aws:iam::123456789012:root"},
    });
    Finding {
        id: alert_id("rule-1", &record, b""),
        rule: RuleRef { id: "rule-1".into(), title: "Topic created".into(), level: Level::High },
        record,
        object: "s3://logs/AWSLogs/a.json.gz".into(),
    }
}

fn hostile(event_id: &str) -> Finding {
    let mut finding = finding(event_id);
    for name in ["eventName", "userAgent", "errorMessage", "errorCode", "sourceIPAddress"] {
        finding.record[name] = HOSTILE.into();
    }
    finding.record["userIdentity"]["arn"] = HOSTILE.into();
    finding.record["userAgent"] = HOSTILE.repeat(1_000_000 / HOSTILE.len() + 1).into();
    finding
}

#[tokio::test]
async fn an_alert_reaches_each_destination_once_however_often_it_is_accepted() {
    let folder = tempfile::tempdir().unwrap();
    let (hook, slack) = (Endpoint::open(&[]).await, Endpoint::open(&[]).await);
    let file = folder.path().join("alerts.ndjson");
    let world = open(
        folder.path(),
        &[
            "sns:alerts".to_owned(),
            format!("webhook:{}", hook.url("/hook?key=hush")),
            format!("slack:{}", slack.url("/services/hush")),
            format!("file:{}", file.display()),
            "stdout".to_owned(),
            "stdout".to_owned(),
        ],
    )
    .await;
    let finding = finding("e-1");
    world.alerts.accept(&[finding.clone(), finding.clone()]).await.unwrap();
    world.counted(|counts| counts.done == 5).await;
    world.alerts.accept(std::slice::from_ref(&finding)).await.unwrap();
    world.stop.cancel();
    world.running.await.unwrap();

    let topics = world.topics.0.lock().unwrap().clone();
    assert_eq!(topics.len(), 1);
    let (arn, delivery_id, subject, message) = &topics[0];
    assert_eq!(arn, "arn:aws:sns:us-east-2:123456789012:alerts");
    assert_eq!(*delivery_id, format!("{} sns:alerts", finding.id));
    assert_eq!(subject, "[high] Topic created: sns.amazonaws.com:CreateTopic");

    let posts = hook.taken();
    assert_eq!(posts.len(), 1);
    assert_eq!(posts[0].header("x-trailhound-alert-id"), finding.id);
    let sent: Value = serde_json::from_slice(&posts[0].body).unwrap();
    assert_eq!((&sent["id"], &sent["record"]), (&json!(finding.id), &finding.record));
    assert_eq!(*message, String::from_utf8(posts[0].body.clone()).unwrap());

    let posts = slack.taken();
    assert_eq!(posts.len(), 1);
    assert_eq!(posts[0].path, "/services/hush");
    let line = std::fs::read_to_string(&file).unwrap();
    assert_eq!(line, format!("{message}\n"));
    assert!(world.screen.0.lock().unwrap().starts_with(b"[high] Topic created\n"));
}

#[tokio::test]
async fn a_webhook_can_check_who_sent_an_alert() {
    use hmac::{Hmac, KeyInit, Mac};
    let folder = tempfile::tempdir().unwrap();
    let hook = Endpoint::open(&[]).await;
    let world = open(folder.path(), &[format!("webhook:{}", hook.url("/"))]).await;
    world.alerts.accept(&[finding("e-1")]).await.unwrap();
    world.counted(|counts| counts.done == 1).await;
    let post = hook.taken().remove(0);
    let timestamp = post.header("x-trailhound-timestamp");
    assert_eq!(timestamp, "1700000000");
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(b"key").unwrap();
    mac.update(format!("{timestamp}.").as_bytes());
    mac.update(&post.body);
    let expected = format!("sha256={}", hex::encode(mac.finalize().into_bytes()));
    assert_eq!(post.header("x-trailhound-signature"), expected);
}

#[tokio::test]
async fn a_repeat_carries_the_same_id_and_body_after_a_growing_wait() {
    let folder = tempfile::tempdir().unwrap();
    let hook = Endpoint::open(&[500, 302]).await;
    let world = open(folder.path(), &[format!("webhook:{}", hook.url("/"))]).await;
    world.alerts.accept(&[finding("e-1")]).await.unwrap();
    for (sent, wait) in [(1, 1_000), (2, 2_000)] {
        until(|| hook.taken().len() == sent).await;
        world.counted(|counts| counts.waiting == 1).await;
        let due = world.alerts.queue().next_due().await.unwrap().unwrap();
        assert_eq!(due.millis_since(world.clock.now()), wait);
        world.clock.advance(wait);
    }
    world.counted(|counts| counts.done == 1).await;
    let posts = hook.taken();
    assert_eq!(posts.len(), 3);
    for post in &posts {
        assert_eq!(post.body, posts[0].body);
        assert_eq!(post.header("x-trailhound-alert-id"), posts[0].header("x-trailhound-alert-id"));
    }
}

#[tokio::test]
async fn a_destination_that_never_answers_delays_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = silent.local_addr().unwrap();
    let world =
        open(folder.path(), &[format!("webhook:http://{address}/"), "stdout".to_owned()]).await;
    let findings: Vec<Finding> = (0..20).map(|n| finding(&format!("e-{n}"))).collect();
    world.alerts.accept(&findings).await.unwrap();
    world.counted(|counts| counts.done == 20).await;
    assert_eq!(world.shown().matches("[high]").count(), 20);
    // The silent one counts as failed once its time is up, again and again until an alert is too old.
    while world.alerts.queue().counts().await.unwrap().dead == 0 {
        world.clock.advance(30_000);
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn what_cannot_be_sent_is_buried_without_its_secrets_and_can_be_sent_later() {
    let folder = tempfile::tempdir().unwrap();
    let slack = Endpoint::open(&[403; 2_000]).await;
    let destinations = ["sns:missing".to_owned(), format!("slack:{}", slack.url("/services/hush"))];
    let world = open(folder.path(), &destinations).await;
    world.alerts.accept(&[finding("e-1")]).await.unwrap();
    loop {
        let counts = world.alerts.queue().counts().await.unwrap();
        match counts {
            Counts { dead: 2, .. } => break,
            // A try that began meanwhile loses less than the time it has.
            Counts { leased: 0, .. } => world.clock.advance(20_000),
            _ => {}
        }
        tokio::task::yield_now().await;
    }
    let dead = world.alerts.queue().dead(9).await.unwrap();
    for row in &dead {
        let detail = row.detail.to_string();
        assert!(!row.id.contains("hush") && !row.reason.contains("hush"), "{}", row.reason);
        assert!(!detail.contains("hush"), "{detail}");
        assert_eq!(
            (&row.detail["bucket"], &row.detail["key"]),
            (&json!("logs"), &json!("AWSLogs/a.json.gz"))
        );
        assert_eq!(row.detail["alert"], finding("e-1").id);
    }
    let reasons = format!("{} {}", dead[0].reason, dead[1].reason);
    assert!(reasons.contains("does not exist") && reasons.contains("status 403"), "{reasons}");

    let sent = slack.taken().len();
    let slack_row = dead.iter().find(|row| row.id.contains("slack")).unwrap();
    assert!(world.alerts.queue().revive(&slack_row.id, world.clock.now()).await.unwrap());
    until(|| slack.taken().len() > sent).await;
}

#[tokio::test]
async fn an_address_that_is_refused_is_an_error_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let destinations = ["webhook:http://169.254.169.254/latest/hush".to_owned()];
    let refused =
        try_open(folder.path(), "1", &destinations, Policy { allow_private: false }).await.err();
    let text = refused.unwrap().to_string();
    assert!(text.contains("webhook:http://169.254.169.254#") && !text.contains("hush"), "{text}");
}

#[tokio::test]
async fn alerts_survive_a_restart_and_a_destination_that_is_gone_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let world = open(folder.path(), &["sns:missing".to_owned(), "stdout".to_owned()]).await;
    world.stop.cancel();
    world.running.await.unwrap();
    world.alerts.accept(&[finding("e-1")]).await.unwrap();
    drop(world.alerts);
    let policy = Policy { allow_private: true };
    let world = try_open(folder.path(), "2", &["stdout".to_owned()], policy).await.unwrap();
    world.counted(|counts| counts.done == 1 && counts.dead == 1).await;
    let dead = world.alerts.queue().dead(9).await.unwrap();
    assert!(dead[0].reason.contains("sns:missing is not among the configured"));
}

#[tokio::test]
async fn a_file_gets_whole_lines_whatever_a_crash_left() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("alerts.ndjson");
    std::fs::write(&file, "{\"id\":\"ha").unwrap();
    let world = open(folder.path(), &[format!("file:{}", file.display())]).await;
    let findings: Vec<Finding> = (0..10).map(|n| finding(&format!("e-{n}"))).collect();
    world.alerts.accept(&findings).await.unwrap();
    world.counted(|counts| counts.done == 10).await;
    let text = std::fs::read_to_string(&file).unwrap();
    assert_eq!(text.lines().count(), 11);
    assert!(text.lines().skip(1).all(|line| serde_json::from_str::<Value>(line).is_ok()));
}

#[tokio::test]
async fn a_hostile_record_acts_on_no_destination() {
    let folder = tempfile::tempdir().unwrap();
    let (hook, slack) = (Endpoint::open(&[]).await, Endpoint::open(&[]).await);
    let file = folder.path().join("alerts.ndjson");
    let destinations = [
        "sns:alerts".to_owned(),
        format!("webhook:{}", hook.url("/")),
        format!("slack:{}", slack.url("/")),
        format!("file:{}", file.display()),
        "stdout".to_owned(),
    ];
    let world = open(folder.path(), &destinations).await;
    let mut with_id = hostile("e-2");
    with_id.id = format!("x\r\nx-injected: 1{HOSTILE}");
    world.alerts.accept(&[hostile("e-1"), with_id]).await.unwrap();
    world.counted(|counts| counts.done == 10).await;

    let acts = |c: char| c.is_control() || matches!(c, '\u{202e}' | '\u{2066}');
    for (_, _, subject, message) in world.topics.0.lock().unwrap().iter() {
        assert!(subject.is_ascii() && subject.len() < 100 && !subject.contains(acts));
        assert!(message.len() <= 256 * 1024 && !message.contains(acts));
        assert_eq!(serde_json::from_str::<Value>(message).unwrap()["who"], HOSTILE);
    }
    assert_eq!(hook.taken().len(), 2);
    for post in hook.taken() {
        let id = post.header("x-trailhound-alert-id");
        assert!(id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit()), "{id}");
        assert_eq!(post.header("x-injected"), "");
        let sent: Value = serde_json::from_slice(&post.body).unwrap();
        assert_eq!(sent["id"], id);
        assert_eq!(sent["record"]["userIdentity"]["arn"], HOSTILE, "exact in the record");
    }
    for post in slack.taken() {
        let text = String::from_utf8(post.body).unwrap();
        assert!(!text.contains(acts) && !text.contains(['<', '>']) && text.len() < 64 * 1024);
    }
    let lines = std::fs::read_to_string(&file).unwrap();
    assert_eq!(lines.lines().count(), 2);
    assert!(lines.lines().all(|line| !line.contains(acts)));
    let shown = world.shown();
    assert_eq!(shown.lines().count(), 20);
    assert!(!shown.replace('\n', "").contains(acts) && shown.len() < 128 * 1024);
}
