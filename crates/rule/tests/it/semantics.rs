//! What Sigma means on CloudTrail's records.

use serde_json::{Value, json};

use crate::holds;

/// One selection of these lines, against records that it must and must not match.
fn check(lines: &[&str], matching: &[Value], others: &[Value]) {
    let body: String = lines.iter().map(|line| format!("        {line}\n")).collect();
    check_detection(&format!("    selection:\n{body}    condition: selection"), matching, others);
}

fn check_detection(detection: &str, matching: &[Value], others: &[Value]) {
    for record in matching {
        assert!(holds(detection, record), "must match {record}:\n{detection}");
    }
    for record in others {
        assert!(!holds(detection, record), "must not match {record}:\n{detection}");
    }
}

#[test]
fn a_missing_field_is_null() {
    check(
        &["errorCode: null"],
        &[json!({}), json!({"errorCode": null})],
        &[json!({"errorCode": ""}), json!({"errorCode": "AccessDenied"})],
    );
    check(
        &["requestParameters.userName: null"],
        &[json!({"requestParameters": null}), json!({"requestParameters": {}}), json!({})],
        &[json!({"requestParameters": {"userName": "bo"}})],
    );
    check(
        &["resources.ARN: null"],
        &[json!({"resources": []}), json!({"resources": [{"ARN": "a"}, {"type": "b"}]})],
        &[json!({"resources": [{"ARN": "a"}]})],
    );
}

#[test]
fn a_condition_on_a_value_fails_on_null() {
    for line in
        ["a: '*'", "a|re: '.*'", "a|contains: ''", "a|lt: 5", "a|cidr: 0.0.0.0/0", "a|hour|gte: 0"]
    {
        check(&[line], &[], &[json!({}), json!({"a": null})]);
    }
    check(&["a|fieldref: b"], &[], &[json!({}), json!({"a": null, "b": null})]);
}

#[test]
fn exists_asks_whether_there_is_a_value() {
    check(
        &["a.b|exists: true"],
        &[json!({"a": {"b": 0}})],
        &[json!({"a": {"b": null}}), json!({})],
    );
    check(
        &["a.b|exists: false"],
        &[json!({"a": {"b": null}}), json!({})],
        &[json!({"a": {"b": 0}})],
    );
}

#[test]
fn a_path_across_lists_holds_if_any_element_does() {
    let rule = ["requestParameters.ipPermissions.items.ipRanges.items.cidrIp: 0.0.0.0/0"];
    let ranges = |ranges: &[&str]| {
        let items: Vec<_> = ranges.iter().map(|r| json!({"cidrIp": r})).collect();
        let permissions = json!([{"ipRanges": {}}, {"ipRanges": {"items": items}}]);
        json!({"requestParameters": {"ipPermissions": {"items": permissions}}})
    };
    check(&rule, &[ranges(&["10.0.0.0/8", "0.0.0.0/0"])], &[ranges(&["10.0.0.0/8"]), ranges(&[])]);
    check(&["a: x"], &[json!({"a": ["y", "X"]}), json!({"a": [["x"]]})], &[json!({"a": ["xx"]})]);
    // At any depth, lists in lists too.
    check(
        &["a.b.c|startswith: x"],
        &[json!({"a": [[{"b": [{"c": 1}, {"c": ["y", "xz"]}]}]]})],
        &[json!({"a": [[{"b": [{"c": 1}, {"c": ["y"]}]}]]}), json!({"a": {"b": []}})],
    );
    // Each condition finds an element of its own.
    check(
        &["a.b: 1", "a.c: 2"],
        &[json!({"a": [{"b": 1}, {"c": 2}]})],
        &[json!({"a": [{"b": 1}]})],
    );
}

#[test]
fn objects_and_lists_are_their_compact_json_too() {
    check(
        &["requestParameters|contains: '\"key\":{\"a\":1}'"],
        &[json!({"requestParameters": {"key": {"a": 1}}})],
        &[json!({"requestParameters": {"key": {"a": 2}}}), json!({"requestParameters": null})],
    );
    check(&["a|contains: '\"x\",\"y\"'"], &[json!({"a": ["x", "y"]})], &[json!({"a": ["y", "x"]})]);
    check(&["a|re: '^\\[1,2\\]$'"], &[json!({"a": [1, 2]})], &[json!({"a": [1, 3]})]);
}

#[test]
fn numbers_truth_values_and_their_texts_are_equal() {
    for rule in ["a: false", "a: 'false'", "a: 'False'"] {
        let same = [json!({"a": false}), json!({"a": "false"}), json!({"a": "False"})];
        check(&[rule], &same, &[json!({"a": true}), json!({"a": 0}), json!({})]);
    }
    for rule in ["a: 22", "a: '22'"] {
        check(
            &[rule],
            &[json!({"a": 22}), json!({"a": "22"})],
            &[json!({"a": 220}), json!({"a": true})],
        );
    }
    check(&["a: 1.5"], &[json!({"a": 1.5}), json!({"a": "1.5"})], &[json!({"a": 1})]);
    check(&["a|contains: 2"], &[json!({"a": 123})], &[json!({"a": 13})]);
    check(&["a: 1.0"], &[json!({"a": 1})], &[json!({"a": "one"})]);
    check(
        &["a|re: '^(false|1.5)$'"],
        &[json!({"a": false}), json!({"a": 1.5})],
        &[json!({"a": 15})],
    );
}

#[test]
fn case_matters_only_where_cased_says_so() {
    check(&["a: Root"], &[json!({"a": "ROOT"})], &[json!({"a": "Roots"})]);
    check(&["a|cased: Root"], &[json!({"a": "Root"})], &[json!({"a": "ROOT"})]);
    check(&["a|contains|cased: oo"], &[json!({"a": "Root"})], &[json!({"a": "ROOT"})]);
    check(&["eventname: x"], &[], &[json!({"eventName": "x"})]);
}

#[test]
fn case_is_unicodes_one_character_at_a_time() {
    check(&["a: 'ΟΔΟΣ'"], &[json!({"a": "οδος"}), json!({"a": "οδοσ"})], &[json!({"a": "οδο"})]);
    check(&["a: kms"], &[json!({"a": "\u{212a}MS"})], &[]);
    check(&["a: 'straße'"], &[json!({"a": "STRA\u{1e9e}E"})], &[json!({"a": "STRASSE"})]);
    check(&["a|contains: 'i'"], &[json!({"a": "I"})], &[json!({"a": "\u{130}"})]);
    check(&["a|re|i: '^kms$'"], &[json!({"a": "\u{212a}MS"})], &[]);
    check(&["a|fieldref: b"], &[json!({"a": "ς", "b": "Σ"})], &[json!({"a": "ß", "b": "ss"})]);
}

#[test]
fn the_last_of_duplicate_keys_counts() {
    let rule = "    s:\n        a.b: x\n    condition: s";
    let loaded = crate::load(&crate::rule_text(rule));
    let found = |raw: &str| !loaded.rules.findings(raw.as_bytes(), "x").unwrap().is_empty();
    assert!(found(r#"{"a":{"b":"y","b":"x"}}"#));
    assert!(!found(r#"{"a":{"b":"x","b":"y"}}"#));
    assert!(!found(r#"{"a":{"b":"x"},"a":{}}"#));
    assert!(!found(r#"{"a":{"b":"x"},"\u0061":null}"#));
}

#[test]
fn escapes_are_decoded_before_comparing() {
    let rule = "    s:\n        eventName|cased: 'a\"/é😀b'\n    condition: s";
    let loaded = crate::load(&crate::rule_text(rule));
    let raw = br#"{"event\u004eame":"\u0061\"\/\u00e9\uD83D\ude00\u0062"}"#;
    assert_eq!(loaded.rules.findings(raw, "x").unwrap().len(), 1);
}

#[test]
fn parts_of_dates_are_numbers() {
    let at = |time: &str| json!({"eventTime": time});
    check(
        &["eventTime|hour: 3"],
        &[at("2026-11-22T03:59:59Z"), at("2026-11-22 03:00")],
        &[
            at("2026-11-22T13:00:00Z"),
            at("2026-11-22"),
            at("3"),
            json!({"eventTime": 3}),
            json!({}),
        ],
    );
    check(
        &["eventTime|hour:", "    - 3", "    - 4"],
        &[at("2026-11-22T04:00:00Z")],
        &[at("2026-11-22T05:00:00Z")],
    );
    check(
        &["eventTime|hour|gte: 20"],
        &[at("2026-11-22T20:00:00Z"), at("2026-11-22T23:00:00Z")],
        &[at("2026-11-22T19:59:00Z")],
    );
    check(
        &["eventTime|minute|neq: 0"],
        &[at("2026-11-22T20:01:00Z"), json!({})],
        &[at("2026-11-22T20:00:00Z")],
    );
    let day =
        ["eventTime|year: 2026", "eventTime|month: 11", "eventTime|week: 47", "eventTime|day: 22"];
    check(&day, &[at("2026-11-22T20:01:00Z")], &[at("2026-11-23T20:01:00Z")]);
}

#[test]
fn wildcards_and_their_escapes() {
    check(
        &["a: list*"],
        &[json!({"a": "ListUsers"}), json!({"a": "list"})],
        &[json!({"a": "alist"})],
    );
    check(&["a: 'a?c'"], &[json!({"a": "abc"})], &[json!({"a": "ac"})]);
    check(&["a: '\\*'"], &[json!({"a": "*"})], &[json!({"a": "x"})]);
    check(&["a: 'x\\?'"], &[json!({"a": "x?"})], &[json!({"a": "xy"})]);
    check(&["a: 'b\\\\*'"], &[json!({"a": "b\\x"})], &[json!({"a": "b*"})]);
    check(&["a: '*'"], &[json!({"a": ""}), json!({"a": {}})], &[json!({"a": null}), json!({})]);
    check(&["a: ''"], &[json!({"a": ""})], &[json!({}), json!({"a": "x"})]);
}

#[test]
fn parts_of_texts() {
    check(&["a|contains: b*d"], &[json!({"a": "abcde"})], &[json!({"a": "adbe"})]);
    check(&["a|startswith: ab"], &[json!({"a": "ABC"})], &[json!({"a": "cab"})]);
    check(&["a|endswith: bc"], &[json!({"a": "ABC"})], &[json!({"a": "bca"})]);
}

#[test]
fn lists_of_values_are_alternatives_unless_all_is_said() {
    check(
        &["a:", "    - x", "    - y"],
        &[json!({"a": "x"}), json!({"a": "y"})],
        &[json!({"a": "z"})],
    );
    check(
        &["a|contains|all:", "    - x", "    - y"],
        &[json!({"a": "xy"}), json!({"a": ["x", "y"]})],
        &[json!({"a": "x"})],
    );
}

#[test]
fn maps_are_all_and_lists_of_maps_any() {
    check(&["a: 1", "b: 2"], &[json!({"a": 1, "b": 2})], &[json!({"a": 1}), json!({"b": 2})]);
    check(
        &["- a: 1", "  b: 2", "- c: 3"],
        &[json!({"a": 1, "b": 2}), json!({"c": 3})],
        &[json!({"a": 1})],
    );
}

#[test]
fn regular_expressions_search_and_mind_their_flags() {
    check(&["a|re: '^r.+t$'"], &[json!({"a": "root"})], &[json!({"a": "ROOT"})]);
    check(&["a|re: 'oo'"], &[json!({"a": "root"})], &[json!({"a": "rot"})]);
    check(&["a|re|i: 'OO'"], &[json!({"a": "root"})], &[json!({"a": "rot"})]);
    check(&["a|re|m|s: '^b.c$'"], &[json!({"a": "a\nb\nc\nd"})], &[json!({"a": "a\nb\nd"})]);
}

#[test]
fn networks_and_bounds() {
    check(
        &["ip|cidr:", "    - 10.0.0.0/8", "    - 2001:db8::/32"],
        &[json!({"ip": "10.1.2.3"}), json!({"ip": "2001:db8::1"})],
        &[json!({"ip": "11.1.2.3"}), json!({"ip": "AWS Internal"}), json!({})],
    );
    check(
        &["n|gt: 3"],
        &[json!({"n": 4}), json!({"n": "3.5"})],
        &[json!({"n": 3}), json!({"n": "x"})],
    );
    check(&["n|gte: 3"], &[json!({"n": 3})], &[json!({"n": 2.9})]);
    check(&["n|lt: 3"], &[json!({"n": -1})], &[json!({"n": 3}), json!({})]);
    check(&["n|lte: 3"], &[json!({"n": 3})], &[json!({"n": 4})]);
}

#[test]
fn a_field_is_compared_with_another() {
    let own =
        json!({"userIdentity": {"userName": "Ana"}, "requestParameters": {"userName": "ana"}});
    let other =
        json!({"userIdentity": {"userName": "ana"}, "requestParameters": {"userName": "bo"}});
    let neither = json!({"requestParameters": null});
    let rule = ["userIdentity.userName|fieldref: requestParameters.userName"];
    check(&rule, &[own], &[other, neither]);
    check(
        &["a|fieldref|endswith: b"],
        &[json!({"a": "user/x", "b": "/x"})],
        &[json!({"a": "x", "b": "/x"})],
    );
    check(
        &["a|fieldref|contains: b"],
        &[json!({"a": "abc", "b": "b"})],
        &[json!({"a": "a", "b": "*"})],
    );
}

#[test]
fn neq_holds_where_no_value_is_the_same() {
    check(
        &["a|neq: x"],
        &[json!({"a": "y"}), json!({})],
        &[json!({"a": "X"}), json!({"a": ["y", "x"]})],
    );
    check(
        &["a|neq:", "    - x", "    - y"],
        &[json!({"a": "z"})],
        &[json!({"a": "x"}), json!({"a": "y"})],
    );
}

#[test]
fn encoded_values_are_found() {
    check(&["a|base64: secret"], &[json!({"a": "c2VjcmV0"})], &[json!({"a": "secret"})]);
    let longer = json!({"a": "eHggc2VjcmV0IHh4"}); // "xx secret xx"
    check(&["a|base64offset|contains: secret"], &[longer], &[json!({"a": "eHggeHg="})]);
    check(&["a|wide|base64: ab"], &[json!({"a": "YQBiAA=="})], &[json!({"a": "YWI="})]);
    check(&["a|utf16be|base64: ab"], &[json!({"a": "AGEAYg=="})], &[]);
    check(&["a|utf16|base64: ab"], &[json!({"a": "//5hAGIA"})], &[]);
    check(
        &["a|windash|contains: ' -enc'"],
        &[json!({"a": "x /ENC y"}), json!({"a": "x –enc"})],
        &[json!({"a": "x enc"})],
    );
}

#[test]
fn keywords_stand_anywhere() {
    let detection =
        "    keywords:\n        - S3 Browser\n        - '\"a\":1'\n    condition: keywords";
    let deep = json!({"x": [{"y": "my s3 browser 9"}]});
    check_detection(detection, &[deep, json!({"z": {"a": 1}})], &[json!({"x": "s3"})]);
    let all = "    keywords:\n        '|all':\n            - foo\n            - bar\n    condition: keywords";
    check_detection(all, &[json!({"x": "foo", "y": "bar"})], &[json!({"x": "foo"})]);
}

#[test]
fn conditions_combine_selections() {
    let of = |condition: &str| {
        format!(
            "    sel_a:\n        a: 1\n    sel_b:\n        b: 1\n    _hidden:\n        c: 1\n    condition: {condition}"
        )
    };
    let (a, b, both) = (json!({"a": 1}), json!({"b": 1}), json!({"a": 1, "b": 1}));
    let none = json!({"c": 1});
    let pick = |list: &[&Value]| list.iter().map(|v| (*v).clone()).collect::<Vec<_>>();
    for (condition, matching, others) in [
        ("1 of sel_*", pick(&[&a, &b, &both]), pick(&[&none])),
        ("any of them", pick(&[&a, &b]), pick(&[&none])),
        ("all of sel_*", pick(&[&both]), pick(&[&a, &b])),
        ("all of them", pick(&[&both]), pick(&[&a, &none])),
        ("2 of s*l_*", pick(&[&both]), pick(&[&a])),
        ("sel_a and not sel_b", pick(&[&a]), pick(&[&b, &both])),
        ("not sel_a and not (sel_b or _hidden)", pick(&[&json!({})]), pick(&[&a, &b, &none])),
        ("sel_a or sel_b and _hidden", pick(&[&a, &json!({"b": 1, "c": 1})]), pick(&[&b])),
        ("[sel_a, _hidden]", pick(&[&a, &none]), pick(&[&b])),
    ] {
        check_detection(&of(condition), &matching, &others);
    }
}

#[test]
fn brackets_in_a_name_are_part_of_it() {
    check(&["'a[0].b': x"], &[json!({"a[0]": {"b": "x"}})], &[json!({"a": [{"b": "x"}]})]);
}

#[test]
fn a_finding_names_rule_record_and_object_and_keeps_its_id() {
    let loaded = crate::load(&crate::rule_text("    s:\n        a: 1\n    condition: s"));
    let raw =
        br#"{"a":1,"eventID":"e","awsRegion":"us-east-2","recipientAccountId":"123456789012"}"#;
    let found = loaded.rules.findings(raw, "s3://b/k").unwrap();
    let [finding] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(finding.object, "s3://b/k");
    assert_eq!(finding.rule.title, "A rule");
    assert_eq!(finding.record["eventID"], "e");
    assert_eq!(finding.id, loaded.rules.findings(raw, "elsewhere").unwrap()[0].id);
    assert!(loaded.rules.findings(b"[1]", "x").is_err());
    assert!(loaded.rules.findings(b"{", "x").is_err());
    assert!(loaded.rules.findings(b"{\"a\":2}", "x").unwrap().is_empty());
}
