//! A client against a server that tells what it was asked.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
};

use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use aws_types::os_shim_internal::Env;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use object_store::{ObjectStoreExt, path::Path};
use tokio::{net::TcpListener, task::JoinSet};

use super::*;

/// Answers every GET with `hello`, and what looks like AssumeRole with keys.
struct Server {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
    _serving: JoinSet<()>,
}

const ROLE_KEYS: &str = "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
    <AssumeRoleResult><Credentials><AccessKeyId>ASIAROLE</AccessKeyId>\
    <SecretAccessKey>secret</SecretAccessKey><SessionToken>token</SessionToken>\
    <Expiration>2126-11-23T10:00:00Z</Expiration></Credentials></AssumeRoleResult>\
    </AssumeRoleResponse>";

async fn server() -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked: Arc<Mutex<Vec<String>>> = Arc::default();
    let mut serving = JoinSet::new();
    let seen = Arc::clone(&asked);
    serving.spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            let seen = Arc::clone(&seen);
            let service = service_fn(move |request| answer(request, Arc::clone(&seen)));
            connections
                .spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    Server { url, asked, _serving: serving }
}

async fn answer(
    request: Request<Incoming>,
    seen: Arc<Mutex<Vec<String>>>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let header =
        |name: &str| head.headers.get(name).map_or("-", |value| value.to_str().unwrap()).to_owned();
    let key = header("authorization");
    let key = key.split_once("Credential=").map_or("unsigned", |(_, rest)| rest);
    let key = key.split("/aws4").next().unwrap();
    let host = header("host").split(':').next().unwrap().to_owned();
    let body = head.uri.query().unwrap_or_default().to_owned() + &String::from_utf8_lossy(&body);
    seen.lock().unwrap().push(format!(
        "{} {host} {} {} {body}",
        head.method,
        head.uri.path(),
        key.split('/')
            .enumerate()
            .filter(|(at, _)| *at != 1)
            .map(|(_, part)| part)
            .collect::<Vec<_>>()
            .join("/"),
    ));
    let mut response = Response::new(Full::from(match head.method.as_str() {
        "POST" => ROLE_KEYS,
        _ => "hello",
    }));
    response
        .headers_mut()
        .insert("last-modified", "Mon, 23 Nov 2026 10:00:00 GMT".parse().unwrap());
    response.headers_mut().insert("x-amz-bucket-region", "eu-north-1".parse().unwrap());
    Ok(response)
}

/// A shared configuration of these words.
fn profiles(words: &str) -> Surroundings {
    let files = EnvConfigFiles::builder().with_contents(EnvConfigFileKind::Config, words).build();
    Surroundings { env: Env::from_slice(&[]), profile_files: Some(files) }
}

async fn reads(access: &Access, around: &Surroundings, key: &str) -> String {
    let store = access.bucket_in("logs", RetryConfig::default(), around).await.unwrap().store;
    let found = store.get(&Path::from(key)).await.unwrap().bytes().await.unwrap();
    String::from_utf8(found.to_vec()).unwrap()
}

const KEYS: &str = "aws_access_key_id = AKIAPROFILE\naws_secret_access_key = secret\n";

#[tokio::test]
async fn a_profile_gives_keys_region_and_endpoint() {
    let server = server().await;
    let around = profiles(&format!(
        "[profile audit]\nregion = eu-west-3\nendpoint_url = {}\n{KEYS}",
        server.url
    ));
    let access = Access { profile: Some("audit".to_owned()), ..Access::default() };
    assert_eq!(reads(&access, &around, "a/b.json").await, "hello");
    assert_eq!(
        *server.asked.lock().unwrap(),
        ["GET 127.0.0.1 /logs/a/b.json AKIAPROFILE/eu-west-3/s3 "]
    );
}

#[tokio::test]
async fn an_endpoint_for_s3_goes_before_one_for_all() {
    let server = server().await;
    let around = profiles(&format!(
        "[default]\nendpoint_url = http://nowhere.invalid\nservices = here\n{KEYS}\
         [services here]\ns3 =\n  endpoint_url = {}\n",
        server.url
    ));
    assert_eq!(reads(&Access::default(), &around, "k").await, "hello");
    assert_eq!(*server.asked.lock().unwrap(), ["GET 127.0.0.1 /logs/k AKIAPROFILE/us-east-1/s3 "]);
}

#[tokio::test]
async fn a_role_is_assumed_with_its_external_id() {
    let server = server().await;
    let around = profiles(&format!("[default]\nendpoint_url = {}\n{KEYS}", server.url));
    let access = Access {
        role_arn: Some("arn:aws:iam::111122223333:role/reader".to_owned()),
        external_id: Some("agreed".to_owned()),
        region: Some("eu-west-3".to_owned()),
        ..Access::default()
    };
    assert_eq!(reads(&access, &around, "k").await, "hello");
    let asked = server.asked.lock().unwrap();
    let [sts, s3] = asked.as_slice() else { panic!("{asked:?}") };
    assert!(
        sts.starts_with("POST 127.0.0.1 / AKIAPROFILE/eu-west-3/sts Action=AssumeRole"),
        "{sts}"
    );
    assert!(sts.contains("ExternalId=agreed") && sts.contains("role%2Freader"), "{sts}");
    assert_eq!(s3, "GET 127.0.0.1 /logs/k ASIAROLE/eu-west-3/s3 ");
}

#[tokio::test]
async fn the_environment_goes_before_the_profile() {
    let server = server().await;
    let mut around = profiles(&format!("[default]\nregion = eu-west-3\n{KEYS}"));
    around.env = Env::from_slice(&[
        ("AWS_ACCESS_KEY_ID", "AKIAENV"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_DEFAULT_REGION", "eu-south-1"),
        ("AWS_ENDPOINT_URL", "http://nowhere.invalid"),
        ("AWS_ENDPOINT_URL_S3", &server.url),
    ]);
    assert_eq!(reads(&Access::default(), &around, "k").await, "hello");
    assert_eq!(*server.asked.lock().unwrap(), ["GET 127.0.0.1 /logs/k AKIAENV/eu-south-1/s3 "]);
}

#[tokio::test]
async fn anonymous_requests_are_not_signed() {
    let server = server().await;
    let access = Access {
        anonymous: true,
        endpoint: Some(format!("{}/base/", server.url)),
        ..Access::default()
    };
    assert_eq!(reads(&access, &profiles(""), "k").await, "hello");
    assert_eq!(*server.asked.lock().unwrap(), ["GET 127.0.0.1 /base/logs/k unsigned "]);
}

#[tokio::test]
async fn what_the_client_cannot_be_asked_is_signed_as_well() {
    let server = server().await;
    let around =
        profiles(&format!("[default]\nregion = eu-west-3\nendpoint_url = {}\n{KEYS}", server.url));
    let opened = Access::default().bucket_in("logs", RetryConfig::default(), &around).await;
    let bucket = opened.unwrap();
    let query = [("list-type", "2"), ("prefix", "a b/ä+")];
    assert_eq!(&bucket.ask("", &query, &[]).await.unwrap()[..], b"hello");
    bucket.encryption("a//b c").await.unwrap();
    assert_eq!(
        *server.asked.lock().unwrap(),
        [
            "GET 127.0.0.1 /logs/ AKIAPROFILE/eu-west-3/s3 list-type=2&prefix=a%20b%2F%C3%A4%2B",
            "HEAD 127.0.0.1 /logs/a//b%20c AKIAPROFILE/eu-west-3/s3 ",
        ]
    );
}

#[tokio::test]
async fn the_bucket_says_where_it_is() {
    let server = server().await;
    let region = region::of_bucket(&server.url, "logs", &[]).await.unwrap();
    assert_eq!(region, "eu-north-1");
}

#[tokio::test]
async fn a_profile_that_is_not_there_is_named_with_what_helps() {
    let access = Access {
        profile: Some("nobody".to_owned()),
        endpoint: Some("http://127.0.0.1:9".to_owned()),
        ..Access::default()
    };
    let around = profiles("[default]\nregion = us-east-1\n");
    let error = access.bucket_in("logs", RetryConfig::default(), &around).await.unwrap_err();
    let error = error.to_string();
    assert!(error.contains("profile `nobody`"), "{error}");
    assert!(error.contains("aws sso login --profile nobody"), "{error}");
}

#[tokio::test]
async fn a_bundle_without_certificates_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, "no certificate").unwrap();
    let around = profiles(&format!("[default]\nca_bundle = {}\n{KEYS}", file.display()));
    let error = Access::default().bucket_in("logs", RetryConfig::default(), &around).await;
    let error = error.unwrap_err().to_string();
    assert!(error.contains("ca.pem") && error.contains("AWS_CA_BUNDLE"), "{error}");
}

#[tokio::test]
async fn contradictions_are_refused() {
    let check = async |table: &str, wanted: &str| {
        let access: Access = toml::from_str(table).unwrap();
        let error = access.bucket_in("logs", RetryConfig::default(), &profiles("")).await;
        let error = error.unwrap_err().to_string();
        assert!(error.contains(wanted), "{table}: {error}");
    };
    check("external_id = 'x'", "give the role's ARN").await;
    check("anonymous = true\nprofile = 'x'", "leave out the profile").await;
    check("role_arn = 'reader'", "is no role's ARN").await;
    check("anonymous = true\nendpoint = 'localhost:9000'", "is no").await;
    check("anonymous = true\nendpoint = 'https://a:b@host'", "has more than a host").await;
    assert!(toml::from_str::<Access>("profil = 'x'").is_err());
    let error = Access::default().store("a/b").await.unwrap_err().to_string();
    assert!(error.contains("`a/b` is no bucket's name"), "{error}");
}

#[test]
fn a_bucket_name_goes_into_the_host_where_a_certificate_covers_it() {
    assert!(fits_a_host("my-logs-1"));
    assert!(!fits_a_host("my.logs"));
    assert!(!fits_a_host("My_Logs"));
    assert_eq!(checked("https://s3.example.com/", "b", true).unwrap(), "https://b.s3.example.com");
    assert_eq!(
        checked("http://s3.example.com:80/x/", "b", false).unwrap(),
        "http://s3.example.com/x"
    );
}
