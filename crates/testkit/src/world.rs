//! The whole server in this process, over a directory of its own, under a clock that stands still.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use flow::{BucketEvent, Clock, ManualClock, SeededChance, Timestamp};
use serde_json::Value;
use server::{Config, DataDir, Options, Passage, Server, SystemClock};
use store::Offset;
use tokio::{
    sync::{broadcast::error::RecvError, watch},
    task::JoinSet,
    time::{Instant, sleep},
};

use crate::{
    accounts::{Books, Targets},
    admin::{Admin, drained},
    hand::{Hand, Ledger},
    rules::rules_of_tests,
    sink::Sink,
};

/// The topic that alerts are published to.
const ALERTS: &str = "alerts";
/// What every world's chance begins with.
const SEED: u64 = 1;
/// How long a condition may take to hold.
const HOLD_TIME_MAX: Duration = Duration::from_secs(60);
/// How often to look whether it does.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// Entries that one read of the journal takes.
const ENTRIES_AT_ONCE: usize = 10_000;
/// Looks without a change before the clock is moved, and how far it is moved at each look then.
const STILL: [(u32, i64); 3] = [(3, 50), (30, 200), (200, 1_000)];

/// A world that is not open yet.
pub struct Plan {
    config: Config,
    executable: OsString,
    more: Vec<String>,
    shipped_rules: bool,
}

impl Plan {
    /// The defaults of tests: short waits, [`rules_of_tests`], and alerts to the sink's webhook and
    /// to a topic.
    /// `executable` is the program whose `runtime detect` is the function.
    ///
    /// # Panics
    /// Never: all values are constants.
    pub fn of(executable: &str) -> Self {
        let span = |text: &str| text.parse().expect("a duration");
        let mut config = Config {
            account_id: "123456789012".parse().expect("an account id"),
            region: "us-east-2".parse().expect("a region"),
            dev: true,
            ..Config::default()
        };
        config.listen.address.set_port(0);
        config.trail.wait_max = span("20ms");
        config.function.retry_waits = vec![span("50ms"), span("100ms")];
        // The clock is moved while a function's process starts, which takes real time.
        config.function.timeout = span("15m");
        Self { config, executable: executable.into(), more: Vec::new(), shipped_rules: false }
    }

    /// The same with the shipped rules, for tests that are about these.
    #[must_use]
    pub fn with_shipped_rules(mut self) -> Self {
        self.shipped_rules = true;
        self
    }

    /// The same with another configuration.
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(&mut self.config);
        self
    }

    /// The same with one more destination of alerts.
    #[must_use]
    pub fn alerting(mut self, destination: &str) -> Self {
        self.more.push(destination.to_owned());
        self
    }

    /// Opens the sink, then the server. Alerts go to the sink's webhook and to the topic that
    /// [`World::subscribe`] subscribes to.
    ///
    /// # Errors
    /// The server cannot start.
    pub async fn open(self) -> Result<World> {
        let Self { mut config, executable, more, shipped_rules } = self;
        let ledger = Ledger::default();
        let sink = Sink::open(&ledger).await?;
        config.alert.destinations =
            vec![format!("webhook:{}", sink.hook()), format!("sns:{ALERTS}")];
        config.alert.destinations.extend(more);
        let temporary = tempfile::Builder::new().prefix("trailhound-world-").tempdir()?;
        if !shipped_rules {
            config.rule.dirs.push(rules_of_tests(temporary.path())?);
        }
        let mut world = World {
            sink,
            ledger,
            // Functions sign by the machine's clock, which this one must not be far from.
            clock: Arc::new(ManualClock::new(SystemClock.now())),
            chance: Arc::new(SeededChance::new(SEED)),
            dir: temporary.path().join("data"),
            _temporary: temporary,
            config,
            executable,
            server: None,
            told: Arc::default(),
            stopped: watch::Sender::new(0),
            listening: JoinSet::new(),
            finished: false,
        };
        world.start().await?;
        Ok(world)
    }
}

/// A running server with everything around it. Whoever opens one must finish it: then its
/// accounts are compared.
pub struct World {
    /// Where alerts arrive.
    pub sink: Sink,
    ledger: Ledger,
    clock: Arc<ManualClock>,
    chance: Arc<SeededChance>,
    dir: PathBuf,
    _temporary: tempfile::TempDir,
    config: Config,
    executable: OsString,
    server: Option<Server>,
    told: Arc<Mutex<Vec<BucketEvent>>>,
    stopped: watch::Sender<u32>,
    listening: JoinSet<()>,
    finished: bool,
}

impl World {
    /// The data directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// All calls.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Now.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The running server.
    ///
    /// # Panics
    /// When it is stopped.
    pub fn server(&self) -> &Server {
        self.server.as_ref().expect("the server runs")
    }

    /// A signed client of the account's root.
    ///
    /// # Panics
    /// When the server is stopped.
    pub fn client(&self) -> Hand {
        let clock = Arc::clone(&self.clock) as Arc<dyn Clock>;
        Hand::root(self.server().info(), &self.ledger, clock).expect("a client needs only memory")
    }

    /// What the running server says of itself.
    ///
    /// # Panics
    /// When the server never ran.
    pub fn admin(&self) -> Admin {
        Admin::of(&self.dir).expect("the server wrote its file")
    }

    /// Moves the clock by `millis` milliseconds.
    pub fn advance(&self, millis: i64) {
        self.clock.advance(millis);
    }

    /// Subscribes the sink to the topic of alerts and waits until it is confirmed.
    ///
    /// # Errors
    /// The call fails.
    pub async fn subscribe(&self) -> Result<()> {
        let (region, account) = (&self.config.region, &self.config.account_id);
        let topic = format!("arn:aws:sns:{region}:{account}:{ALERTS}");
        let url = self.sink.topic();
        let input = [("TopicArn", topic.as_str()), ("Protocol", "http"), ("Endpoint", &url)];
        self.client().call("sns", "Subscribe", &input).await?;
        self.sink.until("the confirmation", Sink::confirmed).await;
        Ok(())
    }

    /// Waits until nothing waits at any hop, moving the clock where everything stands still.
    ///
    /// # Errors
    /// Something still waits after a minute and a half.
    pub async fn drain(&self) -> Result<()> {
        drained(&self.admin(), |unchanged| {
            if let Some((_, millis)) = STILL.iter().rev().find(|(looks, _)| unchanged >= *looks) {
                self.clock.advance(*millis);
            }
        })
        .await
    }

    /// Waits until `holds`, moving the clock by `step` milliseconds at every look.
    ///
    /// # Errors
    /// It does not hold within a minute.
    pub async fn until(&self, what: &str, step: i64, holds: impl AsyncFn() -> bool) -> Result<()> {
        let deadline = Instant::now() + HOLD_TIME_MAX;
        while !holds().await {
            if Instant::now() > deadline {
                bail!("{what}: does not come to be; {:#?}", self.admin().status().await?);
            }
            self.clock.advance(step);
            sleep(LOOK_EVERY).await;
        }
        Ok(())
    }

    /// The records of the journal, in their order.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub async fn records(&self) -> Result<Vec<Value>> {
        let entries = self.server().journal().read(Offset(0), ENTRIES_AT_ONCE).await?;
        entries.iter().map(|entry| Ok(serde_json::from_slice(&entry.body)?)).collect()
    }

    /// The keys of the objects that `bucket` announced, in their order.
    pub fn announced(&self, bucket: &str) -> Vec<String> {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.iter().filter(|o| o.bucket == bucket).map(|o| o.key.clone()).collect()
    }

    /// Opens a server over the same directory.
    ///
    /// # Errors
    /// The server cannot start.
    pub async fn start(&mut self) -> Result<()> {
        let executable = &self.executable;
        let server = Server::start(Options {
            config: self.config.clone(),
            dir: DataDir::open(&self.dir)?,
            clock: Arc::clone(&self.clock) as Arc<dyn Clock>,
            chance: Arc::clone(&self.chance) as Arc<dyn flow::Chance>,
            launcher: vec![executable.clone(), "launch".into()],
            detect: vec![executable.clone(), "runtime".into(), "detect".into()],
            output: Arc::new(Mutex::new(std::io::sink())),
            insecure_plaintext: false,
        })
        .await?;
        let (mut passages, told) = (server.watch(), Arc::clone(&self.told));
        let mut stopped = self.stopped.subscribe();
        self.listening.spawn(async move {
            loop {
                let passage = tokio::select! {
                    // What was told before the stop is taken first.
                    biased;
                    passage = passages.recv() => passage,
                    _ = stopped.changed() => return,
                };
                match passage {
                    Ok(Passage::Announced(object)) => {
                        told.lock().unwrap_or_else(PoisonError::into_inner).push(object);
                    }
                    Ok(_) | Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return,
                }
            }
        });
        self.server = Some(server);
        Ok(())
    }

    /// Stops the server in good order.
    pub async fn stop(&mut self) {
        if let Some(server) = self.server.take() {
            server.stop().await;
        }
        self.stopped.send_modify(|times| *times += 1);
        while self.listening.join_next().await.is_some() {}
    }

    /// Stops the server and opens another one over the same directory.
    ///
    /// # Errors
    /// The server cannot start.
    pub async fn restart(&mut self) -> Result<()> {
        self.stop().await;
        self.start().await
    }

    /// What does not balance in the accounts of a world whose server is stopped.
    ///
    /// # Errors
    /// The data directory cannot be read.
    pub async fn problems(&mut self) -> Result<Vec<String>> {
        ensure!(self.server.is_none(), "the accounts are of a server that is stopped");
        self.finished = true;
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let books = Books {
            dir: &self.dir,
            config: &self.config,
            ledger: &self.ledger,
            sink: &self.sink,
            targets: Targets::Told(told),
        };
        books.problems().await.context("the accounts cannot be read")
    }

    /// Drains, stops, and compares the accounts.
    ///
    /// # Errors
    /// Names all that does not balance.
    pub async fn finish(mut self) -> Result<()> {
        // Whatever goes wrong from here on is told by the error.
        self.finished = true;
        self.drain().await?;
        self.stop().await;
        let problems = self.problems().await?;
        ensure!(problems.is_empty(), "the accounts do not balance:\n{}", problems.join("\n"));
        Ok(())
    }
}

impl Drop for World {
    fn drop(&mut self) {
        assert!(self.finished || std::thread::panicking(), "a World was dropped unfinished");
    }
}
