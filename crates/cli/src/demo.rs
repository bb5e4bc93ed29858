//! `trailhound demo`: a server of its own, two signed calls, and everything that follows from them.

mod listener;
mod scene;
mod show;
mod watch;

use std::{process::ExitCode, time::Duration};

use tokio::{
    signal::unix::{SignalKind, signal},
    time::{Instant, timeout_at},
};

use crate::{
    args::Demo,
    demo::{scene::Scene, show::Show, watch::Watch},
    output, telemetry,
};

/// How long everything may take once the calls are made.
const ARRIVAL_TIME_MAX: Duration = Duration::from_secs(30);
/// The topic of the example log.
const TOPIC: &str = "dropmeplease";
/// The shipped rule that the demo is about: a topic was made. Others speak of root's calls as well.
const RULE_ID: &str = "a5d16ac4-95de-4a71-9ca5-6f6befba3523";

pub(crate) async fn run(args: &Demo) -> anyhow::Result<ExitCode> {
    telemetry::start(&args.log.filter)?;
    let show = Show { quiet: args.json };
    let mut interrupted = signal(SignalKind::interrupt())?;
    let mut terminated = signal(SignalKind::terminate())?;
    // Whoever stops the demo leaves no folder behind: it is deleted as the scene goes.
    tokio::select! {
        ended = play(args, &show) => ended,
        _ = interrupted.recv() => Ok(ExitCode::from(130)),
        _ = terminated.recv() => Ok(ExitCode::from(143)),
    }
}

async fn play(args: &Demo, show: &Show) -> anyhow::Result<ExitCode> {
    let scene = Scene::set(args.dir.as_deref(), show).await?;
    let watch = call_and_watch(&scene, show).await;
    let code = watch.map(|watch| end(&watch, args, show));
    scene.clear().await;
    code
}

async fn call_and_watch(scene: &Scene, show: &Show) -> anyhow::Result<Watch> {
    let mut watch = Watch::begin(scene);
    show.heading("Two calls");
    let called = Instant::now();
    let topic_arn = scene.create_topic(TOPIC).await?;
    show.call("sns:CreateTopic", &format!("name={TOPIC}"), &topic_arn);
    scene.get_topic_attributes(&topic_arn).await?;
    show.call("sns:GetTopicAttributes", "of that topic", "its attributes");
    show.heading("The road, with the time since the first call");
    let deadline = called + ARRIVAL_TIME_MAX;
    while !watch.complete() {
        let Ok(seen) = timeout_at(deadline, watch.next(scene)).await else { break };
        show.sighting(called.elapsed(), &seen?);
    }
    Ok(watch)
}

fn end(watch: &Watch, args: &Demo, show: &Show) -> ExitCode {
    let missing = watch.missing();
    if args.json {
        output::json(&watch.summary());
    }
    if !missing.is_empty() {
        output::error(&format!(
            "after {} s the demo still misses: {}. `--log info` shows what the server did.",
            ARRIVAL_TIME_MAX.as_secs(),
            missing.join(", ")
        ));
        return ExitCode::from(1);
    }
    show.end(watch, args.dir.as_deref());
    ExitCode::SUCCESS
}
