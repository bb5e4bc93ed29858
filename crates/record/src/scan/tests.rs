//! The scanner beside `serde_json`.

use std::ops::Range;

use proptest::prelude::*;
use serde_json::Value;

use super::*;

fn agree(text: &[u8]) {
    agree_on_members(text);
    let ours = check(text);
    let theirs = serde_json::from_slice::<Value>(text);
    let shown = String::from_utf8_lossy(text);
    assert_eq!(ours.is_ok(), theirs.is_ok(), "{shown}\nours {ours:?}\ntheirs {theirs:?}");
}

/// What is taken for a plain object is one, with these members.
fn agree_on_members(text: &[u8]) {
    let mut members = Vec::new();
    if !plain_members(text, &mut members) {
        assert_eq!(members, []);
        return;
    }
    let parse = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).unwrap();
    let members = members.into_iter().map(|(key, value)| {
        let key = String::from_utf8(text[key].to_vec()).unwrap();
        (key, parse(&text[value]))
    });
    assert_eq!(Value::Object(members.collect()), parse(text), "{}", String::from_utf8_lossy(text));
}

#[test]
fn members_of_plain_objects_are_found() {
    let check = |text: &str, expected: Option<&[&str]>| {
        let mut members = Vec::new();
        let is_plain = plain_members(text.as_bytes(), &mut members);
        let part = |range: &Range<usize>| text.get(range.clone()).unwrap();
        let found = members.iter().map(|(key, value)| format!("{}={}", part(key), part(value)));
        let found: Vec<String> = found.collect();
        let expected = expected.map(|all| all.iter().map(|one| (*one).to_owned()).collect());
        assert_eq!(is_plain.then_some(found), expected, "{text}");
        agree_on_members(text.as_bytes());
    };
    check("{}", Some(&[]));
    check(
        r#"{"a":{},"b":[],"c":[{},[1]],"a":"x"}"#,
        Some(&["a={}", "b=[]", "c=[{},[1]]", "a=\"x\""]),
    );
    check(
        r#"{"a":-10,"b":0,"c":true,"d":null,"e":false}"#,
        Some(&["a=-10", "b=0", "c=true", "d=null", "e=false"]),
    );
    check(
        r#"{"eventName":"a string of some length","x":{"y":{"z":[]}}}"#,
        Some(&["eventName=\"a string of some length\"", r#"x={"y":{"z":[]}}"#]),
    );
    // Not plain, or no object at all.
    for text in [
        "",
        "[]",
        "{",
        "}",
        "{}}",
        "{]",
        r#"{"a"}"#,
        r#"{"a":}"#,
        r#"{"a":1,}"#,
        r#"{,}"#,
        r#"{"a":1 }"#,
        r#"{"a":1.5}"#,
        r#"{"a":01}"#,
        r#"{"a":-}"#,
        r#"{"a":tru}"#,
        r#"{"a":"\n"}"#,
        r#"{"a":"é"}"#,
        r#"{"a":[1,]}"#,
        r#"{"a":[,1]}"#,
        r#"{"a":{"b":1]}"#,
        r#"{"a":[}"#,
        r#"{"a":"x}"#,
        r#"{"a":1}x"#,
    ] {
        check(text, None);
    }
    let deep = |depth: usize| format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
    check(&deep(126), Some(&[&format!("a={}{}", "[".repeat(126), "]".repeat(126))]));
    check(&deep(127), None);
}

#[test]
fn both_accept_and_refuse_the_same() {
    for text in [
        "",
        " ",
        "{}",
        "[]",
        "{",
        "[",
        "]",
        "}",
        "{]",
        "[1,]",
        "[,1]",
        "{\"a\":1,}",
        "{\"a\"}",
        "{\"a\" 1}",
        "{a:1}",
        "{'a':1}",
        "[1 2]",
        "1 2",
        "nul",
        "null",
        "true",
        "false",
        "tru",
        "01",
        "-",
        "-0",
        "0.",
        ".5",
        "1e",
        "1e5",
        "1E+5",
        "1e-5",
        "1e999",
        "-1e999",
        "1e-999",
        "0e999999",
        "123456789012345678901234567890",
        "+1",
        "\"a",
        "\"\\",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u00e9\"",
        "\"\\ud83d\\ude00\"",
        "\"\\ud83d\"",
        "\"\\ude00\"",
        "\"\\ud83d\\n\"",
        "\"\\ud83d\\u0041\"",
        "\"\n\"",
        "\"\u{7f}\"",
        "{\"a\":1,\"a\":2}",
        "[[[]]]",
        "\u{feff}{}",
        "{}x",
        "[1]\n",
        "\t[ 1 , 2 ]\r\n",
    ] {
        agree(text.as_bytes());
    }
    for bytes in [&b"\"\xff\""[..], b"\"\xc3\xa9\"", b"\"\xed\xa0\x80\"", b"{\"\xff\":1}"] {
        agree(bytes);
    }
    agree("9".repeat(400).as_bytes());
    agree(format!("0.{}", "9".repeat(400)).as_bytes());
    for depth in 120..135 {
        agree(format!("{}{}", "[".repeat(depth), "]".repeat(depth)).as_bytes());
        agree(format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth)).as_bytes());
    }
}

#[test]
fn a_very_deep_text_is_an_error_and_no_overflow() {
    assert!(check("[".repeat(1_000_000).as_bytes()).is_err());
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 48, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((".{0,6}", inner), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_value_is_accepted_and_any_damage_is_judged_alike(
        value in json(), at in any::<prop::sample::Index>(), byte in any::<u8>(), pretty in any::<bool>(),
    ) {
        let text = if pretty {
            serde_json::to_vec_pretty(&value).unwrap()
        } else {
            serde_json::to_vec(&value).unwrap()
        };
        prop_assert!(check(&text).is_ok());
        let mut damaged = text.clone();
        let place = at.index(text.len());
        damaged[place] = byte;
        agree(&damaged);
        agree(&text[..place]);
    }

    #[test]
    fn any_bytes_are_judged_alike(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        agree(&bytes);
    }

    #[test]
    fn any_text_of_jsons_own_characters_is_judged_alike(text in r#"[\[\]{}:,"\\0-9eE.+\-truefalsn ud]{0,24}"#) {
        agree(text.as_bytes());
    }
}
