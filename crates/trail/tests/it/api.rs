//! The calls of CloudTrail.

use flow::{Request, Service as _, Tree};

use crate::world::{ACCOUNT, World, buckets, named};

const START: &str = "2026-11-22T10:02:03.500Z";
const ARN: &str = "arn:aws:cloudtrail:us-east-2:123456789012:trail/one";

fn create(extra: &[(&str, Tree)]) -> Tree {
    let mut members =
        vec![("Name".to_owned(), Tree::from("one")), ("S3BucketName".to_owned(), "logs".into())];
    for (name, value) in extra {
        members.retain(|(key, _)| key != name);
        members.push(((*name).to_owned(), value.clone()));
    }
    Tree::Map(members)
}

async fn world() -> (tempfile::TempDir, World) {
    let dir = tempfile::tempdir().unwrap();
    let world = World::open(dir.path(), &buckets(), START).await;
    (dir, world)
}

#[tokio::test]
async fn a_trail_is_described_as_it_was_made() {
    let (_dir, world) = world().await;
    let input = create(&[("S3KeyPrefix", "a/b".into()), ("EnableLogFileValidation", false.into())]);
    let made = world.call("CreateTrail", input).await.unwrap();
    assert_eq!(
        made,
        Tree::map([
            ("Name", Tree::from("one")),
            ("S3BucketName", "logs".into()),
            ("S3KeyPrefix", "a/b".into()),
            ("IncludeGlobalServiceEvents", true.into()),
            ("IsMultiRegionTrail", false.into()),
            ("TrailARN", ARN.into()),
            ("LogFileValidationEnabled", false.into()),
            ("IsOrganizationTrail", false.into()),
        ])
    );
    for name in ["one", ARN] {
        let told = world.call("GetTrail", named(name)).await.unwrap();
        let trail = told.get("Trail").unwrap();
        assert_eq!(trail.text("TrailARN"), Some(ARN));
        assert_eq!(trail.text("HomeRegion"), Some("us-east-2"));
        assert_eq!(trail.bool("HasCustomEventSelectors"), Some(false));
        let status = world.call("GetTrailStatus", named(name)).await.unwrap();
        assert_eq!(status.bool("IsLogging"), Some(false));
        assert_eq!(status.text("TimeLoggingStarted"), Some(""));
    }
    let listed = world.call("ListTrails", Tree::Null).await.unwrap();
    assert_eq!(listed.list("Trails")[0].text("Name"), Some("one"));
}

#[tokio::test]
async fn an_answer_names_the_trail_for_the_record() {
    let (_dir, world) = world().await;
    let request = Request {
        service: "cloudtrail".to_owned(),
        operation: "CreateTrail".to_owned(),
        input: create(&[]),
        caller: flow::Caller::root(ACCOUNT.parse().unwrap(), "AKIAEXAMPLE"),
        region: "us-east-2".parse().unwrap(),
        time: START.parse().unwrap(),
        request_id: "request".to_owned(),
        source_ip: "127.0.0.1".to_owned(),
        endpoint: "http://127.0.0.1:4580".to_owned(),
    };
    let answer = world.trails.call(request).await.unwrap();
    assert_eq!(answer.resources[0].kind, "AWS::CloudTrail::Trail");
    assert_eq!(answer.resources[0].arn, ARN);
}

#[tokio::test]
async fn what_cannot_be_made_is_refused_in_the_words_of_aws() {
    let (_dir, world) = world().await;
    let refused: &[(&str, Tree, &str)] = &[
        ("Name", "x".into(), "InvalidTrailNameException"),
        ("Name", Tree::Null, "InvalidTrailNameException"),
        ("S3BucketName", Tree::Null, "InvalidS3BucketNameException"),
        ("S3BucketName", "Logs".into(), "InvalidS3BucketNameException"),
        ("S3BucketName", "missing".into(), "S3BucketDoesNotExistException"),
        ("S3BucketName", "foreign".into(), "InsufficientS3BucketPolicyException"),
        ("S3KeyPrefix", "p".repeat(201).into(), "InvalidS3PrefixException"),
        ("EnableLogFileValidation", true.into(), "UnsupportedOperationException"),
        ("KmsKeyId", "alias/x".into(), "UnsupportedOperationException"),
        ("SnsTopicName", "topic".into(), "UnsupportedOperationException"),
        ("CloudWatchLogsLogGroupArn", "arn".into(), "UnsupportedOperationException"),
        ("IsOrganizationTrail", true.into(), "UnsupportedOperationException"),
        ("RecursiveLogging", true.into(), "UnsupportedOperationException"),
        (
            "TagsList",
            vec![Tree::map([("Key", Tree::from("k"))])].into(),
            "UnsupportedOperationException",
        ),
    ];
    for (name, value, code) in refused {
        let fault = world.call("CreateTrail", create(&[(name, value.clone())])).await.unwrap_err();
        assert_eq!(fault.code, *code, "{name} {value:?}");
        assert_eq!(fault.status, 400);
    }
    let combination = create(&[
        ("IsMultiRegionTrail", true.into()),
        ("IncludeGlobalServiceEvents", false.into()),
    ]);
    let fault = world.call("CreateTrail", combination).await.unwrap_err();
    assert_eq!(fault.code, "InvalidParameterCombinationException");
    let fault = world.call("PutEventSelectors", Tree::Null).await.unwrap_err();
    assert_eq!(fault.code, "UnsupportedOperationException");
    assert!(world.trails.status().await.is_empty());
}

#[tokio::test]
async fn a_region_holds_five_trails_of_different_names() {
    let (_dir, world) = world().await;
    world.call("CreateTrail", create(&[])).await.unwrap();
    let fault = world.call("CreateTrail", create(&[])).await.unwrap_err();
    assert_eq!(fault.code, "TrailAlreadyExistsException");
    assert_eq!(fault.message, "Trail one already exists for customer: 123456789012");
    for number in 2..=5 {
        let name = Tree::from(format!("trail{number}"));
        world.call("CreateTrail", create(&[("Name", name)])).await.unwrap();
    }
    let fault = world.call("CreateTrail", create(&[("Name", "sixth".into())])).await.unwrap_err();
    assert_eq!(fault.code, "MaximumNumberOfTrailsExceededException");
    assert_eq!(fault.message, "User: 123456789012 already has 5 trails in us-east-2.");
    world.call_from("us-west-2", "CreateTrail", create(&[])).await.unwrap();
}

#[tokio::test]
async fn a_trail_is_found_by_name_in_its_region_and_by_arn_everywhere() {
    let (_dir, world) = world().await;
    world.call("CreateTrail", create(&[])).await.unwrap();
    for (region, name, code) in [
        ("us-east-2", "other", Some("TrailNotFoundException")),
        ("us-east-2", "x", Some("InvalidTrailNameException")),
        ("us-east-2", "arn:aws:s3:::one", Some("CloudTrailARNInvalidException")),
        ("us-west-2", "one", Some("TrailNotFoundException")),
        ("us-west-2", ARN, None),
    ] {
        let told = world.call_from(region, "GetTrail", named(name)).await;
        assert_eq!(told.err().map(|fault| fault.code).as_deref(), code, "{region} {name}");
    }
    for operation in ["StartLogging", "StopLogging", "DeleteTrail"] {
        let fault = world.call_from("us-west-2", operation, named(ARN)).await.unwrap_err();
        assert_eq!(fault.code, "InvalidHomeRegionException");
        let fault = world.call(operation, named("other")).await.unwrap_err();
        assert_eq!(fault.code, "TrailNotFoundException");
        assert_eq!(fault.message, "Unknown trail: other for the user: 123456789012");
    }
}

#[tokio::test]
async fn shadow_trails_are_described_unless_they_are_left_out() {
    let (_dir, world) = world().await;
    world.call("CreateTrail", create(&[("IsMultiRegionTrail", true.into())])).await.unwrap();
    world.call("CreateTrail", create(&[("Name", "two".into())])).await.unwrap();
    let names = |told: &Tree| -> Vec<String> {
        let list = told.list("trailList").iter();
        list.map(|trail| trail.text("Name").unwrap().to_owned()).collect()
    };
    let list = |names: &[&str]| Tree::List(names.iter().map(|name| Tree::from(*name)).collect());
    for (region, input, expected) in [
        ("us-east-2", Tree::Null, vec!["one", "two"]),
        ("us-west-2", Tree::Null, vec!["one"]),
        ("us-west-2", Tree::map([("includeShadowTrails", Tree::from(false))]), vec![]),
        ("us-east-2", Tree::map([("trailNameList", list(&["two", "three", "two"]))]), vec!["two"]),
        ("us-west-2", Tree::map([("trailNameList", list(&["one", ARN]))]), vec!["one"]),
    ] {
        let told = world.call_from(region, "DescribeTrails", input.clone()).await.unwrap();
        let mut told = names(&told);
        told.sort();
        assert_eq!(told, expected, "{region} {input:?}");
    }
}

#[tokio::test]
async fn a_change_of_trails_is_told_to_whoever_keeps_the_union() {
    let (_dir, world) = world().await;
    let mut union = world.trails.union();
    union.mark_unchanged();
    world.call("CreateTrail", create(&[])).await.unwrap();
    world.call("StartLogging", named("one")).await.unwrap();
    assert!(union.has_changed().unwrap());
}

#[tokio::test]
async fn the_union_takes_what_any_trail_takes() {
    let (_dir, world) = world().await;
    let facts = |bucket: &str| {
        let record = format!(
            r#"{{"eventCategory":"Data","resources":[{{"type":"AWS::S3::Object","ARN":"arn:aws:s3:::{bucket}/x"}}]}}"#
        );
        record::select::Facts::from_json(record.as_bytes()).unwrap()
    };
    let union = world.trails.union();
    assert!(!union.borrow().selects(&facts("photos")));
    world.trails.ensure_default("own", "logs").await.unwrap();
    assert!(union.borrow().selects(&facts("photos")) && union.borrow().selects(&facts("other")));
    assert!(!union.borrow().selects(&facts("logs")));
    world.call("CreateTrail", create(&[("S3BucketName", "other".into())])).await.unwrap();
    assert!(!union.borrow().selects(&facts("other")), "a log bucket from now on");
    world.call("DeleteTrail", named("own")).await.unwrap();
    world.clock.advance(5_000);
    while union.borrow().selects(&facts("photos")) {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn trails_outlive_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let buckets = buckets();
    let world = World::open(dir.path(), &buckets, START).await;
    world.call("CreateTrail", create(&[])).await.unwrap();
    world.call("StartLogging", named("one")).await.unwrap();
    world.stop().await;
    let world = World::open_at_rest(dir.path(), &buckets, START).await;
    let status = world.call("GetTrailStatus", named("one")).await.unwrap();
    assert_eq!(status.bool("IsLogging"), Some(true));
    assert_eq!(status.text("TimeLoggingStarted"), Some("2026-11-22T10:02:03Z"));
}
