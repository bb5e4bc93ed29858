//! Conditions as AWS's user guide describes them.

use super::*;

/// Whether a condition holds of `key` with the values `found`.
fn check(operator: &str, key: &str, listed: &[&str], found: &[&str], expected: bool) {
    let listed: Vec<String> = listed.iter().map(|text| (*text).to_owned()).collect();
    let condition = Condition::parse(operator, key, &listed, true).unwrap();
    let mut context = Context::new(found.iter().map(|value| (key, *value)));
    context.add("aws:username", "ada");
    assert_eq!(condition.holds(&context), expected, "{operator} {listed:?} {found:?}");
}

#[test]
fn texts_are_compared_as_their_operator_says() {
    let key = "s3:prefix";
    for (operator, listed, found, expected) in [
        ("StringEquals", "a", "a", true),
        ("StringEquals", "a*", "ab", false),
        ("StringEquals", "${aws:username}", "ada", true),
        ("StringNotEquals", "a", "b", true),
        ("StringEqualsIgnoreCase", "A", "a", true),
        ("StringNotEqualsIgnoreCase", "A", "a", false),
        ("StringLike", "a*/?", "ab/c", true),
        ("StringLike", "${aws:username}/*", "bob/x", false),
        ("StringNotLike", "a*", "ab", false),
    ] {
        check(operator, key, &[listed], &[found], expected);
    }
    check("StringEquals", key, &["a", "b"], &["b"], true);
    check("StringNotEquals", key, &["a", "b"], &["b"], false);
}

#[test]
fn an_absent_key_equals_nothing() {
    let key = "s3:prefix";
    check("StringEquals", key, &["a"], &[], false);
    check("StringNotEquals", key, &["a"], &[], true);
    check("StringEqualsIfExists", key, &["a"], &[], true);
    check("StringEqualsIfExists", key, &["a"], &["b"], false);
    check("Null", key, &["true"], &[], true);
    check("Null", key, &["true"], &["a"], false);
    check("Null", key, &["false"], &["a"], true);
    check("ForAllValues:StringEquals", key, &["a"], &[], true);
    check("ForAnyValue:StringEquals", key, &["a"], &[], false);
}

#[test]
fn several_values_are_taken_together_as_asked() {
    let key = "aws:CalledVia";
    check("ForAllValues:StringEquals", key, &["a", "b"], &["a", "b"], true);
    check("ForAllValues:StringEquals", key, &["a"], &["a", "b"], false);
    check("ForAnyValue:StringEquals", key, &["a"], &["a", "b"], true);
    check("ForAnyValue:StringEquals", key, &["c"], &["a", "b"], false);
    check("ForAllValues:StringNotEquals", key, &["a"], &["a", "b"], false);
    check("ForAnyValue:StringNotEquals", key, &["a"], &["a", "b"], true);
    check("ForAnyValue:StringNotLike", key, &["*"], &["a", "b"], false);
}

#[test]
fn numbers_dates_and_truths_are_compared_by_value() {
    check("NumericLessThanEquals", "s3:max-keys", &["10"], &["10.0"], true);
    check("NumericGreaterThan", "s3:max-keys", &["10"], &["9"], false);
    check("NumericNotEquals", "s3:max-keys", &["10"], &["9"], true);
    check("NumericEquals", "s3:max-keys", &["10"], &["ten"], false);
    let (key, at) = ("aws:CurrentTime", "2026-11-22T10:00:00Z");
    check("DateLessThan", key, &["2026-11-23"], &[at], true);
    check("DateGreaterThanEquals", key, &["2026-11-22T10:00:00Z"], &[at], true);
    check("DateEquals", key, &["1795341600"], &[at], true);
    check("DateGreaterThan", "aws:EpochTime", &["2026-11-22T09:00Z"], &["1795341600"], true);
    check("Bool", "aws:SecureTransport", &["false"], &["false"], true);
    check("Bool", "aws:SecureTransport", &["True"], &["false"], false);
    check("BinaryEquals", "s3:prefix", &["QUI="], &["QUI="], true);
}

#[test]
fn addresses_lie_in_blocks() {
    let key = "aws:SourceIp";
    check("IpAddress", key, &["203.0.113.0/24"], &["203.0.113.7"], true);
    check("IpAddress", key, &["203.0.113.0/24"], &["203.0.114.7"], false);
    check("NotIpAddress", key, &["203.0.113.0/24"], &["203.0.114.7"], true);
    check("IpAddress", key, &["203.0.113.7"], &["203.0.113.7"], true);
    check("IpAddress", key, &["0.0.0.0/0"], &["::ffff:203.0.113.7"], true);
    check("IpAddress", key, &["2001:db8::/32"], &["2001:db8:1::1"], true);
    check("IpAddress", key, &["2001:db8::/32"], &["203.0.113.7"], false);
    check("IpAddress", key, &["::/0"], &["2001:db9::"], true);
}

#[test]
fn arns_are_compared_part_by_part() {
    let key = "aws:SourceArn";
    let arn = "arn:aws:sns:us-east-2:123456789012:topic:sub";
    check("ArnLike", key, &["arn:aws:sns:*:123456789012:top*"], &[arn], true);
    check("ArnEquals", key, &["arn:aws:sns:*:*:topic:*"], &[arn], true);
    check("ArnLike", key, &["arn:*:*:*:*:*"], &[arn], true);
    check("ArnLike", key, &["arn:aws:s*:*:topic:sub:*"], &[arn], false);
    check("ArnNotLike", key, &["arn:aws:s3:::*"], &[arn], true);
    check("ArnLike", key, &["arn:aws:s3:::b*"], &["arn:aws:s3:::bucket"], true);
    check("ArnLike", key, &["*"], &["arn:aws:s3:::bucket"], true);
}

#[test]
fn what_cannot_be_honoured_is_refused() {
    for (operator, key, value) in [
        ("StringSimilar", "s3:prefix", "a"),
        ("Stringequals", "s3:prefix", "a"),
        ("ForSomeValues:StringEquals", "s3:prefix", "a"),
        ("NullIfExists", "s3:prefix", "true"),
        ("StringEquals", "aws:PrincipalTag/team", "a"),
        ("StringEquals", "kms:ViaService", "a"),
        ("NumericEquals", "s3:max-keys", "ten"),
        ("NumericEquals", "s3:max-keys", "inf"),
        ("DateLessThan", "aws:CurrentTime", "yesterday"),
        ("Bool", "aws:SecureTransport", "maybe"),
        ("BinaryEquals", "s3:prefix", "!"),
        ("IpAddress", "aws:SourceIp", "203.0.113.0/33"),
        ("IpAddress", "aws:SourceIp", "somewhere"),
        ("ArnLike", "aws:SourceArn", "bucket"),
        ("ArnLike", "aws:SourceArn", "arn:aws:*"),
    ] {
        assert!(Condition::parse(operator, key, &[value.to_owned()], true).is_err(), "{operator}");
    }
}
