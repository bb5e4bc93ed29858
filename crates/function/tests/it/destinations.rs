//! What becomes of an event is told, to each kind of destination, for each way that it can end.

use bytes::Bytes;
use flow::{AttributeValue, Invoke, Tree};
use serde_json::{Value, json};

use crate::{
    lambda::{BASH, MINE, text},
    room::{ARN, Room},
};

const QUEUE: &str = "arn:aws:sqs:us-east-2:123456789012:told";
const TOPIC: &str = "arn:aws:sns:us-east-2:123456789012:told";

fn sides(success: Option<&str>, failure: Option<&str>) -> Tree {
    let side = |arn: Option<&str>| match arn {
        Some(arn) => Tree::map([("Destination", text(arn))]),
        None => Tree::Map(Vec::new()),
    };
    Tree::map([("OnSuccess", side(success)), ("OnFailure", side(failure))])
}

impl Room {
    /// Sets `act`'s destinations.
    async fn tell(&self, success: Option<&str>, failure: Option<&str>) {
        let input = [("FunctionName", text("act")), ("DestinationConfig", sides(success, failure))];
        let told = self.call("PutFunctionEventInvokeConfig", Tree::map(input)).await.unwrap();
        assert_eq!(told.get("DestinationConfig"), Some(&sides(success, failure)));
    }

    /// The one record that was sent there.
    async fn record(&self, arn: &str) -> Value {
        self.desk.until(|desk| !desk.sent(arn).is_empty()).await;
        let sent = self.desk.sent(arn);
        assert_eq!(sent.len(), 1, "{sent:?}");
        assert!(sent[0].attributes.is_empty());
        serde_json::from_str(&sent[0].body).unwrap()
    }

    /// Waits until nothing is on its way, and answers how many events are dead.
    async fn dead_events(&self) -> u64 {
        self.until(|counts| counts.waiting + counts.leased == 0).await;
        self.functions.queue().counts().await.unwrap().dead
    }
}

pub(crate) async fn a_success_is_told_to_its_destination() {
    let room = Room::new("lambda").await;
    room.tell(Some(QUEUE), Some(TOPIC)).await;
    let id = room.invoke("1", json!({"n": 1})).await;
    let record = room.record(QUEUE).await;
    assert_eq!(record["version"], "1.0");
    assert_eq!(
        record["requestContext"],
        json!({
            "requestId": id, "functionArn": format!("{ARN}:$LATEST"), "condition": "Success",
            "approximateInvokeCount": 1,
        })
    );
    assert_eq!(record["requestPayload"], json!({"n": 1}));
    assert_eq!(record["responseContext"], json!({"statusCode": 200, "executedVersion": "$LATEST"}));
    assert_eq!(record["responsePayload"]["echo"], json!({"n": 1}));
    assert_eq!(room.dead_events().await, 0);
    assert!(room.desk.sent(TOPIC).is_empty());
    room.end().await;
}

pub(crate) async fn a_failure_is_told_after_the_last_try_and_is_no_dead_letter() {
    let mut room = Room::new("lambda").await;
    room.tell(Some(QUEUE), Some(TOPIC)).await;
    let id = room.invoke("1", json!({"do": "fail"})).await;
    for wait in function::Config::RETRY_WAITS_MILLIS {
        room.tried().await;
        room.clock.advance(wait);
    }
    let record = room.record(TOPIC).await;
    let context = &record["requestContext"];
    assert_eq!(
        (&context["requestId"], &context["condition"]),
        (&json!(id), &json!("RetriesExhausted"))
    );
    assert_eq!(context["approximateInvokeCount"], 3);
    assert_eq!(record["responseContext"]["functionError"], "Unhandled");
    assert_eq!(record["responsePayload"]["errorMessage"], json!(format!("cannot do it for {id}")));
    assert_eq!(room.dead_events().await, 0);
    assert!(room.desk.sent(QUEUE).is_empty());
    room.end().await;
}

pub(crate) async fn an_event_that_grew_too_old_is_told_with_its_last_error() {
    let mut room = Room::new("lambda").await;
    room.tell(None, Some(QUEUE)).await;
    let age = [("FunctionName", text("act")), ("MaximumEventAgeInSeconds", Tree::Int(90))];
    room.call("UpdateFunctionEventInvokeConfig", Tree::map(age)).await.unwrap();
    room.invoke("1", json!({"do": "fail"})).await;
    room.tried().await;
    room.clock.advance(60_000);
    let record = room.record(QUEUE).await;
    assert_eq!(record["requestContext"]["condition"], "EventAgeExceeded");
    assert_eq!(record["requestContext"]["approximateInvokeCount"], 2);
    assert_eq!(record["responseContext"]["functionError"], "Unhandled");
    room.end().await;
}

pub(crate) async fn an_event_for_which_nothing_is_reserved_is_told_without_a_try() {
    let room = Room::new("lambda").await;
    room.tell(None, Some(QUEUE)).await;
    let none = [("FunctionName", text("act")), ("ReservedConcurrentExecutions", Tree::Int(0))];
    room.call("PutFunctionConcurrency", Tree::map(none)).await.unwrap();
    room.functions.invoke(ARN, "1", Bytes::from_static(b"{}")).await.unwrap();
    let record = room.record(QUEUE).await;
    assert_eq!(record["requestContext"]["condition"], "ZeroReservedConcurrency");
    assert_eq!(record["requestContext"]["approximateInvokeCount"], 0);
    assert!(record.get("responseContext").is_none());
    room.end().await;
}

pub(crate) async fn a_function_may_be_told_by_an_event_of_its_own() {
    let room = Room::new("lambda").await;
    room.create("provided", "none", &[("bootstrap", BASH)]).await;
    let input = [("FunctionName", text("mine")), ("DestinationConfig", sides(Some(ARN), None))];
    room.call("PutFunctionEventInvokeConfig", Tree::map(input)).await.unwrap();
    room.functions.invoke(MINE, "1", Bytes::from_static(b"{\"n\":2}")).await.unwrap();
    room.until(|_| !room.settled.seen.lock().unwrap().is_empty()).await;
    let seen = room.settled.seen.lock().unwrap()[0].1["echo"].clone();
    assert_eq!(seen["requestContext"]["functionArn"], json!(format!("{MINE}:$LATEST")));
    assert_eq!(seen["responsePayload"], json!({"n": 2}));
    room.end().await;
}

pub(crate) async fn a_dead_letter_target_receives_the_event_itself() {
    let room = Room::new("lambda").await;
    let bash = BASH.replace("/response", "/error");
    let target = Tree::map([("TargetArn", text(TOPIC))]);
    let more = vec![("DeadLetterConfig", target.clone())];
    let files = &[("bootstrap", bash.as_str())];
    let made = room.try_create("provided", "none", files, more).await.unwrap();
    assert_eq!(made.get("DeadLetterConfig"), Some(&target));
    let tries = [("FunctionName", text("mine")), ("MaximumRetryAttempts", Tree::Int(0))];
    room.call("PutFunctionEventInvokeConfig", Tree::map(tries)).await.unwrap();
    let event = r#"{"errorType":"E","errorMessage":"no"}"#;
    room.functions.invoke(MINE, "1", Bytes::from_static(event.as_bytes())).await.unwrap();
    room.desk.until(|desk| !desk.sent(TOPIC).is_empty()).await;
    let sent = room.desk.sent(TOPIC).remove(0);
    assert_eq!(sent.body, event);
    let value = |name: &str| sent.attributes[name].value.clone();
    assert_eq!(value("ErrorMessage"), AttributeValue::Text("no".to_owned()));
    assert_eq!(value("ErrorCode"), AttributeValue::Text("200".to_owned()));
    assert_eq!(room.dead_events().await, 0);
    // An empty one takes it away.
    let none = Tree::map([("TargetArn", text(""))]);
    let changed = [("FunctionName", text("mine")), ("DeadLetterConfig", none)];
    let changed = room.call("UpdateFunctionConfiguration", Tree::map(changed)).await.unwrap();
    assert_eq!(changed.get("DeadLetterConfig"), None);
    room.end().await;
}

pub(crate) async fn a_destination_that_takes_nothing_leaves_a_dead_letter_that_can_be_replayed() {
    let room = Room::new("lambda").await;
    let busy = "arn:aws:sqs:us-east-2:123456789012:busy";
    room.tell(Some(busy), None).await;
    let id = room.invoke("1", json!({"n": 1})).await;
    let outcomes = room.functions.outcomes();
    for seconds in [0, 1, 2, 4, 8] {
        let mut changed = outcomes.changed();
        room.clock.advance(seconds * 1_000);
        while outcomes.counts().await.unwrap().dead == 0 {
            let due = outcomes.next_due().await.unwrap();
            if due.is_some_and(|due| due > flow::Clock::now(&*room.clock)) {
                break;
            }
            tokio::select! {
                _ = changed.changed() => {}
                () = tokio::task::yield_now() => {}
            }
        }
    }
    while outcomes.counts().await.unwrap().dead == 0 {
        tokio::task::yield_now().await;
    }
    let dead = outcomes.dead(1).await.unwrap().remove(0);
    assert_eq!(dead.attempts, 5);
    assert_eq!(
        dead.reason,
        format!("the outcome of {id} was not sent to {busy}: it does not exist")
    );
    assert_eq!(room.dead_events().await, 0);
    assert!(outcomes.revive(&dead.id, flow::Clock::now(&*room.clock)).await.unwrap());
    room.end().await;
}

pub(crate) async fn a_destination_must_be_there_and_open_to_the_role() {
    let room = Room::new("lambda").await;
    let put = async |success: &str| {
        let input =
            [("FunctionName", text("act")), ("DestinationConfig", sides(Some(success), None))];
        let refused = room.call("PutFunctionEventInvokeConfig", Tree::map(input)).await;
        let refused = refused.unwrap_err();
        let is_arn = success.starts_with("arn:");
        let code = if is_arn { "InvalidParameterValueException" } else { "ValidationException" };
        assert_eq!(refused.code, code);
        refused.message
    };
    let of = |rest: &str| format!("arn:aws:{rest}");
    let forbidden = of("sqs:us-east-2:123456789012:forbidden");
    let expected = format!(
        "The function's execution role does not have permissions to call SendMessage on {forbidden}"
    );
    assert_eq!(put(&forbidden).await, expected);
    let gone = of("sns:us-east-2:123456789012:gone");
    let expected = format!(
        "The provided destination config DestinationConfig(onSuccess=OnSuccess(destination={gone}), \
         onFailure=null) is invalid. {gone} does not exist."
    );
    assert_eq!(put(&gone).await, expected);
    assert_eq!(put(ARN).await, "You can't specify the function as a destination for itself.");
    assert!(put(&of("events:us-east-2:123456789012:event-bus/b")).await.contains("Event buses"));
    assert!(put(&of("s3:::b")).await.contains("Buckets are not offered"));
    assert!(put("queue").await.contains("at 'destinationConfig.onSuccess.destination' failed"));
    let nothing = Tree::map([("FunctionName", text("act"))]);
    let refused = room.call("PutFunctionEventInvokeConfig", nothing).await.unwrap_err();
    assert!(refused.message.starts_with("You must specify at least one"), "{refused:?}");
    let create = async |target: &str| {
        let more = vec![("DeadLetterConfig", Tree::map([("TargetArn", text(target))]))];
        let made = room.try_create("provided", "none", &[("bootstrap", BASH)], more).await;
        made.unwrap_err().message
    };
    let words = "The provided execution role does not have permissions to call";
    assert_eq!(create(&forbidden).await, format!("{words} SendMessage on SQS"));
    let topic = of("sns:us-east-2:123456789012:forbidden");
    assert_eq!(create(&topic).await, format!("{words} Publish on SNS"));
    assert!(create(&gone).await.ends_with("does not exist."));
    assert!(create(ARN).await.contains("is invalid"));
    room.end().await;
}
