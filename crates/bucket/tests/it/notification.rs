//! Notification configurations, and the events that they make pending.

use crate::world::{DETECT, World};

fn document(kind: (&str, &str), arn: &str, prefix: &str) -> String {
    let (outer, inner) = kind;
    format!(
        "<NotificationConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><{outer}>\
         <Id>detect</Id><{inner}>{arn}</{inner}><Event>s3:ObjectCreated:*</Event><Filter><S3Key>\
         <FilterRule><Name>prefix</Name><Value>{prefix}</Value></FilterRule>\
         </S3Key></Filter></{outer}></NotificationConfiguration>"
    )
}

const FUNCTION: (&str, &str) = ("CloudFunctionConfiguration", "CloudFunction");

#[tokio::test]
async fn a_configuration_is_judged_and_given_back() {
    let world = World::with_bucket().await;
    let put = async |body: &str| world.call("PUT", "/bkt?notification", &[], body.as_bytes()).await;
    put(&document(FUNCTION, DETECT, "AWSLogs/")).await.expect(200);
    let got = world.get("/bkt?notification").await.expect(200);
    assert_eq!(got.element("CloudFunction"), DETECT);
    assert_eq!((got.element("Name"), got.element("Value")), ("Prefix".into(), "AWSLogs/".into()));
    assert_eq!(
        (got.element("Id"), got.element("Event")),
        ("detect".into(), "s3:ObjectCreated:*".into())
    );

    let wrong = put(&document(FUNCTION, "nonsense", "a")).await.refused(400, "InvalidArgument");
    assert_eq!(wrong.element("Message"), "The ARN could not be parsed");
    assert_eq!(wrong.element("ArgumentName"), "CloudFunction");
    let other = DETECT.replace("detect", "other");
    let missing = put(&document(FUNCTION, &other, "a")).await.refused(400, "InvalidArgument");
    let unable = "Unable to validate the following destination configurations";
    assert_eq!(missing.element("Message"), unable);
    assert_eq!(missing.element("ArgumentName1"), format!("{other}, null"));
    assert_eq!(
        missing.element("ArgumentValue1"),
        format!("Not authorized to invoke function [{other}]")
    );
    let skip = [("x-amz-skip-destination-validation", "true")];
    let body = document(FUNCTION, &other, "a");
    world.call("PUT", "/bkt?notification", &skip, body.as_bytes()).await.expect(200);

    for (kind, arn, what) in [
        (("QueueConfiguration", "Queue"), "arn:aws:sqs:us-east-2:123456789012:q", "queue"),
        (("TopicConfiguration", "Topic"), "arn:aws:sns:us-east-2:123456789012:t", "topic"),
    ] {
        let refused = put(&document(kind, arn, "a")).await.refused(400, "InvalidArgument");
        let told = ["Message", "ArgumentName1", "ArgumentValue1"].map(|e| refused.element(e));
        let why = format!("The destination {what} does not exist");
        assert_eq!(told, [unable.to_owned(), arn.to_owned(), why]);
    }
    let bridge =
        "<NotificationConfiguration><EventBridgeConfiguration/></NotificationConfiguration>";
    put(bridge).await.refused(400, "InvalidArgument");

    put("<NotificationConfiguration/>").await.expect(200);
    assert!(world.get("/bkt?notification").await.expect(200).elements("Id").is_empty());
    world.get("/nope?notification").await.refused(404, "NoSuchBucket");
}

#[tokio::test]
async fn an_object_that_somebody_wants_to_know_of_is_pending_until_it_is_cleared() {
    let world = World::with_bucket().await;
    let body = document(FUNCTION, DETECT, "AWSLogs/");
    world.call("PUT", "/bkt?notification", &[], body.as_bytes()).await.expect(200);
    let mut changed = world.buckets.changed();
    world.put("/bkt/other", b"hello").await;
    assert!(!changed.has_changed().unwrap());
    world.put("/bkt/AWSLogs/a%20b", b"hello").await;
    assert!(changed.has_changed().unwrap());
    changed.mark_unchanged();
    let from = [("x-amz-copy-source", "bkt/other")];
    world.call("PUT", "/bkt/AWSLogs/copy", &from, b"").await.expect(200);
    let id = world.call("POST", "/bkt/AWSLogs/m?uploads", &[], b"").await.element("UploadId");
    let tag = world.put(&format!("/bkt/AWSLogs/m?partNumber=1&uploadId={id}"), b"x").await;
    let parts = format!(
        "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{}</ETag></Part>\
         </CompleteMultipartUpload>",
        tag.header("etag")
    );
    let uri = format!("/bkt/AWSLogs/m?uploadId={id}");
    world.call("POST", &uri, &[], parts.as_bytes()).await.expect(200);
    world.call("PUT", "/bkt/AWSLogs/copy", &[("if-none-match", "*")], b"x").await.expect(412);

    let world = world.reopened().await;
    let pending = world.buckets.pending(10).await.unwrap();
    let names: Vec<_> = pending.iter().map(|(_, event)| event.event_name.as_str()).collect();
    assert_eq!(
        names,
        ["ObjectCreated:Put", "ObjectCreated:Copy", "ObjectCreated:CompleteMultipartUpload",]
    );
    let event = &pending[0].1;
    assert_eq!((event.bucket.as_str(), event.key.as_str()), ("bkt", "AWSLogs/a b"));
    assert_eq!(event.size, Some(5));
    assert_eq!(event.e_tag.as_deref(), Some("5d41402abc4b2a76b9719d911017c592"));
    assert_eq!(event.principal_id, "AWS:123456789012");
    assert_eq!(event.source_ip, "192.0.2.1");
    assert_eq!(
        (event.request_id.as_str(), event.host_id.as_str()),
        ("REQ0000000000001", "host+id=")
    );
    assert_eq!(
        (event.targets[0].configuration_id.as_str(), event.targets[0].arn.as_str()),
        ("detect", DETECT)
    );
    assert_eq!(event.sequencer.len(), 18);
    assert!(pending.windows(2).all(|pair| pair[0].1.sequencer < pair[1].1.sequencer));
    for (id, _) in pending {
        world.buckets.clear_pending(id).await.unwrap();
    }
    assert!(world.buckets.pending(10).await.unwrap().is_empty());
    assert_eq!(world.buckets.pending_count().await.unwrap(), 0);
}

#[tokio::test]
async fn queues_and_topics_are_tested_when_they_are_configured() {
    let world = World::with_bucket().await;
    let (queue, topic) =
        ("arn:aws:sqs:us-east-2:123456789012:known", "arn:aws:sns:us-east-2:123456789012:known");
    let body = format!(
        "<NotificationConfiguration>\
         <QueueConfiguration><Id>q</Id><Queue>{queue}</Queue><Event>s3:ObjectRemoved:*</Event>\
         </QueueConfiguration>\
         <TopicConfiguration><Id>t</Id><Topic>{topic}</Topic><Event>s3:ObjectTagging:*</Event>\
         </TopicConfiguration>\
         <CloudFunctionConfiguration><Id>f</Id><CloudFunction>{DETECT}</CloudFunction>\
         <Event>s3:ObjectCreated:*</Event></CloudFunctionConfiguration>\
         </NotificationConfiguration>"
    );
    let skip = [("x-amz-skip-destination-validation", "true")];
    world.call("PUT", "/bkt?notification", &skip, body.as_bytes()).await.expect(200);
    assert!(world.buckets.pending(10).await.unwrap().is_empty());
    world.call("PUT", "/bkt?notification", &[], body.as_bytes()).await.expect(200);
    let got = world.get("/bkt?notification").await.expect(200);
    assert_eq!((got.element("Queue"), got.element("Topic")), (queue.into(), topic.into()));

    world.put("/bkt/k", b"x").await;
    let tags = "<Tagging><TagSet><Tag><Key>a</Key><Value>1</Value></Tag></TagSet></Tagging>";
    world.call("PUT", "/bkt/k?tagging", &[], tags.as_bytes()).await.expect(200);
    world.call("DELETE", "/bkt/k?tagging", &[], b"").await.expect(204);
    world.call("DELETE", "/bkt/k", &[], b"").await.expect(204);
    world.call("DELETE", "/bkt/k", &[], b"").await.expect(204);
    let two = "<Delete><Object><Key>k</Key></Object><Object><Key>l</Key></Object></Delete>";
    world.put("/bkt/l", b"x").await;
    world.call("POST", "/bkt?delete", &[], two.as_bytes()).await.expect(200);
    let pending = world.buckets.pending(20).await.unwrap();
    let told: Vec<_> = pending
        .iter()
        .map(|(_, event)| {
            let targets: Vec<_> = event.targets.iter().map(|t| t.arn.as_str()).collect();
            (event.event_name.as_str(), event.key.as_str(), event.size, targets)
        })
        .collect();
    assert_eq!(
        told,
        [
            ("TestEvent", "", None, vec![queue, topic]),
            ("ObjectCreated:Put", "k", Some(1), vec![DETECT]),
            ("ObjectTagging:Put", "k", None, vec![topic]),
            ("ObjectTagging:Delete", "k", None, vec![topic]),
            ("ObjectRemoved:Delete", "k", None, vec![queue]),
            ("ObjectCreated:Put", "l", Some(1), vec![DETECT]),
            ("ObjectRemoved:Delete", "l", None, vec![queue]),
        ]
    );
}
