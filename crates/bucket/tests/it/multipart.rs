//! Multipart uploads.

use crate::world::{Answer, World};

const PART: usize = 5 * 1024 * 1024;

async fn begin(world: &World, headers: &[(&str, &str)]) -> String {
    let begun = world.call("POST", "/bkt/big?uploads", headers, b"").await.expect(200);
    begun.element("UploadId")
}

async fn part(world: &World, id: &str, number: u32, bytes: &[u8]) -> String {
    let uri = format!("/bkt/big?partNumber={number}&uploadId={id}");
    world.put(&uri, bytes).await.header("etag").to_owned()
}

async fn complete(
    world: &World,
    id: &str,
    parts: &[(u32, &str)],
    headers: &[(&str, &str)],
) -> Answer {
    let parts = parts.iter().map(|(number, tag)| {
        format!("<Part><PartNumber>{number}</PartNumber><ETag>{tag}</ETag></Part>")
    });
    let document =
        format!("<CompleteMultipartUpload>{}</CompleteMultipartUpload>", parts.collect::<String>());
    let uri = format!("/bkt/big?uploadId={id}");
    world.call("POST", &uri, headers, document.as_bytes()).await
}

#[tokio::test]
async fn parts_become_one_object() {
    let world = World::with_bucket().await;
    let headers = [("content-type", "text/plain"), ("x-amz-checksum-algorithm", "CRC32")];
    let id = begin(&world, &headers).await;
    let (a, b) = (vec![b'a'; PART], b"tail".to_vec());
    let unused = part(&world, &id, 1, b"unused").await;
    let tag_a = part(&world, &id, 3, &a).await;
    let tag_b = part(&world, &id, 7, &b).await;

    let listed = world.get(&format!("/bkt/big?uploadId={id}&max-parts=2")).await.expect(200);
    assert_eq!(listed.elements("PartNumber"), ["1", "3"]);
    assert_eq!(listed.element("NextPartNumberMarker"), "3");
    let uploads = world.get("/bkt?uploads").await.expect(200);
    assert_eq!((uploads.element("Key"), uploads.element("UploadId")), ("big".into(), id.clone()));

    complete(&world, &id, &[(7, &tag_b), (3, &tag_a)], &[]).await.refused(400, "InvalidPartOrder");
    complete(&world, &id, &[(3, &tag_b)], &[]).await.refused(400, "InvalidPart");
    complete(&world, &id, &[(2, &tag_a)], &[]).await.refused(400, "InvalidPart");
    let small = complete(&world, &id, &[(1, &unused), (3, &tag_a)], &[]).await;
    assert_eq!(small.refused(400, "EntityTooSmall").element("ProposedSize"), "6");
    complete(&world, &id, &[], &[]).await.refused(400, "MalformedXML");
    complete(&world, "nope", &[(3, &tag_a)], &[]).await.refused(404, "NoSuchUpload");

    let done = complete(&world, &id, &[(3, &tag_a), (7, &tag_b)], &[("if-none-match", "*")]).await;
    let tag = done.expect(200).element("ETag").replace("&quot;", "").replace('"', "");
    assert!(tag.ends_with("-2"), "{tag}");
    assert_eq!(world.files().len(), 2, "the unused part is gone");
    complete(&world, &id, &[(3, &tag_a)], &[]).await.refused(404, "NoSuchUpload");

    let whole = world.call("GET", "/bkt/big", &[("x-amz-checksum-mode", "ENABLED")], b"").await;
    assert_eq!(whole.header("content-type"), "text/plain");
    assert_eq!(whole.header("x-amz-checksum-type"), "COMPOSITE");
    assert!(whole.header("x-amz-checksum-crc32").ends_with("-2"));
    assert!(whole.body.unwrap() == [a, b].concat());
    let range = format!("bytes={}-{}", PART - 2, PART + 1);
    let across = world.call("GET", "/bkt/big", &[("range", &range)], b"").await.expect(206);
    assert_eq!(across.body.unwrap(), &b"aata"[..]);
    let second = world.get("/bkt/big?partNumber=2").await.expect(206);
    assert_eq!((second.header("x-amz-mp-parts-count"), second.text()), ("2", "tail".into()));
}

#[tokio::test]
async fn an_upload_is_given_up_with_its_parts() {
    let world = World::with_bucket().await;
    let id = begin(&world, &[]).await;
    part(&world, &id, 1, b"x").await;
    part(&world, &id, 1, b"y").await;
    assert_eq!(world.files().len(), 1, "a part that is put again replaces the first");
    world.call("DELETE", &format!("/bkt/big?uploadId={id}"), &[], b"").await.expect(204);
    assert!(world.files().is_empty());
    let uri = format!("/bkt/big?partNumber=1&uploadId={id}");
    world.call("PUT", &uri, &[], b"x").await.refused(404, "NoSuchUpload");
    world
        .call("PUT", "/bkt/big?partNumber=10001&uploadId=x", &[], b"x")
        .await
        .refused(400, "InvalidArgument");
}

#[tokio::test]
async fn a_part_may_be_copied_and_the_whole_summed() {
    let world = World::with_bucket().await;
    world.put("/bkt/source", b"0123456789").await;
    let id = begin(&world, &[]).await;
    let uri = format!("/bkt/big?partNumber=1&uploadId={id}");
    let copy = async |range: &str| {
        let headers = [("x-amz-copy-source", "/bkt/source"), ("x-amz-copy-source-range", range)];
        world.call("PUT", &uri, &headers, b"").await
    };
    copy("bytes=5-10").await.refused(400, "InvalidArgument");
    let tag = copy("bytes=2-5").await.expect(200).element("ETag");
    let wrong = [("x-amz-checksum-crc64nvme", "AAAAAAAAAAA=")];
    complete(&world, &id, &[(1, &tag)], &wrong).await.refused(400, "BadDigest");
    let wrong = [("x-amz-mp-object-size", "5")];
    complete(&world, &id, &[(1, &tag)], &wrong).await.refused(400, "InvalidRequest");
    let plain = world.put("/bkt/plain", b"2345").await;
    let sum = [("x-amz-checksum-crc64nvme", plain.header("x-amz-checksum-crc64nvme"))];
    let done = complete(&world, &id, &[(1, &tag)], &sum).await.expect(200);
    assert_eq!(done.element("ChecksumType"), "FULL_OBJECT");
    assert_eq!(world.get("/bkt/big").await.text(), "2345");
}

#[tokio::test]
async fn a_completion_that_is_asked_for_again_is_answered_again() {
    let world = World::with_bucket().await;
    let id = begin(&world, &[]).await;
    let tag = part(&world, &id, 1, b"all of it").await;
    let first = complete(&world, &id, &[(1, &tag)], &[]).await.expect(200);
    let again = complete(&world, &id, &[(1, &tag)], &[("if-none-match", "*")]).await.expect(200);
    assert_eq!(again.element("ETag"), first.element("ETag"));
    assert_eq!(world.get("/bkt/big").await.text(), "all of it");
    let other = "\"00000000000000000000000000000000\"";
    complete(&world, &id, &[(1, other)], &[]).await.refused(404, "NoSuchUpload");

    // What stands there now came otherwise.
    let from = [("x-amz-copy-source", "bkt/big"), ("x-amz-metadata-directive", "REPLACE")];
    world.call("PUT", "/bkt/big", &from, b"").await.expect(200);
    complete(&world, &id, &[(1, &tag)], &[]).await.refused(404, "NoSuchUpload");
    world.call("DELETE", "/bkt/big", &[], b"").await.expect(204);
    complete(&world, &id, &[(1, &tag)], &[]).await.refused(404, "NoSuchUpload");
}

#[tokio::test]
async fn an_object_of_one_part_says_so() {
    let world = World::with_bucket().await;
    let id = begin(&world, &[]).await;
    let tag = part(&world, &id, 1, b"one").await;
    let list = format!("/bkt/big?uploadId={id}&part-number-marker=-1");
    world.get(&list).await.refused(400, "InvalidArgument");
    complete(&world, &id, &[(1, &tag)], &[]).await.expect(200);
    for method in ["GET", "HEAD"] {
        let found = world.call(method, "/bkt/big?partNumber=1", &[], b"").await.expect(206);
        assert_eq!(found.header("x-amz-mp-parts-count"), "1");
        assert_eq!(found.header("content-range"), "bytes 0-2/3");
    }
    world.put("/bkt/whole", b"one").await;
    let whole = world.get("/bkt/whole?partNumber=1").await.expect(206);
    assert!(!whole.headers.contains_key("x-amz-mp-parts-count"));
}

#[tokio::test]
async fn parts_are_shown_where_somebody_asked_for_their_checksums_and_counted_elsewhere() {
    for (headers, shown) in [(&[][..], false), (&[("x-amz-checksum-algorithm", "SHA1")][..], true)]
    {
        let world = World::with_bucket().await;
        let id = begin(&world, headers).await;
        let tags = [part(&world, &id, 2, &[b'x'; PART]).await, part(&world, &id, 5, b"end").await];
        let done = complete(&world, &id, &[(2, &tags[0]), (5, &tags[1])], &[]).await.expect(200);
        let ask = async |wanted: &str, more: &[(&str, &str)]| {
            let headers = [&[("x-amz-object-attributes", wanted)][..], more].concat();
            world.call("GET", "/bkt/big?attributes", &headers, b"").await
        };
        let all = "ETag, Checksum,ObjectParts,StorageClass,ObjectSize";
        let found = ask(all, &[]).await.expect(200);
        assert!(!found.header("last-modified").is_empty());
        let text = found.text();
        let tag = done.element("ETag").replace("&quot;", "").replace('"', "");
        assert!(text.contains(&format!("<ETag>{tag}</ETag>")), "{text}");
        assert_eq!(found.element("ObjectSize"), (PART + 3).to_string());
        assert_eq!(
            (found.element("StorageClass"), found.element("PartsCount")),
            ("STANDARD".into(), "2".into())
        );
        // The object counts its own.
        let numbers: &[&str] = if shown { &["1", "2"] } else { &[] };
        assert_eq!(found.elements("PartNumber"), numbers);
        assert_eq!(text.contains("<ChecksumSHA1>"), shown, "{text}");
        let rest = ask(all, &[("x-amz-part-number-marker", "1"), ("x-amz-max-parts", "1")]).await;
        assert_eq!(rest.elements("PartNumber"), &numbers[numbers.len() / 2..]);
        assert_eq!(rest.element("IsTruncated"), "false");

        assert!(!ask("ObjectSize", &[]).await.expect(200).text().contains("ETag"));
        ask("Colour", &[]).await.refused(400, "InvalidArgument");
        ask(all, &[("x-amz-max-parts", "-1")]).await.refused(400, "InvalidArgument");
        world.get("/bkt/big?attributes").await.refused(400, "InvalidRequest");
    }
}
