//! Connections: pages, keep-alive, `100 Continue`, TLS, the stop.

use std::sync::Arc;

use bytes::Bytes;
use gateway::Limits;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use record::select::{DataResources, Selector, Union};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
};

use crate::world::{Unsigned, World, form, text};

const LIST: &str = "Action=ListTopics&Version=2010-03-31";

#[tokio::test]
async fn health_and_pages_need_no_signature_and_are_no_calls() {
    let world = World::new().await;
    for (line, expected) in [("GET /health", r#"{"status":"ok"}"#), ("GET /page.txt", "a page")] {
        let parts = world.parts(&Unsigned { line, headers: &[], body: "" });
        let request = http::Request::from_parts(parts, Full::new(Bytes::new()));
        let answer = world.send(request).await;
        assert_eq!((answer.status().as_u16(), text(&answer)), (200, expected));
    }
    assert_eq!(world.gateway.counts(), gateway::Counts::default());
}

#[tokio::test]
async fn one_connection_carries_many_calls() {
    let world = World::new().await;
    let stream = TcpStream::connect(world.address).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move { drop(connection.await) });
    for _ in 0..3 {
        sender.ready().await.unwrap();
        let answer = sender.send_request(world.signed(form(LIST), "sns")).await.unwrap();
        assert_eq!(answer.status(), 200);
        answer.into_body().collect().await.unwrap();
    }
    assert_eq!(world.records().await.len(), 3);
}

/// The request as bytes on the wire.
fn wire(request: &http::Request<Full<Bytes>>, extra: &str) -> String {
    let mut text = format!("{} {} HTTP/1.1\r\n{extra}", request.method(), request.uri());
    for (name, value) in request.headers() {
        text.push_str(&format!("{name}: {}\r\n", value.to_str().unwrap()));
    }
    text.push_str("\r\n");
    text
}

#[tokio::test]
async fn a_client_that_asks_first_is_told_to_go_on_or_is_refused_at_once() {
    let world = World::new().await;
    let put = Unsigned { line: "PUT /bucket/key", headers: &[], body: "hello" };
    let good = world.signed(put, "s3");
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    let extra = "expect: 100-continue\r\ncontent-length: 5\r\n";
    stream.write_all(wire(&good, extra).as_bytes()).await.unwrap();
    let mut told = [0; 25];
    stream.read_exact(&mut told).await.unwrap();
    assert_eq!(&told, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"hello").await.unwrap();
    let mut status = [0; 12];
    stream.read_exact(&mut status).await.unwrap();
    assert_eq!(&status, b"HTTP/1.1 200");

    let bad = world.signed_by("AKIANOBODY", put, "s3", "us-east-2");
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    stream.write_all(wire(&bad, extra).as_bytes()).await.unwrap();
    stream.read_exact(&mut status).await.unwrap();
    assert_eq!(&status, b"HTTP/1.1 403");
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused() {
    let world = World::new().await;
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    let head = format!("GET / HTTP/1.1\r\nx: {}\r\n\r\n", "y".repeat(200 * 1024));
    // The server may hang up before it has taken all of it.
    drop(stream.write_all(head.as_bytes()).await);
    let mut status = [0; 12];
    if stream.read_exact(&mut status).await.is_ok() {
        assert_eq!(&status, b"HTTP/1.1 431");
    }
    assert_eq!(world.gateway.counts().calls, 0);
}

#[tokio::test]
async fn a_stop_lets_calls_come_to_their_end() {
    let mut world = World::new().await;
    let wait = world.signed(form("Action=CreateTopic&Version=2010-03-31&Name=wait"), "sns");
    let address = world.address;
    let answer = {
        let call = world.send(wait);
        let stop = async {
            world.service.entered.notified().await;
            world.stop.cancel();
            world.service.go_on.notify_one();
        };
        tokio::join!(call, stop).0
    };
    assert_eq!(answer.status(), 200);
    while let Some(ended) = world.tasks.join_next().await {
        ended.unwrap();
    }
    assert!(TcpStream::connect(address).await.is_err());
    assert_eq!(world.records().await.len(), 1);
}

#[tokio::test]
async fn a_record_names_the_tls_that_carried_its_call() {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let certificate = made.cert.der().clone();
    let key = rustls::pki_types::PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    let server = rustls::ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .unwrap();
    let world = World::with(Limits::default(), Union::new([]), Some(Arc::new(server))).await;

    let mut roots = rustls::RootCertStore::empty();
    roots.add(certificate).unwrap();
    let client = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(world.address).await.unwrap();
    let stream = tokio_rustls::TlsConnector::from(Arc::new(client))
        .connect("localhost".try_into().unwrap(), stream)
        .await
        .unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move { drop(connection.await) });
    let answer = sender.send_request(world.signed(form(LIST), "sns")).await.unwrap();
    assert_eq!(answer.status(), 200);

    let records = world.records().await;
    let tls = &records[0]["tlsDetails"];
    assert_eq!(tls["tlsVersion"], "TLSv1.3");
    assert!(tls["cipherSuite"].as_str().unwrap().starts_with("TLS_"), "{tls}");
    assert_eq!(tls["clientProvidedHostHeader"], world.address.to_string());
    let seen = world.service.seen.lock().unwrap();
    assert_eq!(seen[0].endpoint, format!("https://{}", world.address));
}

/// What the server says before it hangs up. The time stands still until nobody has anything to
/// do, and then jumps to the next limit.
async fn last_words(world: &World, said: &str) -> String {
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    stream.write_all(said.as_bytes()).await.unwrap();
    let mut words = Vec::new();
    stream.read_to_end(&mut words).await.unwrap();
    String::from_utf8(words).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_client_that_falls_silent_is_hung_up_on() {
    let world = World::new().await;
    last_words(&world, "POST / HTT").await;
    let create = world.signed(form(LIST), "sns");
    let words = last_words(&world, &wire(&create, "content-length: 36\r\n")).await;
    assert!(words.starts_with("HTTP/1.1 408"), "{words}");
    assert!(words.contains("RequestTimeoutException"), "{words}");
    assert_eq!(world.gateway.counts().refused, 1);

    let put = Unsigned { line: "PUT /bucket/key", headers: &[], body: "hello" };
    let put = wire(&world.signed(put, "s3"), "content-length: 5\r\n");
    let words = last_words(&world, &format!("{put}hell")).await;
    assert!(words.starts_with("HTTP/1.1 400"), "{words}");
    assert!(words.contains("<Code>RequestTimeout</Code>"), "{words}");
    assert!(world.s3.seen.lock().unwrap()[0].body.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_reads_nothing_is_hung_up_on() {
    let data = vec![DataResources::all("AWS::S3::Object")];
    let union = Union::new([Selector { data, ..Selector::default() }]);
    let world = World::with(Limits::default(), union, None).await;
    let get = Unsigned { line: "GET /bucket/50000000", headers: &[], body: "" };
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    stream.write_all(wire(&world.signed(get, "s3"), "").as_bytes()).await.unwrap();
    // The record is made when the server's patience ends.
    let records = world.wait_for_records(1).await;
    let given = records[0]["additionalEventData"]["bytesTransferredOut"].as_u64().unwrap();
    assert!(given < 50_000_000, "{given}");
}
