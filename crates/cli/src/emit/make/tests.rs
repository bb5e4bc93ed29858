//! What an emitted record holds, and what is refused.

use flow::{ManualClock, SeededChance};
use serde_json::json;

use super::*;
use crate::emit::{fields, known};

fn made(source: &str, event: &str, pairs: &[&str]) -> anyhow::Result<Value> {
    let pairs: Vec<String> = pairs.iter().map(|pair| (*pair).to_owned()).collect();
    let around = Surroundings {
        clock: &ManualClock::new("2026-11-22T10:00:00Z".parse().unwrap()),
        chance: &SeededChance::new(1),
        account_id: "111122223333".parse().unwrap(),
        region: "us-east-2".parse().unwrap(),
    };
    let known = known::find(source, event)?;
    Ok(Value::Object(record(&known, fields::read(&pairs)?, &around)?))
}

#[test]
fn a_record_says_what_its_call_would_have_said() {
    let record = made(
        "iam",
        "CreateAccessKey",
        &[
            "userName=alice",
            "responseElements.accessKey.accessKeyId=AKIAX",
            "responseElements.accessKey.status=Active",
        ],
    )
    .unwrap();
    assert_eq!(record["eventSource"], "iam.amazonaws.com");
    assert_eq!(record["eventTime"], "2026-11-22T10:00:00Z");
    assert_eq!(record["requestParameters"], json!({"userName": "alice"}));
    let key = json!({"accessKeyId": "AKIAX", "status": "Active"});
    assert_eq!(record["responseElements"], json!({"accessKey": key}));
    assert_eq!(record["readOnly"], false);
    assert_eq!(record["awsRegion"], "us-east-1", "IAM is in no other");
    assert_eq!(record["recipientAccountId"], "111122223333");
    assert_eq!(record["userIdentity"]["arn"], "arn:aws:iam::111122223333:user/example-user");
}

#[test]
fn secrets_stay_out_of_it_as_of_any_record() {
    let record = made("iam", "CreateLoginProfile", &["userName=a", "password=hunter2"]).unwrap();
    assert!(!record.to_string().contains("hunter2"), "{record}");
}

#[test]
fn the_caller_and_the_outcome_are_set_in_the_records_words() {
    let record = made(
        "sns",
        "CreateTopic",
        &[
            "name=a",
            "userIdentity.type=AssumedRole",
            "userIdentity.sessionContext.sessionIssuer.userName=ci",
            "userIdentity.sessionContext.attributes.mfaAuthenticated=true",
            "errorCode=AuthorizationError",
            "sourceIPAddress=198.51.100.7",
            "awsRegion=eu-west-1",
            "additionalEventData.x=1",
        ],
    )
    .unwrap();
    let arn = "arn:aws:sts::111122223333:assumed-role/ci/example-session";
    assert_eq!(record["userIdentity"]["arn"], arn);
    let session = &record["userIdentity"]["sessionContext"];
    assert_eq!(session["attributes"]["mfaAuthenticated"], "true");
    assert_eq!(session["sessionIssuer"]["arn"], "arn:aws:iam::111122223333:role/ci");
    assert_eq!(record["errorCode"], "AuthorizationError");
    assert_eq!(record["responseElements"], Value::Null);
    assert_eq!(record["sourceIPAddress"], "198.51.100.7");
    assert_eq!(record["awsRegion"], "eu-west-1");
    assert_eq!(record["additionalEventData"], json!({"x": 1}));
    let service = ["userIdentity.type=AWSService", "userIdentity.invokedBy=a.amazonaws.com"];
    let record = made("sns", "CreateTopic", &service).unwrap();
    assert_eq!(
        record["userIdentity"],
        json!({"type": "AWSService", "invokedBy": "a.amazonaws.com"})
    );
}

#[test]
fn values_have_the_types_of_the_model() {
    let record = made("sqs", "CreateQueue", &["queueName=q", "attributes.DelaySeconds=5"]).unwrap();
    assert_eq!(record["requestParameters"]["attributes"], json!({"DelaySeconds": "5"}));
    let pairs = ["tags=[{\"key\":\"a\",\"value\":\"b\"}]", "name=n"];
    let record = made("sns", "CreateTopic", &pairs).unwrap();
    assert_eq!(record["requestParameters"]["tags"], json!([{"key": "a", "value": "b"}]));
    let pairs = ["instanceIds=i-1,i-2", "force=true"];
    let record = made("ec2", "StopInstances", &pairs).unwrap();
    assert_eq!(record["requestParameters"]["force"], true);
    assert_eq!(record["requestParameters"]["instanceIds"], json!(["i-1", "i-2"]));
}

#[test]
fn a_record_of_s3_is_made_of_its_request() {
    let pairs = ["bucketName=mine", "key=a/b.txt", "x-amz-storage-class=STANDARD"];
    let record = made("s3", "PutObject", &pairs).unwrap();
    assert_eq!(record["requestParameters"]["bucketName"], "mine");
    assert_eq!(record["requestParameters"]["key"], "a/b.txt");
    assert_eq!(record["requestParameters"]["x-amz-storage-class"], "STANDARD");
    assert_eq!(record["eventCategory"], "Data");
    assert_eq!(record["resources"][0]["ARN"], "arn:aws:s3:::mine/a/b.txt");
    let record = made("s3", "ListObjects", &["bucketName=mine", "prefix=a b"]).unwrap();
    assert_eq!(record["requestParameters"]["prefix"], "a b");
}

#[test]
fn what_the_call_does_not_take_is_named_with_what_it_takes() {
    for (source, event, pairs, words) in [
        (
            "iam",
            "CreateAccessKey",
            vec!["usrName=a"],
            vec!["`usrName`", "do you mean userName", "Known: "],
        ),
        ("iam", "CreateAccessKey", vec!["responseElements.key=a"], vec!["`key`", "accessKey"]),
        ("sns", "ListTopics", vec!["responseElements.topics=a"], vec!["responseElements"]),
        ("s3", "PutObject", vec!["bucketName=b"], vec!["key=…"]),
        ("s3", "PutObject", vec!["bucket=b"], vec!["bucketName"]),
        ("ec2", "StopInstances", vec!["force=perhaps"], vec!["`force`", "true or false"]),
        ("sns", "CreateTopic", vec!["errorCode=x", "responseElements.topicArn=y"], vec!["failed"]),
        ("sns", "CreateTopic", vec!["awsRegion=US"], vec!["awsRegion"]),
    ] {
        let error = format!("{:#}", made(source, event, &pairs).unwrap_err());
        for word in words {
            assert!(error.contains(word), "{word}: {error}");
        }
    }
}
