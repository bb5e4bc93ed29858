//! Calls of the embedded services and of others.

use bytes::Bytes;
use gateway::Limits;
use http_body_util::Full;
use record::select::Union;

use crate::world::{ACCOUNT, LISTER, REGION, ROOT, Unsigned, World, form, text};

const CREATE: &str = "Action=CreateTopic&Version=2010-03-31&Name=dropmeplease";

#[tokio::test]
async fn a_good_call_is_recorded_and_then_answered() {
    let world = World::new().await;
    let answer = world.send(world.signed(form(CREATE), "sns")).await;
    assert_eq!(answer.status(), 200);
    let arn = format!("arn:aws:sns:{REGION}:{ACCOUNT}:dropmeplease");
    assert!(text(&answer).contains(&format!("<TopicArn>{arn}</TopicArn>")), "{}", text(&answer));

    let records = world.records().await;
    assert_eq!(records.len(), 1);
    let record = &records[0];
    assert_eq!(record["eventName"], "CreateTopic");
    assert_eq!(record["eventSource"], "sns.amazonaws.com");
    assert_eq!(record["awsRegion"], REGION);
    assert_eq!(record["sourceIPAddress"], "127.0.0.1");
    assert_eq!(record["userAgent"], "a test");
    assert_eq!(record["requestParameters"]["name"], "dropmeplease");
    assert_eq!(record["responseElements"]["topicArn"], arn.as_str());
    assert_eq!(record["requestID"], answer.headers()["x-amzn-requestid"].to_str().unwrap());
    assert!(record.get("errorCode").is_none());
    let counts = world.gateway.counts();
    assert_eq!((counts.calls, counts.recorded, counts.unverified), (1, 1, 0));
    let seen = world.service.seen.lock().unwrap();
    assert_eq!(seen[0].endpoint, format!("http://{}", world.address));
}

#[tokio::test]
async fn a_target_leads_to_an_awsjson_service() {
    let world = World::new().await;
    let target = "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.StartLogging";
    let headers = [("x-amz-target", target), ("content-type", "application/x-amz-json-1.1")];
    let start = Unsigned { line: "POST /", headers: &headers, body: r#"{"Name":"trail"}"# };
    let answer = world.send(world.signed(start, "cloudtrail")).await;
    assert_eq!(answer.status(), 200, "{}", text(&answer));
    assert_eq!(world.records().await[0]["requestParameters"]["name"], "trail");

    let broken = Unsigned { body: "{", ..start };
    let answer = world.send(world.signed(broken, "cloudtrail")).await;
    assert_eq!(answer.status(), 400);
    assert!(text(&answer).contains("SerializationException"), "{}", text(&answer));
    assert_eq!(world.records().await[1]["errorCode"], "SerializationException");
    assert_eq!(world.service.seen.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_failed_call_is_recorded_with_its_error() {
    let world = World::new().await;
    let get = form("Action=GetTopicAttributes&Version=2010-03-31&TopicArn=arn:aws:sns:x:1:y");
    let answer = world.send(world.signed(get, "sns")).await;
    assert_eq!(answer.status(), 404);
    assert!(text(&answer).contains("<Code>NotFound</Code>"), "{}", text(&answer));
    let records = world.records().await;
    assert_eq!(records[0]["errorCode"], "NotFound");
    assert_eq!(records[0]["errorMessage"], "Topic does not exist");
}

#[tokio::test]
async fn a_denied_call_is_recorded_and_never_served() {
    let world = World::new().await;
    let answer = world.send(world.signed_by(LISTER, form(CREATE), "sns", REGION)).await;
    assert_eq!(answer.status(), 403);
    assert!(text(&answer).contains("<Code>AuthorizationError</Code>"), "{}", text(&answer));
    assert!(world.service.seen.lock().unwrap().is_empty());
    let asked = world.asked.lock().unwrap().clone();
    assert_eq!(asked, ["SNS:CreateTopic arn:aws:sns:us-east-2:123456789012:dropmeplease"]);
    let records = world.records().await;
    assert_eq!(records[0]["errorCode"], "AuthorizationErrorException");
    assert_eq!(records[0]["userIdentity"]["userName"], "lister");
    assert_eq!(records[0]["requestParameters"]["name"], "dropmeplease");

    let list = form("Action=ListTopics&Version=2010-03-31");
    let answer = world.send(world.signed_by(LISTER, list, "sns", REGION)).await;
    assert_eq!(answer.status(), 200);
}

#[tokio::test]
async fn a_bad_signature_is_counted_and_not_recorded() {
    let world = World::new().await;
    let changed = {
        let (parts, _) = world.signed(form(CREATE), "sns").into_parts();
        let body = CREATE.replace("dropme", "keepme");
        http::Request::from_parts(parts, Full::new(Bytes::from(body)))
    };
    let cases = [
        (changed, 403, "<Code>SignatureDoesNotMatch</Code>"),
        (
            world.signed_by("AKIANOBODY", form(CREATE), "sns", REGION),
            403,
            "<Code>InvalidClientTokenId</Code>",
        ),
        (
            world.signed_by(ROOT, form(CREATE), "sns", "eu-west-1"),
            403,
            "<Code>SignatureDoesNotMatch</Code>",
        ),
        (
            world.signed_by(
                "AKIANOBODY",
                Unsigned { line: "GET /b/1", headers: &[], body: "" },
                "s3",
                REGION,
            ),
            403,
            "<Code>InvalidAccessKeyId</Code>",
        ),
        (
            world.signed_by(
                "AKIANOBODY",
                Unsigned {
                    line: "POST /",
                    headers: &[("x-amz-target", "DynamoDB_20120810.ListTables")],
                    body: "{}",
                },
                "dynamodb",
                REGION,
            ),
            400,
            "UnrecognizedClientException",
        ),
    ];
    let wrong_region = Unsigned { line: "GET /b/1", headers: &[], body: "" };
    let answer = world.send(world.signed_by(ROOT, wrong_region, "s3", "eu-west-1")).await;
    assert!(text(&answer).contains("<Region>us-east-2</Region>"), "{}", text(&answer));
    let count = 1 + u64::try_from(cases.len()).unwrap();
    for (request, status, code) in cases {
        let answer = world.send(request).await;
        assert_eq!(answer.status(), status, "{}", text(&answer));
        assert!(text(&answer).contains(code), "{}", text(&answer));
    }
    assert!(world.records().await.is_empty());
    assert!(world.service.seen.lock().unwrap().is_empty());
    let counts = world.gateway.counts();
    assert_eq!((counts.calls, counts.unverified), (0, count));
}

#[tokio::test]
async fn sts_may_be_called_in_its_global_region() {
    let world = World::new().await;
    let whoami = form("Action=GetCallerIdentity&Version=2011-06-15");
    let answer = world.send(world.signed_by(ROOT, whoami, "sts", "us-east-1")).await;
    assert_eq!(answer.status(), 200, "{}", text(&answer));
}

#[tokio::test]
async fn nobody_calls_unsigned_but_to_confirm_or_leave() {
    let world = World::new().await;
    let unsigned = |request: Unsigned<'_>| {
        let body = Full::new(Bytes::copy_from_slice(request.body.as_bytes()));
        http::Request::from_parts(world.parts(&request), body)
    };
    let answer = world.send(unsigned(form(CREATE))).await;
    assert_eq!(answer.status(), 403);
    assert!(text(&answer).contains("MissingAuthenticationToken"), "{}", text(&answer));
    let get = Unsigned { line: "GET /nowhere/key", headers: &[], body: "" };
    let answer = world.send(unsigned(get)).await;
    assert_eq!(answer.status(), 403);
    assert!(text(&answer).contains("<Error><Code>AccessDenied</Code>"), "{}", text(&answer));
    assert_eq!(world.gateway.counts().refused, 2);
    assert!(world.records().await.is_empty());

    let line = "GET /?Action=ConfirmSubscription&TopicArn=arn:aws:sns:us-east-2:1:t&Token=t";
    let answer = world.send(unsigned(Unsigned { line, headers: &[], body: "" })).await;
    assert_eq!(answer.status(), 200, "{}", text(&answer));
    assert_eq!(world.records().await[0]["eventName"], "ConfirmSubscription");
    let line = "GET /?Action=ListTopics";
    let answer = world.send(unsigned(Unsigned { line, headers: &[], body: "" })).await;
    assert_eq!(answer.status(), 403);
}

#[tokio::test]
async fn a_service_that_is_not_here_answers_in_its_own_protocol_and_is_recorded() {
    let world = World::new().await;
    let target = [("x-amz-target", "DynamoDB_20120810.CreateTable")];
    let cases = [
        (
            "ec2",
            form("Action=RunInstances&Version=2016-11-15"),
            "<Code>Trailhound.NoUpstream</Code>",
        ),
        ("iam", form("Action=CreateUser&Version=2010-05-08"), "<Code>Trailhound.NoUpstream</Code>"),
        (
            "dynamodb",
            Unsigned { line: "POST /", headers: &target, body: "{}" },
            r#""__type":"Trailhound.NoUpstream""#,
        ),
        (
            "lambda",
            Unsigned { line: "GET /2015-03-31/functions/", headers: &[], body: "" },
            "upstream",
        ),
        ("nonesuch", form("Action=Do"), "<Code>Trailhound.NoUpstream</Code>"),
    ];
    for (service, request, expected) in cases {
        let answer = world.send(world.signed(request, service)).await;
        assert_eq!(answer.status(), 501, "{service}: {}", text(&answer));
        assert!(text(&answer).contains(expected), "{service}: {}", text(&answer));
    }
    let records = world.records().await;
    let names: Vec<_> =
        records.iter().map(|record| record["eventName"].as_str().unwrap()).collect();
    assert_eq!(names, ["RunInstances", "CreateUser", "CreateTable", "ListFunctions20150331", "Do"]);
    assert!(
        records.iter().all(|record| record["errorCode"].as_str().unwrap().contains("NoUpstream"))
    );
}

#[tokio::test]
async fn an_unknown_operation_is_refused_in_the_services_words() {
    let world = World::new().await;
    let answer = world.send(world.signed(form("Action=Nonsense&Version=2010-03-31"), "sns")).await;
    assert_eq!(answer.status(), 400);
    assert!(text(&answer).contains("<Code>InvalidAction</Code>"), "{}", text(&answer));
}

#[tokio::test]
async fn an_oversized_body_is_turned_away() {
    let limits = Limits { body_bytes: 100, ..Limits::default() };
    let world = World::with(limits, Union::new([]), None).await;
    let long = format!("{CREATE}{}", "x".repeat(100));
    let answer = world.send(world.signed(form(&long), "sns")).await;
    assert_eq!(answer.status(), 413);
    assert!(text(&answer).contains("RequestEntityTooLarge"), "{}", text(&answer));
    assert_eq!(world.gateway.counts().refused, 1);
    assert!(world.records().await.is_empty());
}

#[tokio::test]
async fn a_panic_is_an_internal_failure_and_recorded() {
    let world = World::new().await;
    let panic = form("Action=CreateTopic&Version=2010-03-31&Name=panic");
    let answer = world.send(world.signed(panic, "sns")).await;
    assert_eq!(answer.status(), 500);
    assert!(text(&answer).contains("InternalFailure"), "{}", text(&answer));
    assert_eq!(world.records().await[0]["errorCode"], "InternalFailure");
    let answer = world.send(world.signed(form(CREATE), "sns")).await;
    assert_eq!(answer.status(), 200);
}

#[tokio::test]
async fn without_a_record_there_is_no_answer() {
    let world = World::new().await;
    world.journal.clone().close().await;
    let answer = world.send(world.signed(form(CREATE), "sns")).await;
    assert_eq!(answer.status(), 503);
    assert!(!text(&answer).contains("TopicArn"), "{}", text(&answer));
    assert!(text(&answer).contains("ServiceUnavailable"), "{}", text(&answer));
    assert_eq!(world.gateway.counts().unrecorded, 1);
}

#[tokio::test]
async fn a_call_is_recorded_although_its_client_hung_up() {
    let world = World::new().await;
    let wait = world.signed(form("Action=CreateTopic&Version=2010-03-31&Name=wait"), "sns");
    tokio::select! {
        _ = world.send(wait) => panic!("the call waits"),
        () = world.service.entered.notified() => {}
    }
    world.service.go_on.notify_one();
    let records = world.wait_for_records(1).await;
    assert_eq!(records[0]["requestParameters"]["name"], "wait");
}
