//! What becomes of an event: answered, failed, tried again, buried.

use serde_json::{Value, json};

use crate::room::{ARN, Room};
use bytes::Bytes;
use flow::{Invoke, InvokeError};

fn s3_event(what: &str) -> Value {
    json!({
        "do": what,
        "Records": [{"s3": {"bucket": {"name": "logs"}, "object": {"key": "a+file.json.gz"}}}]
    })
}

pub(crate) async fn an_answer_is_settled_and_then_acknowledged() {
    let room = Room::new("lambda").await;
    let id = room.invoke("1", json!({"n": 1})).await;
    room.until(|counts| counts.done == 1).await;
    let seen = room.settled.seen.lock().unwrap().clone();
    assert_eq!(seen, [(id.clone(), json!({"echo": {"n": 1}, "arn": ARN, "id": id}))]);
    room.end().await;
}

pub(crate) async fn a_failing_function_is_tried_again_and_then_buried() {
    let mut room = Room::new("lambda").await;
    let id = room.invoke("1", s3_event("fail")).await;
    room.tried().await;
    room.clock.advance(59_999);
    assert_eq!(room.functions.queue().counts().await.unwrap().waiting, 1);
    room.clock.advance(1);
    room.tried().await;
    room.clock.advance(120_000);
    let dead = room.dead().await;
    assert_eq!(dead.attempts, 3);
    // The same request id on every try: the function repeats it in its error.
    assert!(dead.reason.ends_with(&format!("cannot do it for {id}")), "{}", dead.reason);
    assert_eq!(dead.detail, json!({"bucket": "logs", "key": "a file.json.gz"}));
    let log = std::fs::read_to_string(room.functions.log_path("act").unwrap()).unwrap();
    assert_eq!(log.matches(&format!("handling {id}")).count(), 3);
    room.touched.close();
    room.end().await;
}

pub(crate) async fn a_function_that_takes_too_long_is_ended() {
    let mut room = Room::new("lambda").await;
    let id = room.invoke("1", s3_event("hang")).await;
    for wait in [60_000, 120_000, 0] {
        room.touched.recv().await.unwrap();
        room.clock.advance(3_000);
        room.tried().await;
        room.clock.advance(wait);
    }
    let dead = room.dead().await;
    let words = format!("RequestId: {id} Error: Task timed out after 3.00 seconds");
    assert!(dead.reason.ends_with(&words), "{}", dead.reason);
    room.end().await;
}

pub(crate) async fn a_function_that_exits_has_failed() {
    let mut room = Room::new("lambda").await;
    let id = room.invoke("1", s3_event("exit")).await;
    let dead = room.dead_after_retries().await;
    let words = format!(
        "Runtime.ExitError: RequestId: {id} Error: Runtime exited with error: exit status 1"
    );
    assert_eq!(dead.reason, words);
    room.end().await;
}

pub(crate) async fn a_function_that_exits_at_its_start_has_failed() {
    let mut room = Room::new("exit").await;
    room.invoke("1", json!({})).await;
    let dead = room.dead_after_retries().await;
    assert!(dead.reason.ends_with("Runtime exited with error: exit status 3"), "{}", dead.reason);
    room.end().await;
}

pub(crate) async fn a_function_that_never_asks_for_work_has_failed() {
    let mut room = Room::new("silent").await;
    let id = room.invoke("1", json!({})).await;
    for wait in [60_000, 120_000, 0] {
        room.touched.recv().await.unwrap();
        room.clock.advance(10_000);
        room.tried().await;
        room.clock.advance(wait);
    }
    let dead = room.dead().await;
    let words = format!("RequestId: {id} Error: Task timed out after 10.00 seconds");
    assert!(dead.reason.ends_with(&words), "{}", dead.reason);
    room.end().await;
}

pub(crate) async fn an_init_error_is_the_reason() {
    let mut room = Room::new("init-error").await;
    room.invoke("1", json!({})).await;
    assert_eq!(room.dead_after_retries().await.reason, "Rules.Missing: no rules");
    room.end().await;
}

pub(crate) async fn an_answer_that_is_too_large_is_a_failure() {
    let mut room = Room::new("lambda").await;
    room.invoke("1", json!({"do": "big"})).await;
    let dead = room.dead_after_retries().await;
    assert!(dead.reason.starts_with("Function.ResponseSizeTooLarge: "), "{}", dead.reason);
    room.end().await;
}

pub(crate) async fn a_settlement_that_fails_is_repeated_without_a_new_try() {
    let room = Room::new("lambda").await;
    *room.settled.failing.lock().unwrap() = 2;
    room.invoke("1", json!({})).await;
    let mut failed = room.settled.failed.subscribe();
    failed.wait_for(|failed| *failed == 1).await.unwrap();
    // From here on only the settlement waits for the clock.
    while room.functions.queue().counts().await.unwrap().done < 1 {
        room.clock.advance(100);
    }
    assert_eq!(room.settled.seen.lock().unwrap().len(), 1);
    let log = std::fs::read_to_string(room.functions.log_path("act").unwrap()).unwrap();
    assert_eq!(log.matches("START RequestId").count(), 1);
    room.end().await;
}

pub(crate) async fn an_answer_may_give_its_event_up_for_good() {
    let room = Room::new("lambda").await;
    *room.settled.dead.lock().unwrap() = true;
    room.invoke("1", json!({})).await;
    let dead = room.dead().await;
    assert_eq!((dead.reason.as_str(), dead.attempts), ("not a log file", 1));
    assert_eq!(dead.detail, json!({"bucket": "b", "key": "k", "offset": 7}));
    room.end().await;
}

pub(crate) async fn the_same_delivery_twice_is_one_invocation() {
    let room = Room::new("lambda").await;
    let first = room.invoke("1", json!({})).await;
    room.until(|counts| counts.done == 1).await;
    assert_eq!(room.invoke("1", json!({})).await, first);
    let counts = room.functions.queue().counts().await.unwrap();
    assert_eq!((counts.waiting, counts.leased, counts.done), (0, 0, 1));
    room.end().await;
}

pub(crate) async fn an_unknown_function_takes_nothing() {
    let room = Room::new("lambda").await;
    let arn = "arn:aws:lambda:us-east-2:123456789012:function:other";
    let refused = room.functions.invoke(arn, "1", Bytes::from_static(b"{}")).await;
    assert_eq!(refused, Err(InvokeError::NoSuchFunction(arn.to_owned())));
    room.end().await;
}

pub(crate) async fn a_stop_gives_back_what_waits_and_the_next_start_runs_it() {
    let folder = tempfile::tempdir().unwrap();
    let room = Room::at(folder.path().to_owned(), "lambda").await;
    *room.settled.failing.lock().unwrap() = 1;
    let id = room.invoke("1", json!({})).await;
    // Failed once, the settlement waits for a clock that stands still.
    let mut failed = room.settled.failed.subscribe();
    failed.wait_for(|failed| *failed == 1).await.unwrap();
    room.end().await;
    let room = Room::at(folder.path().to_owned(), "lambda").await;
    room.until(|counts| counts.done == 1).await;
    assert_eq!(room.settled.seen.lock().unwrap()[0].0, id);
    room.end().await;
}

pub(crate) async fn a_stop_ends_what_does_not_end_itself() {
    let mut room = Room::new("lambda").await;
    room.invoke("1", json!({"do": "hang"})).await;
    room.touched.recv().await.unwrap();
    room.end().await;
}

pub(crate) async fn a_dead_letter_can_be_run_again() {
    let mut room = Room::new("lambda").await;
    room.invoke("1", s3_event("fail")).await;
    let dead = room.dead_after_retries().await;
    let job = function::Job::from_bytes(&dead.body).unwrap();
    assert_eq!(job.event, s3_event("fail").to_string());
    let now = flow::Clock::now(&*room.clock);
    assert!(room.functions.queue().revive(&dead.id, now).await.unwrap());
    assert_eq!(room.dead_after_retries().await.attempts, 3);
    room.end().await;
}

pub(crate) async fn memory_over_the_limit_ends_the_instance() {
    let mut room = Room::new("lambda").await;
    room.invoke("1", json!({"do": "eat"})).await;
    let dead = room.dead_after_retries().await;
    assert!(dead.reason.starts_with("Runtime.OutOfMemory: "), "{}", dead.reason);
    room.end().await;
}

pub(crate) async fn an_instance_serves_many_events_and_leaves_when_idle() {
    let room = Room::new("lambda").await;
    for n in 0..20 {
        room.ask(json!({"n": n})).await;
    }
    let mut ended = room.functions.ended();
    ended.wait_for(|tries| *tries == 20).await.unwrap();
    let instances = || std::fs::read_dir(room.dir.join("instances")).unwrap().count();
    assert!((1..=2).contains(&instances()));
    room.clock.advance(5 * 60 * 1_000);
    while instances() > 0 {
        tokio::task::yield_now().await;
    }
    room.ask(json!({"n": 20})).await;
    room.end().await;
}

pub(crate) async fn the_log_tells_of_each_invocation() {
    let room = Room::new("lambda").await;
    let id = room.invoke("1", json!({})).await;
    room.until(|counts| counts.done == 1).await;
    let path = room.functions.log_path("act").unwrap();
    let log = std::fs::read_to_string(path).unwrap();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let messages: Vec<&str> = lines.iter().map(|line| line["message"].as_str().unwrap()).collect();
    assert_eq!(messages[0], format!("START RequestId: {id} Version: $LATEST"));
    assert_eq!(messages[1], format!("handling {id}"));
    assert_eq!(messages[2], format!("END RequestId: {id}"));
    assert!(messages[3].starts_with(&format!("REPORT RequestId: {id}\tDuration: ")));
    assert_eq!(lines[1]["stream"], "stdout");
    assert_eq!(lines[1]["request_id"], id);
    let init = messages[3].split('\t').find(|part| part.starts_with("Init")).unwrap();
    println!("measured, launcher's start to first next: {init}");
    assert_eq!(room.functions.log_path("other"), None);
    room.end().await;
}
