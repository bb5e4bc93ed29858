//! Buckets and objects: made, read in part and whole, copied, listed, deleted.

use bytes::Bytes;
use flow::Fault;
use http::HeaderMap;
use http_body::Frame;

use crate::world::World;

#[tokio::test]
async fn a_bucket_is_made_where_the_call_was_sent_to() {
    let world = World::new().await;
    let place = |region: &str| {
        format!(
            "<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
             <LocationConstraint>{region}</LocationConstraint></CreateBucketConfiguration>"
        )
    };
    let make = async |name: &str, body: &str| world.call("PUT", name, &[], body.as_bytes()).await;
    make("/logs-1", "").await.refused(400, "IllegalLocationConstraintException");
    make("/logs-1", &place("eu-west-1")).await.refused(400, "IllegalLocationConstraintException");
    make("/Logs", &place("us-east-2")).await.refused(400, "InvalidBucketName");
    make("/xn--logs", &place("us-east-2")).await.refused(400, "InvalidBucketName");
    make("/logs-1", "<Nonsense").await.refused(400, "MalformedXML");
    let made = make("/logs-1", &place("us-east-2")).await.expect(200);
    assert_eq!(made.header("location"), "/logs-1");
    make("/logs-1", &place("us-east-2")).await.refused(409, "BucketAlreadyOwnedByYou");

    let head = world.call("HEAD", "/logs-1", &[], b"").await.expect(200);
    assert_eq!(head.header("x-amz-bucket-region"), "us-east-2");
    world.call("HEAD", "/logs-2", &[], b"").await.refused(404, "NoSuchBucket");
    let location = world.get("/logs-1?location").await.expect(200).text();
    assert!(location.contains(">us-east-2</LocationConstraint>"), "{location}");
    assert_eq!(location.matches("<LocationConstraint").count(), 1, "{location}");
    let all = world.get("/").await.expect(200);
    assert_eq!(all.element("Name"), "logs-1");
    assert_eq!(all.element("CreationDate"), "2026-11-22T10:00:00.000Z");

    world.put("/logs-1/key", b"x").await;
    world.call("DELETE", "/logs-1", &[], b"").await.refused(409, "BucketNotEmpty");
    world.call("DELETE", "/logs-1/key", &[], b"").await.expect(204);
    world.call("DELETE", "/logs-1", &[], b"").await.expect(204);
    world.get("/logs-1").await.refused(404, "NoSuchBucket");
}

#[tokio::test]
async fn an_object_comes_back_as_it_was_put() {
    let world = World::with_bucket().await;
    let headers = [
        ("content-type", "text/plain; charset=latin1"),
        ("content-encoding", "aws-chunked,gzip"),
        ("cache-control", "no-cache"),
        ("content-disposition", "attachment"),
        ("content-language", "de"),
        ("expires", "Sun, 22 Nov 2026 11:00:00 GMT"),
        ("x-amz-meta-colour", "blue"),
        ("content-md5", "XUFAKrxLKna5cZ2REBfFkg=="),
        ("authorization", "AWS4-HMAC-SHA256 what the gateway verified"),
    ];
    let put = world.call("PUT", "/bkt/a/b%20c", &headers, b"hello").await.expect(200);
    assert_eq!(put.header("etag"), "\"5d41402abc4b2a76b9719d911017c592\"");
    assert_eq!(put.header("x-amz-checksum-type"), "FULL_OBJECT");
    for method in ["GET", "HEAD"] {
        let got = world.call(method, "/bkt/a/b%20c", &[], b"").await.expect(200);
        assert_eq!(got.header("content-encoding"), "gzip");
        assert_eq!(got.header("content-length"), "5");
        assert_eq!(got.header("etag"), "\"5d41402abc4b2a76b9719d911017c592\"");
        assert_eq!(got.header("last-modified"), "Sun, 22 Nov 2026 10:00:00 GMT");
        assert_eq!(got.header("accept-ranges"), "bytes");
        assert_eq!(got.header("x-amz-checksum-crc64nvme"), "");
        for (name, value) in &headers[2..7] {
            assert_eq!(got.header(name), *value);
        }
        assert_eq!(got.header("content-type"), headers[0].1);
        let body: &[u8] = if method == "GET" { b"hello" } else { b"" };
        assert_eq!(got.body.unwrap(), body);
    }
    let presigned = "/bkt/a/b%20c?X-Amz-Signature=verified&response-content-type=text/x%2Bz";
    let got = world.get(presigned).await.expect(200);
    assert_eq!(got.header("content-type"), "text/x+z");
    world.get("/bkt/a").await.refused(404, "NoSuchKey");
    world.call("HEAD", "/bkt/a", &[], b"").await.refused(404, "NoSuchKey");
    assert_eq!(world.buckets.read("bkt", "a/b c").await.unwrap(), &b"hello"[..]);
    let md5 = "5d41402abc4b2a76b9719d911017c592".to_owned();
    assert_eq!(world.buckets.objects("bkt").await.unwrap(), [("a/b c".to_owned(), 5, md5)]);
}

#[tokio::test]
async fn a_part_of_an_object_is_read_by_range_and_condition() {
    let world = World::with_bucket().await;
    let long: Vec<u8> = (0..1_000_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    let put = world.put("/bkt/k", &long).await;
    let tag = put.header("etag").to_owned();
    let ask =
        async |name: &str, value: &str| world.call("GET", "/bkt/k", &[(name, value)], b"").await;
    let part = ask("range", "bytes=300000-799999").await.expect(206);
    assert_eq!(part.header("content-range"), "bytes 300000-799999/1000000");
    assert_eq!(part.header("content-length"), "500000");
    assert!(part.body.unwrap() == long[300_000..800_000]);
    let part = ask("range", "bytes=-3").await.expect(206);
    assert_eq!(part.body.unwrap(), long[999_997..]);
    let none = ask("range", "bytes=1000000-").await.refused(416, "InvalidRange");
    assert_eq!(none.element("ActualObjectSize"), "1000000");
    assert!(ask("range", "lines=1-2").await.expect(200).body.unwrap() == long);
    ask("if-match", &tag).await.expect(200);
    let failed = ask("if-match", "\"other\"").await.refused(412, "PreconditionFailed");
    assert_eq!(failed.element("Condition"), "If-Match");
    let same = ask("if-none-match", &tag).await.expect(304);
    assert_eq!((same.header("etag"), same.body.clone().unwrap().len()), (tag.as_str(), 0));
    ask("if-modified-since", "Sun, 22 Nov 2026 10:00:00 GMT").await.expect(304);
    ask("if-modified-since", "Sun, 22 Nov 2026 09:59:59 GMT").await.expect(200);
    ask("if-unmodified-since", "Sun, 22 Nov 2026 09:59:59 GMT").await.expect(412);
}

#[tokio::test]
async fn a_write_takes_place_only_on_its_condition() {
    let world = World::with_bucket().await;
    let put = async |headers: &[(&str, &str)], body: &[u8]| {
        world.call("PUT", "/bkt/k", headers, body).await
    };
    put(&[("if-match", "\"abc\"")], b"1").await.refused(404, "NoSuchKey");
    let first = put(&[("if-none-match", "*")], b"1").await.expect(200);
    put(&[("if-none-match", "*")], b"2").await.refused(412, "PreconditionFailed");
    put(&[("if-match", "\"abc\"")], b"2").await.refused(412, "PreconditionFailed");
    put(&[("if-match", first.header("etag"))], b"3").await.expect(200);
    assert_eq!(world.get("/bkt/k").await.body.unwrap(), &b"3"[..]);
    assert_eq!(world.files().len(), 1, "refused and replaced bytes are gone");
    let delete = async |tag: &str| world.call("DELETE", "/bkt/k", &[("if-match", tag)], b"").await;
    delete("\"abc\"").await.refused(412, "PreconditionFailed");
    delete("eccbc87e4b5ce2fe28308fd9f2a7baf3").await.expect(204);
    assert!(world.files().is_empty());
}

#[tokio::test]
async fn a_checksum_is_verified_kept_and_given_back() {
    let world = World::with_bucket().await;
    let trailer = |value: &str| {
        let mut trailers = HeaderMap::new();
        trailers.insert("x-amz-checksum-crc32", value.parse().unwrap());
        vec![Ok(Frame::data(Bytes::from_static(b"hello"))), Ok(Frame::trailers(trailers))]
    };
    let announced = [("x-amz-trailer", "x-amz-checksum-crc32")];
    let wrong = world.framed("PUT", "/bkt/k", &announced, trailer("AAAAAA==")).await;
    wrong.refused(400, "BadDigest");
    let missing = world.call("PUT", "/bkt/k", &announced, b"hello").await;
    missing.refused(400, "MalformedTrailerError");
    let put = world.framed("PUT", "/bkt/k", &announced, trailer("NhCmhg==")).await.expect(200);
    assert_eq!(put.header("x-amz-checksum-crc32"), "NhCmhg==");
    for header in ["x-amz-checksum-sha1", "x-amz-checksum-sha256", "content-md5"] {
        let bad = "AAAAAAAAAAAAAAAAAAAAAAAAAAA=";
        let answer = world.call("PUT", "/bkt/k", &[(header, bad)], b"hello").await.expect(400);
        assert!(!answer.fault.unwrap().code.is_empty());
    }
    for method in ["GET", "HEAD"] {
        let enabled = [("x-amz-checksum-mode", "ENABLED")];
        let got = world.call(method, "/bkt/k", &enabled, b"").await.expect(200);
        assert_eq!(got.header("x-amz-checksum-crc32"), "NhCmhg==");
        assert_eq!(got.header("x-amz-checksum-type"), "FULL_OBJECT");
    }
    assert_eq!(world.files().len(), 1);
}

#[tokio::test]
async fn a_body_that_breaks_off_leaves_nothing() {
    let world = World::with_bucket().await;
    let broken =
        |cause: flow::BodyError| vec![Ok(Frame::data(Bytes::from_static(b"hel"))), Err(cause)];
    let cut = world.framed("PUT", "/bkt/k", &[], broken("reset".into())).await;
    cut.refused(400, "IncompleteBody");
    let fault = Fault::new("XAmzContentSHA256Mismatch", "The provided header does not match.");
    let judged = world.framed("PUT", "/bkt/k", &[], broken(fault.into())).await;
    judged.refused(400, "XAmzContentSHA256Mismatch");
    let short = [("x-amz-decoded-content-length", "6")];
    world.call("PUT", "/bkt/k", &short, b"hello").await.refused(400, "IncompleteBody");
    let large = [("content-length", "5368709121")];
    world.call("PUT", "/bkt/k", &large, b"hello").await.refused(400, "EntityTooLarge");
    assert!(world.files().is_empty());
}

#[tokio::test]
async fn what_is_not_offered_is_refused_by_name() {
    let world = World::with_bucket().await;
    let check = async |method: &str, uri: &str, headers: &[(&str, &str)], what: &str| {
        let answer = world.call(method, uri, headers, b"x").await.refused(501, "NotImplemented");
        assert!(answer.element("Message").contains(what), "{answer:?}");
    };
    check("PUT", "/bkt/k", &[("x-amz-storage-class", "GLACIER")], "x-amz-storage-class").await;
    check("PUT", "/bkt/k", &[("x-amz-acl", "public-read")], "x-amz-acl").await;
    check("PUT", "/bkt/k", &[("x-amz-website-redirect-location", "/x")], "x-amz-website").await;
    check("DELETE", "/bkt?abac", &[], "abac").await;
    check("GET", "/bkt?inventory", &[], "inventory").await;
    world.put("/bkt/k", b"x").await;
    world.get("/bkt/k?tagging").await.expect(200);
    world.get("/bkt?versioning").await.expect(200);
    assert_eq!(world.call("PATCH", "/bkt/k", &[], b"").await.status, 501);
}

#[tokio::test]
async fn a_copy_has_bytes_of_its_own() {
    let world = World::with_bucket().await;
    let meta = [("x-amz-meta-a", "1"), ("content-type", "text/plain")];
    world.call("PUT", "/bkt/from%20here", &meta, b"hello").await.expect(200);
    let copy = async |to: &str, headers: &[(&str, &str)]| {
        let mut all = vec![("x-amz-copy-source", "bkt/from%20here")];
        all.extend_from_slice(headers);
        world.call("PUT", to, &all, b"").await
    };
    let done = copy("/bkt/to", &[]).await.expect(200);
    assert!(done.element("ETag").contains("5d41402abc4b2a76b9719d911017c592"), "{done:?}");
    assert_eq!(world.get("/bkt/to").await.header("x-amz-meta-a"), "1");
    let replaced = [("x-amz-metadata-directive", "REPLACE"), ("x-amz-meta-b", "2")];
    copy("/bkt/to", &replaced).await.expect(200);
    let got = world.get("/bkt/to").await;
    assert_eq!((got.header("x-amz-meta-a"), got.header("x-amz-meta-b")), ("", "2"));
    copy("/bkt/from%20here", &[]).await.refused(400, "InvalidRequest");
    copy("/bkt/from%20here", &replaced).await.expect(200);
    copy("/bkt/to", &[("x-amz-copy-source-if-match", "\"abc\"")])
        .await
        .refused(412, "PreconditionFailed");
    world.call("DELETE", "/bkt/from%20here", &[], b"").await.expect(204);
    assert_eq!(world.get("/bkt/to").await.body.unwrap(), &b"hello"[..]);
    copy("/bkt/to", &[]).await.refused(404, "NoSuchKey");
}

#[tokio::test]
async fn objects_are_listed_page_by_page() {
    let world = World::with_bucket().await;
    for key in ["a+b", "d/1", "d/2", "e", "f/1"] {
        world.put(&format!("/bkt/{key}"), b"x").await;
    }
    let first = world.get("/bkt?list-type=2&delimiter=/&max-keys=2&encoding-type=url").await;
    assert_eq!(first.elements("Key"), ["a%2Bb"]);
    assert_eq!(first.elements("Prefix")[1..], ["d/".to_owned()]);
    assert_eq!(
        (first.element("IsTruncated"), first.element("KeyCount")),
        ("true".into(), "2".into())
    );
    let token = first.element("NextContinuationToken");
    let next = format!("/bkt?list-type=2&delimiter=/&continuation-token={token}&fetch-owner=true");
    let next = world.get(&next).await.expect(200);
    assert_eq!(next.elements("Key"), ["e"]);
    assert_eq!(next.elements("Prefix").last().unwrap(), "f/");
    assert_eq!(next.element("ID").len(), 64);
    let old = world.get("/bkt?prefix=d/&max-keys=1").await.expect(200);
    assert_eq!((old.element("Key"), old.element("IsTruncated")), ("d/1".into(), "true".into()));
    let old = world.get("/bkt?delimiter=/&marker=d/").await.expect(200);
    assert_eq!(old.elements("Key"), ["e"]);
    world.get("/bkt?list-type=2&continuation-token=%21").await.refused(400, "InvalidArgument");
    world.get("/bkt?max-keys=-1").await.refused(400, "InvalidArgument");
}

#[tokio::test]
async fn many_objects_are_deleted_at_once() {
    let world = World::with_bucket().await;
    for key in ["a", "b", "c"] {
        world.put(&format!("/bkt/{key}"), b"x").await;
    }
    let document = "<Delete><Object><Key>a</Key></Object><Object><Key>never</Key></Object>\
                    <Object><Key>b</Key><VersionId>v</VersionId></Object></Delete>";
    let bad = [("x-amz-checksum-crc32", "AAAAAA==")];
    world.call("POST", "/bkt?delete", &bad, document.as_bytes()).await.refused(400, "BadDigest");
    let done = world.call("POST", "/bkt?delete", &[], document.as_bytes()).await.expect(200);
    assert_eq!(done.elements("Deleted"), ["<Key>a</Key>", "<Key>never</Key>"]);
    assert!(done.element("Error").contains("NoSuchVersion"), "{done:?}");
    let quiet = "<Delete><Quiet>true</Quiet><Object><Key>c</Key></Object></Delete>";
    let done = world.call("POST", "/bkt?delete", &[], quiet.as_bytes()).await.expect(200);
    assert!(done.elements("Deleted").is_empty());
    assert_eq!(world.get("/bkt").await.elements("Key"), ["b"]);
}

#[tokio::test]
async fn each_object_is_its_only_version() {
    let world = World::with_bucket().await;
    for key in ["a/1", "a/2", "b", "c d"] {
        world
            .call("PUT", &format!("/bkt/{}", key.replace(' ', "%20")), &[], b"x")
            .await
            .expect(200);
    }
    let all = world.get("/bkt?versions").await.expect(200);
    assert_eq!(all.elements("Key"), ["a/1", "a/2", "b", "c d"]);
    assert_eq!(all.elements("VersionId"), ["null"; 4]);
    assert_eq!(all.elements("IsLatest"), ["true"; 4]);
    assert_eq!(all.element("IsTruncated"), "false");

    let first = world.get("/bkt?versions&max-keys=2&delimiter=/&encoding-type=url").await;
    assert_eq!(first.elements("Key"), ["b"]);
    assert!(first.text().contains("<CommonPrefixes><Prefix>a/</Prefix></CommonPrefixes>"));
    assert_eq!(first.element("NextKeyMarker"), "b");
    assert_eq!(first.element("NextVersionIdMarker"), "null");
    let next = "/bkt?versions&delimiter=/&encoding-type=url&key-marker=b&version-id-marker=null";
    assert_eq!(world.get(next).await.expect(200).elements("Key"), ["c%20d"]);

    world.get("/bkt?versions&version-id-marker=null").await.refused(400, "InvalidArgument");
    let other = "/bkt?versions&key-marker=b&version-id-marker=other";
    world.get(other).await.refused(400, "InvalidArgument");
    world.get("/none?versions").await.refused(404, "NoSuchBucket");

    // As whoever empties a bucket before deleting it does.
    let bypass = [("x-amz-bypass-governance-retention", "true")];
    world.call("DELETE", "/bkt/b?versionId=null", &bypass, b"").await.expect(204);
    assert_eq!(world.get("/bkt?versions").await.elements("Key"), ["a/1", "a/2", "c d"]);
}

#[tokio::test]
async fn a_head_tells_of_ranges_and_tags_as_a_get_does() {
    let world = World::with_bucket().await;
    world.call("PUT", "/bkt/k", &[("x-amz-tagging", "a=1&b=2")], b"0123456789").await.expect(200);
    for method in ["GET", "HEAD"] {
        let range = [("range", "bytes=2-4")];
        let found = world.call(method, "/bkt/k", &range, b"").await.expect(206);
        assert_eq!(found.header("content-range"), "bytes 2-4/10");
        assert_eq!(found.header("x-amz-tagging-count"), "2");
        for nonsense in ["bytes=-", "bytes=4-2", "bytes=0-1,3-4"] {
            let found = world.call(method, "/bkt/k", &[("range", nonsense)], b"").await.expect(200);
            assert_eq!(found.header("content-length"), "10", "{nonsense}");
        }
    }
}

#[tokio::test]
async fn a_key_that_is_no_text_is_refused() {
    let world = World::with_bucket().await;
    for method in ["PUT", "GET", "DELETE"] {
        let answer = world.call(method, "/bkt/a%AE%8A", &[], b"x").await;
        answer.refused(400, "InvalidURI");
    }
    assert!(world.get("/bkt").await.elements("Key").is_empty());
}

#[tokio::test]
async fn an_empty_delimiter_is_none_and_an_empty_token_no_token() {
    let world = World::with_bucket().await;
    world.put("/bkt/a/b", b"x").await;
    for list in ["?delimiter=", "?list-type=2&delimiter=", "?versions&delimiter="] {
        let listed = world.get(&format!("/bkt{list}")).await.expect(200);
        assert_eq!(listed.elements("Key"), ["a/b"], "{list}");
        assert!(!listed.text().contains("Delimiter"), "{list}");
    }
    let empty = world.get("/bkt?list-type=2&continuation-token=").await;
    empty.refused(400, "InvalidArgument");
}
