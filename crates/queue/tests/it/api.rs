//! Queues themselves, as callers see them.

use flow::{ResourcePolicies, Tree};

use crate::world::{ACCOUNT, World, arn, texts, url};

async fn attributes(world: &World, name: &str, wanted: &[&str]) -> Tree {
    let names = wanted.iter().map(|name| Tree::from(*name)).collect::<Vec<_>>();
    let input = Tree::map([("QueueUrl", url(name).into()), ("AttributeNames", Tree::List(names))]);
    world.call("GetQueueAttributes", input).await.unwrap()
}

fn set(name: &str, attributes: &[(&str, &str)]) -> Tree {
    Tree::map([("QueueUrl", url(name).into()), ("Attributes", texts(attributes))])
}

#[tokio::test]
async fn the_same_queue_may_be_created_again_and_another_of_its_name_may_not() {
    let world = World::open().await;
    let made = world.create("jobs", &[("VisibilityTimeout", "60")]).await;
    assert_eq!(made, url("jobs"));
    assert_eq!(world.create("jobs", &[]).await, made);
    assert_eq!(
        world.create("jobs", &[("VisibilityTimeout", "60"), ("DelaySeconds", "0")]).await,
        made
    );
    let input = |name: &str, attribute: (&str, &str)| {
        Tree::map([("QueueName", name.into()), ("Attributes", texts(&[attribute]))])
    };
    let other = input("jobs", ("VisibilityTimeout", "61"));
    assert_eq!(world.code("CreateQueue", other).await, "QueueNameExists");
    let fifo = input("jobs.fifo", ("FifoQueue", "true"));
    assert_eq!(world.code("CreateQueue", fifo).await, "UnsupportedOperation");
    let wrong = input("other", ("VisibilityTimeout", "43201"));
    assert_eq!(world.code("CreateQueue", wrong).await, "InvalidAttributeValue");
    assert_eq!(world.code("CreateQueue", texts(&[])).await, "MissingParameter");
}

#[tokio::test]
async fn a_queue_is_found_by_its_name_by_its_owner() {
    let world = World::open().await;
    world.create("jobs", &[]).await;
    let found = world.call("GetQueueUrl", texts(&[("QueueName", "jobs")])).await.unwrap();
    assert_eq!(found.text("QueueUrl"), Some(url("jobs").as_str()));
    for input in [
        texts(&[("QueueName", "nowhere")]),
        texts(&[("QueueName", "jobs"), ("QueueOwnerAWSAccountId", "111122223333")]),
    ] {
        assert_eq!(world.code("GetQueueUrl", input).await, "QueueDoesNotExist");
    }
    let owned = texts(&[("QueueName", "jobs"), ("QueueOwnerAWSAccountId", ACCOUNT)]);
    world.call("GetQueueUrl", owned).await.unwrap();
}

#[tokio::test]
async fn queues_are_listed_by_prefix_and_in_pages() {
    let world = World::open().await;
    assert_eq!(world.call("ListQueues", texts(&[])).await, Ok(Tree::Map(Vec::new())));
    for name in ["b-2", "a-1", "b-1", "b-3"] {
        world.create(name, &[]).await;
    }
    let input = texts(&[("QueueNamePrefix", "b-")]);
    let all = world.call("ListQueues", input).await.unwrap();
    assert_eq!(all.list("QueueUrls"), [url("b-1"), url("b-2"), url("b-3")].map(Tree::from));
    assert_eq!(all.get("NextToken"), None);
    let page = |token: Option<&str>| {
        let mut input =
            vec![("QueueNamePrefix", Tree::from("b-")), ("MaxResults", Tree::from(2_i64))];
        input.extend(token.map(|token| ("NextToken", Tree::from(token))));
        world.call("ListQueues", Tree::map(input))
    };
    let first = page(None).await.unwrap();
    assert_eq!(first.list("QueueUrls").len(), 2);
    let last = page(first.text("NextToken")).await.unwrap();
    assert_eq!(last.list("QueueUrls"), [Tree::from(url("b-3"))]);
    assert_eq!(last.get("NextToken"), None);
}

#[tokio::test]
async fn a_deleted_queue_is_gone_with_its_messages_and_its_name_is_free() {
    let mut world = World::open().await;
    world.create("jobs", &[]).await;
    world.send("jobs", "old").await;
    let input = || texts(&[("QueueUrl", &url("jobs"))]);
    world.call("DeleteQueue", input()).await.unwrap();
    assert_eq!(world.code("DeleteQueue", input()).await, "QueueDoesNotExist");
    assert_eq!(world.code("ReceiveMessage", input()).await, "QueueDoesNotExist");
    assert!(!world.queues.exists(&arn("jobs")));
    world.create("jobs", &[]).await;
    assert_eq!(world.counts("jobs").await, (0, 0, 0));
    world.reopen().await;
    assert_eq!(world.counts("jobs").await, (0, 0, 0));
    assert_eq!(world.queues.arns(), [arn("jobs")]);
}

#[tokio::test]
async fn attributes_are_told_and_kept() {
    let mut world = World::open().await;
    world.create("jobs", &[("DelaySeconds", "5")]).await;
    assert_eq!(attributes(&world, "jobs", &[]).await, Tree::Map(Vec::new()));
    let all = attributes(&world, "jobs", &["All"]).await;
    let all = all.get("Attributes").unwrap();
    for (name, value) in [
        ("QueueArn", arn("jobs").as_str()),
        ("CreatedTimestamp", "1700000000"),
        ("LastModifiedTimestamp", "1700000000"),
        ("ApproximateNumberOfMessages", "0"),
        ("ApproximateNumberOfMessagesNotVisible", "0"),
        ("ApproximateNumberOfMessagesDelayed", "0"),
        ("VisibilityTimeout", "30"),
        ("MaximumMessageSize", "1048576"),
        ("MessageRetentionPeriod", "345600"),
        ("DelaySeconds", "5"),
        ("ReceiveMessageWaitTimeSeconds", "0"),
        ("SqsManagedSseEnabled", "true"),
    ] {
        assert_eq!(all.text(name), Some(value), "{name}");
    }
    assert_eq!(all.get("Policy"), None);
    world.pass(9);
    world.call("SetQueueAttributes", set("jobs", &[("DelaySeconds", "6")])).await.unwrap();
    world.reopen().await;
    let told = attributes(&world, "jobs", &["DelaySeconds", "LastModifiedTimestamp"]).await;
    let expected = texts(&[("LastModifiedTimestamp", "1700000009"), ("DelaySeconds", "6")]);
    assert_eq!(told.get("Attributes"), Some(&expected));
}

#[tokio::test]
async fn attributes_that_do_not_fit_change_nothing() {
    let world = World::open().await;
    world.create("jobs", &[]).await;
    for (attribute, code) in [
        (("DelaySeconds", "901"), "InvalidAttributeValue"),
        (("Colour", "red"), "InvalidAttributeName"),
        (("Policy", "nonsense"), "InvalidAttributeValue"),
        (("KmsMasterKeyId", "alias/aws/sqs"), "UnsupportedOperation"),
        (("RedrivePolicy", "nonsense"), "InvalidParameterValue"),
        (
            (
                "RedrivePolicy",
                r#"{"deadLetterTargetArn":"arn:aws:sqs:us-east-2:123456789012:nowhere","maxReceiveCount":1}"#,
            ),
            "InvalidParameterValue",
        ),
        (
            (
                "RedrivePolicy",
                r#"{"deadLetterTargetArn":"arn:aws:sqs:us-east-2:123456789012:jobs","maxReceiveCount":1}"#,
            ),
            "InvalidParameterValue",
        ),
    ] {
        let given = set("jobs", &[("VisibilityTimeout", "99"), attribute]);
        assert_eq!(world.code("SetQueueAttributes", given).await, code, "{attribute:?}");
    }
    let told = attributes(&world, "jobs", &["VisibilityTimeout"]).await;
    assert_eq!(told.get("Attributes"), Some(&texts(&[("VisibilityTimeout", "30")])));
    let unknown = Tree::map([
        ("QueueUrl", url("jobs").into()),
        ("AttributeNames", Tree::List(vec!["Colour".into()])),
    ]);
    assert_eq!(world.code("GetQueueAttributes", unknown).await, "InvalidAttributeName");
}

#[tokio::test]
async fn an_address_that_names_no_queue_of_ours_is_refused() {
    let world = World::open().await;
    world.create("jobs", &[]).await;
    for (address, code) in [
        ("http://127.0.0.1:4580/123456789012/nowhere", "QueueDoesNotExist"),
        ("http://127.0.0.1:4580/111122223333/jobs", "QueueDoesNotExist"),
        ("nowhere", "QueueDoesNotExist"),
        ("a/jobs", "InvalidAddress"),
        ("", "MissingParameter"),
    ] {
        let input = texts(&[("QueueUrl", address)]);
        assert_eq!(world.code("PurgeQueue", input).await, code, "{address}");
    }
    let elsewhere = texts(&[("QueueUrl", "https://sqs.us-east-2.amazonaws.com/123456789012/jobs")]);
    world.call("PurgeQueue", elsewhere).await.unwrap();
}

#[tokio::test]
async fn permissions_are_statements_of_the_policy_by_their_labels() {
    let world = World::open().await;
    world.create("jobs", &[]).await;
    let add = |label: &str, account: &str, actions: &[&str]| {
        let texts = |list: &[&str]| Tree::List(list.iter().map(|one| Tree::from(*one)).collect());
        let input = Tree::map([
            ("QueueUrl", Tree::from(url("jobs"))),
            ("Label", label.into()),
            ("AWSAccountIds", texts(&[account])),
            ("Actions", texts(actions)),
        ]);
        world.call("AddPermission", input)
    };
    assert_eq!(world.queues.policy_of(&arn("jobs")), None);
    add("others", "111122223333", &["SendMessage", "ReceiveMessage"]).await.unwrap();
    let policy = world.queues.policy_of(&arn("jobs")).unwrap();
    let policy: serde_json::Value = serde_json::from_str(&policy).unwrap();
    assert_eq!(
        policy["Statement"],
        serde_json::json!([{
            "Sid": "others",
            "Effect": "Allow",
            "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
            "Action": ["SQS:SendMessage", "SQS:ReceiveMessage"],
            "Resource": arn("jobs"),
        }])
    );
    for (label, account, actions, code) in [
        ("others", "111122223333", &["SendMessage"][..], "InvalidParameterValue"),
        ("a", "nobody", &["SendMessage"], "InvalidParameterValue"),
        ("a", "111122223333", &["CreateQueue"], "InvalidParameterValue"),
        ("a", "111122223333", &["SendMessage"; 8], "OverLimit"),
        ("a", "111122223333", &[], "MissingParameter"),
    ] {
        assert_eq!(
            add(label, account, actions).await.unwrap_err().code,
            code,
            "{label} {actions:?}"
        );
    }
    let remove = || texts(&[("QueueUrl", &url("jobs")), ("Label", "others")]);
    world.call("RemovePermission", remove()).await.unwrap();
    assert_eq!(world.queues.policy_of(&arn("jobs")), None);
    assert_eq!(world.code("RemovePermission", remove()).await, "InvalidParameterValue");
}

#[tokio::test]
async fn tags_come_and_go() {
    let world = World::open().await;
    let input = Tree::map([("QueueName", "jobs".into()), ("tags", texts(&[("team", "a")]))]);
    world.call("CreateQueue", input).await.unwrap();
    let tag = Tree::map([("QueueUrl", url("jobs").into()), ("Tags", texts(&[("env", "test")]))]);
    world.call("TagQueue", tag).await.unwrap();
    let queue = || texts(&[("QueueUrl", &url("jobs"))]);
    let tags = world.call("ListQueueTags", queue()).await.unwrap();
    assert_eq!(tags.get("Tags"), Some(&texts(&[("env", "test"), ("team", "a")])));
    let untag = Tree::map([
        ("QueueUrl", Tree::from(url("jobs"))),
        ("TagKeys", Tree::List(vec!["env".into(), "team".into(), "unknown".into()])),
    ]);
    world.call("UntagQueue", untag).await.unwrap();
    assert_eq!(world.call("ListQueueTags", queue()).await, Ok(Tree::Map(Vec::new())));
    let none = Tree::map([("QueueUrl", url("jobs").into()), ("Tags", Tree::Map(Vec::new()))]);
    assert_eq!(world.code("TagQueue", none).await, "MissingParameter");
    for keys in [vec![], vec![Tree::from("")], vec!["x".repeat(129).into()]] {
        let input = [("QueueUrl", Tree::from(url("jobs"))), ("TagKeys", Tree::List(keys))];
        assert_eq!(world.code("UntagQueue", Tree::map(input)).await, "InvalidParameterValue");
    }
    let by_name = world.call("ListQueueTags", texts(&[("QueueUrl", "jobs")])).await;
    assert_eq!(by_name, Ok(Tree::Map(Vec::new())), "a name stands for its URL");
    let many: Vec<(String, Tree)> = (0..51).map(|n| (format!("k{n}"), Tree::from("v"))).collect();
    let many = Tree::map([("QueueUrl", url("jobs").into()), ("Tags", Tree::Map(many))]);
    assert_eq!(world.code("TagQueue", many).await, "InvalidParameterValue");
}

#[tokio::test]
async fn an_operation_that_sqs_does_not_have_is_refused() {
    let world = World::open().await;
    assert_eq!(world.code("FreezeQueue", texts(&[])).await, "InvalidAction");
}
