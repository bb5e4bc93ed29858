//! `trailhound watch`: follows a real bucket's queue until it is told to stop.

use std::{
    process::ExitCode,
    sync::{Arc, Mutex},
};

use ::watch::{Config, Given, Keeping, Options, Settings, Status};
use flow::{Chance, Clock, Pending, Secret, Timestamp};
use server::{AdminDoor, DataDir, Hop, Report, SystemChance, SystemClock, View};
use tokio::{
    signal::unix::{SignalKind, signal},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use crate::{args::Watch, output, telemetry};

/// Letters of the key that webhooks are signed with.
const KEY_LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
/// Its length in characters.
const KEY_CHARS: usize = 40;

pub(crate) async fn run(args: &Watch) -> anyhow::Result<ExitCode> {
    telemetry::start(&args.log.filter)?;
    let settings = settings(args)?;
    let buckets = settings.buckets().collect::<Vec<_>>().join(", ");
    let mut interrupted = signal(SignalKind::interrupt())?;
    let mut terminated = signal(SignalKind::terminate())?;
    let mut hung_up = signal(SignalKind::hangup())?;
    let dir = match args.dry_run {
        true => None,
        false => Some(DataDir::open(&args.place.dir)?),
    };
    let options = Options {
        settings,
        keeping: dir.as_ref().map(keeping).transpose()?,
        output: Arc::new(Mutex::new(anstream::stdout())),
        clock: Arc::new(SystemClock),
    };
    // Boxed: finding keys and asking for them is long.
    let watch = Box::pin(::watch::Watch::open(options)).await?;
    let (status, reload) = (watch.status(), watch.reload());
    let (stop, door_stop) = (CancellationToken::new(), CancellationToken::new());
    let mut door = JoinSet::new();
    if let Some(dir) = &dir {
        let view = Arc::new(Shown(status.clone()));
        let opened = AdminDoor::open(dir, &SystemChance, view).await?;
        door.spawn(opened.serve(door_stop.clone()));
    }
    greet(&watch, &buckets, dir.as_ref());
    let mut running = JoinSet::new();
    running.spawn(watch.run(stop.clone()));
    loop {
        tokio::select! {
            _ = interrupted.recv() => break,
            _ = terminated.recv() => break,
            _ = hung_up.recv() => reload.notify_one(),
            // It ends before a stop only where something in it broke.
            ended = running.join_next() => {
                let why = ended.and_then(Result::err).map(|error| error.to_string());
                anyhow::bail!("the watch ended by itself: {}", why.unwrap_or_default());
            }
        }
    }
    say(dir.is_some(), "Stopping: what is in hand is finished, the rest is shown to others again.");
    stop.cancel();
    let stopped = async {
        while running.join_next().await.is_some() {}
        door_stop.cancel();
        while door.join_next().await.is_some() {}
    };
    tokio::select! {
        () = stopped => Ok(ExitCode::SUCCESS),
        // Who asks twice means it. Nothing is lost: messages in hand come again.
        _ = interrupted.recv() => Ok(ExitCode::from(130)),
    }
}

fn settings(args: &Watch) -> anyhow::Result<Settings> {
    let config = match &args.config {
        Some(path) => Config::read(path)?,
        None => Config::default(),
    };
    let given = Given {
        queue: args.queue.clone(),
        buckets: args.bucket.clone(),
        rules: args.rules.clone(),
        when: args.when.clone(),
        alerts: args.alert.clone(),
        min_level: args.min_level,
        max_age: args.max_age,
        metrics: args.metrics,
        dry_run: args.dry_run,
    };
    Ok(Settings::of(config, given)?)
}

fn keeping(dir: &DataDir) -> anyhow::Result<Keeping> {
    let key = dir.private_text("webhook.key", || SystemChance.text(KEY_LETTERS, KEY_CHARS))?;
    Ok(Keeping {
        dir: dir.path().to_owned(),
        boot: SystemChance.uuid(),
        signing_key: Secret::new(key),
    })
}

fn greet(watch: &::watch::Watch, buckets: &str, dir: Option<&DataDir>) {
    let keeps = dir.is_some();
    for problem in watch.problems() {
        output::error(&format!("refused: {}", output::safe(&problem.to_string())));
    }
    let rules = watch.status().rules();
    match dir {
        None => say(
            keeps,
            &format!(
                "Dry run over {}: {rules} rules, findings on standard output; no message is deleted, \
                 so all of them come again",
                output::safe(buckets)
            ),
        ),
        Some(dir) => {
            say(keeps, &format!("{} {}", output::bold("Watching"), output::safe(buckets)));
            say(keeps, &format!("  rules     {rules}"));
            say(keeps, &format!("  alerts    {}", watch.destinations().join(", ")));
            say(keeps, &format!("  data      {}", dir.path().display()));
        }
    }
    if let Some(address) = watch.metrics_address() {
        say(keeps, &format!("  metrics   http://{address}/metrics"));
    }
}

/// A line for people; a dry run's standard output is for findings alone.
fn say(on_stdout: bool, text: &str) {
    if on_stdout { output::line(text) } else { output::error(text) }
}

/// What `status` and `dead` show of a watch.
struct Shown(Status);

impl View for Shown {
    fn report(&self) -> Pending<'_, anyhow::Result<Report>> {
        Box::pin(async move {
            let hops = self.0.hops().await?.into_iter().map(|hop| Hop {
                hop: hop.name.to_owned(),
                waiting: hop.waiting,
                oldest: hop.oldest,
                dead: hop.dead,
                over_limit: false,
                error: hop.error,
            });
            let limits = server::Config::default().status;
            let report = Report::of(hops.collect(), &limits, SystemClock.now());
            let messages = self.0.messages();
            let messages = messages.into_iter().map(|(name, count)| (name.to_owned(), count));
            Ok(Report { messages: messages.collect(), rules: self.0.rules() as u64, ..report })
        })
    }

    fn metrics(&self) -> Pending<'_, anyhow::Result<String>> {
        Box::pin(async move { Ok(self.0.metrics(SystemClock.now()).await?) })
    }

    fn queues(&self) -> Vec<(&'static str, &store::Queue)> {
        self.0.queues()
    }

    fn now(&self) -> Timestamp {
        SystemClock.now()
    }
}
