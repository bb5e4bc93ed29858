//! What scripts rely on: words in, words and exit codes out.

use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;
use testkit::{Ended, Ledger, Program, Sink, drained, rules_of_tests};

use crate::{
    EXECUTABLE,
    given::{TRUNCATED, gzip, log_path},
};

/// A place for one test.
struct Place {
    temporary: TempDir,
    program: Program,
}

impl Place {
    fn new() -> Self {
        Self { temporary: tempfile::tempdir().unwrap(), program: Program::at(EXECUTABLE) }
    }

    fn dir(&self) -> PathBuf {
        self.temporary.path().join("data")
    }

    /// Writes a file; its path.
    fn file(&self, name: &str, text: &str) -> String {
        let path = self.temporary.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    async fn run(&self, args: &[&str]) -> Ended {
        self.program.run(args).await.unwrap()
    }

    /// Runs a command about the server in the directory.
    async fn about(&self, args: &[&str]) -> Ended {
        let dir = self.dir();
        let mut all = args.to_vec();
        all.extend(["--dir", dir.to_str().unwrap()]);
        self.run(&all).await
    }
}

#[track_caller]
fn refused(ended: &Ended, words: &[&str]) {
    assert_eq!(ended.code, Some(2), "{ended:#?}");
    for word in words {
        assert!(ended.stderr.contains(word), "`{word}` is not said: {ended:#?}");
    }
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_server_is_found_asked_and_stopped_and_goes_on_at_its_second_start() {
    let place = Place::new();
    let ledger = Ledger::default();
    let server = place.program.up(&place.dir(), &[]).await.unwrap();
    let first = server.info().clone();
    assert_eq!(place.dir().canonicalize().unwrap(), Path::new(&first.dir));
    assert!(first.admin_token.is_none(), "what is printed may be logged");

    let env = place.about(&["env"]).await;
    assert_eq!(env.code, Some(0));
    for line in [
        format!("export AWS_ENDPOINT_URL='{}'", first.endpoint),
        format!("export AWS_ACCESS_KEY_ID='{}'", first.access_key_id),
        format!("export AWS_SECRET_ACCESS_KEY='{}'", first.secret_access_key),
        format!("export AWS_REGION='{}'", first.region),
    ] {
        assert!(env.stdout.lines().any(|said| said == line), "{line}: {env:#?}");
    }

    let client = server.client(&ledger).unwrap();
    let arn = client.create_topic("kept").await.unwrap();
    let logs = format!("trailhound-logs-{}-{}", first.account_id, first.region);
    client.put(&log_path(&logs, "torn"), gzip(TRUNCATED)).await.unwrap();
    drained(&server.admin().unwrap(), |_| ()).await.unwrap();
    let status = place.about(&["status", "--json"]).await;
    assert_eq!(status.code, Some(1), "a dead letter is one too many: {status:#?}");
    let hops: Vec<_> =
        status.json_lines().iter().map(|hop| hop["hop"].as_str().unwrap().to_owned()).collect();
    assert_eq!(
        hops,
        [
            "trail default",
            "bucket",
            "notification",
            "function",
            "destination",
            "alert",
            "topic",
            "rules"
        ],
        "{status:#?}"
    );
    let dead = place.about(&["dead", "list", "--json"]).await;
    assert_eq!(dead.code, Some(0));
    let letters = dead.json_lines();
    assert_eq!(letters.len(), 1);
    assert_eq!(
        keys(&letters[0]),
        ["hop", "id", "bucket", "key", "offset", "reason", "attempts", "since"]
    );

    let second = place.about(&["up", "--listen", "127.0.0.1:0"]).await;
    refused(&second, &["in use by another trailhound", "--dir"]);

    assert_eq!(server.terminate().await.unwrap(), Some(0));
    let gone = place.about(&["status"]).await;
    refused(&gone, &["is it running?"]);

    let server = place.program.up(&place.dir(), &[]).await.unwrap();
    assert_eq!(server.info().access_key_id, first.access_key_id);
    let client = server.client(&ledger).unwrap();
    client.call("sns", "GetTopicAttributes", &[("TopicArn", &arn)]).await.unwrap();
    let dead = place.about(&["dead", "list", "--json"]).await;
    assert_eq!(dead.json_lines(), letters);
    assert_eq!(server.terminate().await.unwrap(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_key_is_refused_with_its_file_and_line_and_the_known_ones() {
    let place = Place::new();
    let file = place.file("my.toml", "dev = true\n\n[trail]\nwait = \"1s\"\n");
    let ended = place.about(&["up", "--config", &file]).await;
    refused(&ended, &["my.toml:4", "unknown field `wait`", "wait_max"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_usage_is_told_from_everything_else_by_its_exit_code() {
    let place = Place::new();
    for args in [vec![], vec!["fly"], vec!["up", "--listen", "here"], vec!["dead"]] {
        let ended = place.run(&args).await;
        assert_eq!(ended.code, Some(2), "{args:?}: {ended:#?}");
        assert!(ended.stderr.contains("Usage") || ended.stderr.contains("help"), "{ended:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_about_a_server_say_when_none_has_run_there() {
    let place = Place::new();
    for args in [vec!["status"], vec!["env"], vec!["dead", "list"]] {
        refused(&place.about(&args).await, &["no server has run in", "trailhound up"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_http_beyond_this_machine_is_refused() {
    let place = Place::new();
    let ended = place.about(&["up", "--listen", "0.0.0.0:0"]).await;
    refused(&ended, &["listen.tls_cert", "--insecure-plaintext"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_given_certificate_serves_signed_calls_that_alert() {
    let place = Place::new();
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let cert = place.file("cert.pem", &made.cert.pem());
    let key = place.file("key.pem", &made.signing_key.serialize_pem());
    let ledger = Ledger::default();
    let sink = Sink::open(&ledger).await.unwrap();
    let text = format!(
        "dev = true\n[listen]\ntls_cert = \"{cert}\"\ntls_key = \"{key}\"\n\
         [trail]\nwait_max = \"20ms\"\n[alert]\ndestinations = [\"webhook:{}\"]\n\
         [rule]\ndirs = [\"{}\"]\n",
        sink.hook(),
        rules_of_tests(place.temporary.path()).unwrap().display()
    );
    let config = place.file("config.toml", &text);
    let server = place.program.up(&place.dir(), &["--config", &config]).await.unwrap();
    assert!(server.info().endpoint.starts_with("https://127.0.0.1:"));
    let root = reqwest::Certificate::from_pem(made.cert.pem().as_bytes()).unwrap();
    let http = reqwest::Client::builder().no_proxy().tls_certs_only([root]).build().unwrap();
    let client = server.client(&ledger).unwrap();
    client.create_topic("untrusted").await.expect_err("nobody vouches for this certificate");
    client.with_http(http).create_topic("over-tls").await.unwrap();
    sink.until("the alert", |sink| !sink.hooked().is_empty()).await;
    let record = sink.hooked()[0].alert["record"].clone();
    assert_eq!(record["requestParameters"]["name"], "over-tls");
    assert_eq!(record["tlsDetails"]["tlsVersion"], "TLSv1.3");
    assert_eq!(server.terminate().await.unwrap(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_are_for_those_who_have_the_token() {
    let place = Place::new();
    let server = place.program.up(&place.dir(), &[]).await.unwrap();
    let text = std::fs::read_to_string(place.dir().join("server.json")).unwrap();
    let whole: Value = serde_json::from_str(&text).unwrap();
    let token = whole["admin_token"].as_str().unwrap();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("{}/metrics", server.info().console);
    for (token, status) in [(None, 401), (Some("guess"), 401), (Some(token), 200)] {
        let mut request = http.get(&url);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), status);
        let text = answer.text().await.unwrap();
        assert_eq!(text.contains("trailhound_hop_waiting{hop=\"trail default\"} "), status == 200);
    }
    assert_eq!(server.terminate().await.unwrap(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_are_listed_checked_and_tested() {
    let place = Place::new();
    let list = place.run(&["rules", "list", "--json"]).await;
    assert_eq!(list.code, Some(0));
    let made = |rule: &Value| rule["title"] == "SNS topic created" && rule["level"] == "low";
    assert!(list.json_lines().iter().any(made), "{list:#?}");
    assert_eq!(place.run(&["rules", "check"]).await.code, Some(0));
    let test = place.run(&["rules", "test", "--json"]).await;
    assert_eq!(test.code, Some(0), "{test:#?}");
    let broken = place.file("broken.yml", "title: A rule\nlogsource:\n  product: aws\n");
    refused(&place.run(&["rules", "check", &broken]).await, &["broken.yml"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_reads_well_without_a_terminal() {
    let place = Place::new();
    let demo = place.run(&["demo"]).await;
    assert_eq!(demo.code, Some(0), "{demo:#?}");
    assert!(demo.stdout.contains("Done."), "{demo:#?}");
    let alerts: Vec<_> = demo.stdout.lines().filter(|line| line.contains(" rule: ")).collect();
    let [alert] = alerts.as_slice() else { panic!("{demo:#?}") };
    assert!(alert.contains("rule: SNS topic created"), "{demo:#?}");
    assert!(!demo.stdout.contains('\u{1b}'), "no colours where no terminal is");
    assert!(demo.stderr.is_empty(), "{demo:#?}");
}
