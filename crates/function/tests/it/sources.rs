//! Event source mappings: what a queue has is given to a function, and deleted once it has dealt
//! with it.

use flow::{Fault, Tree};
use serde_json::{Value, json};

use crate::{
    desk::QUEUE,
    lambda::text,
    room::{ARN, Room},
};

impl Room {
    async fn map(&self, more: Vec<(&str, Tree)>) -> Result<String, Fault> {
        let mut members = vec![("FunctionName", text("act")), ("EventSourceArn", text(QUEUE))];
        members.retain(|(name, _)| more.iter().all(|(other, _)| name != other));
        members.extend(more);
        let made = self.call("CreateEventSourceMapping", Tree::map(members)).await?;
        assert_eq!(made.text("State"), Some("Creating"));
        Ok(made.text("UUID").unwrap().to_owned())
    }

    async fn mapping(&self, id: &str) -> Result<Tree, Fault> {
        self.call("GetEventSourceMapping", Tree::map([("UUID", text(id))])).await
    }

    async fn change(&self, id: &str, more: Vec<(&str, Tree)>) -> Tree {
        let mut members = vec![("UUID", text(id))];
        members.extend(more);
        self.call("UpdateEventSourceMapping", Tree::map(members)).await.unwrap()
    }

    /// Waits until the mapping is in that state.
    async fn state(&self, id: &str, state: &str) {
        while self.mapping(id).await.unwrap().text("State") != Some(state) {
            tokio::task::yield_now().await;
        }
    }

    /// Waits until the last batch has gone so.
    async fn result(&self, id: &str, part: &str) {
        while !self.mapping(id).await.unwrap().text("LastProcessingResult").unwrap().contains(part)
        {
            tokio::task::yield_now().await;
        }
    }

    /// The events that were settled.
    fn events(&self) -> Vec<Value> {
        let seen = self.settled.seen.lock().unwrap();
        seen.iter().map(|(_, answer)| answer["event"].clone()).collect()
    }
}

fn bodies(event: &Value) -> Vec<&str> {
    let records = event["Records"].as_array().unwrap();
    records.iter().map(|record| record["body"].as_str().unwrap()).collect()
}

pub(crate) async fn a_batch_is_given_to_the_function_and_then_deleted() {
    let room = Room::new("lambda").await;
    room.desk.put(&["a", "b"]);
    let id = room.map(Vec::new()).await.unwrap();
    room.desk.until(|desk| desk.left().is_empty()).await;
    room.result(&id, "OK").await;
    let events = room.events();
    assert_eq!(bodies(&events[0]), ["a", "b"]);
    let record = &events[0]["Records"][0];
    assert_eq!(record["messageId"], "a");
    assert_eq!(
        (&record["eventSource"], &record["eventSourceARN"]),
        (&json!("aws:sqs"), &json!(QUEUE))
    );
    assert_eq!(
        (&record["awsRegion"], &record["receiptHandle"]),
        (&json!("us-east-2"), &json!("a#1"))
    );
    assert_eq!(record["attributes"], json!({"ApproximateReceiveCount": "1"}));
    let told = room.mapping(&id).await.unwrap();
    assert_eq!(told.text("State"), Some("Enabled"));
    assert_eq!(told.text("FunctionArn"), Some(ARN));
    assert_eq!(told.int("BatchSize"), Some(10));
    let arn = format!("arn:aws:lambda:us-east-2:123456789012:event-source-mapping:{id}");
    assert_eq!(told.text("EventSourceMappingArn"), Some(arn.as_str()));
    room.end().await;
}

pub(crate) async fn a_batch_that_failed_comes_again_once_it_is_visible() {
    let room = Room::new("lambda").await;
    let id = room.map(Vec::new()).await.unwrap();
    room.desk.put(&["fail 1", "b"]);
    room.result(&id, "PROBLEM: Function call failed").await;
    assert_eq!(room.desk.left(), [("fail 1".to_owned(), 1), ("b".to_owned(), 1)]);
    room.clock.advance(30_000);
    room.desk.until(|desk| desk.left().is_empty()).await;
    assert_eq!(room.events().len(), 1);
    room.end().await;
}

pub(crate) async fn only_messages_that_are_named_come_again() {
    let room = Room::new("lambda").await;
    let types = Tree::from(vec![text("ReportBatchItemFailures")]);
    let id = room.map(vec![("FunctionResponseTypes", types)]).await.unwrap();
    room.desk.put(&["a", "item 1", "b"]);
    room.desk.until(|desk| desk.left() == [("item 1".to_owned(), 1)]).await;
    room.clock.advance(30_000);
    room.desk.until(|desk| desk.left().is_empty()).await;
    // An answer that names what was not asked fails the whole batch.
    room.desk.put(&["other", "c"]);
    room.result(&id, "batchItemFailures").await;
    assert_eq!(room.desk.left().len(), 2);
    room.end().await;
}

pub(crate) async fn a_batch_waits_for_its_window_and_is_cut_at_its_size() {
    let room = Room::new("lambda").await;
    let more =
        vec![("BatchSize", Tree::Int(12)), ("MaximumBatchingWindowInSeconds", Tree::Int(60))];
    room.map(more).await.unwrap();
    let bodies_of = |from: usize, to: usize| (from..to).map(|n| n.to_string()).collect::<Vec<_>>();
    let put = |bodies: &[String]| {
        room.desk.put(&bodies.iter().map(String::as_str).collect::<Vec<_>>());
    };
    put(&bodies_of(0, 14));
    room.desk.until(|desk| desk.left().len() == 2).await;
    assert_eq!(bodies(&room.events()[0]).len(), 12);
    room.desk.until(|desk| desk.left().iter().all(|(_, receives)| *receives == 1)).await;
    assert_eq!(room.events().len(), 1);
    // The window is over, unless the messages were taken note of only then; a clock that moved on
    // while the function is at work would be its timeout.
    loop {
        room.clock.advance(61_000);
        let all_gone = room.desk.until(|desk| desk.left().is_empty());
        if tokio::time::timeout(std::time::Duration::from_secs(5), all_gone).await.is_ok() {
            break;
        }
    }
    assert_eq!(room.events().len(), 2);
    room.end().await;
}

pub(crate) async fn what_no_filter_wants_is_deleted_without_an_invocation() {
    let room = Room::new("lambda").await;
    let pattern = Tree::map([("Pattern", text("want"))]);
    let criteria = Tree::map([("Filters", Tree::from(vec![pattern]))]);
    let id = room.map(vec![("FilterCriteria", criteria.clone())]).await.unwrap();
    room.desk.put(&["no", "want", "neither"]);
    room.desk.until(|desk| desk.left().is_empty()).await;
    room.result(&id, "OK").await;
    assert_eq!(bodies(&room.events()[0]), ["want"]);
    assert_eq!(room.mapping(&id).await.unwrap().get("FilterCriteria"), Some(&criteria));
    room.end().await;
}

pub(crate) async fn a_mapping_is_disabled_enabled_and_deleted() {
    let room = Room::new("lambda").await;
    let id = room.map(vec![("Enabled", Tree::from(false))]).await.unwrap();
    room.state(&id, "Disabled").await;
    room.desk.put(&["a"]);
    let told = room.change(&id, vec![("Enabled", Tree::from(true))]).await;
    assert_eq!(told.text("State"), Some("Enabling"));
    room.desk.until(|desk| desk.left().is_empty()).await;
    room.state(&id, "Enabled").await;
    let told = room.change(&id, vec![("BatchSize", Tree::Int(1))]).await;
    assert_eq!((told.text("State"), told.int("BatchSize")), (Some("Updating"), Some(1)));
    room.state(&id, "Enabled").await;
    room.desk.put(&["b", "c"]);
    room.desk.until(|desk| desk.left().is_empty()).await;
    assert_eq!(room.events().len(), 3);
    let told = room.change(&id, vec![("Enabled", Tree::from(false))]).await;
    assert_eq!(told.text("State"), Some("Disabling"));
    room.state(&id, "Disabled").await;
    room.desk.put(&["d"]);
    let named = || Tree::map([("UUID", text(&id))]);
    let told = room.call("DeleteEventSourceMapping", named()).await.unwrap();
    assert_eq!(told.text("State"), Some("Deleting"));
    while room.mapping(&id).await.is_ok() {
        tokio::task::yield_now().await;
    }
    let gone = room.call("DeleteEventSourceMapping", named()).await.unwrap_err();
    assert_eq!(gone.code, "ResourceNotFoundException");
    assert_eq!(room.desk.left(), [("d".to_owned(), 0)]);
    room.end().await;
}

pub(crate) async fn a_mapping_outlives_a_restart_and_a_stop_shows_what_nobody_had() {
    let folder = tempfile::tempdir().unwrap();
    let room = Room::at(folder.path().to_owned(), "lambda").await;
    let more =
        vec![("BatchSize", Tree::Int(12)), ("MaximumBatchingWindowInSeconds", Tree::Int(60))];
    let id = room.map(more).await.unwrap();
    room.desk.put(&["a"]);
    room.desk.until(|desk| desk.left() == [("a".to_owned(), 1)]).await;
    let desk = std::sync::Arc::clone(&room.desk);
    room.end().await;
    // It was held for its window: it is visible again without a wait.
    let stop = tokio_util::sync::CancellationToken::new();
    let again = function::Source::receive(&*desk, QUEUE, 10, 0, &stop).await.unwrap();
    assert_eq!(again.len(), 1);
    let room = Room::at(folder.path().to_owned(), "lambda").await;
    room.state(&id, "Enabled").await;
    room.change(&id, vec![("BatchSize", Tree::Int(1))]).await;
    room.desk.put(&["b"]);
    room.desk.until(|desk| desk.left().is_empty()).await;
    room.end().await;
}

pub(crate) async fn a_mapping_waits_while_its_function_may_not_run() {
    let room = Room::new("lambda").await;
    let reserved = |count| {
        Tree::map([
            ("FunctionName", text("act")),
            ("ReservedConcurrentExecutions", Tree::Int(count)),
        ])
    };
    room.call("PutFunctionConcurrency", reserved(0)).await.unwrap();
    let id = room.map(Vec::new()).await.unwrap();
    room.desk.put(&["a"]);
    room.result(&id, "PROBLEM: Function call throttled").await;
    assert_eq!(room.desk.left(), [("a".to_owned(), 0)]);
    room.call("PutFunctionConcurrency", reserved(1)).await.unwrap();
    room.clock.advance(1_000);
    room.desk.until(|desk| desk.left().is_empty()).await;
    room.end().await;
}

pub(crate) async fn a_mapping_that_cannot_be_is_refused() {
    let room = Room::new("lambda").await;
    let first = room.map(vec![("Enabled", Tree::from(false))]).await.unwrap();
    let check = async |more: Vec<(&str, Tree)>, code: &str, part: &str| {
        let refused = room.map(more).await.unwrap_err();
        assert_eq!(refused.code, code, "{refused:?}");
        assert!(refused.message.contains(part), "{refused:?}");
    };
    let invalid = "InvalidParameterValueException";
    let already = format!("Please update or delete the existing mapping with UUID {first}");
    check(Vec::new(), "ResourceConflictException", &already).await;
    let of = |rest: &str| vec![("EventSourceArn", text(&format!("arn:aws:{rest}")))];
    check(of("sqs:us-east-2:123456789012:gone"), invalid, "NonExistentQueue").await;
    let words =
        "The provided execution role does not have permissions to call ReceiveMessage on SQS";
    check(of("sqs:us-east-2:123456789012:forbidden"), invalid, words).await;
    let words = "Queue visibility timeout: 2 seconds is less than Function timeout: 3 seconds";
    check(of("sqs:us-east-2:123456789012:short"), invalid, words).await;
    check(of("kinesis:us-east-2:123456789012:stream/s"), invalid, "the service kinesis").await;
    check(of("dynamodb:us-east-2:123456789012:table/t"), invalid, "the service dynamodb").await;
    check(of("sqs:us-east-2:123456789012:q.fifo"), invalid, "FIFO").await;
    check(vec![("EventSourceArn", text(""))], invalid, "Unrecognized event source.").await;
    check(vec![("FunctionName", text("none"))], invalid, "Function does not exist").await;
    let words = "Maximum batch window in seconds must be greater than 0";
    check(vec![("BatchSize", Tree::Int(11))], invalid, words).await;
    let model = "ValidationException";
    check(vec![("BatchSize", Tree::Int(0))], model, "at 'batchSize'").await;
    check(vec![("MaximumBatchingWindowInSeconds", Tree::Int(301))], model, "'maximumBatching")
        .await;
    let scaling = Tree::map([("MaximumConcurrency", Tree::Int(1))]);
    check(vec![("ScalingConfig", scaling)], model, "maximumConcurrency").await;
    let types = Tree::from(vec![text("Other")]);
    check(vec![("FunctionResponseTypes", types)], model, "functionResponseTypes").await;
    let filter = Tree::from(vec![Tree::map([("Pattern", text("wrong"))])]);
    let words = "Invalid filter pattern definition. It is wrong.";
    check(vec![("FilterCriteria", Tree::map([("Filters", filter)]))], invalid, words).await;
    check(vec![("StartingPosition", text("LATEST"))], invalid, "StartingPosition").await;
    check(vec![("KMSKeyArn", text("arn:aws:kms:x"))], invalid, "KMSKeyArn").await;
    let listed = |name: &str, value: &str| {
        let input = Tree::map([(name.to_owned(), text(value))]);
        room.call("ListEventSourceMappings", input)
    };
    for (name, value, count) in [
        ("FunctionName", "act", 1),
        ("FunctionName", "other", 0),
        ("EventSourceArn", QUEUE, 1),
        ("EventSourceArn", "arn:aws:sqs:us-east-2:123456789012:other", 0),
    ] {
        let told = listed(name, value).await.unwrap();
        assert_eq!(told.list("EventSourceMappings").len(), count, "{name} {value}");
    }
    room.end().await;
}
