//! Killed at any instant, again and again, under load: nothing answered is lost.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use flow::{Chance, NotificationConfiguration, SeededChance, TargetKind};
use server::Config;
use tempfile::TempDir;
use testkit::{
    Announced, Books, Hand, Ledger, Program, Running, Sink, Targets, drained, notification,
    rules_of_tests, token,
};
use tokio::{task::JoinSet, time::sleep};

use crate::EXECUTABLE;

/// How often the server is killed, unless `TRAILHOUND_KILLS` says otherwise.
const KILLS: u32 = 50;
/// What chance begins with, unless `TRAILHOUND_SEED` says otherwise.
const SEED: u64 = 7;
/// Alerts that the webhook refuses in each life.
const FAILURES: usize = 3;
/// How often the server is stopped in good order.
const STOPS: usize = 4;
/// Clients at once.
const CLIENTS: usize = 4;
/// Where objects are put, and who is told of them: what a key begins with, and the queue where that
/// ends up.
const BUCKET: &str = "letters";
const TOLD: &[(&str, &str)] = &[("to-queue/", NOTIFIED), ("to-topic/", ANNOUNCED)];
/// What the keys of objects begin with that wake a function, which then tells of them.
const TO_FUNCTION: &str = "to-function/";
const WOKEN: &str = "woken";
/// Queues: that clients send to, that the bucket notifies, that is subscribed to a topic which the
/// bucket notifies, to one that clients publish to, that the function sends to, that gets its
/// answers to events, and whose messages it is given.
const JOBS: &str = "jobs";
const NOTIFIED: &str = "notified";
const ANNOUNCED: &str = "announced";
const SUBSCRIBED: &str = "subscribed";
const DONE: &str = "done";
const ANSWERED: &str = "answered";
const MAPPED: &str = "mapped";
const QUEUES: &[&str] = &[JOBS, NOTIFIED, ANNOUNCED, SUBSCRIBED, DONE, ANSWERED];
/// What the function may do.
const MAY: &[&str] =
    &["sqs:SendMessage", "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"];
/// How often to look whether the function was given all messages, and for how long at most.
const LOOK_EVERY: Duration = Duration::from_millis(100);
const LOOKS_MAX: u32 = 900;
/// Topics: that the bucket notifies, and that clients publish to.
const OBJECTS: &str = "objects";
const NEWS: &str = "news";
const REGION: &str = "us-east-2";
const ACCOUNT: &str = "123456789012";
/// The longest life under load, in milliseconds.
const LIFE_MILLIS_MAX: u64 = 1_200;
/// The longest life of a server that is killed while it starts, in milliseconds.
const START_MILLIS_MAX: u64 = 150;
/// Every how many kills one falls into the start.
const STARTS_EVERY: u32 = 5;

/// A number of the environment: how long a test runs, and how it rolls its dice, is for its caller
/// to say.
#[expect(clippy::disallowed_methods, reason = "the one place where a test asks its caller")]
fn given<T: std::str::FromStr>(name: &str, otherwise: T) -> T {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

fn below(chance: &SeededChance, millis: u64) -> Duration {
    let mut bytes = [0; 8];
    chance.fill(&mut bytes);
    Duration::from_millis(u64::from_be_bytes(bytes) % millis)
}

/// Calls until nobody answers.
async fn load(hand: Hand, ledger: Ledger, name: String) {
    for round in 0_u32.. {
        let named = format!("{name}-{round}");
        let alive = [
            alive(hand.create_topic(&named).await),
            alive(hand.call("sns", "GetTopicAttributes", &[("TopicArn", &named)]).await),
            alive(hand.create_bucket(BUCKET, REGION).await),
            alive(hand.s3("GET", &format!("/{BUCKET}/no-{named}"), "").await),
            alive(objects(&hand, &ledger, &named).await),
            alive(messages(&hand, &ledger, &named).await),
        ];
        if !alive.iter().all(|alive| *alive) {
            return;
        }
    }
}

/// Puts an object for each target that the bucket tells.
async fn objects(hand: &Hand, ledger: &Ledger, name: &str) -> Result<(), client::Error> {
    let token = token(name);
    for (prefix, queue) in TOLD {
        let announced = ledger.announce(queue, &token);
        hand.put(&format!("{BUCKET}/{prefix}{token}.txt"), name.to_owned()).await?;
        announced.due();
    }
    let done = [DONE, ANSWERED].map(|queue| ledger.announce_at_least_once(queue, &token));
    hand.put(&format!("{BUCKET}/{TO_FUNCTION}{token}.txt"), name.to_owned()).await?;
    done.into_iter().for_each(Announced::due);
    Ok(())
}

/// Sends a message, publishes one, and receives some, of which every other is deleted.
async fn messages(hand: &Hand, ledger: &Ledger, name: &str) -> Result<(), client::Error> {
    let token = token(name);
    hand.send(JOBS, &token).await?;
    let announced = ledger.announce(SUBSCRIBED, &token);
    let input = [("TopicArn", &*topic_arn(NEWS)), ("Message", &*token)];
    hand.call("sns", "Publish", &input).await?;
    announced.due();
    let mapped = self::token(&format!("{name}-mapped"));
    let announced = ledger.announce_at_least_once(DONE, &mapped);
    let input = [("QueueUrl", &*hand.queue_url(MAPPED)), ("MessageBody", &*mapped)];
    hand.call("sqs", "SendMessage", &input).await?;
    announced.due();
    for message in hand.receive(JOBS, 0).await?.into_iter().step_by(2) {
        hand.delete(message).await?;
    }
    Ok(())
}

/// Whether somebody answered, in whatever words.
fn alive<T>(answer: Result<T, client::Error>) -> bool {
    !matches!(answer, Err(client::Error::Http { .. }))
}

fn topic_arn(name: &str) -> String {
    format!("arn:aws:sns:{REGION}:{ACCOUNT}:{name}")
}

fn configuration(sink: &Sink, path: &Path) -> Config {
    let text = format!(
        "dev = true\nregion = \"us-east-2\"\n[trail]\nwait_max = \"50ms\"\n\
         [function]\nretry_waits = [\"100ms\", \"100ms\"]\n\
         [alert]\ndestinations = [\"webhook:{}\"]\n[rule]\ndirs = [\"{}\"]\n",
        sink.hook(),
        rules_of_tests(path.parent().unwrap()).unwrap().display()
    );
    std::fs::write(path, &text).unwrap();
    Config::parse(&text, path).unwrap()
}

/// A place for one test.
struct Place {
    temporary: TempDir,
    program: Program,
    ledger: Ledger,
    sink: Sink,
    config: Config,
    /// Whom the bucket tells.
    told: NotificationConfiguration,
}

impl Place {
    async fn new() -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let ledger = Ledger::default();
        let sink = Sink::open(&ledger).await.unwrap();
        let config = configuration(&sink, &temporary.path().join("config.toml"));
        let program = Program::at(EXECUTABLE);
        let told = NotificationConfiguration::default();
        let mut place = Self { temporary, program, ledger, sink, config, told };
        place.set_up().await.unwrap();
        place
    }

    /// In a first, peaceful life: queues, topics and a function, and a bucket that tells them.
    async fn set_up(&mut self) -> anyhow::Result<()> {
        let server = self.up().await;
        let hand = server.client(&self.ledger)?;
        let [bucket, topic] = ["s3.amazonaws.com", "sns.amazonaws.com"];
        hand.create_queue(JOBS, &[]).await?;
        hand.create_queue(DONE, &[]).await?;
        let answered = hand.create_queue(ANSWERED, &[]).await?;
        let mapped = hand.create_queue(MAPPED, &[]).await?;
        let notified = hand.create_queue(NOTIFIED, &[bucket]).await?;
        let announced = hand.create_queue(ANNOUNCED, &[topic]).await?;
        let subscribed = hand.create_queue(SUBSCRIBED, &[topic]).await?;
        let objects = hand.create_topic(OBJECTS).await?;
        let news = hand.create_topic(NEWS).await?;
        hand.let_publish(&objects, &[bucket]).await?;
        hand.subscribe_queue(&objects, &announced).await?;
        hand.subscribe_queue(&news, &subscribed).await?;
        hand.create_bucket(BUCKET, REGION).await?;
        let code = include_str!("woken.py");
        let woken = hand.create_python(WOKEN, code, MAY).await?;
        hand.let_invoke(WOKEN, bucket).await?;
        hand.on_success(WOKEN, &answered).await?;
        hand.map_queue(&mapped, WOKEN).await?;
        self.told = notification([
            (TargetKind::Function, &*woken, TO_FUNCTION),
            (TargetKind::Queue, &*notified, "to-queue/"),
            (TargetKind::Topic, &*objects, "to-topic/"),
        ]);
        hand.configure(BUCKET, &self.told).await?;
        assert_eq!(server.terminate().await?, Some(0));
        Ok(())
    }

    fn dir(&self) -> PathBuf {
        self.temporary.path().join("data")
    }

    fn file(&self) -> String {
        self.temporary.path().join("config.toml").to_str().unwrap().to_owned()
    }

    async fn up(&self) -> Running {
        self.program.up(&self.dir(), &["--config", &self.file()]).await.unwrap()
    }

    /// Puts a server under load, until it answers no more.
    fn load(&self, server: &Running, name: &str) -> JoinSet<()> {
        let hand = |_| server.client(&self.ledger).unwrap();
        let hands = (0..CLIENTS).map(hand).enumerate();
        let ledger = || self.ledger.clone();
        hands.map(|(number, hand)| load(hand, ledger(), format!("{name}-{number}"))).collect()
    }

    /// Starts a last server, lets it drain, stops it and compares the accounts.
    async fn balance(&self) {
        let server = self.up().await;
        let hand = server.client(&self.ledger).unwrap();
        hand.create_topic("the-last").await.unwrap();
        drained(&server.admin().unwrap(), |_| ()).await.unwrap();
        for look in 0.. {
            if hand.messages_in(MAPPED).await.unwrap() == 0 {
                break;
            }
            assert!(look < LOOKS_MAX, "the function is not given what is in `{MAPPED}`");
            sleep(LOOK_EVERY).await;
        }
        for queue in QUEUES {
            hand.empty(queue).await.unwrap();
        }
        drained(&server.admin().unwrap(), |_| ()).await.unwrap();
        let dead = server.admin().unwrap().dead().await.unwrap();
        assert_eq!(server.terminate().await.unwrap(), Some(0));
        let (sent, answered) = self.ledger.counts();
        let (due, came) = self.ledger.message_counts();
        println!("{sent} calls, {answered} answered, {} alerts", self.sink.hooked().len());
        println!("{due} messages due, {came} came");
        let targets = Targets::Configured(vec![(BUCKET.to_owned(), self.told.clone())]);
        let dir = self.dir();
        let Self { config, ledger, sink, .. } = self;
        let books = Books { dir: &dir, config, ledger, sink, targets };
        let problems = books.problems().await.unwrap();
        assert!(problems.is_empty(), "{}", problems.join("\n"));
        assert!(dead.is_empty(), "{dead:#?}");
        assert!(answered > CLIENTS && !sink.hooked().is_empty() && due > CLIENTS);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_instant_the_accounts_balance() {
    let place = Place::new().await;
    let seed = given("TRAILHOUND_SEED", SEED);
    println!("seed {seed}");
    let chance = SeededChance::new(seed);
    for kill in 0..given("TRAILHOUND_KILLS", KILLS) {
        if kill % STARTS_EVERY == STARTS_EVERY - 1 {
            let after = below(&chance, START_MILLIS_MAX);
            let (dir, file) = (place.dir(), place.file());
            place.program.interrupt(&dir, &["--config", &file], after).await.unwrap();
            continue;
        }
        let server = place.up().await;
        let clients = place.load(&server, &format!("kill-{kill}"));
        place.sink.fail(FAILURES);
        sleep(below(&chance, LIFE_MILLIS_MAX)).await;
        server.kill().await.unwrap();
        clients.join_all().await;
    }
    place.sink.fail(0);
    place.balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stopped_under_load_a_server_ends_well_and_the_accounts_balance() {
    let place = Place::new().await;
    for stop in 0..STOPS {
        let server = place.up().await;
        let clients = place.load(&server, &format!("stop-{stop}"));
        let busy = |sink: &Sink| {
            sink.hooked().len() > stop && place.ledger.message_counts().0 > CLIENTS * (stop + 1)
        };
        place.sink.until("alerts and messages", busy).await;
        assert_eq!(server.terminate().await.unwrap(), Some(0));
        clients.join_all().await;
    }
    place.balance().await;
}
