//! `trailhound scan` as scripts and people use it: words in, lines and exit codes out.

use std::{
    io::{BufRead, BufReader, Read, Write},
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use crate::{EXECUTABLE, given::gzip};

/// Whoever asks for topics that are made.
const QUESTION: &[&str] = &["--when", "sns:CreateTopic"];

/// A folder of log files.
struct Archive {
    dir: TempDir,
}

fn record(name: &str, who: &str) -> String {
    format!(
        r#"{{"eventVersion":"1.09","userIdentity":{{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/{who}"}},"eventTime":"2026-11-22T10:00:00Z","eventSource":"sns.amazonaws.com","eventName":"{name}","awsRegion":"us-east-2","requestParameters":{{"name" : "a","n":1.0}},"eventID":"x","recipientAccountId":"111122223333"}}"#
    )
}

fn hit() -> String {
    record("CreateTopic", "ada")
}

fn log(records: &[String]) -> Vec<u8> {
    gzip(&format!(r#"{{"Records":[{}]}}"#, records.join(",")))
}

impl Archive {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> &str {
        self.dir.path().to_str().unwrap()
    }

    /// Writes a file; its path.
    fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        let path = self.dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn stats(&self) -> PathBuf {
        self.dir.path().join("stats")
    }
}

fn scan(args: &[&str]) -> Command {
    let mut command = Command::new(EXECUTABLE);
    command.arg("scan").args(args).stdin(Stdio::null());
    command
}

/// What a scan of one question printed, and its exit code.
#[track_caller]
fn check(args: &[&str], code: i32) -> (String, String) {
    ended(scan(&[args, QUESTION].concat()).output().unwrap(), code)
}

#[track_caller]
fn ended(output: Output, code: i32) -> (String, String) {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let (stdout, stderr) = (text(output.stdout), text(output.stderr));
    assert_eq!(output.status.code(), Some(code), "{stdout}\n{stderr}");
    (stdout, stderr)
}

#[track_caller]
fn has(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.contains(word), "`{word}` is not said: {text}");
    }
}

#[test]
fn a_table_tells_how_often_when_and_for_whom_a_rule_holds() {
    let archive = Archive::new();
    archive.file("a.json.gz", log(&[hit(), record("CreateTopic", "bob\\u001b[2J"), hit()]));
    archive.file("b.json.gz", log(&[record("ListTopics", "eve")]));
    let (stdout, stderr) = check(&[archive.path()], 0);
    let lines: Vec<Vec<&str>> =
        stdout.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[0], ["LEVEL", "TIMES", "FIRST", "SEEN", "LAST", "SEEN", "RULE"]);
    let time = "2026-11-22T10:00:00Z";
    assert_eq!(lines[1], ["medium", "3", time, time, "sns:CreateTopic"]);
    assert_eq!(lines[2], ["2", "arn:aws:iam::111122223333:user/ada"]);
    assert_eq!(lines[3], ["1", "arn:aws:iam::111122223333:user/bob\\u{1b}[2J"]);
    has(&stdout, &["2 objects: 2 logs. 4 records, 3 findings"]);
    assert_eq!(stderr, "");
}

#[test]
fn lines_of_json_hold_each_record_as_it_stands() {
    let archive = Archive::new();
    let path = archive.file("a.json.gz", log(&[hit(), record("ListTopics", "eve")]));
    let (stdout, stderr) = check(&[archive.path(), "--format", "ndjson"], 0);
    let wanted = format!(
        "{{\"rule\":{{\"id\":\"when:sns:CreateTopic\",\"title\":\"sns:CreateTopic\",\"level\":\"medium\"}},\"record\":{},\"object\":{}}}\n",
        hit(),
        serde_json::to_string(&path).unwrap()
    );
    assert_eq!(stdout, wanted);
    has(&stderr, &["1 object: 1 log. 2 records, 1 finding"]);
}

#[test]
fn stats_account_for_each_object() {
    let archive = Archive::new();
    let whole = log(&[hit(), hit()]);
    archive.file("a.json.gz", &whole);
    archive.file("b.json.gz", &whole[..whole.len() / 2]);
    archive.file("empty", "");
    archive.file("readme.txt", "of ours");
    let stats = archive.stats();
    let args = [archive.path(), "/no/such/place", "--stats", stats.to_str().unwrap()];
    let (_, stderr) = check(&args, 2);
    has(&stderr, &["/no/such/place: no such file or folder", "b.json.gz"]);
    let text = std::fs::read_to_string(stats).unwrap();
    let keys = [
        "objects",
        "skipped",
        "failed",
        "records",
        "candidates",
        "findings",
        "bytes_in",
        "bytes_inflated",
        "seconds",
        "cpu_seconds",
        "peak_rss_bytes",
    ];
    let value: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value.as_object().unwrap().keys().collect::<Vec<_>>(), keys);
    assert_eq!(
        (&value["objects"], &value["skipped"], &value["failed"]),
        (&5.into(), &2.into(), &2.into())
    );
    for key in ["seconds", "cpu_seconds", "peak_rss_bytes", "bytes_in"] {
        assert!(value[key].as_f64().unwrap() > 0.0, "{text}");
    }
}

#[test]
fn findings_of_a_level_or_above_fail_and_bad_input_says_so_whatever_was_found() {
    let archive = Archive::new();
    let path = archive.file("a.json.gz", log(&[hit()]));
    check(&[&path, "--fail-on", "high"], 0);
    check(&[&path, "--fail-on", "medium"], 1);
    check(&[&path, "--fail-on", "low"], 1);
    check(&[&path, "/no/such/place", "--fail-on", "low"], 2);
    let (_, stderr) = check(&[&path, "--fail-on", "worse"], 2);
    has(&stderr, &["worse", "critical"]);
}

#[test]
fn wrong_words_are_refused_with_what_would_be_right() {
    let archive = Archive::new();
    let path = archive.file("a.json.gz", log(&[hit()]));
    let refused = |args: &[&str], words: &[&str]| {
        let (stdout, stderr) = ended(scan(args).output().unwrap(), 2);
        has(&stderr, words);
        assert_eq!(stdout, "");
    };
    refused(&[], &["<PATH>"]);
    refused(&[&path, "--from", "soon"], &["`soon`", "2026-11-22"]);
    refused(&[&path, "--from", "2026-11-23", "--to", "2026-11-22"], &["--from", "--to"]);
    refused(&[&path, "--threads", "0"], &["--threads"]);
    refused(&[&path, "--threads", "100000"], &["--threads"]);
    refused(&[&path, "--when", "sns:"], &["--when"]);
    refused(&[&path, "--rules", "/no/such/rules"], &["/no/such/rules"]);
    refused(&[&path, "--stats", "/no/such/place/stats"], &["/no/such/place/stats"]);
}

#[test]
fn a_refused_rule_is_named_and_the_others_run() {
    let archive = Archive::new();
    let path = archive.file("a.json.gz", log(&[hit()]));
    let rules = Archive::new();
    let rule = |condition: &str| {
        format!(
            "title: Topic made\nid: 3a5ef1a5-2f5f-4c3b-8a3e-111122223333\nlevel: low\nlogsource: {{product: aws, service: cloudtrail}}\ndetection: {{s: {{eventName: CreateTopic}}, condition: {condition}}}\n"
        )
    };
    rules.file("good.yml", rule("s"));
    let (stdout, _) = ended(scan(&[&path, "--rules", rules.path()]).output().unwrap(), 0);
    has(&stdout, &["Topic made"]);
    rules.file("wrong.yml", rule("s | count() > 5"));
    let (stdout, stderr) = ended(scan(&[&path, "--rules", rules.path()]).output().unwrap(), 2);
    has(&stdout, &["Topic made"]);
    has(&stderr, &["wrong.yml:"]);
    // The shipped rules are asked where none are given.
    ended(scan(&[&path]).output().unwrap(), 0);
}

#[test]
fn patterns_that_no_shell_expanded_and_standard_input_are_read() {
    let archive = Archive::new();
    archive.file("a.json.gz", log(&[hit()]));
    archive.file("b.json.gz", log(&[hit()]));
    archive.file("c.json", hit());
    let (stdout, _) = check(&[&format!("{}/*.gz", archive.path())], 0);
    has(&stdout, &["2 objects: 2 logs. 2 records, 2 findings"]);
    let input = std::fs::File::open(archive.dir.path().join("a.json.gz")).unwrap();
    let args = [&["-", "--format", "ndjson"], QUESTION].concat();
    let (stdout, _) = ended(scan(&args).stdin(input).output().unwrap(), 0);
    let line: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(line["object"], "-");
}

#[test]
fn times_are_days_or_moments() {
    let archive = Archive::new();
    archive.file("a.json.gz", log(&[hit()]));
    let found = |args: &[&str]| {
        let (stdout, _) = check(&[&[archive.path(), "--format", "ndjson"], args].concat(), 0);
        stdout.lines().count()
    };
    assert_eq!(found(&["--from", "2026-11-22", "--to", "2026-11-22"]), 1);
    assert_eq!(found(&["--from", "2026-11-22T10:00:01Z"]), 0);
    assert_eq!(found(&["--to", "2026-11-21"]), 0);
    assert_eq!(found(&["--account", "111122223333", "--region", "us-east-2"]), 1);
    assert_eq!(found(&["--account", "999988887777"]), 0);
}

#[test]
fn a_reader_that_has_seen_enough_ends_the_scan_quietly() {
    let archive = Archive::new();
    let many = log(&vec![hit(); 2_000]);
    for n in 0..20 {
        archive.file(&format!("{n}.json.gz"), &many);
    }
    let args = [&[archive.path(), "--format", "ndjson", "--threads", "2"], QUESTION].concat();
    let mut child = scan(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.starts_with("{\"rule\":"), "{line}");
    let (_, stderr) = ended(child.wait_with_output().unwrap(), 0);
    has(&stderr, &["Stopped early."]);
}

/// A scan of one file that then waits for standard input, which is held open, until it has read
/// from there.
fn waiting(archive: &Archive, more: &[&str]) -> Child {
    let path = archive.file("a.json.gz", log(&[hit()]));
    let args = [&[path.as_str(), "-", "--threads", "1"], QUESTION, more].concat();
    let mut command = scan(&args);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // More than a pipe holds: once all of it is written, some of it has been read.
    let blank = vec![b' '; 2 * 1024 * 1024];
    child.stdin.as_mut().unwrap().write_all(&blank).unwrap();
    child
}

fn send(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

#[test]
fn a_scan_that_is_interrupted_shows_what_it_found() {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let archive = Archive::new();
        let stats = archive.stats();
        let mut child = waiting(&archive, &["--stats", stats.to_str().unwrap()]);
        let stdin = child.stdin.take().unwrap();
        send(&child, signal);
        let (stdout, _) = ended(child.wait_with_output().unwrap(), code);
        drop(stdin);
        has(&stdout, &["sns:CreateTopic", "Stopped early.", "1 finding"]);
        assert!(stats.exists());
    }
}

#[test]
fn an_endless_input_ends_where_nobody_reads_on() {
    let args = [&["-", "--format", "ndjson"], QUESTION].concat();
    let mut command = scan(&args);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let reader = std::thread::spawn(move || {
        let mut first = [0];
        stdout.read_exact(&mut first).unwrap();
        first
    });
    let lines = (hit() + "\n").repeat(1_000);
    // Whoever writes is told once the scan has ended.
    while stdin.write_all(lines.as_bytes()).is_ok() {}
    assert_eq!((reader.join().unwrap(), child.wait().unwrap().code()), (*b"{", Some(0)));
}

#[test]
fn memory_stays_bounded_whatever_is_read() {
    const MIB: usize = 1024 * 1024;
    let archive = Archive::new();
    let stats = archive.stats();
    let args = [&["-", "--stats", stats.to_str().unwrap(), "--threads", "1"], QUESTION].concat();
    let mut command = scan(&args);
    command.stdin(Stdio::piped()).stdout(Stdio::null());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let line = record("ListTopics", &"e".repeat(32 * 1024)) + "\n";
    let mut written = 0;
    while written < 300 * MIB {
        stdin.write_all(line.as_bytes()).unwrap();
        written += line.len();
    }
    drop(stdin);
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let stats: Value = serde_json::from_slice(&std::fs::read(stats).unwrap()).unwrap();
    assert_eq!(stats["bytes_in"], written);
    let peak = stats["peak_rss_bytes"].as_u64().unwrap();
    assert!(peak < 64 * MIB as u64, "{peak}");
}
