//! Subscribers inside the process: queues and functions, their policies, their dead letters.

use flow::{AttributeValue, Publish, Tree};
use serde_json::Value;

use crate::room::Room;

const QUEUE: &str = "arn:aws:sqs:us-east-2:123456789012:q";
const DEAD: &str = "arn:aws:sqs:us-east-2:123456789012:dead";
const FUNCTION: &str = "arn:aws:lambda:us-east-2:123456789012:function:f";
const REDRIVE: &str = r#"{"deadLetterTargetArn":"arn:aws:sqs:us-east-2:123456789012:dead"}"#;

#[tokio::test]
async fn a_queue_of_the_account_gets_the_envelope_at_once() {
    let room = Room::open().await;
    let (topic, subscription) = room.subscribed_inside("sqs", QUEUE, &[]).await;
    assert!(subscription.starts_with(&format!("{topic}:")));
    room.topics.publish(&topic, "d-1", Some("hello"), "text").await.unwrap();
    room.settled(1).await;
    let queued = room.inside.queued.lock().unwrap().clone();
    assert_eq!(queued.len(), 1);
    assert_eq!(queued[0].0, QUEUE);
    let envelope: Value = serde_json::from_str(&queued[0].2.body).unwrap();
    assert_eq!((&envelope["Type"], &envelope["Message"]), (&"Notification".into(), &"text".into()));
    assert_eq!(envelope["Subject"], "hello");
    let asked = room.inside.asked.lock().unwrap().clone();
    assert_eq!((asked[0].action.as_str(), asked[0].resource.as_str()), ("sqs:SendMessage", QUEUE));
    assert!(asked[0].context.contains(&("aws:SourceArn".to_owned(), topic)));
    room.close().await;
}

#[tokio::test]
async fn a_raw_message_keeps_its_text_and_attributes() {
    let room = Room::open().await;
    let (topic, _) = room.subscribed_inside("sqs", QUEUE, &[("RawMessageDelivery", "true")]).await;
    let attribute = |kind: &str, name: &str, value: Tree| {
        Tree::map([("DataType", Tree::from(kind)), (name, value)])
    };
    let attributes = Tree::map([
        ("who", attribute("String", "StringValue", "me".into())),
        ("raw", attribute("Binary", "BinaryValue", Tree::Blob(vec![0, 255]))),
    ]);
    let input = Tree::map([
        ("TopicArn", Tree::from(topic)),
        ("Message", "plain".into()),
        ("MessageAttributes", attributes),
    ]);
    room.tree("Publish", input).await.unwrap();
    room.settled(1).await;
    let queued = room.inside.queued.lock().unwrap().clone();
    let message = &queued[0].2;
    assert_eq!(message.body, "plain");
    assert_eq!(message.attributes["who"].value, AttributeValue::Text("me".into()));
    assert_eq!(message.attributes["raw"].value, AttributeValue::Bytes(vec![0, 255]));
    room.close().await;
}

#[tokio::test]
async fn a_group_goes_with_the_message_to_the_queue_that_subscribed() {
    for (raw, denied, queue) in [("false", "", QUEUE), ("true", "", QUEUE), ("true", QUEUE, DEAD)] {
        let room = Room::open().await;
        room.inside.denied.lock().unwrap().push(denied.to_owned());
        let settings = [("RawMessageDelivery", raw), ("RedrivePolicy", REDRIVE)];
        let (topic, _) = room.subscribed_inside("sqs", QUEUE, &settings).await;
        let message =
            [("TopicArn", topic.as_str()), ("Message", "m"), ("MessageGroupId", "tenant-1")];
        room.call("Publish", &message).await.unwrap();
        room.settled(1).await;
        let queued = room.inside.queued.lock().unwrap().clone();
        let group = (queue == QUEUE).then_some("tenant-1");
        assert_eq!((queued[0].0.as_str(), queued[0].2.group.as_deref()), (queue, group), "{raw}");
        let wrong = [message[0], message[1], ("MessageGroupId", "a b")];
        assert_eq!(
            room.call("Publish", &wrong).await.unwrap_err().code,
            "InvalidParameterException"
        );
        room.close().await;
    }
}

#[tokio::test]
async fn a_function_gets_an_event_with_its_subscription() {
    let room = Room::open().await;
    let (topic, subscription) = room.subscribed_inside("lambda", FUNCTION, &[]).await;
    room.topics.publish(&topic, "d-1", None, "text").await.unwrap();
    room.settled(1).await;
    let invoked = room.inside.invoked.lock().unwrap().clone();
    assert_eq!(invoked[0].0, FUNCTION);
    let event: Value = serde_json::from_slice(&invoked[0].1).unwrap();
    let record = &event["Records"][0];
    assert_eq!(record["EventSubscriptionArn"], Value::from(subscription));
    assert_eq!(record["Sns"]["Message"], "text");
    assert_eq!(record["Sns"]["Subject"], Value::Null);
    assert_eq!(room.inside.asked.lock().unwrap()[0].action, "lambda:InvokeFunction");
    room.close().await;
}

#[tokio::test]
async fn only_what_the_filter_wants_is_delivered() {
    let room = Room::open().await;
    let filter = [
        ("FilterPolicy", r#"{"event":{"name":[{"prefix":"Create"}]}}"#),
        ("FilterPolicyScope", "MessageBody"),
    ];
    let (topic, subscription) = room.subscribed_inside("sqs", QUEUE, &filter).await;
    for text in [r#"{"event":{"name":"CreateTopic"}}"#, r#"{"event":{"name":"Delete"}}"#, "no"] {
        room.call("Publish", &[("TopicArn", &topic), ("Message", text)]).await.unwrap();
    }
    room.settled(1).await;
    assert_eq!(room.inside.queued.lock().unwrap().len(), 1);

    let set = |name: &'static str, value: &'static str| {
        let arn = subscription.clone();
        let input = [
            ("SubscriptionArn", arn),
            ("AttributeName", name.into()),
            ("AttributeValue", value.into()),
        ];
        room.tree("SetSubscriptionAttributes", Tree::map(input.map(|(n, v)| (n, Tree::from(v)))))
    };
    let nested = set("FilterPolicyScope", "MessageAttributes").await.unwrap_err();
    assert!(nested.message.contains("nested"), "{nested}");
    set("FilterPolicy", "").await.unwrap();
    room.call("Publish", &[("TopicArn", &topic), ("Message", "no")]).await.unwrap();
    room.settled(2).await;
    assert_eq!(room.inside.queued.lock().unwrap().len(), 2);
    room.close().await;
}

#[tokio::test]
async fn what_policies_deny_goes_to_the_dead_letter_queue_at_once() {
    let room = Room::open().await;
    room.inside.denied.lock().unwrap().push(FUNCTION.to_owned());
    let (topic, _) =
        room.subscribed_inside("lambda", FUNCTION, &[("RedrivePolicy", REDRIVE)]).await;
    room.topics.publish(&topic, "d-1", None, "text").await.unwrap();
    room.settled(1).await;
    let queued = room.inside.queued.lock().unwrap().clone();
    assert_eq!((queued.len(), queued[0].0.as_str()), (1, DEAD));
    assert!(queued[0].2.body.contains("\"Message\": \"text\""));
    assert_eq!(room.topics.queue().counts().await.unwrap().dead, 0);
    room.close().await;
}

#[tokio::test]
async fn a_dead_letter_that_has_no_queue_either_is_buried_with_both_reasons() {
    let room = Room::open().await;
    room.inside.missing.lock().unwrap().extend([QUEUE.to_owned(), DEAD.to_owned()]);
    let (topic, _) = room.subscribed_inside("sqs", QUEUE, &[("RedrivePolicy", REDRIVE)]).await;
    room.topics.publish(&topic, "d-1", None, "text").await.unwrap();
    room.settled(1).await;
    let dead = room.topics.queue().dead(9).await.unwrap();
    assert_eq!(dead.len(), 1);
    for arn in [QUEUE, DEAD] {
        assert!(dead[0].reason.contains(arn), "{}", dead[0].reason);
    }
    room.close().await;
}

#[tokio::test]
async fn subscribing_again_is_the_same_subscription_unless_its_attributes_differ() {
    let room = Room::open().await;
    let raw = [("RawMessageDelivery", "true")];
    let (topic, first) = room.subscribed_inside("sqs", QUEUE, &raw).await;
    assert_eq!(room.subscribed_inside("sqs", QUEUE, &raw).await.1, first);
    let given = Tree::map([("RawMessageDelivery", Tree::from("false"))]);
    let input = Tree::map([
        ("TopicArn", Tree::from(topic)),
        ("Protocol", "sqs".into()),
        ("Endpoint", QUEUE.into()),
        ("Attributes", given),
    ]);
    let other = room.tree("Subscribe", input).await.unwrap_err();
    assert!(other.message.contains("already exists with different attributes"), "{other}");
    let told =
        room.call("GetSubscriptionAttributes", &[("SubscriptionArn", &first)]).await.unwrap();
    let told = told.get("Attributes").unwrap();
    for (name, value) in [
        ("RawMessageDelivery", "true"),
        ("PendingConfirmation", "false"),
        ("ConfirmationWasAuthenticated", "true"),
        ("Endpoint", QUEUE),
        ("SubscriptionPrincipal", "arn:aws:iam::123456789012:root"),
    ] {
        assert_eq!(told.text(name), Some(value), "{name}");
    }
    room.close().await;
}
