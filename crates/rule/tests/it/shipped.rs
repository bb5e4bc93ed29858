//! The rules that come with Trailhound.

mod catalogue;

use std::collections::{BTreeMap, BTreeSet};

use rule::{RuleSet, Verdict};
use serde_json::Value;

#[test]
fn the_compiled_list_is_the_folder() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../rules");
    let there: BTreeSet<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| rule::is_rule_file(name) || rule::is_test_file(name))
        .collect();
    let compiled: BTreeSet<String> =
        rule::shipped_sources().map(|(name, _)| name.to_owned()).collect();
    assert_eq!(compiled, there);
}

#[test]
fn every_shipped_rule_is_sound_and_tested() {
    assert_eq!(rule::check(rule::shipped_sources()), []);
    let outcomes = rule::test(rule::shipped_sources());
    let failed: Vec<_> = outcomes.iter().filter(|o| o.verdict != Verdict::Passed).collect();
    assert!(failed.is_empty(), "{failed:#?}");
    assert!(RuleSet::shipped().rules().len() >= 85);
}

#[test]
fn every_shipped_rule_says_who_what_and_why() {
    for rule in RuleSet::shipped().rules() {
        let id = rule.id();
        let groups: Vec<usize> = id.split('-').map(str::len).collect();
        assert_eq!(groups, [8, 4, 4, 4, 12], "{}: {id}", rule.file());
        assert_eq!(rule.author(), Some("Trailhound"), "{}", rule.file());
        assert!(rule.date().is_some() && rule.status().is_some(), "{}", rule.file());
        assert!(!rule.description().is_empty(), "{}", rule.file());
        assert!(!rule.references().is_empty(), "{}", rule.file());
        assert!(!rule.falsepositives().is_empty(), "{}", rule.file());
        assert!(rule.tags().iter().all(|tag| tag.starts_with("attack.")), "{}", rule.file());
        assert!(rule.tags().len() > 1, "{}", rule.file());
    }
}

/// The scan that passes over most records lives on it: one rule that any call could match would
/// have every record looked at. Root is to be told of whatever it calls.
#[test]
fn every_shipped_rule_but_that_for_root_hangs_on_the_name_of_the_call() {
    let records: BTreeMap<&str, Value> = rule::shipped_sources()
        .filter_map(|(name, text)| Some((name.strip_suffix(".test.yml")?, text)))
        .map(|(name, text)| (name, serde_yaml_ng::from_str(text).unwrap()))
        .collect();
    for rule in RuleSet::shipped().rules() {
        let name = rule.file().strip_suffix(".yml").unwrap();
        let [matching, others] = ["match", "no_match"].map(|key| records[name][key].as_array());
        assert!(others.unwrap().len() >= 2, "{name}");
        let matching = matching.unwrap();
        assert!(matching.len() >= 2, "{name}");
        for record in matching {
            let mut record = record.clone();
            record["eventName"] = "NoCallOfThatName".into();
            assert_eq!(rule.holds(&record), name == "root_user_used", "{name}");
        }
    }
}

#[test]
fn records_without_a_rule_and_rules_without_records_are_told() {
    let good = crate::rule_text("    s:\n        a: 1\n    condition: s");
    let sources =
        [("a.yml", good.as_str()), ("b.test.yml", "match: []\n"), ("c.test.json", "{\"x\":1}")];
    let problems = rule::check(sources.into_iter());
    let places: Vec<_> = problems.iter().map(|p| p.file.as_str()).collect();
    assert_eq!(places, ["b.test.yml", "c.test.json", "c.test.json"], "{problems:?}");
    let outcomes = rule::test(sources.into_iter());
    assert_eq!(outcomes.len(), 1);
    assert_eq!(outcomes[0].verdict, Verdict::Untested);
}

#[test]
fn a_record_that_goes_the_wrong_way_is_told() {
    let good = crate::rule_text("    s:\n        eventName: x\n    condition: s");
    let records = "match: [{eventName: y}, {eventName: x}]\nno_match: [{eventName: x}]\n";
    let outcomes = rule::test([("a.yml", good.as_str()), ("a.test.yml", records)].into_iter());
    let told: Vec<_> = outcomes.iter().map(|o| (o.record.as_str(), &o.verdict)).collect();
    assert_eq!(
        told,
        [
            ("match 1", &Verdict::Missed),
            ("match 2", &Verdict::Passed),
            ("no_match 1", &Verdict::Matched)
        ]
    );
}
