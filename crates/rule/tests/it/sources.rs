//! Texts that act on rules: values of placeholders, and filters.

use rule::{Loaded, RuleSet};
use serde_json::json;

use crate::rule_text;

const EXPANDING: &str =
    "    s:\n        user|expand: '%admins%'\n        ip|cidr|expand: '%nets%'\n    condition: s";

fn load(sources: &[(&str, &str)]) -> Loaded {
    RuleSet::load(sources.iter().copied())
}

#[test]
fn placeholders_take_their_values_from_a_file_beside_the_rules() {
    let values = "admins: [ana, 'bo*']\nnets: [10.0.0.0/8, 2001:db8::/32]\n";
    let rule = rule_text(EXPANDING);
    // The file's place among the others does not matter.
    let loaded = load(&[("r/a.yml", &rule), ("r/placeholders.yml", values)]);
    assert_eq!(loaded.problems, []);
    let rule = loaded.rules.rules().next().unwrap();
    for (user, ip, held) in [
        ("Ana", "10.1.1.1", true),
        ("bob", "2001:db8::7", true),
        ("cy", "10.1.1.1", false),
        ("ana", "192.0.2.1", false),
        ("%admins%", "10.1.1.1", false),
    ] {
        assert_eq!(rule.holds(&json!({"user": user, "ip": ip})), held, "{user} {ip}");
    }
}

#[test]
fn a_placeholder_without_values_refuses_its_rule_alone_and_says_what_to_set() {
    let expanding = rule_text(EXPANDING);
    let plain =
        rule_text("    s:\n        user: '%admins%'\n    condition: s").replace("0001", "0002");
    let loaded =
        load(&[("a.yml", &expanding), ("b.yml", &plain), ("placeholders.yml", "nets: 10.0.0.0/8")]);
    let [problem] = loaded.problems.as_slice() else { panic!("{:?}", loaded.problems) };
    assert!(
        problem.to_string().starts_with("a.yml:8: `user`: `%admins%` has no value"),
        "{problem}"
    );
    assert!(problem.reason.contains("`placeholders.yml` beside the rules, as `admins: ["));
    let left: Vec<_> = loaded.rules.rules().collect();
    assert_eq!(left.len(), 1);
    assert!(left[0].holds(&json!({"user": "%admins%"})), "without `expand` it is plain text");
}

#[test]
fn bad_values_are_told_with_their_line() {
    let loaded = load(&[("placeholders.yml", "a: x\nb: {c: d}\n")]);
    assert_eq!(loaded.problems[0].to_string().split(' ').next(), Some("placeholders.yml:2:"));
}

fn filter_text(rules: &str) -> String {
    format!(
        "title: Our deploys\nlogsource:\n    product: aws\nfilter:\n    rules: {rules}\n    \
         selection:\n        user: ci\n    condition: not selection\n"
    )
}

#[test]
fn a_filter_adds_its_condition_to_the_rules_that_it_names() {
    let first = rule_text("    selection:\n        a: 1\n    condition: selection");
    let second = first.replace("0001", "0002").replace("A rule", "Another");
    let (plain, ci) = (json!({"a": 1}), json!({"a": 1, "user": "CI"}));
    for (rules, narrowed) in [
        ("[00000000-0000-4000-8000-000000000001]", [true, false]),
        ("[Another]", [false, true]),
        ("[\"A rule\", Another, Another]", [true, true]),
        ("[named]", [true, false]),
        ("any", [true, true]),
    ] {
        let named = first.replace("level: low", "level: low\nname: named");
        // A filter may be read before its rules.
        let loaded = load(&[("f.yml", &filter_text(rules)), ("a.yml", &named), ("b.yml", &second)]);
        assert_eq!(loaded.problems, [], "{rules}");
        let found: Vec<_> = loaded.rules.rules().map(|rule| !rule.holds(&ci)).collect();
        assert_eq!(found, narrowed, "{rules}");
        assert!(loaded.rules.rules().all(|rule| rule.holds(&plain)), "{rules}");
        assert!(!loaded.rules.rules().any(|rule| rule.holds(&json!({"user": "bo"}))), "{rules}");
    }
}

#[test]
fn filters_that_cannot_be_honoured_are_told_and_leave_the_rules() {
    let rule = rule_text("    selection:\n        a: 1\n    condition: selection");
    let check = |filter: &str, line: usize, reason: &str| {
        let loaded = load(&[("a.yml", &rule), ("f.yml", filter)]);
        assert_eq!(loaded.rules.rules().len(), 1, "{filter}");
        let [problem] = loaded.problems.as_slice() else {
            panic!("{filter}: {:?}", loaded.problems)
        };
        assert_eq!((problem.file.as_str(), problem.line), ("f.yml", line), "{filter}: {problem}");
        assert!(problem.reason.contains(reason), "{filter}: {problem}");
    };
    let good = filter_text("any");
    check(&filter_text("[unknown]"), 5, "names `unknown`, which is no id, name or title");
    check(&filter_text("[]"), 5, "a list of rules' ids or names, or `any`");
    check(&filter_text("[1]"), 5, "a list of rules' ids or names, or `any`");
    check(&good.replace("    rules: any\n", ""), 4, "a list of rules' ids or names, or `any`");
    check(&good.replace("product: aws", "product: windows"), 2, "another log source");
    check(&good.replace("not selection", "not other"), 8, "`other`, which the detection lacks");
    check(&good.replace("user: ci", "user|hour: 77"), 7, "no hour");
    check("title: x\nfilter: 3\n", 2, "a filter is a map");
}
