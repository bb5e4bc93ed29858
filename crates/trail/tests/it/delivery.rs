//! From records to log files.

use flow::{Clock as _, Tree};

use crate::{
    bucket::{Trouble, ids},
    world::{Event, WAIT_MAX_MILLIS, World, buckets, named},
};

const START: &str = "2026-11-22T10:02:03.500Z";

#[tokio::test]
async fn a_record_waits_for_wait_max_and_becomes_an_object_under_the_exact_key() {
    let dir = tempfile::tempdir().unwrap();
    let world = World::open(dir.path(), &buckets(), START).await;
    world.record("before", "us-east-2").await;
    world.start_trail("one", "logs").await;
    world.record("a", "us-east-2").await;
    world.record("b", "us-east-2").await;
    world.let_wait_max_pass("one").await;
    let objects = world.buckets.objects("logs", 1).await;
    let (key, text) = &objects[0];
    let unique = key
        .strip_prefix("AWSLogs/123456789012/CloudTrail/us-east-2/2026/11/22/123456789012_CloudTrail_us-east-2_20261122T1002Z_")
        .and_then(|rest| rest.strip_suffix(".json.gz"))
        .unwrap_or_else(|| panic!("{key}"));
    assert!(unique.len() == 16 && unique.bytes().all(|b| b.is_ascii_alphanumeric()), "{key}");
    assert!(text.starts_with(r#"{"Records":[{"eventVersion":"1.11","#), "{text}");
    assert_eq!(ids(text), ["a", "b"]);
    world.until("one", "the delivery is noted", |trail| trail.is_idle()).await;
    let status = world.call("GetTrailStatus", named("one")).await.unwrap();
    assert_eq!(status.get("LatestDeliveryTime"), Some(&Tree::Time(world.clock.now())));
    assert_eq!(status.text("LatestDeliveryAttemptSucceeded"), Some("2026-11-22T10:02:04Z"));
    assert_eq!(status.get("LatestDeliveryError"), None);
}

#[tokio::test]
async fn regions_are_files_of_their_own() {
    let dir = tempfile::tempdir().unwrap();
    let world = World::open(dir.path(), &buckets(), START).await;
    world.start_trail("one", "logs").await;
    for (id, region) in [("a", "us-east-2"), ("b", "eu-west-1"), ("c", "us-east-2")] {
        world.record(id, region).await;
    }
    world.let_wait_max_pass("one").await;
    let objects = world.buckets.objects("logs", 2).await;
    assert!(objects[0].0.contains("/eu-west-1/"), "{objects:?}");
    assert_eq!(
        (ids(&objects[0].1), ids(&objects[1].1)),
        (vec!["b".into()], vec!["a".into(), "c".into()])
    );
}

#[tokio::test]
async fn five_thousand_records_fill_a_file_and_the_next_one_waits() {
    let dir = tempfile::tempdir().unwrap();
    let world = World::open(dir.path(), &buckets(), START).await;
    world.start_trail("one", "logs").await;
    world.records(0..5_001).await;
    let first = world.buckets.objects("logs", 1).await;
    assert_eq!(ids(&first[0].1).len(), 5_000);
    world.let_wait_max_pass("one").await;
    let both = world.buckets.objects("logs", 2).await;
    let mut all: Vec<usize> =
        both.iter().flat_map(|(_, text)| ids(text)).map(|id| id.parse().unwrap()).collect();
    all.sort_unstable();
    assert_eq!(all, (0..5_001).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_failing_bucket_is_tried_again_later_and_later_and_said_so() {
    let dir = tempfile::tempdir().unwrap();
    let world = World::open(dir.path(), &buckets(), START).await;
    world.start_trail("one", "logs").await;
    world.buckets.exists("logs", false);
    world.record("a", "us-east-2").await;
    world.let_wait_max_pass("one").await;
    world.until("one", "a failure", |trail| trail.failures == 1).await;
    let status = world.call("GetTrailStatus", named("one")).await.unwrap();
    assert_eq!(status.text("LatestDeliveryError"), Some("NoSuchBucket"));
    assert_eq!(status.text("LatestDeliveryAttemptTime"), Some("2026-11-22T10:02:04Z"));
    assert_eq!(status.text("LatestDeliveryAttemptSucceeded"), Some(""));
    world.clock.advance(5_000);
    world.until("one", "a second failure", |trail| trail.failures == 2).await;
    world.buckets.exists("logs", true);
    // The second wait is longer than the first.
    world.clock.advance(5_000);
    world.until("one", "the wait", |trail| trail.undelivered_records == 1).await;
    assert!(world.buckets.state.lock().unwrap().objects.is_empty());
    world.clock.advance(5_000);
    assert_eq!(ids(&world.buckets.objects("logs", 1).await[0].1), ["a"]);
    world.until("one", "no error", |trail| trail.latest_error.is_none()).await;
    let attempts = world.buckets.state.lock().unwrap().attempts.clone();
    assert_eq!(attempts.len(), 3);
    assert!(attempts.iter().all(|attempt| *attempt == attempts[0]), "same key, same bytes");
}

#[tokio::test]
async fn a_trail_whose_bucket_hangs_delays_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let world = World::open(dir.path(), &buckets(), START).await;
    world.buckets.trouble("logs", &[Trouble::Hangs]);
    world.start_trail("one", "logs").await;
    world.start_trail("two", "other").await;
    world.record("a", "us-east-2").await;
    world.until("one", "all is read", |trail| trail.unread_entries == 0).await;
    world.let_wait_max_pass("two").await;
    world.buckets.objects("other", 1).await;
    world.record("b", "us-east-2").await;
    world.let_wait_max_pass("two").await;
    assert_eq!(ids(&world.buckets.objects("other", 2).await[1].1).len(), 1);
    assert_eq!(world.keep_from().await, 0, "the journal keeps what the first trail needs");
}

#[tokio::test]
async fn a_file_whose_key_is_taken_goes_under_another() {
    let dir = tempfile::tempdir().unwrap();
    let world = World::open(dir.path(), &buckets(), START).await;
    world.start_trail("one", "logs").await;
    world.buckets.trouble("logs", &[Trouble::Conflicts]);
    world.record("a", "us-east-2").await;
    world.let_wait_max_pass("one").await;
    let objects = world.buckets.objects("logs", 1).await;
    let attempts = world.buckets.state.lock().unwrap().attempts.clone();
    assert_eq!(attempts.len(), 2);
    assert_ne!(attempts[0].1, attempts[1].1);
    assert_eq!(attempts[0].2, attempts[1].2);
    assert_eq!(objects[0].0, attempts[1].1);
}

#[tokio::test]
async fn a_stopped_trail_delivers_what_came_before_and_the_call_that_stopped_it() {
    let dir = tempfile::tempdir().unwrap();
    let world = World::open(dir.path(), &buckets(), START).await;
    world.start_trail("one", "logs").await;
    world.record("before", "us-east-2").await;
    world.call("StopLogging", named("one")).await.unwrap();
    let stop = Event { id: "the call", request_id: "request of StopLogging", ..Event::default() };
    world.append(stop).await;
    world.record("after", "us-east-2").await;
    // Without the clock moving: what is left is cut at once.
    let objects = world.buckets.objects("logs", 1).await;
    assert_eq!(ids(&objects[0].1), ["before", "the call"]);
    world.until("one", "the end", |trail| trail.is_idle() && !trail.logging).await;
    let status = world.call("GetTrailStatus", named("one")).await.unwrap();
    assert_eq!(status.bool("IsLogging"), Some(false));
    assert_eq!(status.text("TimeLoggingStopped"), Some("2026-11-22T10:02:03Z"));

    world.record("in the pause", "us-east-2").await;
    world.call("StartLogging", named("one")).await.unwrap();
    world.record("again", "us-east-2").await;
    world.let_wait_max_pass("one").await;
    let objects = world.buckets.objects("logs", 2).await;
    let mut all: Vec<_> = objects.iter().flat_map(|(_, text)| ids(text)).collect();
    all.sort();
    assert_eq!(all, ["again", "before", "the call"]);
}

#[tokio::test]
async fn a_stop_whose_own_record_never_comes_ends_after_five_seconds() {
    let dir = tempfile::tempdir().unwrap();
    let world = World::open(dir.path(), &buckets(), START).await;
    world.start_trail("one", "logs").await;
    world.record("a", "us-east-2").await;
    world.until("one", "all is read", |trail| trail.unread_entries == 0).await;
    world.call("StopLogging", named("one")).await.unwrap();
    world.clock.advance(5_000);
    world.until("one", "the end", |trail| trail.is_idle()).await;
    assert_eq!(ids(&world.buckets.objects("logs", 1).await[0].1), ["a"]);
    let end = world.keep_from().await;
    world.record("b", "us-east-2").await;
    assert_eq!(world.keep_from().await, end + 1, "a trail at rest needs nothing of the journal");
}

#[tokio::test]
async fn a_deleted_trail_delivers_what_it_took_and_its_name_is_free_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let world = World::open(dir.path(), &buckets(), START).await;
    world.start_trail("one", "logs").await;
    world.record("before", "us-east-2").await;
    world.call("DeleteTrail", named("one")).await.unwrap();
    let gone = world.call("GetTrail", named("one")).await.unwrap_err();
    assert_eq!(gone.code, "TrailNotFoundException");
    world.start_trail("one", "other").await;
    let delete = Event { id: "the call", request_id: "request of DeleteTrail", ..Event::default() };
    world.append(delete).await;
    assert_eq!(ids(&world.buckets.objects("logs", 1).await[0].1), ["before", "the call"]);
    world.let_wait_max_pass("one").await;
    assert_eq!(ids(&world.buckets.objects("other", 1).await[0].1), ["the call"]);
    world.until("one", "one trail is left", |trail| !trail.deleted && trail.is_idle()).await;
    while world.trails.status().await.len() > 1 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_trail_takes_the_regions_and_global_events_that_it_was_made_for() {
    let dir = tempfile::tempdir().unwrap();
    let world = World::open(dir.path(), &buckets(), START).await;
    for (name, bucket, global) in [("with", "logs", true), ("without", "other", false)] {
        let input = Tree::map([
            ("Name", Tree::from(name)),
            ("S3BucketName", bucket.into()),
            ("IncludeGlobalServiceEvents", global.into()),
        ]);
        world.call_from("us-east-1", "CreateTrail", input).await.unwrap();
        world.call_from("us-east-1", "StartLogging", named(name)).await.unwrap();
    }
    for (id, region, source) in [
        ("home", "us-east-1", "sns.amazonaws.com"),
        ("elsewhere", "us-east-2", "sns.amazonaws.com"),
        ("global", "us-east-1", "iam.amazonaws.com"),
    ] {
        world.append(Event { id, region, source, ..Event::default() }).await;
    }
    world.until("with", "all is read", |trail| trail.unread_entries == 0).await;
    world.let_wait_max_pass("without").await;
    assert_eq!(ids(&world.buckets.objects("logs", 1).await[0].1), ["home", "global"]);
    assert_eq!(ids(&world.buckets.objects("other", 1).await[0].1), ["home"]);
}

#[tokio::test]
async fn the_servers_own_trail_takes_s3_data_events_but_none_of_log_buckets() {
    let dir = tempfile::tempdir().unwrap();
    let world = World::open(dir.path(), &buckets(), START).await;
    world.trails.ensure_default("own", "logs").await.unwrap();
    world.trails.ensure_default("own", "logs").await.unwrap();
    world.start_trail("two", "other").await;
    for (id, object) in [
        ("plain", "arn:aws:s3:::photos/cat.jpg"),
        ("own log", "arn:aws:s3:::logs/AWSLogs/123456789012/CloudTrail/x.json.gz"),
        ("beside the log", "arn:aws:s3:::logs/else"),
        ("other log", "arn:aws:s3:::other/AWSLogs/123456789012/CloudTrail/x.json.gz"),
        ("namesake", "arn:aws:s3:::logs2/x"),
    ] {
        let source = "s3.amazonaws.com";
        world.append(Event { id, source, object: Some(object), ..Event::default() }).await;
    }
    world.record("management", "us-east-2").await;
    world.until("two", "all is read", |trail| trail.unread_entries == 0).await;
    world.let_wait_max_pass("own").await;
    let taken = ids(&world.buckets.objects("logs", 1).await[0].1);
    assert_eq!(taken, ["plain", "namesake", "management"]);
    assert_eq!(ids(&world.buckets.objects("other", 1).await[0].1), ["management"]);
}

#[tokio::test]
async fn a_stop_of_the_server_delivers_what_waits() {
    let dir = tempfile::tempdir().unwrap();
    let buckets = buckets();
    let world = World::open(dir.path(), &buckets, START).await;
    world.start_trail("one", "logs").await;
    world.record("a", "us-east-2").await;
    world.stop().await;
    assert_eq!(ids(&buckets.objects("logs", 1).await[0].1), ["a"]);
}

#[tokio::test]
async fn a_bucket_that_is_gone_for_long_gathers_few_files_and_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let world = World::open(dir.path(), &buckets(), START).await;
    world.start_trail("one", "logs").await;
    world.buckets.exists("logs", false);
    for number in 0..40 {
        world.record(&number.to_string(), "us-east-2").await;
        world
            .until("one", "it is read, or cutting rests", |trail| {
                trail.unread_entries == 0 || trail.undelivered_files == 16
            })
            .await;
        world.clock.advance(WAIT_MAX_MILLIS);
        world
            .until("one", "it is cut, or cutting rests", |trail| {
                trail.waiting_records == 0 || trail.undelivered_files == 16
            })
            .await;
    }
    world.until("one", "cutting rests", |trail| trail.undelivered_files == 16).await;
    world.buckets.exists("logs", true);
    world.clock.advance(5 * 60 * 1000);
    world.buckets.objects("logs", 16).await;
    world.until("one", "the rest is read", |trail| trail.unread_entries == 0).await;
    world.clock.advance(WAIT_MAX_MILLIS);
    world.until("one", "all is delivered", |trail| trail.is_idle()).await;
    let objects = world.buckets.objects("logs", 17).await;
    assert!(objects.len() <= 18, "{}", objects.len());
    let mut all: Vec<usize> =
        objects.iter().flat_map(|(_, text)| ids(text)).map(|id| id.parse().unwrap()).collect();
    all.sort_unstable();
    assert_eq!(all, (0..40).collect::<Vec<_>>());
}
