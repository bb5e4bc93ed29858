//! Killed at any instant, again and again, under load: nothing answered is lost.

use std::{path::Path, time::Duration};

use flow::{Chance, SeededChance};
use server::Config;
use testkit::{Books, Hand, Ledger, Program, Sink, Targets, drained};
use tokio::{task::JoinSet, time::sleep};

use crate::EXECUTABLE;

/// How often the server is killed, unless `TRAILHOUND_KILLS` says otherwise.
const KILLS: u32 = 30;
/// What chance begins with, unless `TRAILHOUND_SEED` says otherwise.
const SEED: u64 = 7;
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
         [alert]\ndestinations = [\"webhook:{}\"]\n",
        sink.hook()
    );
    std::fs::write(path, &text).unwrap();
    Config::parse(&text, path).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_instant_the_accounts_balance() {
    let temporary = tempfile::tempdir().unwrap();
    let (dir, file) = (temporary.path().join("data"), temporary.path().join("config.toml"));
    let ledger = Ledger::default();
    let sink = Sink::open(&ledger).await.unwrap();
    let config = configuration(&sink, &file);
    let more = ["--config", file.to_str().unwrap()];
    let seed = given("TRAILHOUND_SEED", SEED);
    let (program, chance) = (Program::at(EXECUTABLE), SeededChance::new(seed));
    for kill in 0..given("TRAILHOUND_KILLS", KILLS) {
        if kill % STARTS_EVERY == STARTS_EVERY - 1 {
            let after = below(&chance, START_MILLIS_MAX);
            program.interrupt(&dir, &more, after).await.unwrap();
            continue;
        }
        let server = program.up(&dir, &more).await.unwrap();
        let mut clients = JoinSet::new();
        for number in 0..CLIENTS {
            let hand = server.client(&ledger).unwrap();
            clients.spawn(load(hand, format!("kill-{kill}-{number}")));
        }
        sleep(below(&chance, LIFE_MILLIS_MAX)).await;
        server.kill().await.unwrap();
        clients.join_all().await;
    }
    let server = program.up(&dir, &more).await.unwrap();
    server.client(&ledger).unwrap().create_topic("the-last").await.unwrap();
    drained(&server.admin().unwrap(), |_| ()).await.unwrap();
    let dead = server.admin().unwrap().dead().await.unwrap();
    assert_eq!(server.terminate().await.unwrap(), Some(0));
    let (sent, answered) = ledger.counts();
    println!("{sent} calls, {answered} answered, {} alerts arrived", sink.hooked().len());
    let targets = Targets::DefaultTrail;
    let books = Books { dir: &dir, config: &config, ledger: &ledger, sink: &sink, targets };
    let problems = books.problems().await.unwrap();
    assert!(problems.is_empty(), "seed {seed}: {}", problems.join("\n"));
    assert!(dead.is_empty(), "{dead:#?}");
    assert!(answered > 0 && !sink.hooked().is_empty());
}
