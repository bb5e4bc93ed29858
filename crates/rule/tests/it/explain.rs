//! Why a rule holds or not.

use proptest::prelude::*;
use rule::{Rule, Step, when};
use serde_json::{Value, json};

/// The rule's parts as lines: what holds, what not, and on which values.
fn lines(rule: &Rule, record: &Value) -> Vec<String> {
    fn add(step: &Step, depth: usize, into: &mut Vec<String>) {
        let verdict = if step.holds { "+" } else { "-" };
        into.push(format!("{}{verdict} {}", "  ".repeat(depth), step.asks));
        for found in &step.found {
            let value = found.value.as_deref().unwrap_or("nothing");
            let passes = found.passes.join(" & ");
            into.push(format!("{}{} = {value} [{passes}]", "  ".repeat(depth + 1), found.path));
        }
        for part in &step.parts {
            add(part, depth + 1, into);
        }
    }
    let explained = rule.explain(record);
    let mut lines = Vec::new();
    add(&explained.condition, 0, &mut lines);
    lines
}

#[test]
fn every_part_is_told_with_the_values_that_decided() {
    let text = crate::rule_text(
        "    selection:\n        eventName: [CreateUser, 'Delete*']\n        resources.ARN|endswith: /bo\n    \
         filter:\n        - errorCode: null\n        - n|gt: 5\n    condition: selection and not filter",
    );
    let loaded = crate::load(&text);
    assert_eq!(loaded.problems, []);
    let record = json!({
        "eventName": "deleteuser", "n": 3, "errorCode": "AccessDenied",
        "resources": [{"ARN": "arn:x/ana"}, {"ARN": "arn:x/Bo"}, {}],
    });
    assert_eq!(
        lines(loaded.rules.rules().next().unwrap(), &record),
        [
            "+ all of",
            "  + selection",
            "    + eventName is one of CreateUser, Delete*",
            "      eventName = \"deleteuser\" [Delete*]",
            "    + resources.ARN is */bo",
            "      resources[1].ARN = \"arn:x/Bo\" [*/bo]",
            "      resources[0].ARN = \"arn:x/ana\" []",
            "      resources[2].ARN = nothing []",
            "  + not",
            "    - filter",
            "      - 1 of",
            "        - errorCode is null",
            "          errorCode = \"AccessDenied\" []",
            "        - n is > 5",
            "          n = 3 []",
        ]
    );
}

#[test]
fn every_kind_of_question_has_its_words() {
    let check = |expression: &str, record: Value, line: &str| {
        let rule = when(expression).unwrap_or_else(|error| panic!("{expression}: {error}"));
        let lines = lines(&rule, &record);
        assert!(lines.iter().any(|found| found.trim() == line), "{expression}: {lines:#?}");
    };
    let record = || json!({"a": "x", "b": "x", "ip": "10.1.1.1", "t": "2026-11-22T03:00:00Z"});
    check("a!=x", record(), "- a is not x");
    check("a!=x,y", record(), "- a is none of x, y");
    check("a|contains|all=x,y", record(), "- a is all of *x*, *y*");
    check("a|exists=true", record(), "+ a is anything but null");
    check("a|re='^x'", record(), "+ a is a match of /^x/");
    check("ip|cidr=10.0.0.0/8", record(), "+ ip is an address of 10.0.0.0/8");
    check("t|hour|lt=4", record(), "+ t is a date with hour < 4");
    check("a|fieldref=b", record(), "+ a is the same as the field b");
    check("a|fieldref|startswith=b", record(), "+ a is a text that starts with the field b");
    check("a=''", record(), "- a is ''");
    check(r"a='\*'", record(), r"- a is \*");
    check("c.d=1", record(), "c.d = nothing []");
    check("a='-x'", record(), "a = \"x\" []");
    check("sns:CreateTopic", record(), "- eventSource is sns.amazonaws.com");
    check("not a=x", record(), "- not");
}

#[test]
fn long_values_and_long_lists_are_cut_short() {
    let rule = when("a=x").unwrap();
    let step = |record: &Value| {
        let explained = rule.explain(record);
        explained.condition.parts[0].clone()
    };
    let long = step(&json!({"a": "é".repeat(5000)}));
    assert_eq!(long.found[0].value.as_ref().unwrap().chars().count(), 201);
    let many = step(&json!({"a": vec!["y"; 100]}));
    assert_eq!((many.found.len(), many.more), (12, 89));
    let last = step(&json!({"a": [vec!["y"; 100], vec!["x"]]}));
    assert!(last.holds && last.found[0].path == "a[1][0]", "what passed comes first: {last:?}");
}

#[test]
fn keywords_name_only_what_they_found() {
    let loaded =
        crate::load(&crate::rule_text("    words:\n        - browser\n    condition: words"));
    let rule = loaded.rules.rules().next().unwrap();
    let found = lines(rule, &json!({"a": {"b": ["S3 Browser", "x"]}}));
    assert!(found.contains(&"    a.b[0] = \"S3 Browser\" [*browser*]".to_owned()), "{found:#?}");
    assert_eq!(lines(rule, &json!({"a": 1})), ["- words", "  - anything is *browser*"]);
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (0..4_i64).prop_map(Value::from),
        "[abX1]{0,2}".prop_map(Value::from)
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec(("[abc]", inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn the_verdict_is_that_of_the_evaluator(
        parts in proptest::collection::vec(
            ("(not )?[abc](\\.[abc]){0,2}(\\|(contains|startswith|exists|fieldref|contains\\|all|gte|re))?(=|!=)(1|a|true|null|x, b)",
             "( and | or )"),
            1..5),
        record in proptest::collection::vec(("[abc]", value()), 0..4),
    ) {
        let mut expression = String::new();
        for (question, join) in &parts {
            expression += question;
            expression += join;
        }
        expression += "a=1";
        let record = Value::Object(record.into_iter().collect());
        if let Ok(rule) = when(&expression) {
            prop_assert_eq!(rule.explain(&record).holds, rule.holds(&record), "{}", expression);
        }
    }
}

#[test]
fn shipped_rules_are_explained_as_they_judge() {
    let rules = rule::RuleSet::shipped();
    let mut count = 0;
    for (name, text) in rule::shipped_sources().filter(|(name, _)| rule::is_test_file(name)) {
        let tests: Value = serde_yaml_ng::from_str(text).unwrap();
        for record in ["match", "no_match"].iter().flat_map(|key| tests[key].as_array().unwrap()) {
            for rule in rules.rules() {
                assert_eq!(rule.explain(record).holds, rule.holds(record), "{name}: {}", rule.id());
                count += 1;
            }
        }
    }
    assert!(count > 500, "{count}");
}
