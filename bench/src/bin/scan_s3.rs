//! How fast an archive in a far bucket is scanned, beside a plain loop of requests for the same
//! objects.

use std::{
    process::{ExitCode, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use anyhow::{Context, ensure};
use axum::body::Bytes;
use bench::{FarBucket, print_json, print_table, say, trailhound};
use clap::Parser;
use serde_json::{Value, json};
use tokio::{process::Command, task::JoinSet, time::Instant};

/// What the bucket is called.
const BUCKET: &str = "far";
/// Different bodies: as many as any run could tell apart.
const BODIES: usize = 256;
/// The smallest and the largest body, in bytes.
const BODY_BYTES: (usize, usize) = (2_000, 20_000);
/// Accounts and regions that the objects are spread over.
const ACCOUNTS: usize = 4;
const REGIONS: [&str; 4] = ["eu-central-1", "eu-west-1", "us-east-1", "us-east-2"];
/// Keys that no one checks.
const KEYS: [(&str, &str); 3] = [
    ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
    ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
    ("AWS_REGION", "us-east-1"),
];

#[derive(Clone, Parser)]
struct Args {
    /// How many objects the archive holds
    #[arg(long, default_value_t = 100_000)]
    objects: usize,
    /// How many requests for objects run at a time
    #[arg(long, default_value_t = 64)]
    at_a_time: usize,
    /// After how many milliseconds each request is answered
    #[arg(long, default_value_t = 30)]
    latency_ms: u64,
    /// One request for an object in so many is refused with 503; 0: none
    #[arg(long, default_value_t = 100)]
    refused_each: u64,
    /// How often each is measured, in turns
    #[arg(long, default_value_t = 3)]
    times: usize,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Be the plain loop, on the bucket at this address
    #[arg(long, hide = true)]
    plain: Option<String>,
}

/// One run of one of the two.
struct Run {
    seconds: f64,
    /// Of the operating system, where it was asked.
    peak_rss_bytes: u64,
    lists: u64,
    gets: u64,
    refused: u64,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let args = Args::parse();
    if let Some(url) = &args.plain {
        let seconds = plain_loop(&args, url).await?;
        print_json(&json!({ "seconds": seconds }));
        return Ok(ExitCode::SUCCESS);
    }
    ensure!(args.objects >= 1 && args.at_a_time >= 1 && args.times >= 1, "nothing to measure");
    let (bodies, records) = bodies();
    let latency = Duration::from_millis(args.latency_ms);
    let far = FarBucket::open(keys(args.objects), bodies, latency, args.refused_each).await?;
    let expected = (0..args.objects).filter_map(|at| records.get(at % BODIES)).sum::<u64>();
    let (mut plain, mut bound, mut free) = (Vec::new(), Vec::new(), Vec::new());
    // In turns, so that a busy moment of the machine falls on all of them.
    for _ in 0..args.times {
        plain.push(run_plain(&args, &far).await?);
        bound.push(run_scan(&args, &far, Some(args.at_a_time), expected).await?);
        free.push(run_scan(&args, &far, None, expected).await?);
    }
    show(&args, &plain, &bound, &free);
    Ok(ExitCode::SUCCESS)
}

async fn run_plain(args: &Args, far: &FarBucket) -> anyhow::Result<Run> {
    let own = std::env::current_exe()?;
    let mut command = Command::new(own);
    command.args(["--plain", far.url()]);
    command.args(["--objects", &args.objects.to_string()]);
    command.args(["--at-a-time", &args.at_a_time.to_string()]);
    let done = command.stderr(Stdio::inherit()).output().await?;
    ensure!(done.status.success(), "the plain loop ended with {}", done.status);
    let said: Value = serde_json::from_slice(&done.stdout)?;
    let seconds = said.get("seconds").and_then(Value::as_f64).context("it says no seconds")?;
    let (gets, refused, lists) = far.asked();
    Ok(Run { seconds, peak_rss_bytes: 0, lists, gets, refused })
}

/// Asks for every object, `at_a_time` of them side by side, and for those that are refused again;
/// gives the seconds that it took.
async fn plain_loop(args: &Args, url: &str) -> anyhow::Result<f64> {
    #[expect(clippy::disallowed_methods, reason = "the control is as plain as can be")]
    let client = reqwest::Client::new();
    let urls: Arc<Vec<String>> =
        Arc::new(keys(args.objects).iter().map(|key| format!("{url}/{BUCKET}/{key}")).collect());
    let (next, bytes) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicU64::new(0)));
    let begun = Instant::now();
    let mut loops = JoinSet::new();
    for _ in 0..args.at_a_time {
        let (client, urls) = (client.clone(), Arc::clone(&urls));
        let (next, bytes) = (Arc::clone(&next), Arc::clone(&bytes));
        loops.spawn(async move {
            while let Some(url) = urls.get(next.fetch_add(1, Relaxed)) {
                let body = loop {
                    let answer = client.get(url).send().await?;
                    if answer.status().is_success() {
                        break answer.bytes().await?;
                    }
                };
                bytes.fetch_add(u64::try_from(body.len())?, Relaxed);
            }
            anyhow::Ok(())
        });
    }
    while let Some(ended) = loops.join_next().await {
        ended??;
    }
    let seconds = begun.elapsed().as_secs_f64();
    ensure!(bytes.load(Relaxed) > 0, "nothing was read");
    Ok(seconds)
}

async fn run_scan(
    args: &Args,
    far: &FarBucket,
    at_a_time: Option<usize>,
    expected: u64,
) -> anyhow::Result<Run> {
    let folder = tempfile::tempdir()?;
    let stats = folder.path().join("stats.json");
    let mut command = Command::new(trailhound()?);
    command.args(["scan", &format!("s3://{BUCKET}/"), "--stats"]).arg(&stats);
    if let Some(at_a_time) = at_a_time {
        command.args(["--requests-at-a-time", &at_a_time.to_string()]);
    }
    command.env_remove("AWS_PROFILE").env("AWS_ENDPOINT_URL_S3", far.url()).envs(KEYS);
    let done = command.stdout(Stdio::null()).output().await?;
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    ensure!(done.status.success(), "the scan ended with {}: {said}", done.status);
    let stats: Value = serde_json::from_slice(&std::fs::read(&stats)?)?;
    let number = |name: &str| stats.get(name).and_then(Value::as_u64).unwrap_or(0);
    ensure!(
        number("objects") == u64::try_from(args.objects)?,
        "objects were lost: {} of {}",
        number("objects"),
        args.objects
    );
    ensure!(number("records") == expected, "records were lost: {stats}");
    let seconds = stats.get("seconds").and_then(Value::as_f64).context("it says no seconds")?;
    let (gets, refused, lists) = far.asked();
    Ok(Run { seconds, peak_rss_bytes: number("peak_rss_bytes"), lists, gets, refused })
}

/// Keys of an archive.
fn keys(objects: usize) -> Vec<String> {
    let key = |at: usize| {
        let account = 111_122_223_330 + at % ACCOUNTS;
        let region = REGIONS.get(at / ACCOUNTS % REGIONS.len()).unwrap_or(&"us-east-1");
        let (day, minute) = (1 + at / 16 % 28, at / 448 % 1_440);
        let (hour, minute) = (minute / 60, minute % 60);
        format!(
            "AWSLogs/{account}/CloudTrail/{region}/2026/11/{day:02}/{account}_CloudTrail_{region}_\
             202611{day:02}T{hour:02}{minute:02}Z_{at:016}.json.gz"
        )
    };
    (0..objects).map(key).collect()
}

/// Log files of different sizes, and how many records each holds.
fn bodies() -> (Vec<Bytes>, Vec<u64>) {
    let (least, most) = BODY_BYTES;
    // A generator of Lehmer's: the same bodies every time.
    let mut state: u64 = 42;
    let mut random = || {
        state = state * 48_271 % 0x7fff_ffff;
        state
    };
    let mut bodies = Vec::new();
    for at in 0..BODIES {
        let wanted = least + (most - least) * at / BODIES;
        let mut records = Vec::new();
        let mut body = Vec::new();
        while body.len() < wanted {
            for _ in 0..1 + wanted / 4_000 {
                records.push(record(&mut random).to_string());
            }
            body = record::log_file::write(&records).gzip;
        }
        bodies.push((Bytes::from(body), u64::try_from(records.len()).unwrap_or(0)));
    }
    bodies.into_iter().unzip()
}

fn record(random: &mut impl FnMut() -> u64) -> Value {
    const NAMES: [&str; 5] =
        ["DescribeInstances", "GetObject", "AssumeRole", "ListBuckets", "PutMetricData"];
    let name = NAMES.get(usize::try_from(random() % 5).unwrap_or(0)).unwrap_or(&"GetObject");
    let id = format!("{:08x}-{:08x}-{:08x}", random(), random(), random());
    json!({
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "AssumedRole", "principalId": format!("AROAEXAMPLE:{:x}", random()),
            "arn": format!("arn:aws:sts::111122223333:assumed-role/app/{:x}", random()),
            "accountId": "111122223333", "accessKeyId": format!("ASIA{:016X}", random()),
        },
        "eventTime": "2026-11-22T10:00:00Z",
        "eventSource": "ec2.amazonaws.com",
        "eventName": name,
        "awsRegion": "us-east-2",
        "sourceIPAddress": format!("192.0.2.{}", random() % 256),
        "userAgent": "aws-sdk-rust/1.0",
        "requestParameters": {"name": format!("{:x}{:x}", random(), random())},
        "responseElements": null,
        "requestID": id,
        "eventID": format!("{:08x}-{:08x}-{:08x}", random(), random(), random()),
        "readOnly": true,
        "eventType": "AwsApiCall",
        "managementEvent": true,
        "recipientAccountId": "111122223333",
        "eventCategory": "Management",
    })
}

fn show(args: &Args, plain: &[Run], bound: &[Run], free: &[Run]) {
    #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52")]
    let rate = |runs: &[Run]| {
        let mut seconds: Vec<f64> = runs.iter().map(|run| run.seconds).collect();
        seconds.sort_by(f64::total_cmp);
        args.objects as f64 / seconds.get(seconds.len() / 2).copied().unwrap_or(f64::NAN)
    };
    let control = rate(plain);
    let last = |runs: &[Run], of: fn(&Run) -> u64| runs.last().map_or(0, of);
    let row = |name: String, runs: &[Run]| {
        let peak = runs.iter().map(|run| run.peak_rss_bytes).max().unwrap_or(0) / 1_048_576;
        vec![
            name,
            format!("{:.1} %", rate(runs) / control * 100.0),
            format!("{:.0}", rate(runs)),
            last(runs, |run| run.gets).to_string(),
            last(runs, |run| run.refused).to_string(),
            last(runs, |run| run.lists).to_string(),
            if peak == 0 { "-".to_owned() } else { format!("{peak} MiB") },
        ]
    };
    if args.json {
        print_json(&json!({
            "objects": args.objects, "at_a_time": args.at_a_time, "latency_ms": args.latency_ms,
            "refused_each": args.refused_each, "plain_objects_per_second": control,
            "scan_objects_per_second": rate(bound), "scan_of_plain": rate(bound) / control,
            "scan_unbound_objects_per_second": rate(free),
        }));
        return;
    }
    say(&format!(
        "{} objects of 2 to 20 KB in an S3 of this process's memory, each request answered after {} \
         ms, one in {} refused with 503. The plain loop knows the keys, signs nothing and drops what \
         it reads; the scan lists, signs, inflates and asks the shipped rules. Median of {} runs.",
        args.objects, args.latency_ms, args.refused_each, args.times
    ));
    let rows = vec![
        row(format!("plain loop, {} at a time", args.at_a_time), plain),
        row(format!("scan, at most {} at a time", args.at_a_time), bound),
        row("scan, as many as gain something".to_owned(), free),
    ];
    print_table(&["", "of plain", "objects/s", "GET", "503", "LIST", "peak memory"], &rows);
}
