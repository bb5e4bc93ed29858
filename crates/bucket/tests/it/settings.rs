//! What set-ups ask and say of buckets: policies, tags, and settings that hold or are not there.

use flow::ResourcePolicies;

use crate::world::World;

const POLICY: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow",
    "Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"s3:GetBucketAcl",
    "Resource":"arn:aws:s3:::bkt"}]}"#;
const OPEN: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*",
    "Action":"s3:GetObject","Resource":"arn:aws:s3:::bkt/*"}]}"#;

fn block(on: bool) -> String {
    format!(
        "<PublicAccessBlockConfiguration><BlockPublicAcls>{on}</BlockPublicAcls>\
         <IgnorePublicAcls>{on}</IgnorePublicAcls><BlockPublicPolicy>{on}</BlockPublicPolicy>\
         <RestrictPublicBuckets>{on}</RestrictPublicBuckets></PublicAccessBlockConfiguration>"
    )
}

#[tokio::test]
async fn a_policy_is_answered_from_memory_and_outlives_a_restart() {
    let world = World::with_bucket().await;
    world.get("/bkt?policy").await.refused(404, "NoSuchBucketPolicy");
    let put = async |text: &str| world.call("PUT", "/bkt?policy", &[], text.as_bytes()).await;
    put("nonsense").await.refused(400, "MalformedPolicy");
    put(&POLICY.replace("bkt", "other")).await.refused(400, "MalformedPolicy");
    assert_eq!(put(POLICY).await.status / 100, 2);
    assert_eq!(world.get("/bkt?policy").await.expect(200).text(), POLICY);
    let status = world.get("/bkt?policyStatus").await.expect(200);
    assert_eq!(status.element("IsPublic"), "false");
    let world = world.reopened().await;
    for arn in ["arn:aws:s3:::bkt", "arn:aws:s3:::bkt/some/key"] {
        assert_eq!(world.buckets.policy_of(arn).as_deref(), Some(POLICY), "{arn}");
    }
    assert!(world.buckets.policy_of("arn:aws:s3:::other").is_none());
    world.call("DELETE", "/bkt?policy", &[], b"").await.expect(204);
    assert!(world.buckets.policy_of("arn:aws:s3:::bkt").is_none());
}

#[tokio::test]
async fn a_new_bucket_takes_no_public_policy_until_it_is_allowed() {
    let world = World::with_bucket().await;
    let put = async |text: &str| world.call("PUT", "/bkt?policy", &[], text.as_bytes()).await;
    let got = world.get("/bkt?publicAccessBlock").await.expect(200);
    assert_eq!(got.element("BlockPublicPolicy"), "true");
    put(OPEN).await.refused(403, "AccessDenied");
    let body = block(false);
    world.call("PUT", "/bkt?publicAccessBlock", &[], body.as_bytes()).await.expect(200);
    assert_eq!(put(OPEN).await.status / 100, 2);
    assert_eq!(world.get("/bkt?policyStatus").await.element("IsPublic"), "true");
    let held = || world.buckets.policy_of("arn:aws:s3:::bkt/k").unwrap();
    assert_eq!(&*held(), OPEN);
    let body = block(true);
    world.call("PUT", "/bkt?publicAccessBlock", &[], body.as_bytes()).await.expect(200);
    assert!(held().contains("aws:PrincipalAccount"), "{}", held());
    assert_eq!(world.get("/bkt?policy").await.text(), OPEN);
    world.call("DELETE", "/bkt?publicAccessBlock", &[], b"").await.expect(204);
    let gone = world.get("/bkt?publicAccessBlock").await;
    gone.refused(404, "NoSuchPublicAccessBlockConfiguration");
    assert_eq!(&*held(), OPEN);
}

#[tokio::test]
async fn tags_are_kept_with_buckets_and_objects() {
    let world = World::with_bucket().await;
    let tags = "<Tagging><TagSet><Tag><Key>a</Key><Value>1</Value></Tag></TagSet></Tagging>";
    world.get("/bkt?tagging").await.refused(404, "NoSuchTagSet");
    world.call("PUT", "/bkt?tagging", &[], tags.as_bytes()).await;
    assert_eq!(world.get("/bkt?tagging").await.expect(200).element("Key"), "a");
    world.call("DELETE", "/bkt?tagging", &[], b"").await.expect(204);
    world.get("/bkt?tagging").await.refused(404, "NoSuchTagSet");

    world.call("PUT", "/bkt/k", &[("x-amz-tagging", "x=1&y=2")], b"hello").await.expect(200);
    assert_eq!(world.get("/bkt/k").await.header("x-amz-tagging-count"), "2");
    assert_eq!(world.get("/bkt/k?tagging").await.elements("Key"), ["x", "y"]);
    let from = [("x-amz-copy-source", "bkt/k")];
    world.call("PUT", "/bkt/same", &from, b"").await.expect(200);
    assert_eq!(world.get("/bkt/same?tagging").await.elements("Key"), ["x", "y"]);
    let other = [from[0], ("x-amz-tagging-directive", "REPLACE"), ("x-amz-tagging", "z=3")];
    world.call("PUT", "/bkt/other", &other, b"").await.expect(200);
    assert_eq!(world.get("/bkt/other?tagging").await.elements("Key"), ["z"]);
    world.call("PUT", "/bkt/k?tagging", &[], tags.as_bytes()).await.expect(200);
    assert_eq!(world.get("/bkt/k?tagging").await.elements("Key"), ["a"]);
    assert_eq!(world.get("/bkt/k").await.text(), "hello");
    world.call("DELETE", "/bkt/k?tagging", &[], b"").await.expect(204);
    assert!(world.get("/bkt/k?tagging").await.elements("Key").is_empty());
    world.get("/bkt/none?tagging").await.refused(404, "NoSuchKey");
}

#[tokio::test]
async fn what_is_not_configured_is_told_as_s3_does() {
    let world = World::with_bucket().await;
    for (query, code) in [
        ("cors", "NoSuchCORSConfiguration"),
        ("lifecycle", "NoSuchLifecycleConfiguration"),
        ("replication", "ReplicationConfigurationNotFoundError"),
        ("website", "NoSuchWebsiteConfiguration"),
        ("object-lock", "ObjectLockConfigurationNotFoundError"),
    ] {
        world.get(&format!("/bkt?{query}")).await.refused(404, code);
        world.get(&format!("/nope?{query}")).await.refused(404, "NoSuchBucket");
    }
    for (query, element, value) in [
        ("versioning", "Status", ""),
        ("logging", "TargetBucket", ""),
        ("accelerate", "Status", ""),
        ("requestPayment", "Payer", "BucketOwner"),
        ("encryption", "SSEAlgorithm", "AES256"),
        ("ownershipControls", "ObjectOwnership", "BucketOwnerEnforced"),
        ("acl", "Permission", "FULL_CONTROL"),
    ] {
        let got = world.get(&format!("/bkt?{query}")).await.expect(200);
        assert_eq!(got.element(element), value, "{query}");
    }
}

#[tokio::test]
async fn what_would_not_be_honoured_is_refused() {
    let world = World::with_bucket().await;
    let put = async |query: &str, body: &str| {
        world.call("PUT", &format!("/bkt?{query}"), &[], body.as_bytes()).await
    };
    let encryption = |algorithm: &str| {
        format!(
            "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault>\
             <SSEAlgorithm>{algorithm}</SSEAlgorithm></ApplyServerSideEncryptionByDefault></Rule>\
             </ServerSideEncryptionConfiguration>"
        )
    };
    put("encryption", &encryption("AES256")).await.expect(200);
    put("encryption", &encryption("aws:kms")).await.refused(501, "NotImplemented");
    let owner = |kind: &str| {
        format!(
            "<OwnershipControls><Rule><ObjectOwnership>{kind}</ObjectOwnership></Rule>\
             </OwnershipControls>"
        )
    };
    put("ownershipControls", &owner("ObjectWriter")).await.refused(501, "NotImplemented");
    world.call("DELETE", "/bkt?ownershipControls", &[], b"").await.expect(204);
    world.get("/bkt?ownershipControls").await.refused(404, "OwnershipControlsNotFoundError");
    put("ownershipControls", &owner("BucketOwnerEnforced")).await.expect(200);
    let private = [("x-amz-acl", "private")];
    let refused = world.call("PUT", "/bkt?acl", &private, b"").await;
    refused.refused(400, "AccessControlListNotSupported");
    let payer =
        "<RequestPaymentConfiguration><Payer>Requester</Payer></RequestPaymentConfiguration>";
    put("requestPayment", payer).await.refused(501, "NotImplemented");
    let on = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
    put("versioning", on).await.refused(501, "NotImplemented");
}
