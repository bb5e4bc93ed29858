//! Destinations of the environment, before an AWS of our own that holds secrets and a topic.

use std::sync::Mutex;

use flow::{Level, RuleRef};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use super::*;

const TOPIC: &str = "arn:aws:sns:eu-west-1:111122223333:alerts";

/// Services and a webhook at one address; what they were asked.
struct World {
    listener: TcpListener,
    url: String,
    asked: Mutex<Vec<(String, String)>>,
}

impl World {
    async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        Self { listener, url, asked: Mutex::default() }
    }

    fn environment(&self, destinations: &str) -> Environment {
        Environment {
            region: "us-east-2".to_owned(),
            endpoint_of_all: Some(self.url.clone()),
            access_key_id: Some("ASIATEST".to_owned()),
            secret_access_key: Some(Secret::new("secret")),
            session_token: Some(Secret::new("token")),
            destinations: Some(destinations.to_owned()),
            webhook_key: Some(Secret::new("ssm:/detect/key")),
            allow_private: true,
            ..Environment::default()
        }
    }

    /// What becomes of `doing` while requests are answered.
    async fn during<T>(&self, doing: impl Future<Output = T>) -> T {
        let serve = async {
            loop {
                let (socket, _) = self.listener.accept().await.unwrap();
                self.answer(socket).await;
            }
        };
        tokio::select! {
            () = serve => unreachable!("it serves for ever"),
            done = doing => done,
        }
    }

    async fn answer(&self, mut socket: TcpStream) {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(socket.read_u8().await.unwrap());
        }
        let head = String::from_utf8(head).unwrap().to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
        socket.read_exact(&mut body).await.unwrap();
        let body = String::from_utf8(body).unwrap();
        let (status, answer) = self.said(&head, &body);
        self.asked.lock().unwrap().push((head, body));
        let answer = format!(
            "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{answer}",
            answer.len()
        );
        socket.write_all(answer.as_bytes()).await.unwrap();
    }

    fn said(&self, head: &str, body: &str) -> (&'static str, String) {
        let wanted = serde_json::from_str::<Value>(body).unwrap_or_default();
        let parameter = |value: String| {
            assert_eq!(wanted["WithDecryption"], true);
            ("200 OK", json!({"Parameter": {"Name": wanted["Name"], "Value": value}}).to_string())
        };
        match (wanted["Name"].as_str(), wanted["SecretId"].as_str()) {
            (Some("/detect/key"), _) => parameter("hush\n".to_owned()),
            (Some("/detect/list"), _) => parameter(format!("sns:{TOPIC} slack:{}/list", self.url)),
            (Some("/detect/wrong"), _) => parameter("hush-wrong".to_owned()),
            (Some(_), _) => ("400 Bad Request", json!({"__type": "ParameterNotFound"}).to_string()),
            (_, Some("hooks")) => {
                let text = json!({"slack": format!("{}/hush", self.url)}).to_string();
                ("200 OK", json!({"SecretString": text}).to_string())
            }
            _ if body.contains("Action=Publish") => (
                "200 OK",
                "<PublishResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\">\
                 <PublishResult><MessageId>m1</MessageId></PublishResult></PublishResponse>"
                    .to_owned(),
            ),
            _ if head.starts_with("post /busy ") => ("503 Slow Down", String::new()),
            _ => ("200 OK", String::new()),
        }
    }

    fn asked(&self, containing: &str) -> Vec<(String, String)> {
        let asked = self.asked.lock().unwrap();
        let found = |(head, body): &&(String, String)| {
            head.contains(containing) || body.contains(containing)
        };
        asked.iter().filter(found).cloned().collect()
    }
}

fn finding() -> Finding {
    Finding {
        id: "0123456789abcdef0123456789abcdef".to_owned(),
        rule: RuleRef { id: "r".to_owned(), title: "A rule".to_owned(), level: Level::High },
        record: json!({"eventSource": "sns.amazonaws.com", "eventName": "CreateTopic"}),
        object: "s3://b/k".to_owned(),
    }
}

#[tokio::test]
async fn a_finding_reaches_a_topic_a_webhook_and_slack_whose_urls_stand_under_lock() {
    let world = World::new().await;
    let list = format!(
        "sns:{TOPIC} webhook:{}/hook\n slack:secretsmanager:hooks#slack ssm:/detect/list",
        world.url
    );
    let environment = world.environment(&list);
    let sent = world
        .during(async {
            let sender = open(&environment).await.unwrap().unwrap();
            assert!(sender.destinations().all(|name| !name.contains("hush")));
            send(&sender, &[finding()]).await
        })
        .await;
    // The topic stands in the list twice.
    assert_eq!(sent.unwrap(), 4);
    let published = world.asked("Action=Publish");
    let [(head, body)] = published.as_slice() else { panic!("{published:?}") };
    assert!(head.contains("/eu-west-1/sns/aws4_request"), "the topic's own region: {head}");
    assert!(head.contains("x-amz-security-token: token"), "{head}");
    assert!(body.contains("arn%3Aaws%3Asns%3Aeu-west-1%3A111122223333%3Aalerts"), "{body}");
    let posted = world.asked("post /hook ");
    let [(head, _)] = posted.as_slice() else { panic!("{posted:?}") };
    assert!(head.contains("x-trailhound-alert-id: 0123456789abcdef"), "{head}");
    assert!(head.contains("x-trailhound-signature: sha256="), "{head}");
    assert_eq!((world.asked("post /hush ").len(), world.asked("post /list ").len()), (1, 1));
    let parameters = world.asked("/us-east-2/ssm/aws4_request");
    assert_eq!(parameters.len(), 2, "the list and the key: {parameters:?}");
}

#[tokio::test]
async fn a_destination_that_is_busy_is_named_without_its_secrets() {
    let world = World::new().await;
    let environment = world.environment(&format!("slack:{}/busy", world.url));
    let error = world
        .during(async {
            let sender = open(&environment).await.unwrap().unwrap();
            send(&sender, &[finding()]).await.unwrap_err()
        })
        .await;
    assert!(world.asked("ssm").is_empty(), "no webhook, no key");
    let shown = error.to_string();
    assert!(shown.contains("status 503") && !shown.contains("busy"), "{shown}");
}

#[tokio::test]
async fn what_cannot_be_a_destination_here_is_refused_before_any_event() {
    let world = World::new().await;
    let check = async |list: &str, wanted: &str| {
        let environment = world.environment(list);
        let opened = world.during(open(&environment)).await;
        let Err(error) = opened.map(drop) else { panic!("{list}") };
        let error = format!("{error:#}");
        assert!(error.contains(wanted) && !error.contains("hush"), "{list}: {error}");
    };
    check("email:a@example.com", "is not a destination").await;
    check("sns:alerts", "ARN of the topic").await;
    check("file:/tmp/alerts", "end with its instance").await;
    check("slack:ssm:/detect/none", "ssm:/detect/none cannot be read").await;
    check("slack:secretsmanager:hooks#teams", "no JSON with a text `teams`").await;
    check("ssm:/detect/wrong", "no list of destinations").await;
    check("webhook:ssm:/detect/wrong", "an http or https URL").await;
    check(" ", "names no destination").await;
    let mut environment = world.environment("webhook:https://example.com/a");
    environment.webhook_key = None;
    let error = open(&environment).await.map(drop).unwrap_err().to_string();
    assert!(error.contains("TRAILHOUND_WEBHOOK_KEY"), "{error}");
    environment.destinations = None;
    assert!(open(&environment).await.unwrap().is_none());
}
