//! What of a claim is read, and what is refused.

use proptest::prelude::*;

use super::*;

const SIGNATURE: &str = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";

fn parts(uri: &str, headers: &[(&str, &str)]) -> Parts {
    let mut request = http::Request::builder().uri(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap().into_parts().0
}

fn check(header: &str, expected: Result<&str, Error>) {
    let parts = parts("/", &[("authorization", header), ("x-amz-date", "20150830T123600Z")]);
    let found = Authorization::parse(&parts).map(|claim| claim.unwrap().access_key_id);
    assert_eq!(found.as_deref(), expected.as_deref(), "{header}");
}

#[test]
fn commas_and_spaces_may_stand_as_clients_write_them() {
    let credential = "Credential=AKID/20150830/us-east-1/sns/aws4_request";
    let names = "SignedHeaders=host;x-amz-date";
    let signature = format!("Signature={SIGNATURE}");
    for text in [
        format!("AWS4-HMAC-SHA256 {credential}, {names}, {signature}"),
        format!("AWS4-HMAC-SHA256 {credential},{names},{signature}"),
        format!("AWS4-HMAC-SHA256  {credential} {names} {signature}"),
        format!("AWS4-HMAC-SHA256 {signature} ,\t{credential} , {names},"),
    ] {
        check(&text, Ok("AKID"));
    }
}

#[test]
fn a_claim_that_lacks_or_repeats_a_part_is_refused() {
    let credential = "Credential=AKID/20150830/us-east-1/sns/aws4_request";
    check(
        &format!("AWS4-HMAC-SHA256 {credential}, Signature={SIGNATURE}"),
        Err(Error::Incomplete("SignedHeaders")),
    );
    check(
        &format!("AWS4-HMAC-SHA256 {credential},{credential}"),
        Err(Error::Malformed("a part stands twice")),
    );
    check("AWS AKID:abc", Err(Error::Version2));
    check("Bearer abc", Err(Error::Unsupported("The authorization mechanism")));
    check("AWS4-ECDSA-P256-SHA256 Credential=a", Err(Error::Unsupported("Signature Version 4A")));
}

#[test]
fn a_url_that_was_presigned_the_old_way_is_told_the_new_one() {
    let old = parts("/b/k?AWSAccessKeyId=AKID&Signature=abc%3D&Expires=1440938160", &[]);
    let error = Authorization::parse(&old).unwrap_err();
    assert_eq!(error, Error::Version2);
    assert!(error.to_string().contains("signature_version=\"s3v4\""), "{error}");
}

#[test]
fn a_request_without_a_claim_has_none() {
    assert_eq!(Authorization::parse(&parts("/?Action=ListTopics", &[])), Ok(None));
}

#[test]
fn two_claims_are_one_too_many() {
    let both = parts("/?X-Amz-Algorithm=AWS4-HMAC-SHA256", &[("authorization", "AWS a:b")]);
    assert!(matches!(Authorization::parse(&both), Err(Error::Malformed(_))));
    let twice = parts("/", &[("authorization", "AWS a:b"), ("authorization", "AWS a:b")]);
    assert!(matches!(Authorization::parse(&twice), Err(Error::Malformed(_))));
}

#[test]
fn a_presigned_life_is_between_a_second_and_a_week() {
    for (expires, fine) in
        [("0", false), ("1", true), ("604800", true), ("604801", false), ("-1", false)]
    {
        let uri = format!(
            "/b/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=A%2F20150830%2Fus-east-1%2Fs3%2Faws4_request\
             &X-Amz-Date=20150830T123600Z&X-Amz-Expires={expires}&X-Amz-SignedHeaders=host&X-Amz-Signature={SIGNATURE}"
        );
        assert_eq!(Authorization::parse(&parts(&uri, &[])).is_ok(), fine, "{expires}");
    }
}

#[test]
fn the_date_header_serves_where_x_amz_date_is_missing() {
    let at = |text| http_time(text).map(Timestamp::to_basic_text);
    assert_eq!(at("Sun, 30 Aug 2015 12:36:00 GMT").as_deref(), Some("20150830T123600Z"));
    assert_eq!(at("Sun, 30 Foo 2015 12:36:00 GMT"), None);
    assert_eq!(at("yesterday"), None);
}

proptest! {
    #[test]
    fn no_header_makes_the_parser_panic(text in "[ -~]{0,200}", query in "[!-~]{0,200}") {
        let uri = format!("/?{}", query.replace(['#', '<', '>', '"', '`', '{', '}'], ""));
        let headers = [("authorization", text.as_str()), ("x-amz-date", "20150830T123600Z")];
        if uri.parse::<http::Uri>().is_ok() {
            drop(Authorization::parse(&parts(&uri, &headers)));
            drop(Authorization::parse(&parts(&uri, &headers[1..])));
        }
    }
}
