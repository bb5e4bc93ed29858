//! Topics, and subscribers over HTTP.

use flow::{Principal, Publish};

use crate::room::Room;

#[tokio::test]
async fn a_confirmed_subscriber_gets_each_message_once() {
    let mut room = Room::open().await;
    let (arn, _) = room.subscribed().await;
    room.topics.publish(&arn, "delivery-1", Some("hello"), "first").await.unwrap();
    room.topics.publish(&arn, "delivery-1", Some("hello"), "first").await.unwrap();
    room.call("Publish", &[("TopicArn", &arn), ("Message", "second")]).await.unwrap();
    let mut texts = Vec::new();
    for _ in 0..2 {
        let message = room.arrivals.recv().await.unwrap();
        assert_eq!(message["Type"], "Notification");
        texts.push(message["Message"].as_str().unwrap().to_owned());
    }
    texts.sort();
    assert_eq!(texts, ["first", "second"]);
    let counts = room.topics.queue().counts().await.unwrap();
    assert_eq!(counts.waiting, 0, "the repeated delivery made no second row");
    room.close().await;
}

#[tokio::test]
async fn nobody_gets_messages_before_confirming() {
    let mut room = Room::open().await;
    let arn = room.topics.ensure("news").await.unwrap();
    let endpoint = room.endpoint.clone();
    let input = [("TopicArn", arn.as_str()), ("Protocol", "http"), ("Endpoint", &endpoint)];
    room.call("Subscribe", &input).await.unwrap();
    room.call("Publish", &[("TopicArn", &arn), ("Message", "too early")]).await.unwrap();
    let only = room.arrivals.recv().await.unwrap();
    assert_eq!(only["Type"], "SubscriptionConfirmation");
    let attributes = room.call("GetTopicAttributes", &[("TopicArn", &arn)]).await.unwrap();
    let attributes = attributes.get("Attributes").unwrap();
    assert_eq!(attributes.text("SubscriptionsPending"), Some("1"));
    let wrong = [("TopicArn", arn.as_str()), ("Token", "guess")];
    assert_eq!(
        room.call("ConfirmSubscription", &wrong).await.unwrap_err().message,
        "Invalid token"
    );
    room.close().await;
}

#[tokio::test]
async fn an_endpoint_that_fails_is_tried_again_with_the_same_message_id() {
    let mut room = Room::open().await;
    let (arn, _) = room.subscribed().await;
    room.answers.lock().unwrap().extend([503, 500]);
    room.topics.publish(&arn, "delivery-1", None, "again").await.unwrap();
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(room.arrivals.recv().await.unwrap()["MessageId"].clone());
        while ids.len() < 3 && room.topics.queue().counts().await.unwrap().waiting == 0 {
            tokio::task::yield_now().await;
        }
        room.clock.advance(20_000);
    }
    assert!(ids.windows(2).all(|pair| pair.first() == pair.last()), "{ids:?}");
    room.close().await;
}

#[tokio::test]
async fn an_endpoint_that_refuses_for_good_leaves_a_dead_letter() {
    let mut room = Room::open().await;
    let (arn, _) = room.subscribed().await;
    room.answers.lock().unwrap().push(404);
    room.topics.publish(&arn, "delivery-1", None, "gone").await.unwrap();
    room.arrivals.recv().await.unwrap();
    let queue = room.topics.queue().clone();
    room.close().await;
    let dead = queue.dead(10).await.unwrap();
    assert_eq!(dead.len(), 1);
    assert!(dead.first().unwrap().reason.contains("404"));
}

#[tokio::test]
async fn whoever_holds_the_url_may_unsubscribe_and_come_back() {
    let mut room = Room::open().await;
    let (arn, subscription) = room.subscribed().await;
    let input = [("SubscriptionArn", subscription.as_str())];
    room.call_as(Principal::Anonymous, "Unsubscribe", &input).await.unwrap();
    let farewell = room.arrivals.recv().await.unwrap();
    assert_eq!(farewell["Type"], "UnsubscribeConfirmation");
    // Once more says nothing new: the token below still holds.
    room.call_as(Principal::Anonymous, "Unsubscribe", &input).await.unwrap();
    let token = farewell["Token"].as_str().unwrap();
    room.call("ConfirmSubscription", &[("TopicArn", &arn), ("Token", token)]).await.unwrap();
    room.call("Unsubscribe", &input).await.unwrap();
    let listed = room.call("ListSubscriptions", &[]).await.unwrap();
    assert!(listed.list("Subscriptions").is_empty());
    room.close().await;
}

#[tokio::test]
async fn a_topic_made_twice_is_one_and_deleted_takes_its_subscriptions() {
    let mut room = Room::open().await;
    let (arn, _) = room.subscribed().await;
    let again = room.call("CreateTopic", &[("Name", "news")]).await.unwrap();
    assert_eq!(again.text("TopicArn"), Some(arn.as_str()));
    room.call("DeleteTopic", &[("TopicArn", &arn)]).await.unwrap();
    assert_eq!(
        room.call("GetTopicAttributes", &[("TopicArn", &arn)]).await.unwrap_err().code,
        "NotFoundException"
    );
    let listed = room.call("ListTopics", &[]).await.unwrap();
    assert!(listed.list("Topics").is_empty());
    let listed = room.call("ListSubscriptions", &[]).await.unwrap();
    assert!(listed.list("Subscriptions").is_empty());
    room.close().await;
}

#[tokio::test]
async fn what_has_no_effect_is_refused() {
    let room = Room::open().await;
    let arn = room.topics.ensure("news").await.unwrap();
    for (operation, input) in [
        (
            "Publish",
            vec![("TopicArn", arn.as_str()), ("Message", "m"), ("MessageDeduplicationId", "d")],
        ),
        ("Subscribe", vec![("TopicArn", &arn), ("Protocol", "email"), ("Endpoint", "a@b.cd")]),
        ("PutDataProtectionPolicy", vec![("ResourceArn", &arn)]),
    ] {
        assert!(room.call(operation, &input).await.is_err(), "{operation}");
    }
    room.close().await;
}
