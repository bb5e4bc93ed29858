//! Topics: their policies, tags and batches.

use flow::{ResourcePolicies, Tree};
use serde_json::Value;

use crate::room::Room;

fn texts(all: &[&str]) -> Tree {
    Tree::List(all.iter().map(|text| Tree::from(*text)).collect())
}

#[tokio::test]
async fn a_policy_is_answered_from_memory_as_it_changes() {
    let room = Room::open().await;
    let arn = room.topics.ensure("news").await.unwrap();
    let policy =
        || -> Value { serde_json::from_str(&room.topics.policy_of(&arn).unwrap()).unwrap() };
    assert_eq!(
        policy()["Statement"][0]["Condition"]["StringEquals"]["AWS:SourceOwner"],
        "123456789012"
    );
    let input = Tree::map([
        ("TopicArn", Tree::from(arn.as_str())),
        ("Label", "others".into()),
        ("AWSAccountId", texts(&["111122223333"])),
        ("ActionName", texts(&["Publish"])),
    ]);
    room.tree("AddPermission", input).await.unwrap();
    assert_eq!(policy()["Statement"][1]["Sid"], "others");
    room.call("RemovePermission", &[("TopicArn", &arn), ("Label", "others")]).await.unwrap();
    assert_eq!(policy()["Statement"].as_array().unwrap().len(), 1);
    let own = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},"Action":"SNS:Publish","Resource":"*"}]}"#;
    let set = [("TopicArn", arn.as_str()), ("AttributeName", "Policy"), ("AttributeValue", own)];
    room.call("SetTopicAttributes", &set).await.unwrap();
    assert_eq!(room.topics.policy_of(&arn).as_deref(), Some(own));
    let told = room.call("GetTopicAttributes", &[("TopicArn", &arn)]).await.unwrap();
    assert_eq!(told.get("Attributes").unwrap().text("Policy"), Some(own));
    room.call("DeleteTopic", &[("TopicArn", &arn)]).await.unwrap();
    assert!(room.topics.policy_of(&arn).is_none() && !room.topics.exists(&arn));
    room.close().await;
}

#[tokio::test]
async fn tags_come_and_go() {
    let room = Room::open().await;
    let tag = |key: &str, value: &str| {
        Tree::map([("Key", Tree::from(key)), ("Value", Tree::from(value))])
    };
    let input =
        Tree::map([("Name", Tree::from("tagged")), ("Tags", Tree::List(vec![tag("a", "1")]))]);
    let arn = room.tree("CreateTopic", input).await.unwrap().text("TopicArn").unwrap().to_owned();
    let input = Tree::map([
        ("ResourceArn", Tree::from(arn.as_str())),
        ("Tags", Tree::List(vec![tag("a", "2"), tag("b", "3")])),
    ]);
    room.tree("TagResource", input).await.unwrap();
    let input = Tree::map([("ResourceArn", Tree::from(arn.as_str())), ("TagKeys", texts(&["b"]))]);
    room.tree("UntagResource", input).await.unwrap();
    let told = room.call("ListTagsForResource", &[("ResourceArn", &arn)]).await.unwrap();
    assert_eq!(told.list("Tags"), [tag("a", "2")]);
    let many: Vec<Tree> = (0..51).map(|n| tag(&format!("k{n}"), "v")).collect();
    let input = Tree::map([("Name", Tree::from("over-tagged")), ("Tags", Tree::List(many))]);
    let refused = room.tree("CreateTopic", input).await.unwrap_err();
    assert_eq!(refused.code, "TagLimitExceededException");
    let gone = room.call("ListTagsForResource", &[("ResourceArn", &format!("{arn}x"))]).await;
    assert_eq!(gone.unwrap_err().code, "ResourceNotFoundException");
    room.close().await;
}

#[tokio::test]
async fn each_entry_of_a_batch_is_judged_for_itself() {
    let room = Room::open().await;
    let queue = "arn:aws:sqs:us-east-2:123456789012:q";
    let (arn, _) = room.subscribed_inside("sqs", queue, &[]).await;
    let entry = |id: &str, message: &str| {
        Tree::map([("Id", Tree::from(id)), ("Message", Tree::from(message))])
    };
    let batch = async |entries: Vec<Tree>| {
        let input = Tree::map([
            ("TopicArn", Tree::from(arn.as_str())),
            ("PublishBatchRequestEntries", Tree::List(entries)),
        ]);
        room.tree("PublishBatch", input).await
    };
    let answer = batch(vec![entry("a", "one"), entry("b", ""), entry("c", "two")]).await.unwrap();
    let ids = |name: &str| -> Vec<_> {
        answer.list(name).iter().map(|one| one.text("Id").unwrap().to_owned()).collect()
    };
    assert_eq!(
        (ids("Successful"), ids("Failed")),
        (vec!["a".into(), "c".into()], vec!["b".to_owned()])
    );
    assert_eq!(answer.list("Failed")[0].text("Code"), Some("InvalidParameter"));
    room.settled(2).await;
    let long = "x".repeat(200 * 1024);
    for (entries, code) in [
        (vec![], "EmptyBatchRequestException"),
        (
            (0..11).map(|n| entry(&n.to_string(), "m")).collect(),
            "TooManyEntriesInBatchRequestException",
        ),
        (vec![entry("a", "m"), entry("a", "m")], "BatchEntryIdsNotDistinctException"),
        (vec![entry("a b", "m")], "InvalidBatchEntryIdException"),
        (vec![entry("a", &long), entry("b", &long)], "BatchRequestTooLongException"),
    ] {
        assert_eq!(batch(entries).await.unwrap_err().code, code);
    }
    room.close().await;
}

#[tokio::test]
async fn of_all_that_is_wrong_with_a_subscription_a_missing_topic_is_told_first() {
    let room = Room::open().await;
    let arn = "arn:aws:sns:us-east-2:123456789012:none";
    let input = [("TopicArn", arn), ("Protocol", "sqs"), ("Endpoint", "nonsense")];
    let fault = room.call("Subscribe", &input).await.unwrap_err();
    assert_eq!(fault.code, "NotFoundException");
    room.close().await;
}
