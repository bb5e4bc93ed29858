//! Records for tests: made, given, looked at and waited for.

use std::path::PathBuf;

use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::{Ended, Ledger, Program, Running, Sink, drained, rules_of_tests};

use crate::{EXECUTABLE, given::gzip};

/// A server as a test of somebody's own has it, and commands about it.
struct Place {
    temporary: TempDir,
    program: Program,
    server: Running,
    sink: Sink,
}

impl Place {
    async fn open(dev: bool) -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let program = Program::at(EXECUTABLE);
        let ledger = Ledger::default();
        let sink = Sink::open(&ledger).await.unwrap();
        let text = format!(
            "dev = {dev}\n[outgoing]\nallow_private = true\n[trail]\nwait_max = \"20ms\"\n\
             [alert]\ndestinations = [\"webhook:{}\"]\n[rule]\ndirs = [\"{}\"]\n",
            sink.hook(),
            rules_of_tests(temporary.path()).unwrap().display()
        );
        let config = temporary.path().join("config.toml");
        std::fs::write(&config, text).unwrap();
        let dir = temporary.path().join("data");
        let more = ["--config", config.to_str().unwrap()];
        let server = program.up(&dir, &more).await.unwrap();
        Self { temporary, program, server, sink }
    }

    fn dir(&self) -> PathBuf {
        self.temporary.path().join("data")
    }

    fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        let path = self.temporary.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    }

    async fn run(&self, args: &[&str]) -> Ended {
        let dir = self.dir();
        let mut all = args.to_vec();
        all.extend(["--dir", dir.to_str().unwrap()]);
        self.program.run(&all).await.unwrap()
    }

    async fn good(&self, args: &[&str]) -> Vec<Value> {
        let ended = self.run(args).await;
        assert_eq!(ended.code, Some(0), "{args:?}: {ended:#?}");
        ended.json_lines()
    }

    async fn end(self) {
        assert_eq!(self.server.terminate().await.unwrap(), Some(0));
    }
}

fn record(name: &str, time: &str) -> Value {
    json!({
        "eventVersion": "1.11", "eventTime": time, "eventSource": "sns.amazonaws.com", "eventName": name,
        "awsRegion": "eu-west-1", "sourceIPAddress": "192.0.2.7", "recipientAccountId": "444455556666",
        "userIdentity": {"type": "IAMUser", "userName": "al\u{1b}[31mice"},
        "requestParameters": {"name": "given"}, "eventID": format!("id-{name}"),
        "eventCategory": "Management", "managementEvent": true, "readOnly": false,
    })
}

fn names(records: &[Value]) -> Vec<&str> {
    records.iter().map(|record| record["eventName"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_is_emitted_alerts_and_is_seen() {
    let place = Place::open(true).await;
    let printed = place.good(&["emit", "sns", "CreateTopic", "name=made"]).await;
    assert_eq!(printed[0]["requestParameters"], json!({"name": "made"}));
    let nothing = place.run(&["events", "--when", "sns:CreateTopic", "--wait", "1ms"]).await;
    assert_eq!(nothing.code, Some(1), "what is only printed is nowhere: {nothing:#?}");
    assert!(nothing.stderr.contains("sns:CreateTopic"), "{nothing:#?}");

    let sent = place.good(&["emit", "sns", "CreateTopic", "name=made", "--send"]).await;
    assert_eq!(sent[0]["additionalEventData"]["trailhound"], "emitted");
    let wait = ["events", "--when", "sns:CreateTopic", "--wait", "20s", "--json"];
    assert_eq!(place.good(&wait).await, sent);
    place.sink.until("the alert", |sink| !sink.hooked().is_empty()).await;
    assert_eq!(place.sink.hooked()[0].alert["record"], sent[0]);
    place.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_waits_sees_what_comes_later() {
    let place = Place::open(true).await;
    let wait = ["events", "--when", "requestParameters.name=later", "--wait", "60s"];
    let emit = async {
        // Others first, which it must pass by.
        for name in ["first", "second", "later"] {
            let name = format!("name={name}");
            place.good(&["emit", "sns", "CreateTopic", &name, "--send"]).await;
        }
    };
    let (seen, ()) = tokio::join!(place.run(&wait), emit);
    assert_eq!(seen.code, Some(0), "{seen:#?}");
    assert_eq!(seen.stdout.lines().count(), 1);
    assert!(seen.stdout.contains("sns:CreateTopic"), "{seen:#?}");
    place.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn given_records_go_the_whole_road_as_they_are_but_for_their_mark() {
    let place = Place::open(true).await;
    let (one, two) = (
        record("CreateTopic", "2024-01-01T00:00:00Z"),
        record("GetTopicAttributes", "2024-01-01T00:00:09Z"),
    );
    let file = place.file("a.json.gz", gzip(&json!({"Records": [one, two]}).to_string()));
    assert_eq!(
        place.good(&["replay", &file, "--json"]).await,
        [json!({"recorded": 2, "unselected": 0, "refused": 0})]
    );
    place.sink.until("the alert", |sink| !sink.hooked().is_empty()).await;
    let mut expected = one.clone();
    expected["additionalEventData"] = json!({"trailhound": "replayed"});
    assert_eq!(place.sink.hooked()[0].alert["record"], expected);

    assert_eq!(
        place.good(&["replay", &file, "--now", "--json"]).await[0]["recorded"],
        2,
        "again, and later"
    );
    let seen = place.good(&["events", "--json"]).await;
    assert_eq!(names(&seen)[..2], ["CreateTopic", "GetTopicAttributes"]);
    let moved: Vec<&Value> = seen.iter().rev().take(2).collect();
    let time = |record: &Value| {
        record["eventTime"].as_str().unwrap().parse::<flow::Timestamp>().unwrap().as_secs()
    };
    assert_eq!(time(moved[0]) - time(moved[1]), 9, "distances are kept");
    assert_ne!(moved[0]["eventID"], "id-GetTopicAttributes");
    assert!(time(moved[0]) > time(&two));
    place.sink.until("the second alert", |sink| sink.hooked().len() > 1).await;
    drained(&place.server.admin().unwrap(), |_| ()).await.unwrap();
    assert_eq!(place.sink.hooked().len(), 2);
    place.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_record_is_named_with_its_place_and_the_rest_goes_on() {
    let place = Place::open(true).await;
    let good = record("CreateTopic", "2024-01-01T00:00:00Z").to_string();
    let text = format!("{good}\n{{\"eventName\":\"x\"}}\n{good}\n{{\"torn\":");
    let file = place.file("mixed.json", &text);
    let other = place.file("notes.txt", "nothing to see");
    let ended = place.run(&["replay", &file, &other, "--json"]).await;
    assert_eq!(ended.code, Some(2), "{ended:#?}");
    assert_eq!(ended.json_lines()[0]["recorded"], 2, "{ended:#?}");
    let at = good.len() + 1;
    for words in [
        format!("mixed.json at byte {at}: it is no record: it has no `eventSource`"),
        "notes.txt".to_owned(),
    ] {
        assert!(ended.stderr.contains(&words), "{words}: {ended:#?}");
    }
    let missing = place.run(&["replay", "/nowhere/x.json"]).await;
    assert_eq!(missing.code, Some(2));
    assert!(missing.stderr.contains("/nowhere/x.json"), "{missing:#?}");
    place.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_is_to_hold_what_was_called_takes_no_given_records() {
    let place = Place::open(false).await;
    let file = place.file("a.json", record("CreateTopic", "2024-01-01T00:00:00Z").to_string());
    for args in [vec!["replay", &file], vec!["emit", "sns", "CreateTopic", "--send"]] {
        let ended = place.run(&args).await;
        assert_eq!(ended.code, Some(2), "{ended:#?}");
        assert!(ended.stderr.contains("dev = true"), "{ended:#?}");
    }
    assert!(place.good(&["events", "--json"]).await.is_empty());
    place.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn records_are_listed_newest_last_and_by_their_kind() {
    let place = Place::open(true).await;
    let records: Vec<String> =
        (0..150).map(|n| record(&format!("E{n}"), "2024-01-01T00:00:00Z").to_string()).collect();
    let file = place.file("a.ndjson", records.join("\n"));
    place.good(&["replay", &file, "--json"]).await;
    let all = place.run(&["events", "--json"]).await;
    assert!(all.stderr.contains("--last N"), "{all:#?}");
    let shown = all.json_lines();
    assert_eq!((shown.len(), names(&shown)[0], names(&shown)[99]), (100, "E50", "E149"));
    let last = place.good(&["events", "--json", "--last", "2"]).await;
    assert_eq!(names(&last), ["E148", "E149"]);
    assert_eq!(place.good(&["events", "--json", "--since", "1h"]).await.len(), 150);
    assert_eq!(place.good(&["events", "--json", "--source", "s3"]).await.len(), 0);
    let one = place.good(&["events", "--json", "--when", "sns:E7"]).await;
    assert_eq!(names(&one), ["E7"]);
    let text = place.run(&["events", "--last", "1"]).await;
    assert!(text.stdout.contains("sns:E149") && text.stdout.contains("eu-west-1"), "{text:#?}");
    assert!(!text.stdout.contains('\u{1b}'), "{text:#?}");
    let wrong = place.run(&["events", "--when", "sns:"]).await;
    assert_eq!(wrong.code, Some(2));
    assert!(wrong.stderr.contains("--when cannot be read"), "{wrong:#?}");
    place.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_show_what_a_function_wrote() {
    let place = Place::open(true).await;
    place.good(&["emit", "sns", "CreateTopic", "--send"]).await;
    place.sink.until("the alert", |sink| !sink.hooked().is_empty()).await;
    let lines = place.good(&["logs", "detect", "--json"]).await;
    assert!(lines.iter().any(|line| line["stream"] == "platform"), "{lines:#?}");
    let text = place.run(&["logs", "detect", "--last", "1"]).await;
    assert_eq!((text.code, text.stdout.lines().count()), (Some(0), 1), "{text:#?}");
    let unknown = place.run(&["logs", "../detect"]).await;
    assert_eq!(unknown.code, Some(2));
    assert!(unknown.stderr.contains("detect"), "{unknown:#?}");
    place.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_call_is_told_with_the_nearest() {
    let program = Program::at(EXECUTABLE);
    for (args, words) in [
        (["emit", "iam", "CreateAccesKey", "userName=a"], "do you mean CreateAccessKey"),
        (["emit", "imam", "CreateAccessKey", "userName=a"], "do you mean"),
        (["emit", "iam", "CreateAccessKey", "user=a"], "userName"),
    ] {
        let ended = program.run(&args).await.unwrap();
        assert_eq!(ended.code, Some(2), "{ended:#?}");
        assert!(ended.stderr.contains(words), "{words}: {ended:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn env_waits_for_a_server_that_is_being_started() {
    let temporary = tempfile::tempdir().unwrap();
    let program = Program::at(EXECUTABLE);
    let dir = temporary.path().join("data");
    let args = ["env", "--wait", "60s", "--dir", dir.to_str().unwrap()];
    let (env, server) = tokio::join!(program.run(&args), program.up(&dir, &[]));
    let (env, server) = (env.unwrap(), server.unwrap());
    assert_eq!(env.code, Some(0), "{env:#?}");
    assert!(env.stdout.contains(&server.info().endpoint), "{env:#?}");
    assert_eq!(server.terminate().await.unwrap(), Some(0));
    let gone = program.run(&["env", "--wait", "10ms", "--dir", dir.to_str().unwrap()]).await;
    assert_eq!(gone.unwrap().code, Some(2), "a file of before is no server");
}
