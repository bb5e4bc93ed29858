//! From an object's creation until the function is told of it, and many objects at once.

use std::{
    collections::HashMap,
    path::Path,
    process::ExitCode,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, ensure};
use bench::{Deployed, Spread, Up, echo_function, millis, print_json, print_table, say};
use clap::Parser;
use client::Client;
use flow::Tree;
use serde_json::json;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};

/// The function, and the bucket that tells it.
const FUNCTION: &str = "entered";
const BUCKET: &str = "told-of";
/// How often the function's log is read, and for how long at most.
const LOOK_EVERY: Duration = Duration::from_millis(50);
const WAIT_MAX: Duration = Duration::from_secs(600);

#[derive(Parser)]
struct Args {
    /// Objects that are put one after the other
    #[arg(long, default_value_t = 500)]
    single: usize,
    /// Objects that are put at once, by several clients
    #[arg(long, default_value_t = 10_000)]
    many: usize,
    /// Clients that put them
    #[arg(long, default_value_t = 8)]
    clients: usize,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let args = Args::parse();
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    let (up, _lines) = Up::start(&data, "", "warn").await?;
    let client = Arc::new(up.client()?);
    prepare(&client).await?;
    let log = data.join("functions/logs").join(format!("{FUNCTION}.log"));
    let mut created = HashMap::new();
    // The first one starts the function's process and does not count.
    put(&client, "first").await?;
    entered(&log, 1).await?;
    for number in 0..args.single {
        let key = format!("single-{number}");
        created.insert(key.clone(), put(&client, &key).await?);
    }
    let seen = entered(&log, 1 + args.single).await?;
    let hops = created.iter().map(|(key, at)| {
        let seen = seen.get(key).context("an object was not told of")?;
        anyhow::Ok(Duration::from_micros(seen.saturating_sub(*at)))
    });
    let hops = Spread::of(hops.collect::<Result<Vec<_>, _>>()?);
    let begun = Instant::now();
    let stored = put_many(&client, &args).await?;
    let seen = entered(&log, 1 + args.single + args.many).await?;
    let drained = begun.elapsed();
    ensure!(seen.len() == 1 + args.single + args.many, "objects are missing");
    up.stop().await?;
    show(&args, &hops, stored, drained);
    Ok(ExitCode::SUCCESS)
}

/// The function, its permission, and the bucket that tells it of each object.
async fn prepare(client: &Client) -> anyhow::Result<()> {
    let files = [("bootstrap", echo_function()?, true)];
    let function = Deployed {
        name: FUNCTION,
        runtime: "provided.al2023",
        handler: "bootstrap",
        files: &files,
    };
    let arn = function.create(client).await?;
    let permission = Tree::map([
        ("FunctionName", Tree::from(FUNCTION)),
        ("StatementId", Tree::from("bucket")),
        ("Action", Tree::from("lambda:InvokeFunction")),
        ("Principal", Tree::from("s3.amazonaws.com")),
        ("SourceArn", Tree::from(format!("arn:aws:s3:::{BUCKET}").as_str())),
    ]);
    client.call("lambda", "AddPermission", &permission).await?;
    client.s3("PUT", &format!("/{BUCKET}"), &[], "").await?;
    let configuration = format!(
        "<NotificationConfiguration><CloudFunctionConfiguration><CloudFunction>{arn}</CloudFunction>\
         <Event>s3:ObjectCreated:*</Event></CloudFunctionConfiguration></NotificationConfiguration>"
    );
    client.s3("PUT", &format!("/{BUCKET}?notification"), &[], configuration).await?;
    Ok(())
}

/// Puts an object; when that was answered, in microseconds since 1970.
async fn put(client: &Client, key: &str) -> anyhow::Result<u64> {
    client.s3("PUT", &format!("/{BUCKET}/{key}"), &[], "x").await?;
    now()
}

#[expect(clippy::disallowed_methods, reason = "the function tells the same clock's time")]
fn now() -> anyhow::Result<u64> {
    Ok(u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_micros())?)
}

/// Puts many objects; how long that took.
async fn put_many(client: &Arc<Client>, args: &Args) -> anyhow::Result<Duration> {
    let begun = Instant::now();
    let mut clients = JoinSet::new();
    for number in 0..args.clients {
        let (client, many, step) = (Arc::clone(client), args.many, args.clients);
        clients.spawn(async move {
            for number in (number..many).step_by(step) {
                put(&client, &format!("many-{number}")).await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(ended) = clients.join_next().await {
        ended??;
    }
    Ok(begun.elapsed())
}

/// Waits until the function has told of `count` objects; when it was told of each first.
async fn entered(log: &Path, count: usize) -> anyhow::Result<HashMap<String, u64>> {
    let begun = Instant::now();
    loop {
        let seen = read(log);
        if seen.len() >= count {
            return Ok(seen);
        }
        let missing = count - seen.len();
        ensure!(begun.elapsed() < WAIT_MAX, "{missing} of {count} objects were not told of");
        sleep(LOOK_EVERY).await;
    }
}

/// The moments in the function's log, and in those before it that were set aside.
fn read(log: &Path) -> HashMap<String, u64> {
    let mut seen = HashMap::new();
    let folder = log.parent().and_then(|folder| std::fs::read_dir(folder).ok());
    let files = folder.into_iter().flatten().flatten().map(|entry| entry.path());
    for file in files.filter(|file| file.to_string_lossy().contains(FUNCTION)) {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        for line in text.lines() {
            let Some((_, rest)) = line.split_once("entered ") else { continue };
            let digits =
                |text: &str| text.chars().take_while(char::is_ascii_digit).collect::<String>();
            if let Some((key, at)) = rest.split_once(' ')
                && let Ok(at) = digits(at).parse::<u64>()
            {
                seen.entry(key.to_owned()).or_insert(at);
            }
        }
    }
    seen
}

fn show(args: &Args, hops: &Spread, stored: Duration, drained: Duration) {
    let rate =
        |took: Duration| u32::try_from(args.many).map_or(f64::NAN, f64::from) / took.as_secs_f64();
    if args.json {
        print_json(&json!({
            "benchmark": "notify", "created_to_entered_ms": hops.to_json(), "many": args.many,
            "stored_per_second": rate(stored), "drained_per_second": rate(drained),
            "drained_seconds": drained.as_secs_f64(),
        }));
        return;
    }
    let values = [50, 90, 99, 100].map(|percent| millis(hops.percentile(percent)));
    let row = std::iter::once("object created → function entered".to_owned()).chain(values);
    print_table(&["", "p50 ms", "p90 ms", "p99 ms", "max ms"], &[row.collect()]);
    say(&format!(
        "{} objects by {} clients: stored in {:.1} s ({:.0}/s), the function was told of all in \
         {:.1} s ({:.0}/s).",
        args.many,
        args.clients,
        stored.as_secs_f64(),
        rate(stored),
        drained.as_secs_f64(),
        rate(drained)
    ));
}
