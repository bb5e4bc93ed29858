//! How long things take to stand: the server on a new and on a known directory, and the function,
//! beside a Python function that does the same job.

use std::{ffi::OsString, path::PathBuf, process::ExitCode};

use anyhow::{Context, ensure};
use bench::{
    Life, Spread, Up, bare_exit, fdatasync_millis, live, millis, print_json, print_table, say,
    trailhound,
};
use clap::Parser;
use serde_json::{Value, json};

/// Records of the object that a function reads, and how many of them a rule names.
const RECORDS: usize = 1_000;
const NAMED: usize = 10;
/// The function in Python.
const PYTHON: &str = include_str!("../../python/detect.py");

#[derive(Parser)]
struct Args {
    /// How often each is started
    #[arg(long, default_value_t = 20)]
    times: usize,
    /// The function's own executable, as it goes to Lambda; beside this benchmark unless given
    #[arg(long, value_name = "FILE")]
    bootstrap: Option<PathBuf>,
    /// A Python that has boto3
    #[arg(long, value_name = "FILE", default_value = ".venv/bin/python")]
    python: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let args = Args::parse();
    let folder = tempfile::tempdir()?;
    let sync = fdatasync_millis(folder.path())?;
    let mut functions = functions(&args, folder.path()).await?;
    let object = axum::body::Bytes::from(log_object());
    let (mut control, mut version) = (Vec::new(), Vec::new());
    let (mut fresh, mut again, mut stop) = (Vec::new(), Vec::new(), Vec::new());
    // In turns, so that a busy moment of the machine falls on all of them.
    for time in 0..args.times {
        control.push(bare_exit("/bin/true", &[]).await?);
        version.push(bare_exit(trailhound()?, &["--version"]).await?);
        let dir = folder.path().join(time.to_string());
        for starts in [&mut fresh, &mut again] {
            let (up, _lines) = Up::start(&dir, "", "warn").await?;
            starts.push(up.ready_after);
            stop.push(up.stop().await?);
        }
        for Function { what, command, lives } in &mut functions {
            let life = live(command, folder.path(), object.clone()).await;
            lives.push(checked(life.with_context(|| what.clone())?)?);
        }
    }
    let mut rows = vec![
        ("/bin/true, to its end".to_owned(), Spread::of(control)),
        ("trailhound --version, to its end".to_owned(), Spread::of(version)),
        ("trailhound up, new directory".to_owned(), Spread::of(fresh)),
        ("trailhound up, known directory".to_owned(), Spread::of(again)),
        ("trailhound up, from SIGTERM to its end".to_owned(), Spread::of(stop)),
    ];
    for Function { what, lives, .. } in &functions {
        let first = lives.iter().map(|life| life.first_next);
        rows.push((format!("{what}, to its first request"), Spread::of(first)));
    }
    for Function { what, lives, .. } in &functions {
        let answered = lives.iter().map(|life| life.answered);
        rows.push((format!("{what}, from its first event to the answer"), Spread::of(answered)));
    }
    show(&rows, &functions, &sync, args.json);
    Ok(ExitCode::SUCCESS)
}

/// A function that is started again and again.
struct Function {
    what: String,
    command: Vec<OsString>,
    lives: Vec<Life>,
}

impl Function {
    /// The median of a life's memory, in MiB.
    fn mebibytes(&self, memory: fn(&Life) -> u64) -> f64 {
        let mut all: Vec<u64> = self.lives.iter().map(memory).collect();
        all.sort_unstable();
        let median = all.get(all.len().saturating_sub(1) / 2).copied().unwrap_or_default();
        // A process has far less than 2^53 bytes.
        u32::try_from(median / 1024).map_or(f64::NAN, f64::from) / 1024.0
    }
}

/// Those that are there; what is missing is said.
async fn functions(args: &Args, folder: &std::path::Path) -> anyhow::Result<Vec<Function>> {
    let function = |what: &str, command: Vec<OsString>| Function {
        what: what.to_owned(),
        command,
        lives: Vec::new(),
    };
    let server = trailhound()?;
    let bootstrap = args.bootstrap.clone().unwrap_or_else(|| server.with_file_name("bootstrap"));
    let own = vec![server.into(), "runtime".into(), "detect".into()];
    let mut functions = vec![function("trailhound runtime detect", own)];
    if bootstrap.is_file() {
        functions.push(function("bootstrap", vec![std::path::absolute(bootstrap)?.into()]));
    } else {
        say(&format!("skipped: {} is not there; --bootstrap names it", bootstrap.display()));
    }
    // Not canonical: a virtual environment is known by where its link lies.
    let python = std::path::absolute(&args.python)?;
    if bare_exit(&python, &["-c", "import boto3"]).await.is_ok() {
        let script = folder.join("detect.py");
        std::fs::write(&script, PYTHON)?;
        functions.push(function("Python with boto3", vec![python.into(), script.into()]));
    } else {
        say(&format!("skipped: {} has no boto3; --python names another", python.display()));
    }
    Ok(functions)
}

/// A log file as CloudTrail delivers it.
fn log_object() -> Vec<u8> {
    let records = (0..RECORDS).map(|index| {
        let name = if index % (RECORDS / NAMED) == 7 { "StopLogging" } else { "DescribeTrails" };
        json!({
            "eventVersion": "1.11",
            "userIdentity": {
                "type": "IAMUser", "principalId": "AIDAEXAMPLE", "accountId": "111122223333",
                "arn": "arn:aws:iam::111122223333:user/alice", "userName": "alice",
            },
            "eventTime": "2026-11-22T10:00:00Z",
            "eventSource": "cloudtrail.amazonaws.com",
            "eventName": name,
            "awsRegion": "us-east-2",
            "sourceIPAddress": "192.0.2.7",
            "userAgent": "aws-cli/2.0",
            "requestParameters": {"name": format!("trail-{index}")},
            "responseElements": null,
            "requestID": format!("00000000-0000-4000-8000-{index:012}"),
            "eventID": format!("00000000-0000-4000-9000-{index:012}"),
            "readOnly": name != "StopLogging",
            "eventType": "AwsApiCall",
            "managementEvent": true,
            "recipientAccountId": "111122223333",
            "eventCategory": "Management",
        })
        .to_string()
    });
    record::log_file::write(records).gzip
}

/// Refuses a function that did another job.
fn checked(life: Life) -> anyhow::Result<Life> {
    let records = life.answer.get("records").and_then(Value::as_u64);
    ensure!(records == Some(RECORDS as u64), "it read {records:?} records");
    let findings = life.answer.get("findings").and_then(Value::as_array).map_or(0, Vec::len);
    ensure!(findings >= NAMED, "it found {findings} of {NAMED} calls");
    Ok(life)
}

fn show(rows: &[(String, Spread)], functions: &[Function], sync: &Spread, json: bool) {
    let control = rows.first().map_or(f64::NAN, |(_, spread)| spread.median());
    if json {
        let rows: Vec<_> = rows
            .iter()
            .map(|(what, spread)| {
                json!({
                    "what": what, "ms": spread.to_json(),
                    "per_bin_true": spread.median() / control,
                    "per_fdatasync": spread.median() / sync.median(),
                })
            })
            .collect();
        let memory = functions.iter().map(|function| {
            json!({
                "what": function.what,
                "mib_at_first_request": function.mebibytes(|life| life.memory_ready),
                "mib_after_first_event": function.mebibytes(|life| life.memory_answered),
            })
        });
        print_json(&json!({
            "benchmark": "start", "fdatasync_ms": sync.to_json(), "rows": rows,
            "memory": memory.collect::<Vec<_>>(),
        }));
        return;
    }
    let cells: Vec<_> = rows
        .iter()
        .map(|(what, spread)| {
            vec![
                what.clone(),
                format!("{:.1}", spread.median() / control),
                format!("{:.1}", spread.median() / sync.median()),
                millis(spread.min()),
                millis(spread.median()),
                millis(spread.max()),
            ]
        })
        .collect();
    print_table(&["", "÷ /bin/true", "÷ fdatasync", "min ms", "median ms", "max ms"], &cells);
    let memory: Vec<_> = functions
        .iter()
        .map(|function| {
            let mebibytes = |memory| format!("{:.1}", function.mebibytes(memory));
            vec![
                function.what.clone(),
                mebibytes(|life| life.memory_ready),
                mebibytes(|life| life.memory_answered),
            ]
        })
        .collect();
    let head = ["the most memory held (median)", "MiB, first request", "MiB, first answer"];
    print_table(&head, &memory);
    say(&format!("One fdatasync takes {} ms here (median).", millis(sync.median())));
}
