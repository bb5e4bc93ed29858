//! Requests of every protocol find their operation.

use http::HeaderMap;
use proptest::prelude::*;

use super::*;

fn find(signing_name: &str, line: &str, headers: &[(&'static str, &str)], body: &str) -> Route {
    let (method, target) = line.split_once(' ').unwrap();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let headers: HeaderMap = headers
        .iter()
        .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
        .collect();
    let parts = RequestParts { method, path, query, headers: &headers };
    route(Some(signing_name).filter(|name| !name.is_empty()), &parts, body.as_bytes())
}

fn check(
    signing_name: &str,
    line: &str,
    headers: &[(&'static str, &str)],
    body: &str,
    expected: (Option<&str>, Option<&str>),
) {
    let route = find(signing_name, line, headers, body);
    assert_eq!(
        (route.service_name(), route.operation.as_deref()),
        expected,
        "{signing_name} {line}"
    );
}

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

#[test]
fn a_form_names_its_operation() {
    let body = "Action=CreateTopic&Version=2010-03-31&Name=a";
    check("sns", "POST /", &[FORM], body, (Some("sns"), Some("CreateTopic")));
    check("sns", "GET /?Action=ListTopics", &[], "", (Some("sns"), Some("ListTopics")));
    check("sns", "POST /", &[FORM], "Action=Nonsense", (Some("sns"), None));
}

#[test]
fn a_target_names_its_operation() {
    let target = "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.CreateTrail";
    let headers = [("x-amz-target", target), ("content-type", "application/x-amz-json-1.1")];
    check("cloudtrail", "POST /", &headers, "{}", (Some("cloudtrail"), Some("CreateTrail")));
}

#[test]
fn services_that_share_a_signing_name_are_told_apart() {
    let neptune = "Action=DescribeDBClusters&Version=2014-10-31";
    let route = find("rds", "POST /", &[FORM], neptune);
    assert_eq!(route.operation.as_deref(), Some("DescribeDBClusters"));
    check("s3", "GET /b?policy", &[], "", (Some("s3"), Some("GetBucketPolicy")));
    check(
        "s3",
        "GET /v20180820/configuration/publicAccessBlock",
        &[],
        "",
        (Some("s3control"), Some("GetPublicAccessBlock")),
    );
}

#[test]
fn a_path_names_its_operation() {
    check(
        "lambda",
        "POST /2015-03-31/functions/f/invocations",
        &[],
        "{}",
        (Some("lambda"), Some("Invoke")),
    );
    check("lambda", "GET /2015-03-31/functions/", &[], "", (Some("lambda"), Some("ListFunctions")));
    check("lambda", "GET /nothing", &[], "", (Some("lambda"), None));
}

#[test]
fn an_unknown_service_still_has_a_protocol() {
    let route = find("nonesuch", "POST /", &[("x-amz-target", "A.B")], "");
    assert_eq!((route.service_name(), route.protocol), (None, Protocol::Json));
    let route = find("", "POST /", &[FORM], "Action=GetCallerIdentity");
    assert_eq!((route.service_name(), route.protocol), (None, Protocol::Query));
    assert_eq!(find("", "GET /b/k", &[], "").protocol, Protocol::RestXml);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_request_makes_routing_panic(
        name in proptest::sample::select(vec!["", "s3", "sns", "ec2", "lambda", "monitoring", "rds", "x"]),
        method in "[A-Z]{1,6}",
        path in "/[ -~]{0,60}",
        query in "[ -~]{0,60}",
        target in "[!-~]{0,40}",
        body in proptest::collection::vec(any::<u8>(), 0..100),
    ) {
        let mut headers = HeaderMap::new();
        headers.insert("x-amz-target", target.parse().unwrap());
        for headers in [HeaderMap::new(), headers] {
            let parts =
                RequestParts { method: &method, path: &path, query: &query, headers: &headers };
            let found = route(Some(name).filter(|name| !name.is_empty()), &parts, &body);
            if let (Some(service), Some(operation)) = (&found.service, &found.operation)
                && !name.is_empty()
            {
                prop_assert!(service.operation(operation).is_some());
            }
        }
    }
}
