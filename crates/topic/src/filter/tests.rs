//! Each operator, each refusal, and what must hold of any policy and any message.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{FilterPolicy, FilterScope, wildcard::Wildcard};

fn object(value: &Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn check(policy: &Value, wanted: &[Value], unwanted: &[Value]) {
    let policy = FilterPolicy::parse(&policy.to_string(), FilterScope::MessageBody).unwrap();
    for value in wanted {
        assert!(policy.matches(&object(value)), "{policy:?} wants {value}");
    }
    for value in unwanted {
        assert!(!policy.matches(&object(value)), "{policy:?} does not want {value}");
    }
}

#[test]
fn exact_values_are_of_their_own_type() {
    check(&json!({"a": ["x", "y"]}), &[json!({"a": "y", "b": 1})], &[json!({"a": "z"}), json!({})]);
    check(
        &json!({"a": [100]}),
        &[json!({"a": 1e2}), json!({"a": 100.000_001})],
        &[json!({"a": "100"}), json!({"a": 101})],
    );
    check(
        &json!({"a": [true, null]}),
        &[json!({"a": true}), json!({"a": null})],
        &[json!({"a": false}), json!({"a": "true"}), json!({})],
    );
}

#[test]
fn a_list_matches_where_one_of_its_elements_does() {
    check(
        &json!({"a": ["x"]}),
        &[json!({"a": ["w", "x"]})],
        &[json!({"a": ["w"]}), json!({"a": []})],
    );
}

#[test]
fn parts_of_texts_match() {
    check(&json!({"a": [{"prefix": "ba"}]}), &[json!({"a": "bas"})], &[json!({"a": "abas"})]);
    check(
        &json!({"a": [{"suffix": "ball"}]}),
        &[json!({"a": "football"})],
        &[json!({"a": "balls"})],
    );
    check(
        &json!({"a": [{"equals-ignore-case": "TENNIS"}]}),
        &[json!({"a": "tennis"})],
        &[json!({"a": "tenni"})],
    );
    check(
        &json!({"a": [{"wildcard": "*/bin/*.ex*"}]}),
        &[json!({"a": "/bin/a.exe"})],
        &[json!({"a": "/bin/a.com"})],
    );
    check(&json!({"a": [{"wildcard": "a\\*b"}]}), &[json!({"a": "a*b"})], &[json!({"a": "axb"})]);
}

#[test]
fn anything_but_needs_a_value_that_is_not_named() {
    check(
        &json!({"a": [{"anything-but": ["x", "y"]}]}),
        &[json!({"a": "z"}), json!({"a": 1})],
        &[json!({"a": "x"}), json!({})],
    );
    check(&json!({"a": [{"anything-but": 100}]}), &[json!({"a": 101})], &[json!({"a": 100})]);
    for (operator, part) in [("prefix", "ba"), ("suffix", "ll"), ("wildcard", "*a*")] {
        let policy = json!({"a": [{"anything-but": {operator: part}}]});
        check(&policy, &[json!({"a": "soccer"})], &[json!({"a": "ball"})]);
    }
    let policy = json!({"a": [{"anything-but": {"prefix": ["order-", "return-"]}}]});
    check(&policy, &[json!({"a": "buy-1"})], &[json!({"a": "order-1"}), json!({"a": "return-1"})]);
}

#[test]
fn numbers_lie_in_ranges() {
    check(
        &json!({"a": [{"numeric": [">", 0, "<=", 150]}]}),
        &[json!({"a": 0.5}), json!({"a": 150})],
        &[json!({"a": 0}), json!({"a": 150.1}), json!({"a": "10"})],
    );
    check(
        &json!({"a": [{"numeric": ["=", 301.5]}, {"numeric": ["<", -1]}]}),
        &[json!({"a": 301.5}), json!({"a": -2})],
        &[json!({"a": 0})],
    );
}

#[test]
fn addresses_lie_in_networks() {
    check(
        &json!({"ip": [{"cidr": "10.0.0.0/24"}]}),
        &[json!({"ip": "10.0.0.255"})],
        &[json!({"ip": "10.1.0.1"}), json!({"ip": "::1"}), json!({"ip": "nonsense"})],
    );
    check(
        &json!({"ip": [{"cidr": "2001:db8::/32"}, {"cidr": "0.0.0.0/0"}]}),
        &[json!({"ip": "2001:db8::7"}), json!({"ip": "8.8.8.8"})],
        &[json!({"ip": "2001:db9::7"})],
    );
}

#[test]
fn presence_can_be_asked_for() {
    check(&json!({"a": [{"exists": true}]}), &[json!({"a": null})], &[json!({}), json!({"a": {}})]);
    check(&json!({"a": [{"exists": false}]}), &[json!({"b": 1})], &[json!({"a": 1})]);
    check(
        &json!({"a": {"b": [{"exists": false}]}}),
        &[json!({}), json!({"a": {"c": 1}})],
        &[json!({"a": {"b": 1}})],
    );
}

#[test]
fn nested_members_and_alternatives_combine() {
    let policy = json!({
        "source": ["aws.s3"],
        "$or": [{"detail": {"size": [{"numeric": [">", 10]}]}}, {"detail": {"key": ["k"]}}]
    });
    check(
        &policy,
        &[
            json!({"source": "aws.s3", "detail": {"size": 11}}),
            json!({"source": "aws.s3", "detail": {"size": 1, "key": "k"}}),
            json!({"source": "aws.s3", "detail": [{"size": 1}, {"key": "k"}]}),
        ],
        &[
            json!({"source": "aws.s3", "detail": {"size": 1}}),
            json!({"source": "other", "detail": {"size": 11}}),
            json!({"source": "aws.s3"}),
        ],
    );
}

fn refused(policy: &str, scope: FilterScope, expected: &str) {
    let said = FilterPolicy::parse(policy, scope).unwrap_err().to_string();
    assert!(said.contains(expected), "{policy}: {said}");
}

#[test]
fn what_cannot_be_a_policy_is_refused_with_its_reason() {
    let body = FilterScope::MessageBody;
    refused("nonsense", body, "FilterPolicy: failed to parse JSON");
    refused("[]", body, "must be a JSON object");
    refused(r#"{"a": "x"}"#, body, r#""a" must be an object or an array"#);
    refused(r#"{"a": []}"#, body, "Empty arrays");
    refused(r#"{"a": [["x"]]}"#, body, "Match value must be String");
    refused(r#"{"a": [{"like": "x"}]}"#, body, "Unrecognized match type like");
    refused(r#"{"a": [{"prefix": "x", "suffix": "y"}]}"#, body, "Only one key");
    refused(r#"{"a": [{"prefix": 1}]}"#, body, "must be a string");
    refused(r#"{"a": [{"exists": "no"}]}"#, body, "either true or false");
    refused(r#"{"a": [{"numeric": [">"]}]}"#, body, "Too few elements");
    refused(r#"{"a": [{"numeric": ["!", 1]}]}"#, body, "Unrecognized numeric range operator");
    refused(r#"{"a": [{"numeric": [">", 5, "<", 1]}]}"#, body, "Bottom must be less than top");
    refused(r#"{"a": [{"numeric": ["=", 1e10]}]}"#, body, "between");
    refused(r#"{"a": [{"cidr": "10.0.0.0"}]}"#, body, "CIDR");
    refused(r#"{"a": [{"wildcard": "a**b"}]}"#, body, "Consecutive");
    refused(r#"{"a": [{"anything-but": {"exists": true}}]}"#, body, "Unsupported anything-but");
    refused(r#"{"a": [{"anything-but": ["x", 1]}]}"#, body, "of one type");
    refused(r#"{"a": {"b": ["x"]}}"#, FilterScope::MessageAttributes, "nested");
    let six: Map<String, Value> = (0..6).map(|n| (format!("k{n}"), json!(["x"]))).collect();
    refused(&Value::Object(six).to_string(), body, "more than 5 keys");
    let many: Vec<u32> = (0..13).collect();
    refused(&json!({"a": many, "b": many}).to_string(), body, "169 combinations");
}

/// What a wildcard means, told by trying every place.
fn plainly(pattern: &[char], text: &[char]) -> bool {
    match pattern.split_first() {
        None => text.is_empty(),
        Some(('*', rest)) => (0..=text.len()).any(|at| plainly(rest, &text[at..])),
        Some((letter, rest)) => text.first() == Some(letter) && plainly(rest, &text[1..]),
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let word = prop_oneof![
        Just("prefix"),
        Just("numeric"),
        Just("exists"),
        Just("$or"),
        Just("a"),
        Just("b"),
        Just("anything-but"),
        Just("wildcard"),
        Just("cidr"),
        Just("*x"),
        Just("10.0.0.0/8"),
        Just(">"),
        Just("<")
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-3_i32..3).prop_map(Value::from),
        word.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((word.clone(), inner), 0..4).prop_map(|members| {
                Value::Object(members.into_iter().map(|(k, v)| (k.to_owned(), v)).collect())
            }),
        ]
    })
}

proptest! {
    #[test]
    fn a_wildcard_means_what_trying_every_place_finds(
        pattern in "[ab]{0,2}(\\*[ab]{1,2}){0,3}",
        text in "[ab]{0,8}",
    ) {
        let letters = |text: &str| text.chars().collect::<Vec<_>>();
        let wildcard = Wildcard::parse(&pattern).unwrap();
        prop_assert_eq!(wildcard.matches(&text), plainly(&letters(&pattern), &letters(&text)));
    }

    #[test]
    fn whatever_is_given_is_judged(policy in any_json(), message in any_json()) {
        let scope = FilterScope::MessageBody;
        if let (Ok(policy), Some(message)) =
            (FilterPolicy::parse(&policy.to_string(), scope), message.as_object())
        {
            policy.matches(message);
        }
    }

    #[test]
    fn a_value_is_wanted_or_anything_but_it_is(value in -5_i32..5, named in -5_i32..5) {
        let of = |pattern: Value| {
            let policy = json!({"a": [pattern]}).to_string();
            FilterPolicy::parse(&policy, FilterScope::MessageAttributes).unwrap()
        };
        let message = object(&json!({"a": value}));
        let same = of(json!(named)).matches(&message);
        prop_assert_ne!(same, of(json!({"anything-but": named})).matches(&message));
        let above = of(json!({"numeric": [">", named]})).matches(&message);
        let below = of(json!({"numeric": ["<=", named]})).matches(&message);
        prop_assert_ne!(above, below);
    }
}
