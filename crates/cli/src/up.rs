//! `trailhound up`: serves until it is told to stop.

use std::{
    process::ExitCode,
    sync::{Arc, Mutex},
};

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use server::{Config, DataDir, Options, Server, SystemChance, SystemClock};
use tokio::signal::unix::{SignalKind, signal};

use crate::{args::Up, output, runtime, telemetry};

pub(crate) async fn run(args: &Up) -> anyhow::Result<ExitCode> {
    telemetry::start(&args.log.filter)?;
    take_descriptors();
    let mut config = match &args.config {
        Some(path) => Config::read(path)?,
        None => Config::default(),
    };
    if let Some(address) = args.listen {
        config.listen.address = address;
    }
    if let Some(question) = &args.when {
        rule::when(question).map_err(|why| anyhow::anyhow!("--when: {why}"))?;
        config.rule.when.clone_from(question);
    }
    let mut interrupted = signal(SignalKind::interrupt())?;
    let mut terminated = signal(SignalKind::terminate())?;
    let mut hung_up = signal(SignalKind::hangup())?;
    let (launcher, detect) = runtime::commands()?;
    let server = Server::start(Options {
        config: config.clone(),
        dir: DataDir::open(&args.place.dir)?,
        clock: Arc::new(SystemClock),
        chance: Arc::new(SystemChance),
        launcher,
        detect,
        output: Arc::new(Mutex::new(anstream::stdout())),
        insecure_plaintext: args.insecure_plaintext,
    })
    .await?;
    if args.json {
        output::json(server.info());
    } else {
        greet(&server, &config);
    }
    loop {
        tokio::select! {
            _ = interrupted.recv() => break,
            _ = terminated.recv() => break,
            _ = hung_up.recv() => server.reload(),
        }
    }
    if !args.json {
        output::line("Stopping: what is under way is finished, the rest waits in the directory.");
    }
    tokio::select! {
        () = server.stop() => Ok(ExitCode::SUCCESS),
        // Who asks twice means it. Nothing acknowledged is lost.
        _ = interrupted.recv() => Ok(ExitCode::from(130)),
    }
}

fn greet(server: &Server, config: &Config) {
    let info = server.info();
    let (rules, refused) = server.rules();
    output::line(&format!("{} {}", output::bold("Trailhound is up at"), info.endpoint));
    output::line(&format!("  account   {} in {}", info.account_id, info.region));
    output::line(&format!("  data      {}", info.dir));
    if config.trail.default {
        let (name, bucket) = (&config.trail.default_name, config.default_bucket());
        output::line(&format!("  trail     {name} → s3://{bucket}"));
    }
    output::line(&format!("  rules     {rules}"));
    for problem in refused {
        output::line(&format!("            refused: {}", output::safe(&problem)));
    }
    output::line(&format!("  alerts    {}", server.destinations().join(", ")));
    for (wall, why) in server.missing_walls() {
        output::line(&format!("  missing wall around functions: {wall} ({})", output::safe(&why)));
    }
    let dir = output::safe(&info.dir);
    output::line("In another shell:");
    output::line(&format!("  eval \"$(trailhound env --dir '{dir}')\""));
    output::line("  aws sns create-topic --name hello");
}

/// Takes as many descriptors as the machine gives: connections are bounded, but beyond what many
/// shells let a process begin with.
fn take_descriptors() {
    let taken = getrlimit(Resource::RLIMIT_NOFILE)
        .and_then(|(_, most)| setrlimit(Resource::RLIMIT_NOFILE, most, most));
    if let Err(error) = taken {
        tracing::debug!(%error, "The limit on descriptors stays as it is: {error}");
    }
}
