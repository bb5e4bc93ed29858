//! Records of calls, against records written by hand, the example log, and models full of secrets.

mod secrets;

use std::path::Path;

use flow::{Caller, HttpFacts, Principal, Resource, Session, Tree};
use http::{HeaderMap, HeaderValue};
use proptest::prelude::*;

use super::*;

const ACCOUNT: &str = "123456789012";
const EVENT_ID: &str = "17b46459-dada-4278-b8e2-5a4ca9ff1a9c";

/// A call by the account's root that was answered with nothing.
pub(super) fn call(service: &str, operation: &str, input: Tree) -> Call {
    Call {
        service: Some(service.to_owned()),
        signing_name: service.to_owned(),
        operation: Some(operation.to_owned()),
        input: Some(input),
        outcome: Outcome::Answered(Tree::Null),
        caller: Caller::root(ACCOUNT.parse().unwrap(), "AKIAEXAMPLEKEYID0001"),
        region: "us-east-2".parse().unwrap(),
        recipient: ACCOUNT.parse().unwrap(),
        completed: "2026-11-22T10:02:03.999Z".parse().unwrap(),
        request_id: "3fdb7834-9079-557e-8ef2-350abc03536b".to_owned(),
        source_ip: "192.0.2.7".to_owned(),
        user_agent: Some("Boto3/1.44.5".to_owned()),
        resources: Vec::new(),
        tls: None,
        http: HttpFacts::default(),
    }
}

pub(super) fn parsed(call: &Call) -> Value {
    let record = make(call, EVENT_ID);
    assert_eq!(Facts::from_json(record.json.as_bytes()).unwrap(), record.facts, "{}", record.json);
    assert!(!record.json.contains('\n'));
    serde_json::from_str(&record.json).unwrap()
}

/// Text for text, the order of members too.
fn check(call: &Call, golden: &str) {
    let golden: Value = serde_json::from_str(golden).unwrap();
    assert_eq!(make(call, EVENT_ID).json, golden.to_string());
    parsed(call);
}

fn text(text: &str) -> Tree {
    Tree::from(text)
}

#[test]
fn a_users_call_with_parameters_and_an_answer() {
    let input = Tree::map([
        ("Name", text("alerts")),
        ("Attributes", Tree::map([("FifoTopic", text("false"))])),
        ("Tags", Tree::List(vec![Tree::map([("Key", text("team")), ("Value", text("red"))])])),
        ("Unheard", text("of")),
    ]);
    let mut call = call("sns", "CreateTopic", input);
    call.outcome = Outcome::Answered(Tree::map([(
        "TopicArn",
        text("arn:aws:sns:us-east-2:123456789012:alerts"),
    )]));
    call.caller.principal = Principal::User {
        id: "AIDAEXAMPLEUSERID0001".to_owned(),
        path: "/team/".to_owned(),
        name: "ada".to_owned(),
    };
    call.tls = Some(TlsDetails {
        version: Some("TLSv1.3".to_owned()),
        cipher_suite: Some("TLS_AES_128_GCM_SHA256".to_owned()),
        host_header: Some("sns.us-east-2.amazonaws.com".to_owned()),
    });
    check(&call, include_str!("../../testdata/create_topic.json"));
}

#[test]
fn a_role_that_takes_another_role_leaves_no_secret_key() {
    let input = Tree::map([
        ("RoleArn", text("arn:aws:iam::210987654321:role/reader")),
        ("RoleSessionName", text("look")),
        ("DurationSeconds", Tree::Int(900)),
    ]);
    let mut call = call("sts", "AssumeRole", input);
    let credentials = Tree::map([
        ("AccessKeyId", text("ASIAEXAMPLEKEYID0002")),
        ("SecretAccessKey", text("never")),
        ("SessionToken", text("token-of-the-session")),
        ("Expiration", Tree::Time("2026-11-22T10:17:03Z".parse().unwrap())),
    ]);
    let user = Tree::map([
        ("AssumedRoleId", text("AROAEXAMPLEROLEID002:look")),
        ("Arn", text("arn:aws:sts::210987654321:assumed-role/reader/look")),
    ]);
    call.outcome =
        Outcome::Answered(Tree::map([("Credentials", credentials), ("AssumedRoleUser", user)]));
    call.caller = Caller {
        account: ACCOUNT.parse().unwrap(),
        principal: Principal::AssumedRole {
            role_id: "AROAEXAMPLEROLEID001".to_owned(),
            path: "/ci/".to_owned(),
            role: "deployer".to_owned(),
            session_name: "build".to_owned(),
        },
        access_key_id: "ASIAEXAMPLEKEYID0001".to_owned(),
        session: Some(Session { created: "2026-11-22T09:00:00Z".parse().unwrap(), mfa: false }),
    };
    check(&call, include_str!("../../testdata/assume_role.json"));
}

#[test]
fn a_call_that_failed_says_why_and_has_no_answer() {
    let mut call = call("cloudtrail", "DeleteTrail", Tree::map([("Name", text("t"))]));
    call.outcome = Outcome::Failed(Fault::new("TrailNotFoundException", "Unknown trail: t"));
    check(&call, include_str!("../../testdata/delete_trail_denied.json"));
}

fn put_object() -> Call {
    let mut call = call("s3", "PutObject", Tree::Null);
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("host", "127.0.0.1:4580"),
        ("authorization", "AWS4-HMAC-SHA256 never"),
        ("x-amz-date", "20261122T100203Z"),
        ("x-amz-content-sha256", "never"),
        ("x-amz-security-token", "never"),
        ("x-amz-meta-note", "never"),
        ("x-amz-server-side-encryption", "AES256"),
        ("x-amz-server-side-encryption-customer-key", "never"),
        ("content-type", "text/plain"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    call.http = HttpFacts {
        method: "PUT".to_owned(),
        path: "/data/in/a%20b.txt".to_owned(),
        query: "x-id=PutObject&X-Amz-Signature=never&X-Amz-Security-Token=never".to_owned(),
        headers,
        bytes_in: 11,
        bytes_out: 0,
        host_id: Some("host-id".to_owned()),
        presigned: false,
    };
    call
}

#[test]
fn an_object_that_is_put_is_a_data_event_in_s3s_own_words() {
    check(&put_object(), include_str!("../../testdata/put_object.json"));
}

#[test]
fn s3_finds_bucket_and_key_in_input_host_or_path() {
    let check = |change: &dyn Fn(&mut Call), bucket: Option<&str>, key: Option<&str>| {
        let mut call = put_object();
        change(&mut call);
        let place = s3::Place::of(&call);
        assert_eq!((place.bucket.as_deref(), place.key.as_deref()), (bucket, key));
    };
    let host = |host: &'static str, path: &'static str| {
        move |call: &mut Call| {
            call.http.headers.insert("host", HeaderValue::from_static(host));
            path.clone_into(&mut call.http.path);
        }
    };
    check(&|_| {}, Some("data"), Some("in/a b.txt"));
    check(&host("b.s3.us-east-2.amazonaws.com", "/k/l"), Some("b"), Some("k/l"));
    check(&host("s3.us-east-2.amazonaws.com", "/b/"), Some("b"), None);
    check(&host("s3.amazonaws.com", "/"), None, None);
    let input = |call: &mut Call| {
        call.input = Some(Tree::map([("Bucket", text("given")), ("Key", text("k"))]));
    };
    check(&input, Some("given"), Some("k"));
}

#[test]
fn s3_lists_what_its_calls_touch() {
    let resources = |operation: &str, path: &str| {
        let mut call = put_object();
        call.operation = Some(operation.to_owned());
        path.clone_into(&mut call.http.path);
        parsed(&call).get("resources").cloned().unwrap_or_default()
    };
    let bucket = json!({"accountId": ACCOUNT, "type": "AWS::S3::Bucket", "ARN": "arn:aws:s3:::b"});
    assert_eq!(resources("GetBucketPolicy", "/b"), json!([bucket]));
    assert_eq!(resources("CreateBucket", "/b"), Value::Null);
    assert_eq!(
        resources("ListObjectsV2", "/b"),
        json!([{"type": "AWS::S3::Object", "ARNPrefix": "arn:aws:s3:::b/"}, bucket])
    );
}

#[test]
fn anonymous_callers_have_no_arn() {
    let mut call = put_object();
    call.caller.principal = Principal::Anonymous;
    let record = parsed(&call);
    assert_eq!(
        record["userIdentity"],
        json!({"type": "AWSAccount", "principalId": "", "accountId": "anonymous"})
    );
    assert_eq!(record["additionalEventData"].get("AuthenticationMethod"), None);
}

#[test]
fn reading_calls_record_no_answer_and_empty_inputs_are_null() {
    let mut reading = call("sns", "GetTopicAttributes", Tree::Map(Vec::new()));
    reading.outcome =
        Outcome::Answered(Tree::map([("Attributes", Tree::map([("Owner", text("1"))]))]));
    let record = parsed(&reading);
    assert_eq!(record["responseElements"], Value::Null);
    assert_eq!(record["requestParameters"], Value::Null);
    assert_eq!(record["readOnly"], true);
}

#[test]
fn a_message_sent_is_recorded_with_its_id_and_without_its_body() {
    let input = Tree::map([
        ("QueueUrl", text("http://127.0.0.1:4580/123456789012/jobs")),
        ("MessageBody", text("never")),
    ]);
    let mut sent = call("sqs", "SendMessage", input);
    sent.outcome = Outcome::Answered(Tree::map([
        ("MD5OfMessageBody", text("9a4e3f7a614d9dd9f8722092dbda17a2")),
        ("MessageId", text("93bb6e2d-1090-416c-81b0-31eb1faa8cd8")),
    ]));
    let record = parsed(&sent);
    assert_eq!(
        record["responseElements"],
        json!({
            "mD5OfMessageBody": "9a4e3f7a614d9dd9f8722092dbda17a2",
            "messageId": "93bb6e2d-1090-416c-81b0-31eb1faa8cd8",
        })
    );
    assert_eq!(record["requestParameters"]["messageBody"], "HIDDEN_DUE_TO_SECURITY_REASONS");
    assert_eq!((&record["eventCategory"], &record["readOnly"]), (&json!("Data"), &json!(false)));
}

#[test]
fn a_message_received_is_not_in_the_record() {
    let input = Tree::map([("QueueUrl", text("http://127.0.0.1:4580/123456789012/jobs"))]);
    let mut received = call("sqs", "ReceiveMessage", input);
    let message = Tree::map([("Body", text("never")), ("MessageId", text("an-id"))]);
    received.outcome = Outcome::Answered(Tree::map([("Messages", Tree::List(vec![message]))]));
    assert_eq!(parsed(&received)["responseElements"], Value::Null);
}

#[test]
fn a_call_that_no_model_knows_is_recorded_all_the_same() {
    let mut unknown = call("none", "GetThing", Tree::map([("Password", text("never"))]));
    unknown.service = None;
    unknown.signing_name = "execute-api".to_owned();
    let record = parsed(&unknown);
    assert_eq!(record["eventSource"], "execute-api.amazonaws.com");
    assert_eq!(record["eventName"], "GetThing");
    assert_eq!(record["readOnly"], true);
    assert_eq!(record["requestParameters"], Value::Null);
    unknown.operation = None;
    unknown.input = None;
    assert_eq!(parsed(&unknown)["eventName"], "UnknownOperation");
    let mut operation = call("sns", "NoSuchOperation", Tree::map([("Name", text("n"))]));
    operation.user_agent = None;
    let record = parsed(&operation);
    assert_eq!(record["eventSource"], "sns.amazonaws.com");
    assert_eq!(record["requestParameters"], Value::Null);
    assert_eq!(record.get("userAgent"), None);
}

#[test]
fn services_keep_their_own_habits() {
    let mut function = call(
        "lambda",
        "CreateFunction",
        Tree::map([
            ("FunctionName", text("f")),
            ("Code", Tree::map([("ZipFile", Tree::Blob(vec![1])), ("S3Bucket", text("b"))])),
            ("Environment", Tree::map([("Variables", Tree::map([("KEY", text("never"))]))])),
        ]),
    );
    let record = parsed(&function);
    assert_eq!(record["eventName"], "CreateFunction20150331");
    assert_eq!(
        record["requestParameters"],
        json!({"functionName": "f", "code": {"s3Bucket": "b"}, "environment": {}})
    );
    function.operation = Some("Invoke".to_owned());
    let record = parsed(&function);
    assert_eq!(record["eventCategory"], "Data");
    assert_eq!(
        record["resources"],
        json!([{"accountId": ACCOUNT, "type": "AWS::Lambda::Function",
                "ARN": "arn:aws:lambda:us-east-2:123456789012:function:f"}])
    );
    let publish = call(
        "sns",
        "Publish",
        Tree::map([("TopicArn", text("arn:aws:sns:us-east-2:1:t")), ("Message", text("never"))]),
    );
    assert_eq!(parsed(&publish)["requestParameters"]["message"], "HIDDEN_DUE_TO_SECURITY_REASONS");
    let table = call("dynamodb", "CreateTable", Tree::map([("TableName", text("t"))]));
    assert_eq!(parsed(&table)["apiVersion"], "2012-08-10");
    let database = call(
        "rds",
        "CreateDBInstance",
        Tree::map([("DBInstanceIdentifier", text("d")), ("MasterUserPassword", text("never"))]),
    );
    assert_eq!(
        parsed(&database)["requestParameters"],
        json!({"dBInstanceIdentifier": "d", "masterUserPassword": "HIDDEN_DUE_TO_SECURITY_REASONS"})
    );
    let mut instances = call("ec2", "RunInstances", Tree::Null);
    instances.outcome = Outcome::Failed(Fault::new("UnauthorizedOperation", "").with_status(403));
    assert_eq!(parsed(&instances)["errorCode"], "Client.UnauthorizedOperation");
}

#[test]
fn what_a_service_says_it_touched_stands_before_what_the_call_names() {
    let mut call = put_object();
    call.resources = vec![Resource {
        account_id: None,
        kind: "AWS::S3::Object".to_owned(),
        arn: "arn:aws:s3:::data/other".to_owned(),
    }];
    assert_eq!(
        parsed(&call)["resources"],
        json!([{"type": "AWS::S3::Object", "ARN": "arn:aws:s3:::data/other"}])
    );
}

#[test]
fn the_largest_call_stays_within_the_record() {
    let long = "\u{1}".repeat(300 * 1024);
    let mut call = call(
        "sns",
        "SetTopicAttributes",
        Tree::map([
            ("TopicArn", text(&long)),
            ("AttributeName", text("n")),
            ("AttributeValue", text(&long)),
        ]),
    );
    call.outcome = Outcome::Failed(Fault::new(long.clone(), long.clone()));
    call.user_agent = Some(long.clone());
    call.source_ip.clone_from(&long);
    call.request_id.clone_from(&long);
    call.resources =
        vec![Resource { account_id: None, kind: "t".to_owned(), arn: "a".repeat(1000) }; 5000];
    let record = make(&call, EVENT_ID).json;
    assert!(record.len() <= cap::RECORD_BYTES_MAX, "{}", record.len());
    let record: Value = serde_json::from_str(&record).unwrap();
    assert_eq!(record["requestParameters"]["omitted"], true);
    assert!(record["userAgent"].as_str().unwrap().len() <= cap::TEXT_BYTES_MAX);
}

/// The two records that the project began from.
const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/example_log.json");

/// What records of version 1.11 say beyond those of 1.02.
const NEWER: &[&str] = &["readOnly", "managementEvent", "eventCategory"];

#[test]
fn the_example_logs_calls_give_the_example_logs_records() {
    if !Path::new(EXAMPLE).is_file() {
        println!("skipped: {EXAMPLE} is not here");
        return;
    }
    let log: Value = serde_json::from_slice(&std::fs::read(EXAMPLE).unwrap()).unwrap();
    let topic = "arn:aws:sns:us-east-2:123456789012:exampletopic";
    let mut create = call("sns", "CreateTopic", Tree::map([("Name", text("dropmeplease"))]));
    create.outcome = Outcome::Answered(Tree::map([("TopicArn", text(topic))]));
    create.caller.access_key_id = "access-key-id".to_owned();
    create.completed = "2015-01-24T23:26:50Z".parse().unwrap();
    let mut get = call("sns", "GetTopicAttributes", Tree::map([("TopicArn", text(topic))]));
    get.caller.access_key_id = "AKIAIOSFODNN7EXAMPLE".to_owned();
    get.completed = "2015-01-24T23:27:02Z".parse().unwrap();
    get.request_id = "4a0388f7-a0af-5df9-9587-c5c98c29cbec".to_owned();
    for (at, mut call) in [create, get].into_iter().enumerate() {
        let created = "2015-01-24T22:41:54Z".parse().unwrap();
        call.caller.session = Some(Session { created, mfa: false });
        call.source_ip = "205.251.233.176".to_owned();
        call.user_agent = Some("console.amazonaws.com".to_owned());
        let expected = log["Records"][at].as_object().unwrap();
        let json = make(&call, expected["eventID"].as_str().unwrap()).json;
        let ours: Map<String, Value> = serde_json::from_str(&json).unwrap();
        for (name, value) in expected {
            if name != "eventVersion" {
                assert_eq!(ours.get(name), Some(value), "{name}");
            }
        }
        let more: Vec<&str> =
            ours.keys().map(String::as_str).filter(|name| !expected.contains_key(*name)).collect();
        assert_eq!(more, NEWER);
    }
}

proptest! {
    #[test]
    fn hostile_text_stays_text(name in ".*", agent in any::<String>(), code in any::<String>(), ip in ".{0,40}") {
        let mut hostile = call("sns", "CreateTopic", Tree::map([
            ("Name", text(&name)), ("Attributes", Tree::map([(agent.clone(), text(&code))])),
        ]));
        hostile.user_agent = Some(agent);
        hostile.source_ip = ip;
        hostile.request_id.clone_from(&code);
        hostile.outcome = Outcome::Failed(Fault::new(code, name.clone()));
        let record = parsed(&hostile);
        prop_assert_eq!(record["requestParameters"]["name"].as_str(), Some(name.as_str()));
    }
}
