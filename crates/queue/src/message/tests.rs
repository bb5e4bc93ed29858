//! What may be said.

use super::*;

fn attribute(data_type: &str, member: &str, value: Tree) -> Tree {
    Tree::map([("DataType", Tree::from(data_type)), (member, value)])
}

fn check_with(name: &str, attribute: Tree) -> Result<Draft, String> {
    let attributes = Tree::map([(name, attribute)]);
    let input = Tree::map([("MessageBody", Tree::from("b")), ("MessageAttributes", attributes)]);
    Draft::of_tree(&input).map_err(|fault| fault.code)
}

fn check_body(body: &str) -> Result<Draft, String> {
    Draft::of_tree(&Tree::map([("MessageBody", body)].map(|(n, v)| (n, Tree::from(v)))))
        .map_err(|fault| fault.code)
}

#[test]
fn a_body_must_be_given_and_be_of_xmls_characters() {
    assert_eq!(check_body(""), Err("MissingParameter".into()));
    assert!(check_body("tab\tline\r\nGrüße 🎉").is_ok());
    for wrong in ["\u{7}", "a\u{0}", "\u{fffe}", "\u{1b}[31m"] {
        assert_eq!(check_body(wrong), Err("InvalidMessageContents".into()), "{wrong:?}");
    }
}

#[test]
fn a_message_is_as_large_as_its_body_and_its_attributes() {
    let draft = check_with("who", attribute("String", "StringValue", "me".into())).unwrap();
    assert_eq!(draft.bytes(), 1 + 3 + 6 + 2);
    assert!(draft.fits(12).is_ok());
    assert_eq!(draft.fits(11).unwrap_err().code, "InvalidParameterValue");
}

#[test]
fn an_attribute_has_a_type_and_a_value_of_it() {
    for (data_type, member, value) in [
        ("String", "StringValue", Tree::from("a")),
        ("String.mine", "StringValue", Tree::from("a")),
        ("Number", "StringValue", Tree::from("-1.5e3")),
        ("Number.int", "StringValue", Tree::from("7")),
        ("Binary", "BinaryValue", Tree::Blob(vec![0])),
        ("Binary.png", "BinaryValue", Tree::Blob(vec![0])),
    ] {
        let draft = check_with("a", attribute(data_type, member, value)).unwrap();
        assert_eq!(draft.attributes["a"].data_type, data_type);
    }
    for (data_type, member, value) in [
        ("String", "StringValue", Tree::from("")),
        ("String", "BinaryValue", Tree::Blob(vec![0])),
        ("Binary", "StringValue", Tree::from("a")),
        ("Number", "StringValue", Tree::from("seven")),
        ("Number", "StringValue", Tree::from("inf")),
        ("Text", "StringValue", Tree::from("a")),
        ("", "StringValue", Tree::from("a")),
        ("String", "StringValue", Tree::from("\u{1}")),
    ] {
        let refused = check_with("a", attribute(data_type, member, value));
        assert_eq!(refused, Err("InvalidParameterValue".into()), "{data_type}");
    }
}

#[test]
fn names_of_attributes_are_checked() {
    let value = || attribute("String", "StringValue", "a".into());
    for fits in ["a", "A-b_c.d", "awsome", &"x".repeat(256)] {
        assert!(check_with(fits, value()).is_ok(), "{fits}");
    }
    for wrong in ["", "a b", ".a", "a.", "a..b", "AWS.x", "amazon.x", "ä", &"x".repeat(257)] {
        assert!(check_with(wrong, value()).is_err(), "{wrong}");
    }
}

#[test]
fn what_only_fifo_queues_have_is_refused() {
    let input = Tree::map([("MessageBody", "b"), ("MessageDeduplicationId", "d")].map(tree));
    assert_eq!(Draft::of_tree(&input).unwrap_err().code, "InvalidParameterValue");
    let input = Tree::map([("MessageBody", "b"), ("MessageGroupId", "tenant-1")].map(tree));
    assert_eq!(Draft::of_tree(&input).unwrap().group.as_deref(), Some("tenant-1"));
}

fn tree((name, value): (&'static str, &'static str)) -> (&'static str, Tree) {
    (name, Tree::from(value))
}
