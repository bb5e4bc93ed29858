//! The rule room through its own door.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod detection_cases;
mod explain;
mod oracle;
mod refusals;
mod semantics;
mod shipped;
mod sigmahq;
mod sources;
mod when;

use rule::{Loaded, RuleSet};

/// A rule of this detection, given with the indentation of the test.
fn rule_text(detection: &str) -> String {
    format!(
        "title: A rule\nid: 00000000-0000-4000-8000-000000000001\n\
         logsource:\n    product: aws\n    service: cloudtrail\ndetection:\n{detection}\nlevel: low\n"
    )
}

fn load(text: &str) -> Loaded {
    RuleSet::load(std::iter::once(("rule.yml", text)))
}

/// Whether a rule of this detection holds for a record.
fn holds(detection: &str, record: &serde_json::Value) -> bool {
    let loaded = load(&rule_text(detection));
    assert!(loaded.problems.is_empty(), "{detection}: {:?}", loaded.problems);
    loaded.rules.rules().next().unwrap().holds(record)
}
