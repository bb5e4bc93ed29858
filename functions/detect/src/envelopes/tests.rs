//! Each shape that AWS sends, from our own examples, and others.

use proptest::prelude::*;
use serde_json::json;

use super::*;

const LOG: &str = "AWSLogs/111122223333/CloudTrail/us-east-2/2026/11/22/111122223333_CloudTrail_us-east-2_20261122T1000Z_exampleexample00.json.gz";
const MADE: &str = "our logs/topic@made.json";

fn example(name: &str) -> Value {
    let file = format!("{}/../../testdata/events/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&file).unwrap_or_else(|why| panic!("{file}: {why}"));
    serde_json::from_str(&text).unwrap()
}

/// What is told, a line each.
fn lines(told: &[Notice]) -> Vec<String> {
    let line = |notice: &Notice| match notice {
        Notice::Object(ObjectEvent { bucket, key, created }) => {
            format!("{} {bucket} {key}", if *created { "read" } else { "pass" })
        }
        Notice::Record(Reported { id, record }) => {
            format!("ask {} of {id}", record["eventName"].as_str().unwrap())
        }
        Notice::Nothing(nothing) => format!("{nothing:?}"),
    };
    told.iter().map(line).collect()
}

/// The lines of an event; those of a batch with its messages' last digit before them.
fn sniffed(event: &Value) -> Vec<String> {
    match sniff(event) {
        Ok(Envelope::Event(told)) => lines(&told),
        Ok(Envelope::Batch(messages)) => messages
            .iter()
            .flat_map(|Message { id, told }| {
                let told = told.as_ref().map_or_else(|why| vec![why.found.clone()], |t| lines(t));
                let mark = id.chars().last().unwrap();
                told.into_iter().map(move |line| format!("{mark}: {line}"))
            })
            .collect(),
        Err(why) => vec![why.found],
    }
}

#[test]
fn each_shape_that_aws_sends_is_understood() {
    let made = format!("read example-logs {MADE}");
    let log = format!("read example-logs {LOG}");
    let topic = "arn:aws:sns:us-east-2:111122223333:trail-notices";
    let id = "17793124-05d4-b198-2fde-7ededc63b103";
    let call = format!("ask CreateTopic of {id}");
    let check = |name: &str, wanted: &[&str]| {
        assert_eq!(sniffed(&example(name)), wanted, "{name}");
    };
    check("s3", &[&made]);
    check("s3_removed", &[&made.replace("read", "pass")]);
    check("s3_test", &["S3Test"]);
    check("sns_s3", &[&made]);
    check("sns_cloudtrail", &[&made, &log]);
    check("sns_cloudtrail_validation", &["CloudTrailValidation"]);
    check("sqs_s3", &[&format!("0: {made}")]);
    check("sqs_s3_test", &["0: S3Test"]);
    check("sqs_sns_s3", &[&format!("0: {made}")]);
    check("sqs_sns_cloudtrail", &[&format!("0: {made}"), &format!("0: {log}")]);
    check("sqs_cloudtrail_raw", &[&format!("0: {made}"), &format!("0: {log}")]);
    check("sqs_sns_subscription", &[&format!("0: Subscription {{ topic: \"{topic}\" }}")]);
    check("sqs_sns_unsubscription", &[&format!("0: Unsubscription {{ topic: \"{topic}\" }}")]);
    check("sqs_sns_cloudtrail_validation", &["0: CloudTrailValidation"]);
    check("sqs_cloudtrail_validation_raw", &["0: CloudTrailValidation"]);
    check("eventbridge_object_created", &[&made]);
    check("eventbridge_object_deleted", &[&made.replace("read", "pass")]);
    check("sqs_eventbridge_object_created", &[&format!("0: {made}")]);
    check("eventbridge_api_call", &[&call]);
    check("eventbridge_sign_in", &[&format!("ask ConsoleLogin of {id}")]);
    check("eventbridge_insight", &["Insight"]);
    check("sqs_eventbridge_api_call", &[&format!("0: {call}")]);
    check("sqs_sns_eventbridge_api_call", &[&format!("0: {call}")]);
    check(
        "sqs_mixed",
        &[
            &format!("0: {made}"),
            "1: an object of hello",
            &format!("2: {made}"),
            &format!("2: {log}"),
        ],
    );
    let bus = "EventBridge's `EC2 Instance State-change Notification` from `aws.ec2`";
    check("unknown_bus", &[bus]);
    check("unknown_stream", &["a list of `aws:kinesis` records"]);
    check("unknown_logs", &["an object of awslogs"]);
}

#[test]
fn every_example_is_named_in_the_table() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/events");
    let table = include_str!("tests.rs");
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap().replace(".json", "");
        assert!(table.contains(&format!("\"{name}\"")), "{name} is not checked");
    }
}

fn notification(event_name: &str, key: &str) -> Value {
    json!({"Records": [{"eventVersion": "2.1", "eventSource": "aws:s3", "eventName": event_name,
        "s3": {"bucket": {"name": "logs"}, "object": {"key": key, "size": 3}}}]})
}

fn refused(event: &Value, expected: &str) {
    let error = sniff(event).unwrap_err().to_string();
    assert!(error.contains(expected), "{event}: {error}");
}

#[test]
fn keys_are_decoded_as_forms_are() {
    for (encoded, key) in [
        ("a/b.json.gz", "a/b.json.gz"),
        ("a+b%2Bc%40d", "a b+c@d"),
        ("%C3%A4/%25", "ä/%"),
        ("100%25+x%2", "100% x%2"),
    ] {
        let found = sniffed(&notification("ObjectCreated:Put", encoded));
        assert_eq!(found, [format!("read logs {key}")]);
    }
    refused(&notification("ObjectCreated:Put", "%FF"), "no UTF-8");
}

#[test]
fn only_created_objects_are_there_to_read() {
    for (name, wanted) in [
        ("ObjectCreated:Put", "read logs k"),
        ("s3:ObjectCreated:CompleteMultipartUpload", "read logs k"),
        ("ObjectRemoved:Delete", "pass logs k"),
        ("ObjectTagging:Put", "pass logs k"),
    ] {
        assert_eq!(sniffed(&notification(name, "k")), [wanted], "{name}");
    }
}

#[test]
fn other_shapes_are_named() {
    refused(&json!({"Records": [{"eventSource": "aws:kinesis"}]}), "`aws:kinesis`");
    refused(&json!({"Records": [{"eventSource": "sns.amazonaws.com"}]}), "`sns.amazonaws.com`");
    refused(&json!({"Records": [{}]}), "without an eventSource");
    refused(&json!({"Records": [{"eventSource": "aws:sqs", "body": "{}"}]}), "its messageId");
    refused(&json!({"Records": [{"EventSource": "aws:sns", "Sns": {}}]}), "without its Type");
    refused(&json!({"Records": [{"EventSource": "aws:sns", "Sns": {"Type": "X"}}]}), "SNS's `X`");
    refused(&json!({"s3Bucket": "b"}), "without its list s3ObjectKey");
    refused(&json!({"s3Bucket": "b", "s3ObjectKey": ["k", 3]}), "no key");
    refused(&json!({"s3Bucket": "", "s3ObjectKey": ["k"]}), "no name");
    refused(&json!({"detail-type": "Object Created", "source": "aws.s3"}), "its bucket's name");
    refused(&json!({"detail-type": "AWS API Call via CloudTrail", "source": "aws.iam"}), "record");
    refused(&json!({"a": 1, "b\n": 2}), "an object of a, b\\n");
    refused(&json!({}), "an empty object");
    refused(&json!([]), "a list");
    refused(&json!(7), "`7`");
    let bare = json!({"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put"}]});
    refused(&bare, "without its bucket's name");
    assert!(sniff_bytes(b"{").unwrap_err().to_string().contains("no JSON"));
}

#[test]
fn what_somebody_else_sends_under_aws_names_is_not_believed() {
    let mut event = example("eventbridge_api_call");
    event["source"] = json!("com.example.forged");
    refused(&event, "from `com.example.forged`");
    let mut event = example("eventbridge_object_created");
    event["source"] = json!("example");
    refused(&event, "from `example`");
}

#[test]
fn a_batch_and_a_list_of_notifications_hold_nothing_else() {
    let with_s3 = |name: &str| {
        let mut event = example(name);
        let s3 = example("s3")["Records"][0].clone();
        event["Records"].as_array_mut().unwrap().push(s3);
        event
    };
    refused(&with_s3("sqs_s3"), "something else among them");
    refused(&with_s3("sns_s3"), "something else among them");
}

#[test]
fn a_message_alone_fails_with_its_own_reason() {
    let batch = |body: Value| json!({"Records": [{"eventSource": "aws:sqs", "messageId": "m0", "body": body}]});
    for (body, wanted) in [
        (json!("hello"), "0: a message that is no JSON"),
        (json!(7), "0: an SQS message without its body"),
        (json!("{\"Type\":\"Notification\",\"TopicArn\":\"t\"}"), "0: an SNS notification without"),
        (json!("{\"Type\":\"Notification\",\"TopicArn\":\"t\",\"Message\":\"?\"}"), "0: a message"),
        (example("sqs_s3").to_string().into(), "0: a list of `aws:sqs` records"),
    ] {
        let found = sniffed(&batch(body.clone()));
        assert!(found[0].starts_with(wanted), "{body}: {found:?}");
    }
}

#[test]
fn an_event_that_tells_of_too_much_is_refused() {
    let keys = vec!["k"; NOTICES_MAX + 1];
    let notice = json!({"s3Bucket": "b", "s3ObjectKey": keys});
    refused(&notice, "more than 10000 objects");
    let half = json!({"s3Bucket": "b", "s3ObjectKey": vec!["k"; NOTICES_MAX / 2 + 1]}).to_string();
    let message = json!({"eventSource": "aws:sqs", "messageId": "m", "body": half});
    refused(&json!({"Records": [message, message]}), "more than 10000 objects");
}

/// JSON of any shape, its names mostly those that mean something.
fn shapes() -> impl Strategy<Value = Value> {
    let name = "Records|eventSource|EventSource|Sns|Type|TopicArn|Message|body|messageId|s3|detail|detail-type|source|s3Bucket|s3ObjectKey|Event|key|object|bucket|name|x";
    let text = "aws:s3|aws:sqs|aws:sns|aws\\.s3|Notification|Object Created|AWS API Call via CloudTrail|ObjectCreated:Put|\\{\\}|.{0,8}";
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<i64>().prop_map(Value::from),
        text.prop_map(Value::from)
    ];
    leaf.prop_recursive(6, 40, 4, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec((name, inner), 0..5)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn no_bytes_make_the_sniffer_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        sniff_bytes(&bytes).ok();
    }

    #[test]
    fn every_event_is_understood_or_refused_by_a_short_printable_name(event in shapes()) {
        if let Err(why) = sniff(&event) {
            let shown = why.to_string();
            prop_assert!(shown.len() < 4096 && !shown.chars().any(char::is_control), "{}", shown);
        }
    }

    #[test]
    fn a_message_tells_the_same_bare_in_a_queue_and_through_a_topic(payload in shapes()) {
        let bare = sniff_message(&payload.to_string());
        let wrapped = json!({"Type": "Notification", "TopicArn": "t", "Message": payload.to_string()});
        // What looks like SNS's own wrapping is unwrapped once and not twice.
        prop_assume!(payload.get("Type").is_none() || payload.get("TopicArn").is_none());
        prop_assert_eq!(&sniff_message(&wrapped.to_string()), &bare);
        let batch = json!({"Records": [
            {"eventSource": "aws:sqs", "messageId": "m", "body": payload.to_string()}]});
        let message = Message { id: "m".to_owned(), told: bare };
        prop_assert_eq!(sniff(&batch), Ok(Envelope::Batch(vec![message])));
    }

    #[test]
    fn any_key_survives_its_encoding(key in "\\PC{1,30}") {
        let encoded: String = url::form_urlencoded::byte_serialize(key.as_bytes()).collect();
        let found = sniffed(&notification("ObjectCreated:Put", &encoded));
        prop_assert_eq!(found, vec![format!("read logs {key}")]);
    }
}
