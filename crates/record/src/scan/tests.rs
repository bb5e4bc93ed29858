//! The scanner beside `serde_json`.

use proptest::prelude::*;
use serde_json::Value;

use super::*;

fn agree(text: &[u8]) {
    let ours = check(text);
    let theirs = serde_json::from_slice::<Value>(text);
    let shown = String::from_utf8_lossy(text);
    assert_eq!(ours.is_ok(), theirs.is_ok(), "{shown}\nours {ours:?}\ntheirs {theirs:?}");
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
