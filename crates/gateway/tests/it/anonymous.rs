//! Requests that nobody signed.

use bytes::Bytes;
use flow::{Caller, Principal};
use gateway::Limits;
use http::Response;
use http_body_util::Full;
use record::select::{DataResources, Selector, Union};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::world::{Unsigned, World, text};

/// A gateway that records data events too.
async fn world() -> World {
    let data = vec![DataResources::all("AWS::S3::Object")];
    let union = Union::new([Selector { data, ..Selector::default() }]);
    World::with(Limits::default(), union, None).await
}

async fn send(world: &World, line: &str, headers: &[(&str, &str)], body: &str) -> Response<Bytes> {
    let parts = world.parts(&Unsigned { line, headers, body });
    let body = Full::new(Bytes::copy_from_slice(body.as_bytes()));
    world.send(http::Request::from_parts(parts, body)).await
}

#[tokio::test]
async fn what_everybody_may_do_is_served_to_nobody_and_recorded() {
    let world = world().await;
    let answer = send(&world, "GET /public/5", &[], "").await;
    assert_eq!((answer.status().as_u16(), text(&answer)), (200, "xxxxx"));
    let id = answer.headers()["x-amz-request-id"].to_str().unwrap();
    assert!(answer.headers().contains_key("x-amz-id-2"));
    let json = [("content-type", "application/json")];
    assert_eq!(send(&world, "PUT /public/key", &json, "hello").await.status(), 200);
    let records = world.records().await;
    assert_eq!(records[0]["eventName"], "GetObject");
    assert_eq!(records[0]["requestID"], id);
    let nobody = json!({"type": "AWSAccount", "principalId": "", "accountId": "anonymous"});
    assert_eq!(records[0]["userIdentity"], nobody);
    assert_eq!(records[1]["eventName"], "PutObject");
    let additional = &records[1]["additionalEventData"];
    assert_eq!(additional["bytesTransferredIn"], 5);
    assert!(additional.get("AuthenticationMethod").is_none(), "{additional}");
    let seen = world.s3.seen.lock().unwrap();
    assert_eq!(seen[1].body.as_deref().unwrap(), b"hello");
    assert_eq!(seen[1].head.extensions.get::<Caller>().unwrap().principal, Principal::Anonymous);
}

#[tokio::test]
async fn what_no_policy_opens_is_denied_in_s3_s_words_and_recorded() {
    let world = world().await;
    for line in ["GET /private/5", "HEAD /private/5", "PUT /private/k", "GET /private?list-type=2"]
    {
        let answer = send(&world, line, &[], "").await;
        assert_eq!(answer.status(), 403, "{line}");
        if !line.starts_with("HEAD") {
            let body = text(&answer);
            assert!(body.contains("<Code>AccessDenied</Code><Message>Access Denied<"), "{body}");
        }
    }
    assert!(world.s3.seen.lock().unwrap().is_empty());
    let records = world.records().await;
    assert_eq!(records.len(), 4);
    for record in records {
        assert_eq!(record["errorCode"], "AccessDenied");
        assert_eq!(record["userIdentity"]["accountId"], "anonymous");
    }
}

#[tokio::test]
async fn what_is_nobody_s_is_denied_and_in_nobody_s_log() {
    let world = world().await;
    for line in
        ["GET /nowhere/5", "PUT /nowhere", "DELETE /nowhere", "POST /nowhere?delete", "GET /"]
    {
        let answer = send(&world, line, &[], "").await;
        assert_eq!(answer.status(), 403, "{line}");
        assert!(text(&answer).contains("<Code>AccessDenied</Code>"), "{}", text(&answer));
    }
    assert!(world.records().await.is_empty());
    let counts = world.gateway.counts();
    assert_eq!((counts.calls, counts.refused), (0, 5));
}

#[tokio::test]
async fn s3_wants_to_know_who_copies_uploads_in_parts_and_changes_settings() {
    let world = world().await;
    let source = [("x-amz-copy-source", "/public/5")];
    for (line, headers, words) in [
        ("PUT /public/copy", &source[..], "Anonymous users cannot copy objects."),
        ("PUT /public/k?partNumber=1&uploadId=2", &source[..], "Anonymous users cannot copy"),
        ("POST /public/k?uploads", &[], "Anonymous users cannot initiate multipart uploads."),
        ("PUT /public?policy", &[], "Access Denied"),
        ("GET /public?policy", &[], "Access Denied"),
        ("PUT /public?notification", &[], "Access Denied"),
        ("PUT /public", &[], "Access Denied"),
        ("DELETE /public", &[], "Access Denied"),
    ] {
        let answer = send(&world, line, headers, "").await;
        assert_eq!(answer.status(), 403, "{line}");
        assert!(text(&answer).contains(words), "{line}: {}", text(&answer));
    }
    assert!(world.s3.seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn each_key_of_a_deletion_by_nobody_is_asked_for() {
    let world = world().await;
    let one = "<Delete><Object><Key>one</Key></Object></Delete>";
    assert_eq!(send(&world, "POST /public?delete", &[], one).await.status(), 200);
    let answer = send(&world, "POST /private?delete", &[], one).await;
    assert_eq!(answer.status(), 403);
    assert!(text(&answer).contains("<Message>Access Denied<"), "{}", text(&answer));
    assert_eq!(world.s3.seen.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_body_that_is_chunked_for_its_checksum_arrives_as_its_payload() {
    let world = world().await;
    let wire = "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n";
    let headers = [
        ("content-encoding", "aws-chunked"),
        ("x-amz-decoded-content-length", "5"),
        ("x-amz-trailer", "x-amz-checksum-crc32"),
    ];
    let answer = send(&world, "PUT /public/key", &headers, wire).await;
    assert_eq!(answer.status(), 200, "{}", text(&answer));
    let forged = [("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD")];
    let answer = send(&world, "PUT /public/key", &forged, wire).await;
    assert_eq!(answer.status(), 400, "{}", text(&answer));
    let hash = [("x-amz-content-sha256", &*"0".repeat(64))];
    let answer = send(&world, "PUT /public/key", &hash, "hello").await;
    assert!(text(&answer).contains("XAmzContentSHA256Mismatch"), "{}", text(&answer));
    let seen = world.s3.seen.lock().unwrap();
    assert_eq!(seen[0].body.as_deref().unwrap(), b"hello");
    assert_eq!(seen[0].trailers.as_ref().unwrap()["x-amz-checksum-crc32"], "NhCmhg==");
}

#[tokio::test]
async fn a_denied_upload_by_nobody_is_refused_before_it_is_sent() {
    let world = world().await;
    let head = "PUT /private/key HTTP/1.1\r\nhost: here\r\nexpect: 100-continue\r\n\
                content-length: 5000000000\r\n\r\n";
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut status = [0; 12];
    stream.read_exact(&mut status).await.unwrap();
    assert_eq!(&status, b"HTTP/1.1 403");
    assert!(world.s3.seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn what_needs_no_signature_on_aws_is_told_that_it_is_not_offered() {
    let world = world().await;
    let form = [("content-type", "application/x-www-form-urlencoded; charset=utf-8")];
    for action in ["AssumeRoleWithWebIdentity", "AssumeRoleWithSAML"] {
        let token = "x".repeat(100_000);
        let body = format!("Token={token}&Version=2011-06-15&Action={action}");
        let answer = send(&world, "POST /", &form, &body).await;
        assert_eq!(answer.status(), 400, "{}", text(&answer));
        assert!(text(&answer).contains("<Code>UnsupportedOperation</Code>"), "{}", text(&answer));
        assert!(text(&answer).contains(action), "{}", text(&answer));
    }
    let browser = [("content-type", "multipart/form-data; boundary=b")];
    let answer = send(&world, "POST /public", &browser, "--b--").await;
    assert_eq!(answer.status(), 501);
    assert!(text(&answer).contains("<Code>NotImplemented</Code>"), "{}", text(&answer));
    let long = "Action=AssumeRoleWithSAML&x=".to_owned() + &"x".repeat(1024 * 1024);
    let answer = send(&world, "POST /", &form, &long).await;
    assert!(text(&answer).contains("MissingAuthenticationToken"), "{}", text(&answer));
    assert!(world.records().await.is_empty());
    assert_eq!(world.gateway.counts().refused, 4);
}

#[tokio::test]
async fn an_unsigned_request_of_another_service_has_no_signature() {
    let world = world().await;
    let target = [("x-amz-target", "AmazonSQS.ListQueues")];
    let answer = send(&world, "POST /public/queue", &target, "{}").await;
    assert!(text(&answer).contains("MissingAuthenticationToken"), "{}", text(&answer));
    let answer = send(&world, "GET /2015-03-31/functions/", &[], "").await;
    assert_eq!(answer.status(), 403);
    assert!(world.records().await.is_empty());
}
