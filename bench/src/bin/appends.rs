//! Appends to the journal a second, with few and many writers, beside one `fdatasync` of the disk.

use std::{path::PathBuf, process::ExitCode, sync::Arc, time::Duration};

use anyhow::ensure;
use bench::{Spread, fdatasync_millis, millis, print_json, print_table, say};
use clap::Parser;
use serde_json::json;
use server::SystemClock;
use store::{Journal, Kind, Offset};
use tokio::{task::JoinSet, time::Instant};

/// Bytes of a record, as a management event has them.
const RECORD_BYTES: usize = 1_500;
/// Writers at one time, one row each.
const WRITERS: [usize; 3] = [1, 16, 256];
/// Entries that one look reads back.
const ENTRIES_AT_ONCE: usize = 4_096;

#[derive(Parser)]
struct Args {
    /// A folder on the disk that is measured; the system's for temporary files where none is given
    #[arg(long)]
    dir: Option<PathBuf>,
    /// How long each number of writers appends
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

struct Row {
    writers: usize,
    appends_a_second: f64,
    latency: Spread,
    /// Of the disk, right before and right after.
    sync: f64,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let args = Args::parse();
    let folder = match &args.dir {
        Some(dir) => tempfile::tempdir_in(dir)?,
        None => tempfile::tempdir()?,
    };
    let mut rows = Vec::new();
    for writers in WRITERS {
        let before = fdatasync_millis(folder.path())?.median();
        let dir = folder.path().join(writers.to_string());
        let (appends_a_second, latency) = append(dir, writers, args.seconds).await?;
        let after = fdatasync_millis(folder.path())?.median();
        rows.push(Row { writers, appends_a_second, latency, sync: f64::midpoint(before, after) });
    }
    show(&rows, args.json);
    Ok(ExitCode::SUCCESS)
}

/// Appends with `writers` at once; each waits until its record is durable before the next.
async fn append(dir: PathBuf, writers: usize, seconds: u64) -> anyhow::Result<(f64, Spread)> {
    let journal = Journal::open(&dir, Arc::new(SystemClock))?;
    // The day's file is made by the first append, which is not what is measured.
    journal.append(Kind::Record, vec![b'x'; RECORD_BYTES]).await?;
    let begun = Instant::now();
    let end = begun + Duration::from_secs(seconds);
    let mut tasks = JoinSet::new();
    for _ in 0..writers {
        let journal = journal.clone();
        tasks.spawn(async move {
            let mut took = Vec::new();
            while Instant::now() < end {
                let begun = Instant::now();
                journal.append(Kind::Record, vec![b'x'; RECORD_BYTES]).await?;
                took.push(begun.elapsed());
            }
            Ok::<_, store::Error>(took)
        });
    }
    let mut took = Vec::new();
    while let Some(done) = tasks.join_next().await {
        took.extend(done??);
    }
    let elapsed = begun.elapsed();
    let appended = took.len() + 1;
    journal.close().await;
    let kept = count(&dir).await?;
    ensure!(kept == appended, "{appended} records were durable, and {kept} are there");
    let count = u32::try_from(took.len())?;
    Ok((f64::from(count) / elapsed.as_secs_f64(), Spread::of(took)))
}

/// What stands in the journal once it was closed.
async fn count(dir: &std::path::Path) -> anyhow::Result<usize> {
    let journal = Journal::open(dir, Arc::new(SystemClock))?;
    let (mut next, mut kept) = (Offset(0), 0);
    loop {
        let entries = journal.read(next, ENTRIES_AT_ONCE).await?;
        let Some(last) = entries.last() else { break };
        next = Offset(last.offset.0 + 1);
        kept += entries.iter().filter(|entry| entry.body.len() == RECORD_BYTES).count();
    }
    journal.close().await;
    Ok(kept)
}

impl Row {
    /// Records that share one sync, where each commit costs what the control's does.
    fn batch(&self) -> f64 {
        self.appends_a_second * self.sync / 1_000.0
    }
}

fn show(rows: &[Row], json: bool) {
    if json {
        let rows: Vec<_> = rows
            .iter()
            .map(|row| {
                json!({
                    "writers": row.writers, "appends_per_second": row.appends_a_second,
                    "append_ms": row.latency.to_json(), "fdatasync_ms": row.sync,
                    "appends_per_fdatasync": row.batch(),
                    "append_per_fdatasync_time": row.latency.median() / row.sync,
                })
            })
            .collect();
        print_json(&json!({"benchmark": "appends", "record_bytes": RECORD_BYTES, "rows": rows}));
        return;
    }
    say(&format!("Appends of {RECORD_BYTES} bytes, each durable before its writer's next one."));
    let cells: Vec<_> = rows
        .iter()
        .map(|row| {
            vec![
                row.writers.to_string(),
                format!("{:.2}", row.batch()),
                format!("{:.2}", row.latency.median() / row.sync),
                format!("{:.0}", row.appends_a_second),
                millis(row.latency.median()),
                millis(row.latency.percentile(99)),
                format!("{:.2}", row.sync),
            ]
        })
        .collect();
    let head = [
        "writers",
        "appends × fdatasync",
        "append ÷ fdatasync",
        "appends/s",
        "p50 ms",
        "p99 ms",
        "fdatasync ms",
    ];
    print_table(&head, &cells);
}
