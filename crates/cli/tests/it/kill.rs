//! Killed at any instant, again and again, under load: nothing answered is lost.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use flow::{Chance, SeededChance};
use server::Config;
use tempfile::TempDir;
use testkit::{Books, Hand, Ledger, Program, Running, Sink, Targets, drained, rules_of_tests};
use tokio::{task::JoinSet, time::sleep};

use crate::EXECUTABLE;

/// How often the server is killed, unless `TRAILHOUND_KILLS` says otherwise.
const KILLS: u32 = 30;
/// What chance begins with, unless `TRAILHOUND_SEED` says otherwise.
const SEED: u64 = 7;
/// Alerts that the webhook refuses in each life.
const FAILURES: usize = 3;
/// How often the server is stopped in good order.
const STOPS: usize = 4;
/// Clients at once.
const CLIENTS: usize = 4;
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
async fn load(hand: Hand, name: String) {
    for round in 0_u32.. {
        let named = format!("{name}-{round}");
        let alive = [
            alive(hand.create_topic(&named).await),
            alive(hand.call("sns", "GetTopicAttributes", &[("TopicArn", &named)]).await),
            alive(hand.create_bucket("letters", "us-east-2").await),
            alive(hand.put(&format!("letters/{named}.txt"), named.clone()).await),
            alive(hand.s3("GET", &format!("/letters/no-{named}"), "").await),
        ];
        if !alive.iter().all(|alive| *alive) {
            return;
        }
    }
}

/// Whether somebody answered, in whatever words.
fn alive<T>(answer: Result<T, client::Error>) -> bool {
    !matches!(answer, Err(client::Error::Http { .. }))
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
}

impl Place {
    async fn new() -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let ledger = Ledger::default();
        let sink = Sink::open(&ledger).await.unwrap();
        let config = configuration(&sink, &temporary.path().join("config.toml"));
        Self { temporary, program: Program::at(EXECUTABLE), ledger, sink, config }
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
        hands.map(|(number, hand)| load(hand, format!("{name}-{number}"))).collect()
    }

    /// Starts a last server, lets it drain, stops it and compares the accounts.
    async fn balance(&self) {
        let server = self.up().await;
        server.client(&self.ledger).unwrap().create_topic("the-last").await.unwrap();
        drained(&server.admin().unwrap(), |_| ()).await.unwrap();
        let dead = server.admin().unwrap().dead().await.unwrap();
        assert_eq!(server.terminate().await.unwrap(), Some(0));
        let (sent, answered) = self.ledger.counts();
        println!("{sent} calls, {answered} answered, {} alerts", self.sink.hooked().len());
        let (dir, targets) = (self.dir(), Targets::DefaultTrail);
        let Self { config, ledger, sink, .. } = self;
        let books = Books { dir: &dir, config, ledger, sink, targets };
        let problems = books.problems().await.unwrap();
        assert!(problems.is_empty(), "{}", problems.join("\n"));
        assert!(dead.is_empty(), "{dead:#?}");
        assert!(answered > CLIENTS && !sink.hooked().is_empty());
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
        place.sink.until("an alert", |sink| sink.hooked().len() > stop).await;
        assert_eq!(server.terminate().await.unwrap(), Some(0));
        clients.join_all().await;
    }
    place.balance().await;
}
