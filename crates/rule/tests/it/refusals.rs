//! A rule that cannot be honoured is refused, with its place; the others run.

use proptest::prelude::*;
use rule::RuleSet;

use crate::{load, rule_text};

/// The text gives no rule but one problem, at the line that holds `at`, saying `reason`.
fn check(text: &str, at: &str, reason: &str) {
    let loaded = load(text);
    assert_eq!(loaded.rules.rules().len(), 0, "{text}");
    let [problem] = loaded.problems.as_slice() else { panic!("{text}\n{:?}", loaded.problems) };
    assert!(problem.reason.contains(reason), "{text}\n{problem}");
    let line = text.lines().nth(problem.line - 1).unwrap_or_default();
    assert!(line.contains(at), "{text}\n{problem}: {line}");
}

fn check_item(item: &str, reason: &str) {
    let text = rule_text(&format!("    selection:\n        {item}\n    condition: selection"));
    check(&text, item.split([':', '|']).next().unwrap(), reason);
}

#[test]
fn modifiers_that_we_do_not_honour() {
    check_item("a|expand: '%x%'", "`%x%` has no value: give it one in a file `placeholders.yml`");
    check_item("a|hour|day: 3", "contradicts");
    check_item("a|hour|contains: 3", "cannot stand together");
    check_item("a|hour|re: 3", "cannot stand together");
    check_item("a|wide|hour: 3", "cannot stand together");
    check_item("a|re|i|cased: x", "cannot stand together");
    check_item("a|soundslike: x", "`soundslike` is not known");
    check_item("a|not: x", "`not` is no modifier");
    check_item("a|contains|startswith: x", "contradicts");
    check_item("a|re|cidr: x", "contradicts");
    check_item("a|i: x", "flags of `re`");
    check_item("a|re|contains: x", "cannot stand together");
}

#[test]
fn values_that_make_no_sense() {
    check_item("a: []", "no values");
    check_item("a: {b: 1}", "name inner fields with dots");
    check_item("a: [[1], [2]]", "nested list");
    check_item("a|re: '(?=x)'", "regular expression");
    check_item("a|re: '(((a{1000}){1000}){1000})'", "regular expression");
    check_item("a|cidr: 10.0.0.0/99", "not a network");
    check_item("a|gt: x", "not a number");
    check_item("a|hour: 24", "no hour: give 0 to 23");
    check_item("a|month|gte: 0", "no month: give 1 to 12");
    check_item("a|day: 1.5", "no day");
    check_item("a|exists: maybe", "true or false");
    check_item("a|contains: null", "null");
    check_item("a|base64: 'x*'", "wildcard");
    check_item("a|wide|re: x", "cannot stand together");
    check_item("a|base64offset|contains: x", "too short");
    check_item("a..b: x", "not a field's name");
}

#[test]
fn conditions_that_name_nothing_or_count_records() {
    let of =
        |condition: &str| rule_text(&format!("    sel:\n        a: 1\n    condition: {condition}"));
    check(&of("other"), "condition", "`other`, which the detection lacks");
    check(&of("1 of filter_*"), "condition", "stands for no selection");
    check(&of("3 of sel*"), "condition", "cannot be");
    check(&of("0 of them"), "condition", "cannot be");
    check(&of("sel and"), "condition", "expected");
    check(&of("sel | count() > 5"), "condition", "one record at a time");
    check(&of("sel | near sel"), "condition", "one record at a time");
    check(&of("sel\n    timeframe: 10m"), "timeframe", "one record at a time");
    check(&of(&"(".repeat(50_000)), "condition", "too long");
    check(&of(&format!("{} sel", "not ".repeat(900))), "condition", "too long");
}

#[test]
fn rules_for_other_sources() {
    let text = rule_text("    s:\n        a: 1\n    condition: s");
    check(&text.replace("product: aws", "product: windows"), "logsource", "another log source");
    check(
        &text.replace("service: cloudtrail", "service: guardduty"),
        "logsource",
        "another log source",
    );
    let none = text.replace("    product: aws\n    service: cloudtrail\n", "    definition: any\n");
    assert!(load(&none).problems.is_empty(), "{none}");
}

#[test]
fn texts_that_are_no_rules() {
    check("", "", "holds no rule");
    check("# nothing\n", "# nothing", "holds no rule");
    check("- a\n", "- a", "a map");
    check("title: x\nfoo: [\n", "", "YAML");
    check("title: x\ntitle: y\n", "", "duplicate");
    check("title: x\n", "title", "`detection` is missing");
    let text = rule_text("    s:\n        a: 1\n    condition: s");
    check(&text.replace("title: A rule\n", ""), "id", "`title` is missing");
    check(&text.replace("level: low", "level: loud"), "level: loud", "level");
    check(&text.replace("level: low", "status: fine"), "status", "status");
    check(&format!("{text}sigma-version: 9\n"), "sigma-version", "version");
    check(&format!("{text}tags:\n    - a: b\n"), "tags", "no text: put it in quotes");
    check(&format!("{text}taxonomy: ecs\n"), "taxonomy", "only the taxonomy `sigma`");
    assert!(load(&format!("{text}taxonomy: sigma\n")).problems.is_empty());
    check("title: x\ncorrelation:\n    type: event_count\n", "correlation", "one record");
    check(&"x".repeat(300_000), "", "longer than");
}

#[test]
fn a_bad_rule_leaves_the_others_of_its_file_and_set() {
    let good = rule_text("    s:\n        a: 1\n    condition: s");
    let bad = rule_text("    s:\n        a|hour: 99\n    condition: s").replace("0001", "0002");
    let loaded = load(&format!("{good}---\n{bad}---\n# end\n"));
    assert_eq!(loaded.rules.rules().len(), 1);
    let [problem] = loaded.problems.as_slice() else { panic!("{:?}", loaded.problems) };
    let wanted =
        good.lines().count() + 1 + bad.lines().position(|l| l.contains("hour")).unwrap() + 1;
    assert_eq!((problem.line, problem.file.as_str()), (wanted, "rule.yml"));
    assert!(problem.to_string().starts_with(&format!("rule.yml:{wanted}: `a`: ")));

    let twice = [("a.yml", good.as_str()), ("b.yml", good.as_str())];
    let loaded = RuleSet::load(twice.into_iter());
    assert_eq!(loaded.rules.rules().len(), 1);
    assert!(loaded.problems[0].reason.contains("already the id of a.yml:1"));
}

#[test]
fn documents_that_act_on_each_other_are_read_together() {
    let text = "action: global\ntitle: Both\nlogsource:\n    product: aws\ndetection:\n    condition: s\n\
                ---\nid: one\ndetection:\n    s:\n        a: 1\n---\nid: two\ndetection:\n    s:\n        a: 2\n";
    let loaded = load(text);
    assert_eq!(loaded.problems, []);
    let ids: Vec<_> = loaded.rules.rules().map(rule::Rule::id).collect();
    assert_eq!(ids, ["one", "two"]);
}

#[test]
fn bytes_that_are_no_text_are_refused_at_their_line() {
    let loaded = rule::load_bytes("x.yml", b"title: x\n\xff\n");
    assert_eq!(loaded.problems[0].line, 2);
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        rule::load_bytes("x.yml", &bytes);
    }

    #[test]
    fn no_detection_makes_the_reader_or_the_rules_panic(
        key in "[a-z.|\\[\\]*]{0,12}(\\|(contains|re|cidr|all|base64offset|wide|windash|fieldref|neq|gt|exists|expand|hour))*",
        value in "[ -~é\u{130}]{0,12}",
        condition in "(sel|not |and |or |1 of |all of |them|\\(|\\)|\\*| ){0,8}",
    ) {
        let quoted = value.replace('\'', "''");
        let text = rule_text(&format!("    sel:\n        '{key}': '{quoted}'\n    condition: '{condition}'"));
        let loaded = load(&text);
        let record = format!("{{\"a\":[\"{0}\",1,null,{{\"b\":{{}}}}]}}", value.replace(['\\', '"'], ""));
        loaded.rules.findings(record.as_bytes(), "x").unwrap();
    }
}
