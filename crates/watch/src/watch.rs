//! A watch: opened, run, drained.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use alert::{Alerts, Output};
use flow::{Clock, Secret};
use object_store::{ObjectStore, RetryConfig};
use rule::Problem;
use store::{Crew, Database};
use tokio::{
    net::TcpListener,
    sync::{Notify, Semaphore},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use crate::{
    Error, Settings, Status,
    counts::{Counts, tell},
    late::Late,
    letters::{self, Letters, Retry},
    metrics,
    queue::{BATCH_MAX, Queue},
    reader::Reader,
    rules::{self, Keeper},
    sink::Sink,
    status::Kept,
    topics::Topics,
    work::{Ends, Worker},
};

/// Messages in hand at the same time.
const IN_HAND_MAX: usize = 40;
/// The first wait after the queue failed, in milliseconds; it doubles,
const RETRY_MILLIS_MIN: i64 = 1_000;
/// up to this.
const RETRY_MILLIS_MAX: i64 = 30_000;
/// How long a stop waits for messages in hand.
const DRAIN_MAX: Duration = Duration::from_secs(20);
/// How long a stop waits for alerts to be sent, in milliseconds.
const FLUSH_MILLIS_MAX: i64 = 5_000;
/// How often it looks whether they are, in milliseconds.
const FLUSH_LOOK_MILLIS: i64 = 50;
/// How long one request to S3 is tried.
const FETCH_TIME_MAX: Duration = Duration::from_secs(30);
/// How often it is.
const FETCH_RETRIES_MAX: usize = 3;

/// What a watch is made of.
pub struct Options {
    /// What is watched, by which rules, and who is told.
    pub settings: Settings,
    /// Where what it knows is kept; `None` for a dry run, which keeps nothing and consumes nothing.
    pub keeping: Option<Keeping>,
    /// What a dry run and the destination `stdout` write to.
    pub output: Output,
    /// Wall time.
    pub clock: Arc<dyn Clock>,
}

/// A data directory that the caller holds.
pub struct Keeping {
    /// The directory.
    pub dir: PathBuf,
    /// Names this start of the program.
    pub boot: String,
    /// What webhooks are signed with.
    pub signing_key: Secret,
}

/// An open watch.
pub struct Watch {
    worker: Arc<Worker>,
    keeper: Keeper,
    reload: Arc<Notify>,
    problems: Vec<Problem>,
    status: Status,
    kept: Option<(Database, Alerts, Crew)>,
    metrics: Option<TcpListener>,
    clock: Arc<dyn Clock>,
}

impl Watch {
    /// Opens the data directory, asks the queue for its settings and looks for a way to each
    /// bucket.
    ///
    /// # Errors
    /// Names what cannot be used and what helps.
    pub async fn open(options: Options) -> Result<Self, Error> {
        let Options { settings, keeping, output, clock } = options;
        let counts = Arc::new(Counts::default());
        let (rules, keeper, problems) =
            rules::open(settings.rules.clone(), settings.when.as_deref())?;
        let metrics = match settings.metrics {
            Some(address) => {
                let bound = TcpListener::bind(address).await;
                Some(bound.map_err(|source| Error::Metrics { address, source })?)
            }
            None => None,
        };
        let queue = Queue::open(&settings.queue, &settings.queue_access, settings.wait).await?;
        if let (None, Some(policy)) = (&keeping, &queue.redrive) {
            tracing::warn!(
                policy,
                "The queue gives messages away that were received too often ({policy}), and a dry run \
                 receives them too"
            );
        }
        let buckets = open_buckets(&settings).await?;
        let bucket_names: BTreeSet<String> = buckets.keys().cloned().collect();
        let opened = match keeping {
            Some(keeping) => Some(open_kept(&settings, keeping, &output, &clock).await?),
            None => None,
        };
        let reader = Arc::new(Reader {
            buckets,
            rules: rules.clone(),
            sink: sink(&settings, opened.as_ref(), output),
            min_level: settings.min_level,
            counts: Arc::clone(&counts),
            clock: Arc::clone(&clock),
            places: Reader::places(),
            examiners: Mutex::default(),
        });
        let ends = match &opened {
            Some(Opened { letters, .. }) => {
                Ends::Consume(Letters { queue: letters.clone(), clock: Arc::clone(&clock) })
            }
            None => Ends::Leave { met: Mutex::default() },
        };
        let kept = opened
            .as_ref()
            .map(|opened| Kept { alerts: opened.alerts.clone(), letters: opened.letters.clone() });
        let status = Status { counts: Arc::clone(&counts), rules, kept };
        let kept = opened.map(|opened| {
            let crew = crew(opened.letters, &reader, &bucket_names, &clock);
            (opened.database, opened.alerts, crew)
        });
        let worker = Worker {
            queue,
            reader,
            bucket_names,
            ends,
            receives_max: settings.receives_max,
            counts,
            clock: Arc::clone(&clock),
            in_hand: Mutex::default(),
        };
        let (worker, reload) = (Arc::new(worker), Arc::default());
        Ok(Self { worker, keeper, reload, problems, status, kept, metrics, clock })
    }

    /// Rules that were refused.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// What it is doing, while it runs.
    pub fn status(&self) -> Status {
        self.status.clone()
    }

    /// Where metrics are served.
    pub fn metrics_address(&self) -> Option<std::net::SocketAddr> {
        self.metrics.as_ref().and_then(|listener| listener.local_addr().ok())
    }

    /// Where alerts go, without what is secret of a URL.
    pub fn destinations(&self) -> Vec<String> {
        self.kept.as_ref().map_or_else(Vec::new, |(_, alerts, _)| alerts.destinations())
    }

    /// Asks for a look at the rules.
    pub fn reload(&self) -> Arc<Notify> {
        Arc::clone(&self.reload)
    }

    /// Receives and works until `stop`. Then it finishes what is in hand, within a bound, shows the
    /// queue's other messages again, and sends what is due of the outbox, within another.
    pub async fn run(self, stop: CancellationToken) {
        let Self { worker, keeper, reload, status, kept, metrics, clock, .. } = self;
        let (sides_stop, alerts_stop) = (CancellationToken::new(), CancellationToken::new());
        let (mut sides, mut sender) = (JoinSet::new(), JoinSet::new());
        let counts = Arc::clone(&worker.counts);
        sides.spawn(keeper.run(counts, Arc::clone(&clock), reload, sides_stop.clone()));
        if let Some(listener) = metrics {
            sides.spawn(metrics::serve(status, Arc::clone(&clock), listener, sides_stop.clone()));
        }
        let kept = kept.map(|(database, alerts, crew)| {
            sides.spawn(crew.run(sides_stop.clone()));
            sender.spawn(alert::run(alerts.clone(), alerts_stop.clone()));
            (database, alerts)
        });
        receive(&worker, &stop).await;
        sides_stop.cancel();
        while sides.join_next().await.is_some() {}
        if let Some((database, alerts)) = kept {
            flush(&alerts, &*clock).await;
            alerts_stop.cancel();
            while sender.join_next().await.is_some() {}
            database.close().await;
        }
    }
}

/// What lies in the data directory.
struct Opened {
    database: Database,
    alerts: Alerts,
    letters: store::Queue,
    late: Late,
}

fn sink(settings: &Settings, opened: Option<&Opened>, output: Output) -> Sink {
    match opened {
        Some(Opened { alerts, late, .. }) => Sink::Keep {
            alerts: alerts.clone(),
            late: late.clone(),
            age_max_millis: settings.max_age.map(|span| span.millis()),
        },
        None => Sink::Print(output),
    }
}

fn crew(
    queue: store::Queue,
    reader: &Arc<Reader>,
    bucket_names: &BTreeSet<String>,
    clock: &Arc<dyn Clock>,
) -> Crew {
    let work = Retry { reader: Arc::clone(reader), bucket_names: bucket_names.clone() };
    Crew {
        queue,
        work: Arc::new(work),
        clock: Arc::clone(clock),
        at_once: letters::AT_ONCE_MAX,
        remember_millis: letters::REMEMBER_MILLIS,
    }
}

async fn open_kept(
    settings: &Settings,
    keeping: Keeping,
    output: &Output,
    clock: &Arc<dyn Clock>,
) -> Result<Opened, Error> {
    let Keeping { dir, boot, signing_key } = keeping;
    let database = Database::open(&dir.join("watch.db"), &boot)?;
    let client =
        outgoing::Client::with(outgoing::Policy { allow_private: settings.allow_private })?;
    let publish = Topics::open(&settings.destinations, clock).await?;
    let destinations = settings.destinations.iter().map(|(to, _)| to.clone()).collect();
    // Topics are given by their ARNs: neither names anything here.
    let account = "000000000000".parse().expect("12 digits");
    let region = "us-east-1".parse().expect("a region's name");
    let config = alert::Config::new(destinations, signing_key, account, region, Arc::clone(output));
    let alerts =
        Alerts::open(config, &database, client, Arc::new(publish), Arc::clone(clock)).await?;
    let letters = database.queue(letters::QUEUE).await?;
    let late = Late::in_folder(dir.join("late"));
    Ok(Opened { database, alerts, letters, late })
}

async fn open_buckets(
    settings: &Settings,
) -> Result<BTreeMap<String, Arc<dyn ObjectStore>>, Error> {
    let mut buckets = BTreeMap::new();
    for (name, access) in &settings.buckets {
        let retry = RetryConfig {
            max_retries: FETCH_RETRIES_MAX,
            retry_timeout: FETCH_TIME_MAX,
            ..RetryConfig::default()
        };
        let failed = |source| Error::Access { what: format!("bucket `{name}`"), source };
        let store = access.store_with(name, retry).await.map_err(failed)?;
        buckets.insert(name.clone(), store as Arc<dyn ObjectStore>);
    }
    Ok(buckets)
}

/// Receives until `stop`, then drains.
async fn receive(worker: &Arc<Worker>, stop: &CancellationToken) {
    let places = Arc::new(Semaphore::new(IN_HAND_MAX));
    let mut tasks = JoinSet::new();
    let mut wait_millis = RETRY_MILLIS_MIN;
    while !stop.is_cancelled() {
        while let Some(ended) = tasks.try_join_next() {
            note(ended);
        }
        let free = tokio::select! {
            () = stop.cancelled() => break,
            free = Arc::clone(&places).acquire_owned() => free,
        };
        let Ok(free) = free else { break };
        let limit = places.available_permits().saturating_add(1).min(BATCH_MAX);
        drop(free);
        // A stop waits for the answer: messages that are on their way would stay hidden.
        let received = worker.queue.receive(limit).await;
        match received {
            Ok(messages) => {
                wait_millis = RETRY_MILLIS_MIN;
                tell(&worker.counts.queue_error, None);
                take(worker, messages, &places, &mut tasks, stop).await;
            }
            Err(why) => {
                worker.counts.failures.receive.one();
                tracing::warn!(why, "The queue gives no messages: {why}");
                tell(&worker.counts.queue_error, Some(why));
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = worker.clock.sleep_millis(wait_millis) => {}
                }
                wait_millis = (wait_millis * 2).min(RETRY_MILLIS_MAX);
            }
        }
    }
    drain(worker, tasks).await;
}

/// Sets work on messages going, or shows them again after a stop.
async fn take(
    worker: &Arc<Worker>,
    messages: Vec<crate::queue::Message>,
    places: &Arc<Semaphore>,
    tasks: &mut JoinSet<()>,
    stop: &CancellationToken,
) {
    for message in messages {
        worker.counts.messages.received.one();
        if stop.is_cancelled() {
            worker.release(&message).await;
            continue;
        }
        // Only this loop takes places, and it asked for no more messages than there are.
        let Ok(place) = Arc::clone(places).acquire_owned().await else { return };
        let worker = Arc::clone(worker);
        tasks.spawn(async move {
            worker.work(message).await;
            drop(place);
        });
    }
}

async fn drain(worker: &Arc<Worker>, mut tasks: JoinSet<()>) {
    let done = async {
        while let Some(ended) = tasks.join_next().await {
            note(ended);
        }
    };
    if tokio::time::timeout(DRAIN_MAX, done).await.is_err() {
        tracing::warn!("Some messages were still worked on when the time to stop was over");
    }
    tasks.shutdown().await;
    let left: Vec<_> = worker.hand().drain().map(|(_, message)| message).collect();
    for message in left {
        worker.release(&message).await;
    }
}

fn note(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "Work on a message ended badly; the queue shows it again");
    }
}

/// Waits until nothing of the outbox is due, within a bound. What waits longer stays in it.
async fn flush(alerts: &Alerts, clock: &dyn Clock) {
    let until = clock.now().plus_millis(FLUSH_MILLIS_MAX);
    loop {
        let now = clock.now();
        let Ok(counts) = alerts.queue().counts().await else { return };
        let due = alerts.queue().next_due().await.ok().flatten().is_some_and(|due| due <= now);
        if (!due && counts.leased == 0) || now >= until {
            return;
        }
        clock.sleep_millis(FLUSH_LOOK_MILLIS).await;
    }
}
