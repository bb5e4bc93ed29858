//! What is read, and what is refused with its place.

use proptest::prelude::*;

use super::*;

fn check(kind: Kind, text: &str, expected: Result<(), &str>) {
    let found = Policy::parse(text, kind).map(drop).map_err(|why| why.to_string());
    match expected {
        Ok(()) => assert_eq!(found, Ok(()), "{text}"),
        Err(words) => {
            let why = found.expect_err(text);
            assert!(why.contains(words), "{why}, not {words}: {text}");
        }
    }
}

#[test]
fn documents_of_all_kinds_are_read() {
    check(
        Kind::Identity,
        r#"{"Version":"2012-10-17","Id":"x","Statement":{"Sid":"a","Effect":"Allow","NotAction":["iam:*","sts:AssumeRole"],"NotResource":"arn:aws:s3:::${aws:username}/*","Condition":{"Bool":{"aws:SecureTransport":true},"NumericLessThan":{"s3:max-keys":10}}}}"#,
        Ok(()),
    );
    check(
        Kind::Resource,
        r#"{"Version":"2008-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":["*","123456789012","arn:aws:iam::123456789012:root"],"Service":"sns.amazonaws.com"},"Action":"SQS:SendMessage","Resource":"arn:aws:sqs:us-east-2:123456789012:q","Condition":{"ArnLike":{"AWS:SourceArn":"arn:aws:sns:*:*:t"}}}]}"#,
        Ok(()),
    );
    check(
        Kind::Trust,
        r#"{"Version":"2012-10-17","Statement":[{"Sid":"","Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#,
        Ok(()),
    );
}

#[test]
fn a_queues_policy_may_leave_out_the_queue() {
    let statement = r#""Effect":"Allow","Principal":"*","Action":"sqs:SendMessage""#;
    check(Kind::Queue, &with(statement), Ok(()));
    check(Kind::Resource, &with(statement), Err("Missing required field Resource"));
    check(Kind::Queue, &with(r#""Effect":"Allow","Action":"sqs:*""#), Err("field Principal"));
    let policy = Policy::parse(&with(statement), Kind::Queue).unwrap();
    let ask = |action: &str| {
        let policies = crate::Policies { resource: Some(&policy), ..crate::Policies::default() };
        let asker = crate::Asker::Service("sns.amazonaws.com");
        let queue = "arn:aws:sqs:us-east-2:123456789012:jobs";
        crate::decide(&asker, action, queue, None, &crate::Context::default(), &policies)
    };
    assert_eq!(ask("sqs:SendMessage"), crate::Verdict::Allowed);
    assert_eq!(ask("sqs:ReceiveMessage"), crate::Verdict::NotAllowed(crate::By::Resource));
}

/// A document with one statement.
fn with(statement: &str) -> String {
    format!(r#"{{"Version":"2012-10-17","Statement":[{{{statement}}}]}}"#)
}

#[test]
fn what_cannot_be_honoured_is_refused_with_its_place() {
    let at = "(at Statement[0]";
    for (statement, words) in [
        (r#""Action":"s3:*","Resource":"*""#, "Missing required field Effect"),
        (r#""Effect":"Allow","Resource":"*""#, "Missing required field Action"),
        (r#""Effect":"Allow","Action":"s3:*""#, "Missing required field Resource"),
        (r#""Effect":"allow","Action":"s3:*","Resource":"*""#, "Invalid effect"),
        (r#""Effect":"Allow","Action":"GetObject","Resource":"*""#, "prefaced by a vendor"),
        (r#""Effect":"Allow","Action":"s*:Get","Resource":"*""#, "Vendor s* is not valid"),
        (r#""Effect":"Allow","Action":"s3:Get Object","Resource":"*""#, "is no action"),
        (r#""Effect":"Allow","Action":[],"Resource":"*""#, "The list is empty"),
        (r#""Effect":"Allow","Action":{},"Resource":"*""#, "Neither a text"),
        (r#""Effect":"Allow","Action":"s3:*","Resource":"bucket""#, "must be in ARN format"),
        (r#""Effect":"Allow","Action":"s3:*","NotAction":"s3:*","Resource":"*""#, "excludes"),
        (
            r#""Effect":"Allow","Action":"s3:*","Resource":"*","Principal":"*""#,
            "not specify a principal",
        ),
        (r#""Effect":"Allow","Action":"s3:*","Resource":"*","Conditions":{}"#, "`Conditions`"),
        (
            r#""Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"Like":{"s3:prefix":"a"}}"#,
            "Invalid Condition type : Like",
        ),
        (
            r#""Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"Null":{"aws:ResourceTag/a":"true"}}"#,
            "by tags are not offered",
        ),
        (
            r#""Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::${aws:PrincipalTag/a}""#,
            "by tags are not offered",
        ),
    ] {
        check(Kind::Identity, &with(statement), Err(words));
        check(Kind::Identity, &with(statement), Err(at));
    }
    check(Kind::Identity, "[]", Err("no JSON object"));
    check(Kind::Identity, "{", Err("Syntax errors"));
    check(Kind::Identity, r#"{"Statement":[]}"#, Err("Missing required field Statement"));
    check(Kind::Identity, r#"{"Version":"2020-01-01","Statement":[]}"#, Err("version string"));
    check(Kind::Identity, r#"{"Statements":[]}"#, Err("`Statements`"));
    let long = format!(r#"{{"Id":"{}"}}"#, "x".repeat(DOCUMENT_BYTES_MAX));
    check(Kind::Identity, &long, Err("longer than"));
}

#[test]
fn a_name_that_stands_there_twice_is_refused() {
    // The looser of two conditions would win unseen.
    let statement = r#""Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"StringLike":{"s3:prefix":"a"},"StringLike":{"s3:prefix":"*"}}"#;
    check(Kind::Identity, &with(statement), Err("`StringLike` stands there twice"));
    let one = r#"{"Sid":"a","Effect":"Allow","Action":"s3:*","Resource":"*"}"#;
    let twice = format!(r#"{{"Statement":[{one},{one}]}}"#);
    check(Kind::Identity, &twice, Err("must be unique"));
}

#[test]
fn principals_are_whole_and_of_known_kinds() {
    let document = |principal: &str| {
        with(&format!(
            r#""Effect":"Allow","Principal":{principal},"Action":"s3:*","Resource":"arn:aws:s3:::b/*""#
        ))
    };
    for (principal, words) in [
        (r#"{"AWS":"arn:aws:iam::123456789012:user/*"}"#, "Invalid principal"),
        (r#"{"AWS":"arn:aws:iam::123456789012:group/g"}"#, "Invalid principal"),
        (r#"{"AWS":"ada"}"#, "Invalid principal"),
        (r#"{"Service":"lambda"}"#, "is no service"),
        (r#"{"Federated":"accounts.google.com"}"#, "`Federated` are not offered"),
        (r#"{"CanonicalUser":"a"}"#, "`CanonicalUser` are not offered"),
        (r#"{"Everyone":"*"}"#, "Invalid principal"),
        (r#""ada""#, "Invalid principal"),
        ("{}", "names nobody"),
    ] {
        check(Kind::Resource, &document(principal), Err(words));
    }
    let nobody = r#""Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/*""#;
    check(Kind::Resource, &with(nobody), Err("Missing required field Principal"));
    let about = r#""Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Resource":"*""#;
    check(Kind::Trust, &with(about), Err("Has prohibited field Resource"));
}

proptest! {
    #[test]
    fn reading_never_panics(text in ".{0,200}") {
        for kind in [Kind::Identity, Kind::Resource, Kind::Queue, Kind::Trust] {
            if let Err(why) = Policy::parse(&text, kind) {
                prop_assert!(!why.to_string().is_empty());
            }
        }
    }

    #[test]
    fn a_pattern_without_signs_fits_itself_alone(one in "[a-z]{1,8}", other in "[a-z]{1,8}") {
        let allow = format!(
            r#"{{"Statement":{{"Effect":"Allow","Action":"s3:{one}","Resource":"arn:aws:s3:::{one}/{other}"}}}}"#
        );
        let policy = Policy::parse(&allow, Kind::Identity).unwrap();
        let context = crate::Context::default();
        let ask = |action: &str, resource: &str| {
            let own = [std::sync::Arc::new(policy.clone())];
            let policies = crate::Policies { identity: &own, ..crate::Policies::default() };
            let asker = crate::Asker::User { account: "1", arn: "u" };
            crate::decide(&asker, action, resource, None, &context, &policies)
        };
        let (action, resource) = (format!("s3:{one}"), format!("arn:aws:s3:::{one}/{other}"));
        prop_assert_eq!(ask(&action, &resource), crate::Verdict::Allowed);
        prop_assert_eq!(ask(&action.to_uppercase(), &resource), crate::Verdict::Allowed);
        let no = crate::Verdict::NotAllowed(crate::By::Identity);
        prop_assert_eq!(ask(&format!("{action}x"), &resource), no);
        prop_assert_eq!(ask(&action, &resource.to_uppercase()), no);
    }
}
