//! One question on a command line.

use proptest::prelude::*;
use rule::{RuleSet, when};
use serde_json::{Value, json};

#[track_caller]
fn check(expression: &str, matching: &[Value], others: &[Value]) {
    let rule = when(expression).unwrap_or_else(|error| panic!("{expression}: {error}"));
    for record in matching {
        assert!(rule.holds(record), "`{expression}` must match {record}");
    }
    for record in others {
        assert!(!rule.holds(record), "`{expression}` must not match {record}");
    }
}

fn call(source: &str, name: &str) -> Value {
    json!({"eventSource": source, "eventName": name})
}

#[test]
fn a_call_is_its_source_and_its_name() {
    let create = call("sns.amazonaws.com", "CreateTopic");
    let others = [
        call("sns.amazonaws.com", "CreateTopics"),
        call("sqs.amazonaws.com", "CreateTopic"),
        json!({"eventName": "CreateTopic"}),
    ];
    for expression in ["sns:CreateTopic", "SNS:createtopic", " sns.amazonaws.com:CreateTopic "] {
        check(expression, std::slice::from_ref(&create), &others);
    }
    check(
        "s3:Delete*",
        &[call("s3.amazonaws.com", "DeleteObject")],
        &[call("s3.amazonaws.com", "Undelete"), call("s3express.amazonaws.com", "DeleteObject")],
    );
    check("iam:*", &[call("iam.amazonaws.com", "GetUser")], &[call("sts.amazonaws.com", "X")]);
    check("*:CreateTopic", &[create, json!({"eventName": "createtopic"})], &[]);
}

#[test]
fn a_call_of_a_service_that_names_its_versions_is_all_of_them() {
    let of = |name| call("lambda.amazonaws.com", name);
    check(
        "lambda:UpdateFunctionCode",
        &[of("UpdateFunctionCode20150331v2"), of("UpdateFunctionCode")],
        &[of("UpdateFunctionCodeSigning"), call("ecs.amazonaws.com", "UpdateFunctionCode20150331")],
    );
    check(
        "cloudfront:CreateDistribution",
        &[call("cloudfront.amazonaws.com", "CreateDistribution2020_05_31")],
        &[call("cloudfront.amazonaws.com", "CreateDistributionWithTags2020_05_31")],
    );
}

#[test]
fn a_field_is_asked_for_values() {
    check(
        "errorCode=AccessDenied and userIdentity.arn|contains=ci",
        &[
            json!({"errorCode": "accessdenied", "userIdentity": {"arn": "arn:aws:iam::1:user/CI-7"}}),
        ],
        &[json!({"errorCode": "AccessDenied"}), json!({"userIdentity": {"arn": "ci"}})],
    );
    check(
        "errorCode=AccessDenied, 'Client.*'",
        &[
            json!({"errorCode": "AccessDenied"}),
            json!({"errorCode": "Client.UnauthorizedOperation"}),
        ],
        &[json!({"errorCode": "Throttling"})],
    );
    check("a = \"two words\"", &[json!({"a": "Two Words"})], &[json!({"a": "two"})]);
    check(
        r#"a="say \"hi\"" or a='it\'s'"#,
        &[json!({"a": "say \"hi\""}), json!({"a": "it's"})],
        &[],
    );
    check(r"a='x\*'", &[json!({"a": "x*"})], &[json!({"a": "xy"})]);
    check(r"a='x\\'", &[json!({"a": "x\\"})], &[json!({"a": "x"})]);
    check("a=''", &[json!({"a": ""})], &[json!({})]);
    check("a|re='^(b|c)+$'", &[json!({"a": "bc"})], &[json!({"a": "d"})]);
    check(
        "sourceIPAddress|cidr=10.0.0.0/8",
        &[json!({"sourceIPAddress": "10.1.2.3"})],
        &[json!({})],
    );
    check("n|gte=5 and n|lt=6.5", &[json!({"n": 5}), json!({"n": "6"})], &[json!({"n": 7})]);
    check("eventTime|hour=3", &[json!({"eventTime": "2026-11-22T03:00:00Z"})], &[]);
    check("a|exists=true", &[json!({"a": 0})], &[json!({})]);
    check("a:b=c", &[json!({"a:b": "c"})], &[json!({"a": "c"})]);
    check("and=1 and or=2 and not=3", &[json!({"and": 1, "or": 2, "not": 3})], &[json!({"or": 2})]);
}

#[test]
fn values_without_quotes_are_what_json_makes_of_them() {
    check("a=null", &[json!({}), json!({"a": null})], &[json!({"a": "null"})]);
    check("a='null'", &[json!({"a": "null"})], &[json!({})]);
    check(
        "readOnly=false",
        &[json!({"readOnly": false}), json!({"readOnly": "False"})],
        &[json!({})],
    );
    check("n=22", &[json!({"n": 22}), json!({"n": "22"}), json!({"n": 22.0})], &[json!({"n": 2})]);
    // What a number would lose is kept.
    check(
        "account=012345678901",
        &[json!({"account": "012345678901"})],
        &[json!({"account": "12345678901"})],
    );
    check(
        "eventVersion=1.10",
        &[json!({"eventVersion": "1.10"})],
        &[json!({"eventVersion": "1.1"})],
    );
    check("a|contains=null", &[json!({"a": "it is null"})], &[json!({})]);
}

#[test]
fn what_is_not_equal_has_no_such_value() {
    check("a!=x", &[json!({"a": "y"}), json!({})], &[json!({"a": "X"}), json!({"a": ["y", "x"]})]);
    check("a != x,y", &[json!({"a": "z"})], &[json!({"a": "y"})]);
    check("a|contains!=x", &[json!({"a": "y"})], &[json!({"a": "axb"})]);
    check("a!=null", &[json!({"a": ""})], &[json!({})]);
}

#[test]
fn not_binds_before_and_and_and_before_or() {
    let of = |names: &str| {
        Value::Object(names.chars().map(|name| (name.to_string(), json!(1))).collect())
    };
    check("a=1 or b=1 and c=1", &[of("a"), of("bc")], &[of("b"), of("c")]);
    check("(a=1 or b=1) and c=1", &[of("ac"), of("bc")], &[of("a"), of("b"), of("c")]);
    check("not a=1 and b=1", &[of("b")], &[of("ab"), of("")]);
    check("not (a=1 and b=1)", &[of("a"), of("")], &[of("ab")]);
    check("NOT not a=1 AND b=1 Or c=1", &[of("ab"), of("c")], &[of("b")]);
    check("not(a=1)and(b=1)", &[of("b")], &[of("ab")]);
    check("not sns:CreateTopic", &[of("a")], &[call("sns.amazonaws.com", "CreateTopic")]);
}

#[test]
fn errors_point_at_the_character_and_say_what_was_expected() {
    #[track_caller]
    fn wrong(expression: &str, character: usize, reason: &str) {
        let error = when(expression).unwrap_err();
        assert!(error.reason().contains(reason), "{expression}: {error}");
        assert_eq!(error.character(), character, "{expression}: {error}");
    }
    wrong("", 1, "expected a call such as `sns:CreateTopic`, or `field=value`");
    wrong("  ", 3, "expected a call");
    wrong("CreateTopic", 12, "expected `=` or `!=` and a value, or a call");
    wrong("a=", 3, "expected a value");
    wrong("é= and b=1", 8, "expected `and`, `or` or the end");
    wrong("a=x b=y", 5, "expected `and`, `or` or the end");
    wrong("a=x,", 5, "expected a value");
    wrong("a=x or", 7, "expected a call");
    wrong("and a=x", 1, "expected a call");
    wrong("(a=x", 5, "expected `and`, `or` or `)`");
    wrong("a=x)", 4, "expected `and`, `or` or the end");
    wrong("a=f(x)", 4, "put it in quotes");
    wrong("a='x", 3, "never closed");
    wrong("a|soundslike=x", 3, "Sigma's modifiers");
    wrong("a|expand=%x%", 3, "give the values here");
    wrong("a|contains", 11, "expected `=` or `!=` and a value");
    wrong("b=1 and a|re='('", 9, "regular expression");
    wrong("b=1 and a..b=1", 9, "not a field's name");
    wrong("ip|cidr=x", 1, "not a network");
    wrong(":CreateTopic", 1, "expected a service");
    wrong("sns:", 5, "the name of one call");
    wrong("sns:a:b", 5, "the name of one call");
    wrong(&"(".repeat(2000), 34, "nest at most");
    wrong(&"not ".repeat(1000), 132, "nest at most");
    wrong(&"x".repeat(5000), 1, "longer than");
    let shown = when("a=x b=y").unwrap_err().to_string();
    assert_eq!(
        shown,
        "expected `and`, `or` or the end, at character 5 of the expression, before `b=y`"
    );
}

#[test]
fn a_question_is_a_rule_with_a_lasting_id() {
    let rule = when(" sns:CreateTopic ").unwrap();
    assert_eq!((rule.id(), rule.title()), ("when:sns:CreateTopic", "sns:CreateTopic"));
    assert_eq!(rule.level(), flow::Level::Medium);
    let set = RuleSet::from_rules(vec![rule.clone(), rule.clone()]);
    assert_eq!(set.rules().len(), 1, "the same question twice is one");
    let shipped = RuleSet::shipped();
    let count = shipped.rules().len();
    let both = shipped.with([rule]);
    assert_eq!(both.rules().len(), count + 1);
    let raw = br#"{"eventSource":"sns.amazonaws.com","eventName":"CreateTopic","eventID":"e"}"#;
    assert!(both.matching(raw).unwrap().iter().any(|rule| rule.id() == "when:sns:CreateTopic"));
}

proptest! {
    #[test]
    fn no_expression_makes_the_reader_panic(expression in ".{0,60}") {
        let _read = when(&expression).is_ok();
    }

    #[test]
    fn no_near_miss_makes_the_reader_or_the_rule_panic(
        parts in proptest::collection::vec(
            prop_oneof![
                Just("and "), Just("or "), Just("not "), Just("("), Just(")"), Just("a"), Just("=x"),
                Just("!="), Just("|"), Just("contains"), Just("re"), Just("'"), Just("\""), Just("\\"),
                Just(","), Just(":"), Just("é\u{212a}"), Just("* "), Just("sns:Create"), Just("|all"), Just("[")
            ],
            0..14,
        ),
    ) {
        let expression = parts.concat();
        match when(&expression) {
            Ok(rule) => {
                rule.holds(&json!({"a": ["x", {"b": null}], "eventName": "Create"}));
            }
            Err(error) => prop_assert!(error.character() <= expression.chars().count() + 1),
        }
    }
}
