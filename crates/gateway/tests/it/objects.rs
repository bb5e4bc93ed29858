//! S3's bodies, both ways.

use bytes::Bytes;
use flow::{Caller, Region, RequestId, Timestamp};
use gateway::Limits;
use http::request;
use http_body_util::{BodyExt, Full};
use record::select::{DataResources, Selector, Union};
use sigv4::{ChunkForm, Content, presign, sign};

use tokio::{io::AsyncWriteExt, net::TcpStream};

use crate::world::{LISTER, REGION, ROOT, Unsigned, World, credentials, now, text};

/// A gateway that records data events too.
async fn world() -> World {
    let data = vec![DataResources::all("AWS::S3::Object")];
    let union = Union::new([Selector { data, ..Selector::default() }]);
    World::with(Limits::default(), union, None).await
}

const PUT: Unsigned<'static> = Unsigned { line: "PUT /bucket/key", headers: &[], body: "" };

/// A chunked upload of `hello world`.
fn chunked(world: &World, form: ChunkForm) -> (request::Parts, Vec<u8>) {
    let trailer = ("x-amz-trailer", "x-amz-checksum-crc32");
    let headers: &[_] = match form {
        ChunkForm::Signed => &[("content-encoding", "aws-chunked,gzip")],
        _ => &[("content-encoding", "aws-chunked"), trailer],
    };
    let mut parts = world.parts(&Unsigned { headers, ..PUT });
    let content = Content::Chunked(form, 11);
    let signed = sign(&mut parts, &content, &credentials(ROOT), REGION, "s3", now()).unwrap();
    let mut writer = signed.chunks(form);
    let mut wire = writer.chunk(b"hello ");
    wire.extend(writer.chunk(b"world"));
    let trailers: &[_] = match form {
        ChunkForm::Signed => &[],
        _ => &[("x-amz-checksum-crc32", "DUoRhQ==")],
    };
    wire.extend(writer.end(trailers));
    (parts, wire)
}

fn request(parts: request::Parts, body: Vec<u8>) -> http::Request<Full<Bytes>> {
    http::Request::from_parts(parts, Full::new(Bytes::from(body)))
}

#[tokio::test]
async fn a_chunked_upload_arrives_as_its_payload() {
    for form in [ChunkForm::Signed, ChunkForm::SignedTrailer, ChunkForm::UnsignedTrailer] {
        let world = world().await;
        let (parts, wire) = chunked(&world, form);
        let answer = world.send(request(parts, wire)).await;
        assert_eq!(answer.status(), 200, "{form:?}: {}", text(&answer));
        assert!(answer.headers().contains_key("x-amz-id-2"));

        let records = world.records().await;
        assert_eq!(records[0]["eventName"], "PutObject");
        assert_eq!(records[0]["requestParameters"]["key"], "key");
        assert_eq!(records[0]["additionalEventData"]["bytesTransferredIn"], 11);
        let id = answer.headers()["x-amz-request-id"].to_str().unwrap();
        assert_eq!(records[0]["requestID"], id);

        let seen = world.s3.seen.lock().unwrap();
        let taken = &seen[0];
        assert_eq!(taken.body.as_deref().unwrap(), b"hello world");
        let headers = &taken.head.headers;
        assert_eq!(headers["content-length"], "11");
        for gone in ["authorization", "x-amz-content-sha256", "x-amz-decoded-content-length"] {
            assert!(!headers.contains_key(gone), "{gone}");
        }
        let encoding = headers.get("content-encoding").map(|value| value.to_str().unwrap());
        assert_eq!(encoding, (form == ChunkForm::Signed).then_some("gzip"));
        let checksum = taken.trailers.as_ref().map(|t| t["x-amz-checksum-crc32"].clone());
        assert_eq!(checksum.is_some(), form != ChunkForm::Signed);
        let extensions = &taken.head.extensions;
        assert_eq!(extensions.get::<RequestId>().unwrap().request_id, id);
        assert_eq!(extensions.get::<RequestId>().unwrap().source_ip, "127.0.0.1");
        assert_eq!(extensions.get::<Caller>().unwrap().access_key_id, ROOT);
        assert_eq!(extensions.get::<Region>().unwrap().as_str(), REGION);
        assert_eq!(*extensions.get::<Timestamp>().unwrap(), now());
    }
}

#[tokio::test]
async fn a_tampered_chunk_is_refused_though_the_service_took_it() {
    let world = world().await;
    let (parts, mut wire) = chunked(&world, ChunkForm::Signed);
    let at = wire.windows(5).position(|window| window == b"world").unwrap();
    wire[at] = b'W';
    let answer = world.send(request(parts, wire)).await;
    assert_eq!(answer.status(), 403, "{}", text(&answer));
    assert!(text(&answer).contains("<Code>SignatureDoesNotMatch</Code>"), "{}", text(&answer));
    let records = world.records().await;
    assert_eq!(records[0]["errorCode"], "SignatureDoesNotMatch");
    assert!(world.s3.seen.lock().unwrap()[0].body.is_err());
}

#[tokio::test]
async fn a_body_of_another_hash_is_refused() {
    let world = world().await;
    let (parts, _) = world.signed(Unsigned { body: "hello", ..PUT }, "s3").into_parts();
    let answer = world.send(request(parts, b"jello".to_vec())).await;
    assert_eq!(answer.status(), 400, "{}", text(&answer));
    assert!(text(&answer).contains("XAmzContentSHA256Mismatch"), "{}", text(&answer));
    assert!(world.s3.seen.lock().unwrap()[0].body.is_err());
}

#[tokio::test]
async fn a_presigned_request_is_served_without_its_signature() {
    let world = world().await;
    let mut parts = world.parts(&Unsigned { line: "GET /bucket/5?x-id=GetObject", ..PUT });
    presign(&mut parts, &credentials(ROOT), REGION, "s3", 60, now()).unwrap();
    let answer = world.send(request(parts, Vec::new())).await;
    assert_eq!(answer.status(), 200, "{}", text(&answer));
    assert_eq!(text(&answer), "xxxxx");
    assert_eq!(world.s3.seen.lock().unwrap()[0].head.uri, "/bucket/5?x-id=GetObject");
    let records = world.records().await;
    assert!(!records[0].to_string().contains("X-Amz-Signature"), "{}", records[0]);
}

#[tokio::test]
async fn a_large_object_flows_and_is_recorded_before_its_end() {
    let world = world().await;
    let get = Unsigned { line: "GET /bucket/1000000", ..PUT };
    let answer = world.send(world.signed(get, "s3")).await;
    assert_eq!(answer.body().len(), 1_000_000);
    let records = world.records().await;
    assert_eq!(records[0]["additionalEventData"]["bytesTransferredOut"], 1_000_000);
}

#[tokio::test]
async fn a_client_that_hangs_up_midway_still_gives_a_record() {
    let world = world().await;
    let get = Unsigned { line: "GET /bucket/50000000", ..PUT };
    let mut answer = world.begin(world.signed(get, "s3")).await.unwrap();
    answer.body_mut().body.frame().await.unwrap().unwrap();
    drop(answer);
    let records = world.wait_for_records(1).await;
    assert_eq!(records[0]["eventName"], "GetObject");
    let given = records[0]["additionalEventData"]["bytesTransferredOut"].as_u64().unwrap();
    assert!(given < 50_000_000, "{given}");
}

#[tokio::test]
async fn without_a_record_no_object_comes_to_its_end() {
    let world = world().await;
    world.journal.clone().close().await;
    let small = Unsigned { line: "GET /bucket/5", ..PUT };
    let answer = world.send(world.signed(small, "s3")).await;
    assert_eq!(answer.status(), 503);
    assert!(text(&answer).contains("<Code>ServiceUnavailable</Code>"), "{}", text(&answer));

    let large = Unsigned { line: "GET /bucket/1000000", ..PUT };
    let answer = world.begin(world.signed(large, "s3")).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(answer.into_body().collect().await.is_err());
}

#[tokio::test]
async fn a_denied_object_call_never_reaches_the_bucket() {
    let world = world().await;
    let put = world.signed_by(LISTER, Unsigned { body: "hello", ..PUT }, "s3", REGION);
    let answer = world.send(put).await;
    assert_eq!(answer.status(), 403);
    assert!(text(&answer).contains("<Code>AccessDenied</Code>"), "{}", text(&answer));
    assert!(world.s3.seen.lock().unwrap().is_empty());
    assert_eq!(world.records().await[0]["errorCode"], "AccessDenied");
    let get = Unsigned { line: "GET /bucket/5", ..PUT };
    assert_eq!(world.send(world.signed_by(LISTER, get, "s3", REGION)).await.status(), 200);
}

#[tokio::test]
async fn a_denied_call_of_a_client_that_hangs_up_is_recorded() {
    let world = world().await;
    let put = world.signed_by(LISTER, Unsigned { body: "hello", ..PUT }, "s3", REGION);
    let mut head = format!("PUT {} HTTP/1.1\r\ncontent-length: 5\r\n", put.uri().path());
    for (name, value) in put.headers() {
        head.push_str(&format!("{name}: {}\r\n", value.to_str().unwrap()));
    }
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    stream.write_all(format!("{head}\r\n").as_bytes()).await.unwrap();
    drop(stream);
    let records = world.wait_for_records(1).await;
    assert_eq!(records[0]["errorCode"], "AccessDenied");
}

#[tokio::test]
async fn a_record_names_what_was_served_whatever_the_host_and_the_spelling_say() {
    let world = world().await;
    let host = ("host", "elsewhere.s3.example.com");
    let put = Unsigned { line: "PUT /bucket%2Fkey", headers: &[], body: "hello" };
    let mut parts = world.parts(&put);
    parts.headers.insert(host.0, host.1.parse().unwrap());
    let content = Content::Bytes(b"hello");
    sign(&mut parts, &content, &credentials(ROOT), REGION, "s3", now()).unwrap();
    let answer = world.send(request(parts, b"hello".to_vec())).await;
    assert_eq!(answer.status(), 200, "{}", text(&answer));
    let records = world.records().await;
    assert_eq!(records[0]["eventName"], "PutObject");
    assert_eq!(records[0]["requestParameters"]["bucketName"], "bucket");
    assert_eq!(records[0]["requestParameters"]["key"], "key");
    assert_eq!(records[0]["resources"][0]["ARN"], "arn:aws:s3:::bucket/key");
}

#[tokio::test]
async fn data_events_that_nobody_wants_are_counted_only() {
    let world = World::new().await;
    let answer = world.send(world.signed(Unsigned { body: "hello", ..PUT }, "s3")).await;
    assert_eq!(answer.status(), 200);
    assert!(world.records().await.is_empty());
    let counts = world.gateway.counts();
    assert_eq!((counts.calls, counts.unselected, counts.recorded), (1, 1, 0));
}

#[tokio::test]
async fn the_head_of_an_object_keeps_its_length() {
    let world = world().await;
    let head = Unsigned { line: "HEAD /bucket/5", ..PUT };
    let answer = world.send(world.signed(head, "s3")).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-length"], "5");
    assert_eq!(world.records().await[0]["eventName"], "HeadObject");
}

#[tokio::test]
async fn a_client_that_still_sends_reads_its_answer_all_the_same() {
    let world = world().await;
    let body = "x".repeat(16 * 1024 * 1024);
    let put = Unsigned { line: "PUT /bucket/unread", headers: &[], body: &body };
    let answer = world.send(world.signed(put, "s3")).await;
    assert_eq!(answer.status(), 200);
    let forged = world.signed_by("AKIANOBODY", put, "s3", REGION);
    assert_eq!(world.send(forged).await.status(), 403);
}

/// What deleting these keys of the bucket at once looks like.
fn deletion(keys: &[&str]) -> String {
    let keys = keys.iter().map(|key| format!("<Object><Key>{key}</Key></Object>"));
    format!("<Delete>{}</Delete>", keys.collect::<String>())
}

#[tokio::test]
async fn each_key_of_a_deletion_is_asked_for() {
    let world = world().await;
    let body = deletion(&["one", "two/three"]);
    let delete = Unsigned { line: "POST /bucket?delete", headers: &[], body: &body };
    assert_eq!(world.send(world.signed(delete, "s3")).await.status(), 200);
    let asked = world.asked.lock().unwrap().clone();
    let arns = ["arn:aws:s3:::bucket/one", "arn:aws:s3:::bucket/two/three"];
    assert_eq!(asked, arns.map(|arn| format!("s3:DeleteObject {arn}")));
    assert_eq!(world.s3.seen.lock().unwrap().len(), 1);
    assert_eq!(world.send(world.signed_by(LISTER, delete, "s3", REGION)).await.status(), 403);
    let unread = Unsigned { body: "<Delete><Object>", ..delete };
    assert_eq!(world.send(world.signed(unread, "s3")).await.status(), 400);
    assert_eq!(world.s3.seen.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_copy_asks_for_its_source_and_a_version_for_itself() {
    let world = world().await;
    let headers = &[("x-amz-copy-source", "/other/a%20b?versionId=7"), ("x-amz-acl", "private")];
    let copy = Unsigned { line: "PUT /bucket/k?", headers, body: "" };
    world.send(world.signed(copy, "s3")).await;
    let get = Unsigned { line: "GET /bucket/5?versionId=7", headers: &[], body: "" };
    world.send(world.signed(get, "s3")).await;
    let asked = world.asked.lock().unwrap().clone();
    assert_eq!(
        asked,
        [
            "s3:PutObject arn:aws:s3:::bucket/k",
            "s3:PutObjectAcl arn:aws:s3:::bucket/k",
            "s3:GetObjectVersion arn:aws:s3:::other/a b",
            "s3:GetObjectVersion arn:aws:s3:::bucket/5",
        ]
    );
}
