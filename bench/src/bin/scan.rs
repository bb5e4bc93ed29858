//! What a scan costs beside the bare inflating of its files: one process each, by turns, the CPU time
//! of the whole process.
//!
//! `--archive` is a folder of log files; `--few` one whose files hold few records each; `--rules` other
//! people's Sigma rules. Beside these, an archive is made in which every record is a candidate and
//! every second one is a hit.

use std::{
    fs::{self, File},
    io::Read,
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
};

use anyhow::{Context, ensure};
use bench::{print_json, print_table, say, trailhound};
use clap::Parser;
use nix::sys::{
    resource::{UsageWho, getrusage},
    time::TimeValLike,
};
use serde_json::{Value, json};

/// Records of the archive of candidates, and how many stand in one file.
const CANDIDATES: usize = 200_000;
const CANDIDATES_A_FILE: usize = 1_000;
/// Bytes of a record's padding there: with it, a record is about as long as CloudTrail's are.
const PADDING_BYTES: usize = 900;

#[derive(Parser)]
struct Args {
    /// A folder of log files, such as a copy of a bucket
    #[arg(long, required_unless_present = "child")]
    archive: Option<PathBuf>,
    /// A folder of log files of few records each
    #[arg(long)]
    few: Option<PathBuf>,
    /// A folder of other Sigma rules
    #[arg(long)]
    rules: Option<PathBuf>,
    /// How often each is measured; the least CPU time counts
    #[arg(long, default_value_t = 3)]
    times: usize,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Be what is measured: `bare` inflates, `ordinary` also parses everything and tries every rule
    #[arg(long, hide = true, num_args = 3, value_names = ["WHAT", "FOLDER", "THREADS"])]
    child: Option<Vec<String>>,
}

/// One thing to measure.
struct Row {
    name: String,
    program: PathBuf,
    args: Vec<String>,
    /// What of the JSON that it prints is told.
    told: Told,
    /// The row that it is compared with.
    beside: usize,
    seconds: Vec<f64>,
    wall: Vec<f64>,
    last: Value,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Told {
    /// On standard output.
    Printed,
    /// In a file of statistics.
    Stats,
}

fn main() -> anyhow::Result<ExitCode> {
    let args = Args::parse();
    if let Some([what, folder, threads]) = args.child.as_deref() {
        let threads = threads.parse()?;
        let told = match what.as_str() {
            "bare" => bare(Path::new(folder), threads)?,
            _ => ordinary(Path::new(folder), args.rules.as_deref())?,
        };
        print_json(&told);
        return Ok(ExitCode::SUCCESS);
    }
    let archive = args.archive.clone().context("--archive is needed")?;
    let work = tempfile::tempdir()?;
    let candidates = work.path().join("candidates");
    write_candidates(&candidates)?;
    let mut rows = rows(&args, &archive, &candidates)?;
    for _ in 0..args.times.max(1) {
        for row in &mut rows {
            row.measure(work.path())?;
        }
    }
    show(&rows, args.json);
    Ok(ExitCode::SUCCESS)
}

/// What is measured, each with its control before it.
fn rows(args: &Args, archive: &Path, candidates: &Path) -> anyhow::Result<Vec<Row>> {
    let (own, scan) = (std::env::current_exe()?, trailhound()?);
    let mut rows: Vec<Row> = Vec::new();
    let mut add = |name: &str, program: &Path, args: Vec<String>, told, beside: Option<usize>| {
        let beside = beside.unwrap_or(rows.len());
        rows.push(Row {
            name: name.to_owned(),
            program: program.to_owned(),
            args,
            told,
            beside,
            seconds: Vec::new(),
            wall: Vec::new(),
            last: Value::Null,
        });
        rows.len() - 1
    };
    let child = |what: &str, folder: &Path, threads: usize| {
        vec![
            "--child".to_owned(),
            what.to_owned(),
            folder.display().to_string(),
            threads.to_string(),
        ]
    };
    let scanned = |folder: &Path, threads: usize, rules: Option<&Path>| {
        let mut words = vec!["scan".to_owned(), folder.display().to_string()];
        words.extend(["--threads".to_owned(), threads.to_string()]);
        words.extend(["--format".to_owned(), "ndjson".to_owned()]);
        if let Some(rules) = rules {
            words.extend(["--rules".to_owned(), rules.display().to_string()]);
        }
        words
    };
    let first = add("inflate alone", &own, child("bare", archive, 1), Told::Printed, None);
    add("scan, shipped rules", &scan, scanned(archive, 1, None), Told::Stats, Some(first));
    if let Some(rules) = &args.rules {
        let words = scanned(archive, 1, Some(rules));
        add("scan, other rules", &scan, words, Told::Stats, Some(first));
        let mut words = child("ordinary", archive, 1);
        words.extend(["--rules".to_owned(), rules.display().to_string()]);
        add("inflate, parse, try all other rules", &own, words, Told::Printed, Some(first));
    }
    let two = add("inflate alone, 2 threads", &own, child("bare", archive, 2), Told::Printed, None);
    let words = scanned(archive, 2, None);
    add("scan, shipped rules, 2 threads", &scan, words, Told::Stats, Some(two));
    if let Some(few) = &args.few {
        let words = child("bare", few, 1);
        let bare = add("inflate alone, few records a file", &own, words, Told::Printed, None);
        let words = scanned(few, 1, None);
        add("scan, few records a file", &scan, words, Told::Stats, Some(bare));
    }
    let words = child("bare", candidates, 1);
    let bare = add("inflate alone, all candidates", &own, words, Told::Printed, None);
    let words = scanned(candidates, 1, None);
    add("scan, all candidates, half hits", &scan, words, Told::Stats, Some(bare));
    Ok(rows)
}

impl Row {
    fn measure(&mut self, work: &Path) -> anyhow::Result<()> {
        let stats = work.join("stats.json");
        let mut command = Command::new(&self.program);
        command.args(&self.args).stderr(Stdio::null());
        if self.told == Told::Stats {
            command.arg("--stats").arg(&stats).stdout(Stdio::null());
        }
        let before = children_seconds()?;
        let started = tokio::time::Instant::now();
        let output = command.output().with_context(|| format!("{} cannot run", self.name))?;
        self.wall.push(started.elapsed().as_secs_f64());
        self.seconds.push(children_seconds()? - before);
        let text = match self.told {
            Told::Printed => String::from_utf8(output.stdout)?,
            Told::Stats => fs::read_to_string(&stats)?,
        };
        self.last = serde_json::from_str(&text).with_context(|| format!("{} failed", self.name))?;
        Ok(())
    }

    fn number(&self, name: &str) -> f64 {
        self.last.get(name).and_then(Value::as_f64).unwrap_or(f64::NAN)
    }

    fn least(&self) -> f64 {
        self.seconds.iter().copied().fold(f64::INFINITY, f64::min)
    }

    fn least_wall(&self) -> f64 {
        self.wall.iter().copied().fold(f64::INFINITY, f64::min)
    }
}

/// The CPU time of all processes that were waited for, in seconds.
fn children_seconds() -> anyhow::Result<f64> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let micros = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    Ok(micros as f64 / 1e6)
}

fn show(rows: &[Row], as_json: bool) {
    if as_json {
        let rows = rows.iter().map(|row| {
            json!({"name": row.name, "cpu_seconds": row.seconds, "wall_seconds": row.wall,
                "last": row.last})
        });
        return print_json(&Value::Array(rows.collect()));
    }
    let cell = |number: f64| if number.is_nan() { "-".to_owned() } else { format!("{number:.0}") };
    let cells = rows.iter().map(|row| {
        let beside = rows.get(row.beside).map_or(f64::NAN, Row::least);
        let records = row.number("records");
        vec![
            row.name.clone(),
            format!("{:.3}", row.least()),
            format!("{:.3}", row.least() / beside),
            format!("{:.3}", row.least_wall()),
            format!("{:.0}", row.number("bytes_inflated") / row.least() / 1e6),
            cell(records),
            format!("{:.2}", 100.0 * row.number("candidates") / records),
            cell(row.number("findings")),
            format!("{:.0}", row.number("peak_rss_bytes") / 1048576.0),
        ]
    });
    let head = [
        "",
        "CPU s",
        "x inflate",
        "wall s",
        "MB/s",
        "records",
        "candidates %",
        "findings",
        "peak MiB",
    ];
    print_table(&head, &cells.collect::<Vec<_>>());
    say("The least of all turns. MB/s: inflated, a second of CPU time.");
}

/// The files of a folder and its folders, in order.
fn files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "gz") {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Inflates files one after another in buffers that are kept; calls `each` with the texts.
fn inflate(files: &[PathBuf], mut each: impl FnMut(&[u8])) -> anyhow::Result<(u64, u64)> {
    let mut inflater = libdeflater::Decompressor::new();
    let (mut stored, mut text) = (Vec::new(), Vec::new());
    let (mut bytes_in, mut bytes_inflated) = (0, 0);
    for path in files {
        stored.clear();
        File::open(path)?.read_to_end(&mut stored)?;
        let size = stored.last_chunk::<4>().context("an empty file")?;
        let size = usize::try_from(u32::from_le_bytes(*size))?;
        if text.len() < size {
            text.resize(size.next_power_of_two(), 0);
        }
        let room = text.get_mut(..size).context("room for the text")?;
        let written = inflater.gzip_decompress(&stored, room)?;
        ensure!(written == size, "{} is no log file", path.display());
        each(room);
        bytes_in += stored.len() as u64;
        bytes_inflated += size as u64;
    }
    Ok((bytes_in, bytes_inflated))
}

/// The control: reads and inflates, nothing else.
fn bare(folder: &Path, threads: usize) -> anyhow::Result<Value> {
    let files = files(folder)?;
    let next = std::sync::atomic::AtomicUsize::new(0);
    let one = || {
        let mut sum = (0, 0);
        loop {
            let at = next.fetch_add(16, std::sync::atomic::Ordering::Relaxed);
            let some = files.get(at..(at + 16).min(files.len())).unwrap_or_default();
            if some.is_empty() {
                return anyhow::Ok(sum);
            }
            let (bytes_in, bytes_inflated) = inflate(some, |_| {})?;
            sum = (sum.0 + bytes_in, sum.1 + bytes_inflated);
        }
    };
    let sums = if threads == 1 {
        vec![inflate(&files, |_| {})?]
    } else {
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..threads).map(|_| scope.spawn(one)).collect();
            threads
                .into_iter()
                .map(|thread| thread.join().expect("it does not panic"))
                .collect::<anyhow::Result<_>>()
        })?
    };
    let bytes_in: u64 = sums.iter().map(|(bytes, _)| bytes).sum();
    let bytes_inflated: u64 = sums.iter().map(|(_, bytes)| bytes).sum();
    Ok(json!({"bytes_in": bytes_in, "bytes_inflated": bytes_inflated, "peak_rss_bytes": peak()}))
}

/// The ordinary stack: inflates, builds a tree of everything, tries every rule on each record.
fn ordinary(folder: &Path, rules: Option<&Path>) -> anyhow::Result<Value> {
    let mut engine = rsigma_eval::Engine::new();
    for (path, bytes) in detect::rule_files(rules.context("--rules is needed")?)? {
        let text = String::from_utf8(bytes)?;
        let Ok(read) = rsigma_parser::parse_sigma_yaml(&text) else { continue };
        if let Err(error) = engine.add_collection(&read) {
            say(&format!("{}: {error}", path.display()));
        }
    }
    let (mut records, mut findings) = (0_u64, 0_usize);
    let (bytes_in, bytes_inflated) = inflate(&files(folder)?, |text| {
        let file: Value = serde_json::from_slice(text).unwrap_or_default();
        for record in file.get("Records").and_then(Value::as_array).into_iter().flatten() {
            records += 1;
            findings += engine.evaluate(&rsigma_eval::JsonEvent::borrow(record)).len();
        }
    })?;
    Ok(json!({"bytes_in": bytes_in, "bytes_inflated": bytes_inflated, "records": records,
        "candidates": records, "findings": findings, "peak_rss_bytes": peak()}))
}

/// The most memory that this process has held, in bytes.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
    kib.unwrap_or(0) * 1024
}

/// Files of records that each name a call which a shipped rule asks about, every second one a hit.
fn write_candidates(folder: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(folder)?;
    for file in 0..CANDIDATES / CANDIDATES_A_FILE {
        let records = (0..CANDIDATES_A_FILE).map(|at| candidate(file * CANDIDATES_A_FILE + at));
        let written = record::log_file::write(records.map(|record| record.to_string()));
        fs::write(folder.join(format!("{file:05}.json.gz")), written.gzip)?;
    }
    Ok(())
}

fn candidate(number: usize) -> Value {
    let error = (number % 2 == 1).then_some("InvalidParameterException");
    // Not the same in each record: what repeats inflates faster than records do.
    let padding: String = (0..PADDING_BYTES / 8)
        .map(|at| format!("{:08x}", (number * 2_654_435_761 + at * 40_503) % 0x1_0000_0000))
        .collect();
    let mut record = json!({
        "eventVersion": "1.11",
        "userIdentity": {"type": "IAMUser", "principalId": "AIDAEXAMPLE", "accountId": "111122223333",
            "arn": "arn:aws:iam::111122223333:user/ci", "userName": "ci"},
        "eventTime": "2026-11-23T10:00:00Z",
        "eventSource": "sns.amazonaws.com",
        "eventName": "CreateTopic",
        "awsRegion": "us-east-2",
        "sourceIPAddress": "203.0.113.7",
        "userAgent": "aws-cli/2.31",
        "requestParameters": {"name": format!("topic-{number}"), "note": padding},
        "responseElements": null,
        "requestID": format!("{number:032x}"),
        "eventID": format!("{number:032x}"),
        "readOnly": false,
        "eventType": "AwsApiCall",
        "managementEvent": true,
        "recipientAccountId": "111122223333",
        "eventCategory": "Management",
    });
    if let (Some(error), Some(members)) = (error, record.as_object_mut()) {
        members.insert("errorCode".to_owned(), error.into());
    }
    record
}
