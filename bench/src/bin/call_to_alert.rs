//! From just before a call is sent until its alert is at a listener, through the real executable.

use std::{
    collections::{HashMap, HashSet, hash_map::Entry},
    process::ExitCode,
    time::Duration,
};

use anyhow::Context;
use bench::{
    Arrived, Line, Listener, Spread, Up, fdatasync_millis, millis, print_json, print_table, say,
};
use clap::Parser;
use client::Client;
use flow::Tree;
use serde_json::{Value, json};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep_until, timeout_at},
};

/// How long records wait for company, one run each.
const WAITS_MAX: [&str; 2] = ["20ms", "1s"];
/// How long the last alerts may take, until they count as lost.
const ARRIVAL_TIME_MAX: Duration = Duration::from_secs(60);
/// What the server logs: where an object's event is handed over, and where findings come back.
const LOG: &str = "warn,notification=info,server=info";

#[derive(Parser)]
struct Args {
    /// Calls in each run, after one that wakes the function
    #[arg(long, default_value_t = 1_000)]
    calls: usize,
    /// From the begin of one call to the begin of the next, in milliseconds; one call at a time
    #[arg(long, default_value_t = 50)]
    spacing_ms: u64,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// One call, and when it was where.
struct Call {
    name: String,
    sent: Instant,
    answered: Instant,
}

/// What was seen of all calls.
#[derive(Default)]
struct Seen {
    /// By topic.
    alerts: HashMap<String, Arrived>,
    twice: usize,
    /// When an object's event was handed to the function, by its key.
    told: HashMap<String, Instant>,
    /// When a finding came back, by its id.
    found: HashMap<String, Instant>,
}

struct Run {
    wait_max: &'static str,
    sync: Spread,
    /// The call that had to wait for the function's start.
    first: Duration,
    whole: Spread,
    hops: [(&'static str, Spread); 4],
    lost: usize,
    twice: usize,
    /// Log objects.
    objects: usize,
    stop: Duration,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let args = Args::parse();
    let mut runs = Vec::new();
    for wait_max in WAITS_MAX {
        runs.push(run(wait_max, &args).await?);
    }
    show(&runs, &args);
    let whole = runs.iter().all(|run| run.lost == 0);
    Ok(if whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn run(wait_max: &'static str, args: &Args) -> anyhow::Result<Run> {
    let folder = tempfile::tempdir()?;
    let mut listener = Listener::open().await?;
    let url = listener.url();
    let settings = format!(
        "[trail]\nwait_max = \"{wait_max}\"\n\
         [alert]\ndestinations = [\"webhook:{url}\"]\n[outgoing]\nallow_private = true\n"
    );
    let sync = fdatasync_millis(folder.path())?;
    let (up, mut lines) = Up::start(&folder.path().join("data"), &settings, LOG).await?;
    let client = up.client()?;
    let mut seen = Seen::default();
    let first = call(&client, "wakes-the-function").await?;
    let deadline = Instant::now() + ARRIVAL_TIME_MAX;
    watch(&mut seen, 1, &mut listener, &mut lines, deadline).await;
    let woken = seen.alerts.get(&first.name).context("the first call raised no alert")?.at;
    let calls = calls(client, args, &mut seen, &mut listener, &mut lines).await?;
    let stop = up.stop().await?;
    let first = woken - first.sent;
    Ok(Run::of(wait_max, sync, first, &calls, &seen, stop))
}

async fn call(client: &Client, name: &str) -> anyhow::Result<Call> {
    let sent = Instant::now();
    client.call("sns", "CreateTopic", &Tree::map([("Name", Tree::from(name))])).await?;
    Ok(Call { name: name.to_owned(), sent, answered: Instant::now() })
}

/// Makes the calls, one after the other, and watches until every alert is there.
async fn calls(
    client: Client,
    args: &Args,
    seen: &mut Seen,
    listener: &mut Listener,
    lines: &mut bench::Lines,
) -> anyhow::Result<Vec<Call>> {
    let (count, spacing) = (args.calls, Duration::from_millis(args.spacing_ms));
    let mut calling = JoinSet::new();
    calling.spawn(async move {
        let mut calls = Vec::with_capacity(count);
        let mut next = Instant::now();
        for number in 0..count {
            sleep_until(next).await;
            next += spacing;
            calls.push(call(&client, &format!("topic-{number}")).await?);
        }
        anyhow::Ok(calls)
    });
    let made = Instant::now() + spacing * u32::try_from(count)?;
    let deadline = made + ARRIVAL_TIME_MAX;
    watch(seen, count + 1, listener, lines, deadline).await;
    calling.join_next().await.context("the calls were begun")??
}

/// Takes note of what arrives until there are `count` alerts.
async fn watch(
    seen: &mut Seen,
    count: usize,
    listener: &mut Listener,
    lines: &mut bench::Lines,
    deadline: Instant,
) {
    while seen.alerts.len() < count {
        let step = async {
            tokio::select! {
                arrived = listener.next() => arrived.map(|arrived| seen.arrived(arrived)),
                line = lines.next() => line.map(|line| seen.logged(&line)),
            }
        };
        if !matches!(timeout_at(deadline, step).await, Ok(Some(()))) {
            return;
        }
    }
}

impl Seen {
    fn arrived(&mut self, arrived: Arrived) {
        let name = arrived.alert.pointer("/record/requestParameters/name").and_then(Value::as_str);
        let name = name.unwrap_or_default().to_owned();
        match self.alerts.entry(name) {
            Entry::Vacant(first) => drop(first.insert(arrived)),
            Entry::Occupied(_) => self.twice += 1,
        }
    }

    fn logged(&mut self, line: &Line) {
        let after = |field: &str| line.text.split_once(field).map(|(_, rest)| rest);
        if let Some((key, _)) = after("object.key=\"").and_then(|rest| rest.split_once('"')) {
            self.told.entry(key.to_owned()).or_insert(line.at);
        } else if let Some(rest) = after("alert.id=") {
            let id = rest.split_whitespace().next().unwrap_or_default();
            self.found.entry(id.trim_matches('"').to_owned()).or_insert(line.at);
        }
    }

    /// When a call's object was told of, and when its finding came back.
    fn between(&self, arrived: &Arrived) -> Option<(Instant, Instant)> {
        let object = arrived.alert.get("object")?.as_str()?;
        let (_, key) = object.strip_prefix("s3://")?.split_once('/')?;
        let found = self.found.get(arrived.alert.get("id")?.as_str()?)?;
        Some((*self.told.get(key)?, *found))
    }
}

impl Run {
    fn of(
        wait_max: &'static str,
        sync: Spread,
        first: Duration,
        calls: &[Call],
        seen: &Seen,
        stop: Duration,
    ) -> Self {
        let mut whole = Vec::new();
        let mut hops: [Vec<Duration>; 4] = Default::default();
        let mut objects = HashSet::new();
        for call in calls {
            let Some(arrived) = seen.alerts.get(&call.name) else { continue };
            whole.push(arrived.at - call.sent);
            objects.extend(arrived.alert.get("object").and_then(Value::as_str));
            let Some((told, found)) = seen.between(arrived) else { continue };
            let moments = [call.sent, call.answered, told, found, arrived.at];
            for (hop, pair) in hops.iter_mut().zip(moments.windows(2)) {
                if let [from, to] = pair {
                    hop.push(to.saturating_duration_since(*from));
                }
            }
        }
        let lost = calls.len() - whole.len();
        let [recorded, told, found, alerted] = hops.map(Spread::of);
        Self {
            wait_max,
            sync,
            first,
            whole: Spread::of(whole),
            hops: [
                ("sent → recorded and answered", recorded),
                ("→ cut, stored, function told", told),
                ("→ function ran, finding back", found),
                ("→ alert at the listener", alerted),
            ],
            lost,
            twice: seen.twice,
            objects: objects.len(),
            stop,
        }
    }

    fn to_json(&self) -> Value {
        let hops: Vec<_> = self
            .hops
            .iter()
            .map(|(hop, spread)| json!({"hop": hop, "ms": spread.to_json()}))
            .collect();
        json!({
            "wait_max": self.wait_max, "call_to_alert_ms": self.whole.to_json(), "hops": hops,
            "first_call_ms": self.first.as_millis(), "lost": self.lost, "twice": self.twice,
            "log_objects": self.objects, "fdatasync_ms": self.sync.to_json(),
            "p50_per_fdatasync": self.whole.median() / self.sync.median(),
            "stop_ms": self.stop.as_millis(),
        })
    }

    fn rows(&self) -> Vec<Vec<String>> {
        let row = |what: String, spread: &Spread| {
            let mut cells = vec![what, millis(spread.median() / self.sync.median())];
            let values = [50, 90, 99].map(|percent| spread.percentile(percent));
            cells.extend(values.into_iter().chain([spread.max()]).map(millis));
            cells
        };
        let mut rows = vec![row(format!("wait_max {}: call to alert", self.wait_max), &self.whole)];
        rows.extend(self.hops.iter().map(|(hop, spread)| row(format!("  {hop}"), spread)));
        rows
    }
}

fn show(runs: &[Run], args: &Args) {
    if args.json {
        let runs: Vec<_> = runs.iter().map(Run::to_json).collect();
        print_json(&json!({
            "benchmark": "call_to_alert", "calls": args.calls, "concurrency": 1,
            "spacing_ms": args.spacing_ms, "runs": runs,
        }));
        return;
    }
    say(&format!(
        "{} calls a run, one at a time, {} ms from begin to begin.",
        args.calls, args.spacing_ms
    ));
    let rows: Vec<_> = runs.iter().flat_map(Run::rows).collect();
    print_table(&["", "p50 ÷ fdatasync", "p50 ms", "p90 ms", "p99 ms", "max ms"], &rows);
    for run in runs {
        say(&format!(
            "wait_max {}: {} lost, {} twice, {} log objects; {} ms for the first call, which \
             starts the function; {} ms to stop; one fdatasync takes {} ms.",
            run.wait_max,
            run.lost,
            run.twice,
            run.objects,
            run.first.as_millis(),
            run.stop.as_millis(),
            millis(run.sync.median())
        ));
    }
}
