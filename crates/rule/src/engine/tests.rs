//! The engine answers what the plain evaluator answers, whatever the record.

use proptest::prelude::*;
use record::log_file::Reader;
use serde_json::Value;

use super::*;
use crate::set::RuleSet;

/// Rules that look at records in every way there is.
const RULES: &str = include_str!("rules.yml");

fn rules() -> RuleSet {
    let loaded = RuleSet::load(std::iter::once(("rules.yml", RULES)));
    assert_eq!(loaded.problems, []);
    loaded.rules
}

/// The ids of rules that hold for each record of `text`, as the engine says, and how many records
/// rules were asked about. Each is what the plain evaluator says.
fn check(rules: &RuleSet, text: &[u8]) -> (Vec<Vec<String>>, usize) {
    let (mut memory, mut all, mut candidates) = (Memory::default(), Vec::new(), 0);
    Reader::new().whole("x.json", text, rules.anchors(), &mut |record| {
        let mut asked = Vec::new();
        let answer = rules.ask(&mut memory, &record, &mut |rule| asked.push(rule.id().to_owned()));
        let shown = String::from_utf8_lossy(record.json());
        match serde_json::from_slice::<Value>(record.json()) {
            Ok(value) => {
                let holds = rules.rules().filter(|rule| rule.holds(&value));
                let plainly: Vec<String> = holds.map(|rule| rule.id().to_owned()).collect();
                assert_eq!(asked, plainly, "{shown}");
                candidates += usize::from(answer.unwrap());
            }
            Err(error) => assert!(asked.is_empty(), "{error}: {shown}"),
        }
        all.push(asked);
    });
    (all, candidates)
}

fn check_one(record: &str, expected: &[&str]) {
    let (all, _) = check(&rules(), record.as_bytes());
    assert_eq!(all, [expected], "{record}");
}

#[test]
fn a_record_that_concerns_no_rule_is_not_asked_about() {
    let loaded = "title: t\nlogsource: {product: aws, service: cloudtrail}\n\
                  detection: {s: {eventName: [CreateTopic, 'Delete*']}, condition: s}\n";
    let rules = RuleSet::load(std::iter::once(("r.yml", loaded))).rules;
    let records = r#"{"eventName":"GetObject"} {"eventName":"DescribeTopic","x":"CreateTopic"}
        {"eventName":"createtopic"} {"eventName" : "DeleteTopic"} {"eventSource":"sns"}"#;
    let (all, candidates) = check(&rules, records.as_bytes());
    assert_eq!(all.iter().map(Vec::len).collect::<Vec<_>>(), [0, 0, 1, 1, 0]);
    assert_eq!(candidates, 2);
}

#[test]
fn keys_are_seen_however_they_are_written() {
    check_one(r#"{"eventName":"CreateTopic"}"#, &["name"]);
    check_one(r#"{"\u0065vent\u004eame":"CreateTopic"}"#, &["name"]);
    check_one(r#"{"eventName"  :  "Create\u0054opic"}"#, &["name"]);
    check_one(r#"{"eventName":"CreateTopic","eventName":"Other"}"#, &[]);
    check_one(r#"{"eventName":"Other","event\u004eame":"CreateTopic"}"#, &["name"]);
    check_one(r#"{"eventSource":"sns","requestParameters":{"eventName":"CreateTopic"}}"#, &[]);
    check_one(r#"{"x":"\"eventName\":\"CreateTopic\"","eventName":"\\"}"#, &[]);
    check_one(r#"{"eventName":["Other","CREATETOPIC"]}"#, &["name"]);
    check_one(r#"{"eventSource":"eventName","eventName":null}"#, &[]);
    // The Kelvin sign folds to k.
    check_one("{\"eventSource\":\"sns\",\"errorCode\":\"to\u{212a}en\"}", &["token"]);
    check_one(r#"{"eventSource":"sns","errorCode":"to\u212aen"}"#, &["token"]);
}

#[test]
fn what_is_no_json_is_found_where_a_rule_would_hold() {
    let rules = rules();
    let text = br#"[{"eventVersion":"1.11","userIdentity":{},"eventName":"CreateTopic","x":tru},
        {"eventName":"CreateTopic"}]"#;
    let (mut memory, mut answers) = (Memory::default(), Vec::new());
    Reader::new().whole("x.json", text, rules.anchors(), &mut |record| {
        answers.push(rules.ask(&mut memory, &record, &mut |_| {}).is_ok());
    });
    assert_eq!(answers, [false, true]);
}

#[test]
fn one_memory_serves_several_sets() {
    let mut memory = Memory::default();
    let other = "title: t\nid: other\nlogsource: {product: aws, service: cloudtrail}\n\
                 detection: {s: {eventName: CreateTopic}, condition: s}\n";
    let other = RuleSet::load(std::iter::once(("r.yml", other))).rules;
    let all = rules();
    for (set, expected) in [(&all, "name"), (&other, "other"), (&all, "name")] {
        let mut asked = Vec::new();
        let text = br#"{"eventName":"CreateTopic"}"#;
        Reader::new().whole("x.json", text, set.anchors(), &mut |record| {
            set.ask(&mut memory, &record, &mut |rule| asked.push(rule.id().to_owned())).unwrap();
        });
        assert_eq!(asked, [expected]);
    }
}

/// Real records, one a line.
const RECORDS: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/dev_records.ndjson");
/// Other people's rules.
const SIGMA: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../../shared/data/sigma_aws/rules/cloud/aws/cloudtrail"
);

#[test]
fn real_records_are_answered_as_plainly() {
    let Ok(text) = std::fs::read(RECORDS) else {
        println!("skipped: {RECORDS} is not here");
        return;
    };
    let files = std::fs::read_dir(SIGMA).unwrap().map(|entry| entry.unwrap().path());
    let texts: Vec<(String, String)> = files
        .map(|path| (path.display().to_string(), std::fs::read_to_string(&path).unwrap()))
        .collect();
    let sigma = RuleSet::load(texts.iter().map(|(name, text)| (name, text))).rules;
    for rules in [RuleSet::shipped(), sigma, rules()] {
        let (all, candidates) = check(&rules, &text);
        let hits = all.iter().map(Vec::len).sum::<usize>();
        println!("{} records, {candidates} candidates, {hits} hits", all.len());
        assert_eq!(all.len(), 4255);
    }
}

/// A text as JSON writes it, letters as escapes now and then.
fn written(text: &str, escape: u32) -> String {
    let each = text.chars().enumerate().map(|(index, c)| match c {
        c if escape >> (index % 32) & 1 == 1 => {
            let mut units = [0; 2];
            c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")).collect()
        }
        '"' | '\\' => format!("\\{c}"),
        c => c.to_string(),
    });
    format!("\"{}\"", each.collect::<String>())
}

fn string() -> impl Strategy<Value = String> {
    let texts = prop::sample::select(vec![
        "CreateTopic",
        "createtopic",
        "DeleteTopic",
        "Root",
        "root",
        "AccessDenied",
        "ToKen",
        "to\u{212a}en",
        "10.1.2.3",
        "5",
        "true",
        "a\"b\\c",
        "",
        "é",
        "\u{1F600}",
        "eventName",
        "arn:aws:iam::111122223333:user/ci",
        "2026-11-23T10:00:00Z",
        "x{\"y\":[",
    ]);
    // Most texts are written plainly.
    (texts, prop_oneof![3 => Just(0), 1 => any::<u32>()])
        .prop_map(|(text, escape)| written(text, escape))
}

fn key() -> impl Strategy<Value = String> {
    let keys = prop::sample::select(vec![
        "eventName",
        "eventName",
        "eventSource",
        "errorCode",
        "type",
        "userIdentity",
        "arn",
        "requestParameters",
        "items",
        "name",
        "cidr",
        "port",
        "userAgent",
        "eventTime",
    ]);
    (keys, prop_oneof![7 => Just(0), 1 => any::<u32>()])
        .prop_map(|(key, escape)| written(key, escape))
}

fn space() -> impl Strategy<Value = &'static str> {
    prop_oneof![6 => Just(""), 1 => Just(" "), 1 => Just("\n\t ")]
}

/// JSON of any shape, of the keys and values that rules look for.
fn value() -> impl Strategy<Value = String> {
    let numbers =
        prop::sample::select(vec!["5", "5.0", "-1", "443", "1e3", "18446744073709551616"]);
    let leaf = prop_oneof![
        4 => string(),
        1 => numbers.prop_map(str::to_owned),
        1 => prop::sample::select(vec!["null", "true", "false"]).prop_map(str::to_owned),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| prop_oneof![object(inner.clone()), list(inner)])
}

fn object(value: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    let member = (space(), key(), space(), value, space())
        .prop_map(|(a, key, b, value, c)| format!("{a}{key}{b}:{c}{value}{b}"));
    prop::collection::vec(member, 0..8).prop_map(|members| format!("{{{}}}", members.join(",")))
}

fn list(value: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    let item = (space(), value).prop_map(|(space, value)| format!("{space}{value}{space}"));
    prop::collection::vec(item, 0..5).prop_map(|items| format!("[{}]", items.join(",")))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn hostile_records_are_answered_as_plainly(
        records in prop::collection::vec(object(value()), 1..6),
        form in 0..3,
    ) {
        let text = match form {
            0 => records.join("\n"),
            1 => format!("[{}]", records.join(" , ")),
            _ => format!("{{\"Records\":[{}]}}", records.join(",")),
        };
        check(&rules(), text.as_bytes());
    }

    #[test]
    fn bytes_that_are_nearly_records_do_not_panic(
        record in object(value()),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut bytes = record.into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        check(&rules(), &bytes);
    }

    #[test]
    fn huge_texts_and_deep_nesting_are_answered_as_plainly(
        length in 0_usize..20_000,
        depth in 0_usize..200,
        deep_first in any::<bool>(),
    ) {
        let long = format!("\"userAgent\":\"{}ci\"", "x".repeat(length));
        let deep = format!("\"items\":{}5{}", "[".repeat(depth), "]".repeat(depth));
        let (first, second) = if deep_first { (deep, long) } else { (long, deep) };
        let record = format!("{{{first},\"eventName\":\"CreateTopic\",{second}}}");
        check(&rules(), record.as_bytes());
    }
}
