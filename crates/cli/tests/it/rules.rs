//! `trailhound rules`, as its users type it.

use std::{
    io::Write,
    path::Path,
    process::{Command, Output, Stdio},
};

use serde_json::Value;

use crate::{EXECUTABLE, given::gzip};

const RULE: &str = "title: Topics of mine\nid: 11111111-2222-4333-8444-555555555555\n\
    logsource:\n    product: aws\n    service: cloudtrail\ndetection:\n    selection:\n        \
    eventName: CreateTopic\n        requestParameters.name|startswith: mine\n    condition: selection\n\
    level: high\n";
const RECORD: &str =
    r#"{"eventID":"e1","eventName":"CreateTopic","requestParameters":{"name":"yours\u001b[31m"}}"#;
const OTHER: &str =
    r#"{"eventID":"e2","eventName":"CreateTopic","requestParameters":{"name":"mine-1"}}"#;

fn rules(args: &[&str]) -> Output {
    rules_told(args, b"")
}

/// Runs `trailhound rules` with these words and this standard input.
fn rules_told(args: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(EXECUTABLE)
        .arg("rules")
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    child.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[track_caller]
fn ended(output: &Output, code: i32, said: &[&str]) {
    assert_eq!(output.status.code(), Some(code), "{output:#?}");
    let all = format!("{}{}", text(&output.stdout), text(&output.stderr));
    for word in said {
        assert!(all.contains(word), "`{word}` is not said: {all}");
    }
}

/// A folder with these files; its path.
fn folder(files: &[(&str, &[u8])]) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        std::fs::write(folder.path().join(name), bytes).unwrap();
    }
    let path = folder.path().to_str().unwrap().to_owned();
    (folder, path)
}

fn inside(folder: &str, name: &str) -> String {
    Path::new(folder).join(name).to_str().unwrap().to_owned()
}

#[test]
fn exported_rules_are_the_shipped_ones_and_overwrite_nothing() {
    let (_kept, parent) = folder(&[]);
    let dir = inside(&parent, "new/rules");
    ended(&rules(&["export", &dir]), 0, &["rules with their test records are in", &dir]);
    let shipped = rules(&["list", "--json"]);
    let exported = rules(&["list", "--json", "--rules", &dir]);
    let ids = |output: &Output| -> Vec<String> {
        let lines = text(&output.stdout).lines();
        lines.map(|line| serde_json::from_str::<Value>(line).unwrap()["id"].to_string()).collect()
    };
    let mut of_both = [ids(&shipped), ids(&exported)];
    of_both.iter_mut().for_each(|ids| ids.sort());
    assert!(of_both[0].len() > 20);
    assert_eq!(of_both[0], of_both[1]);
    ended(&rules(&["test", &dir]), 0, &[" 0 failed"]);
    ended(&rules(&["export", &dir]), 2, &["is not empty"]);
}

#[test]
fn everything_that_is_wrong_is_named_at_once_with_its_place() {
    let (_kept, dir) = folder(&[
        ("good.yml", RULE.as_bytes()),
        ("binary.yml", b"title: x\n\xff\xfe\n"),
        (
            "hour.yml",
            RULE.replace("555555", "666666").replace("eventName:", "eventName|hour:").as_bytes(),
        ),
        ("placeholders.yml", b"a: {b: c}\n"),
        ("alone.test.yml", b"match: []\n"),
    ]);
    let checked = rules(&["check", &dir]);
    let places = ["binary.yml:2:", "hour.yml:8:", "placeholders.yml:1:", "alone.test.yml:1:"];
    ended(&checked, 2, &places);
    assert_eq!(text(&checked.stderr).lines().count(), 4, "{checked:#?}");
    ended(&rules(&["list", "--rules", &dir]), 2, &["Topics of mine", "1 rules.", "hour.yml:8:"]);
}

#[test]
fn results_of_tests_are_written_as_build_servers_read_them() {
    let records =
        format!("match: [{OTHER}, {RECORD}]\nno_match: [{RECORD}]\n").replace("\\u001b", "");
    let (_kept, dir) = folder(&[
        ("a.yml", RULE.as_bytes()),
        ("a.test.yml", records.as_bytes()),
        ("b.yml", b"title: x\n"),
    ]);
    let junit = inside(&dir, "results.xml");
    ended(&rules(&["test", &dir, "--junit", &junit]), 1, &["match 2: must match and does not"]);
    let xml = std::fs::read_to_string(&junit).unwrap();
    for part in [
        "tests=\"4\"",
        "failures=\"1\"",
        "errors=\"1\"",
        "<testsuite name=\"Topics of mine\"",
        "name=\"match 2\"",
        "message=\"must match and does not\"",
        "b.yml:1",
    ] {
        assert!(xml.contains(part), "{part}: {xml}");
    }
}

#[test]
fn a_rule_is_explained_by_the_values_that_decided() {
    let log = format!("{{\"Records\":[{RECORD},{OTHER}]}}");
    let packed = gzip(&log);
    let (_kept, dir) = folder(&[
        ("a.yml", RULE.as_bytes()),
        ("one.json", RECORD.as_bytes()),
        ("log.json.gz", &packed),
    ]);
    let of = |name: &str| inside(&dir, name);
    let (rule, one, log) = (of("a.yml"), of("one.json"), of("log.json.gz"));
    let told = rules(&["explain", &rule, &one]);
    ended(
        &told,
        0,
        &[
            "Topics of mine [high] does not hold.",
            "✗ selection",
            "✓ eventName is CreateTopic",
            "✗ requestParameters.name is mine*",
            "requestParameters.name = \"yours\\u001b[31m\"",
        ],
    );
    assert!(!text(&told.stdout).contains('\u{1b}'), "records command no terminal: {told:#?}");

    let told = rules_told(&["explain", "topics of MINE", "-", "--rules", &dir], OTHER.as_bytes());
    ended(&told, 0, &["holds.", "✓ requestParameters.name is mine*", "\"mine-1\""]);

    let several = rules(&["explain", &rule, &log]);
    ended(&several, 2, &["holds 2 records", "--event-id", "e1, e2"]);
    let told = rules(&["explain", &rule, &log, "--event-id", "e2", "--json"]);
    ended(&told, 0, &[]);
    let json: Value = serde_json::from_slice(&told.stdout).unwrap();
    assert_eq!(json["holds"], true);
    assert_eq!(json["rule"]["title"], "Topics of mine");
    assert_eq!(json["condition"]["parts"][1]["found"][0]["path"], "requestParameters.name");
}

#[test]
fn what_cannot_be_explained_says_why() {
    let (_kept, dir) = folder(&[
        ("a.yml", RULE.as_bytes()),
        ("two.yml", format!("{RULE}---\n{}", RULE.replace("555555", "666666")).as_bytes()),
        ("one.json", RECORD.as_bytes()),
        ("broken.json", b"{\"eventName\":"),
    ]);
    let of = |name: &str| inside(&dir, name);
    let (rule, one) = (of("a.yml"), of("one.json"));
    ended(&rules(&["explain", "no such rule", &one]), 2, &["no rule is called", "rules list"]);
    ended(&rules(&["explain", &of("two.yml"), &one]), 2, &["holds 2 rules", "--rules"]);
    ended(&rules(&["explain", &rule, &of("none.json")]), 2, &["cannot read", "none.json"]);
    ended(&rules(&["explain", &rule, &of("broken.json")]), 2, &["broken.json"]);
    let absent = rules(&["explain", &rule, &one, "--event-id", "e9"]);
    ended(&absent, 2, &["none of the 1 records", "e9"]);
}
