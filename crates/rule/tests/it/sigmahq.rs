//! SigmaHQ's own rules, read in place where they are at hand.

use std::path::{Path, PathBuf};

use rule::RuleSet;

/// The folder of that name beside the project, or a line that says that the test is skipped.
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
pub(crate) fn shared(name: &str) -> Option<PathBuf> {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data")).join(name);
    if path.exists() {
        return Some(path);
    }
    eprintln!("skipped: {} is absent", path.display());
    None
}

pub(crate) fn texts(folder: &Path, into: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            texts(&path, into);
        } else if path.extension().is_some_and(|ending| ending == "yml") {
            into.push((path.display().to_string(), std::fs::read_to_string(&path).unwrap()));
        }
    }
    into.sort();
}

fn load(folder: &str) -> Option<(usize, rule::Loaded)> {
    let mut sources = Vec::new();
    texts(&shared(folder)?, &mut sources);
    Some((sources.len(), RuleSet::load(sources.into_iter())))
}

#[test]
fn every_cloudtrail_rule_of_sigmahq_loads() {
    let Some((count, loaded)) = load("sigma_aws/rules") else { return };
    assert_eq!(loaded.problems, []);
    assert_eq!((count, loaded.rules.rules().len()), (57, 57));
}

#[test]
fn rules_that_count_records_or_need_filling_in_are_refused_with_the_reason() {
    let Some((count, loaded)) = load("sigma_aws/unsupported") else { return };
    assert_eq!((count, loaded.rules.rules().len()), (8, 0));
    for problem in &loaded.problems {
        assert!(problem.reason.contains("one record at a time"), "{problem}");
        assert!(problem.line > 1, "{problem}");
    }
    let Some((count, loaded)) = load("sigma_aws/rules-placeholder") else { return };
    assert_eq!((count, loaded.rules.rules().len()), (1, 0));
    let reason = &loaded.problems[0].reason;
    assert!(reason.contains("`%Legitimate_Countries%` has no value"), "{reason}");
}

#[test]
fn every_rule_can_be_asked_about_every_real_record() {
    let (Some((_, loaded)), Some(records)) =
        (load("sigma_aws/rules"), shared("dev_records.ndjson"))
    else {
        return;
    };
    let text = std::fs::read_to_string(records).unwrap();
    let (mut records, mut findings) = (0, 0);
    for line in text.lines().step_by(8) {
        records += 1;
        findings += loaded.rules.findings(line.as_bytes(), "dev_records.ndjson").unwrap().len();
    }
    assert!(records > 500 && findings > 50, "{findings} findings of {records} records");
}

#[test]
fn the_example_log_tells_once_that_a_topic_was_created() {
    let Some(path) = shared("example_log.json") else { return };
    let log: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let rules = RuleSet::shipped();
    let found: Vec<_> = log["Records"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|record| {
            rules.findings_of(record, record.to_string().as_bytes(), "example_log.json")
        })
        .filter(|finding| finding.rule.title == "SNS topic created")
        .map(|finding| finding.record["eventName"].clone())
        .collect();
    assert_eq!(found, ["CreateTopic"]);
}
