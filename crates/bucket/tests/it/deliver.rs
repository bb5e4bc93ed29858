//! Deliveries from inside the process.

use flow::{Deliver, Delivery, DeliveryError};

use crate::world::World;

#[tokio::test]
async fn the_same_bytes_are_delivered_once() {
    let world = World::with_bucket().await;
    let headers =
        [("Content-Type", "application/json"), ("Content-Encoding", "gzip"), ("x-amz-meta-a", "1")];
    let put = async |bucket: &str, bytes: &'static [u8]| {
        world.buckets.put_if_absent(bucket, "AWSLogs/x.json.gz", bytes.into(), &headers).await
    };
    assert_eq!(put("bkt", b"one").await, Ok(Delivery::Stored));
    assert_eq!(put("bkt", b"one").await, Ok(Delivery::AlreadyThere));
    assert_eq!(put("bkt", b"two").await, Err(DeliveryError::Conflict));
    let missing = put("nope", b"one").await;
    assert!(matches!(missing, Err(DeliveryError::Retry { code, .. }) if code == "NoSuchBucket"));
    let got = world.get("/bkt/AWSLogs/x.json.gz").await.expect(200);
    assert_eq!(got.text(), "one");
    assert_eq!(got.header("content-type"), "application/json");
    assert_eq!((got.header("content-encoding"), got.header("x-amz-meta-a")), ("gzip", "1"));
    assert_eq!(world.files().len(), 1);
}

#[tokio::test]
async fn a_bucket_says_whose_it_is() {
    let world = World::with_bucket().await;
    let owner = world.buckets.bucket_owner("bkt").await.unwrap();
    assert_eq!(owner.unwrap().as_str(), "123456789012");
    assert_eq!(world.buckets.bucket_owner("nope").await, Ok(None));
    assert!(world.buckets.ensure_bucket("bkt").await.is_ok());
    assert!(world.buckets.ensure_bucket("Not a name").await.is_err());
}
