//! The room alone: real rows, a real endpoint on loopback, a clock that the test moves.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use std::sync::Arc;

use axum::{Router, extract::State, http::StatusCode, routing::post};
use flow::{
    Caller, Clock, Fault, ManualClock, Principal, Publish, Request, SeededChance, Service,
    Timestamp, Tree,
};
use store::Database;
use tokio::{sync::mpsc, task::JoinSet};
use tokio_util::sync::CancellationToken;
use topic::{Config, Topics};

/// What the endpoint received, and what it shall answer next.
type Arrivals = mpsc::Receiver<serde_json::Value>;

struct Room {
    topics: Topics,
    clock: Arc<ManualClock>,
    endpoint: String,
    arrivals: Arrivals,
    answers: Arc<std::sync::Mutex<Vec<u16>>>,
    tasks: JoinSet<()>,
    stop: CancellationToken,
    _dir: tempfile::TempDir,
}

#[derive(Clone)]
struct Listener {
    arrived: mpsc::Sender<serde_json::Value>,
    answers: Arc<std::sync::Mutex<Vec<u16>>>,
}

async fn receive(State(listener): State<Listener>, body: String) -> StatusCode {
    let value = serde_json::from_str(&body).unwrap_or(serde_json::Value::String(body));
    let answer = listener.answers.lock().unwrap().pop().unwrap_or(200);
    listener.arrived.send(value).await.unwrap();
    StatusCode::from_u16(answer).unwrap()
}

impl Room {
    async fn open() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let state = Database::open(&dir.path().join("state.db"), "boot-1").unwrap();
        let work = Database::open(&dir.path().join("work.db"), "boot-1").unwrap();
        let clock = Arc::new(ManualClock::new(Timestamp::from_secs(1_700_000_000)));
        let config = Config {
            account: "123456789012".parse().unwrap(),
            region: "us-east-2".parse().unwrap(),
        };
        let outgoing = outgoing::Client::with(outgoing::Policy { allow_private: true }).unwrap();
        let chance = Arc::new(SeededChance::new(7));
        let shared: Arc<dyn Clock> = Arc::<ManualClock>::clone(&clock);
        let topics = Topics::open(config, &state, &work, outgoing, shared, chance).await.unwrap();
        let mut tasks = JoinSet::new();
        let stop = CancellationToken::new();
        tasks.spawn(topic::run(topics.clone(), stop.clone()));
        let (arrived, arrivals) = mpsc::channel(64);
        let answers = Arc::new(std::sync::Mutex::new(Vec::new()));
        let listener = Listener { arrived, answers: Arc::clone(&answers) };
        let router = Router::new().route("/hook", post(receive)).with_state(listener);
        let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}/hook", socket.local_addr().unwrap());
        tasks.spawn(async move { axum::serve(socket, router).await.unwrap() });
        Self { topics, clock, endpoint, arrivals, answers, tasks, stop, _dir: dir }
    }

    async fn call_as(
        &self,
        principal: Principal,
        operation: &str,
        input: &[(&str, &str)],
    ) -> Result<Tree, Fault> {
        let mut caller = Caller::root("123456789012".parse().unwrap(), "AKIA");
        caller.principal = principal;
        let request = Request {
            service: "sns".into(),
            operation: operation.into(),
            input: Tree::map(input.iter().map(|(name, value)| (*name, Tree::from(*value)))),
            caller,
            region: "us-east-2".parse().unwrap(),
            time: self.clock.now(),
            request_id: "r".into(),
            source_ip: "127.0.0.1".into(),
            endpoint: "http://127.0.0.1".into(),
        };
        self.topics.call(request).await.map(|answer| answer.output)
    }

    async fn call(&self, operation: &str, input: &[(&str, &str)]) -> Result<Tree, Fault> {
        self.call_as(Principal::Root, operation, input).await
    }

    /// A topic with one confirmed subscription to the endpoint.
    async fn subscribed(&mut self) -> (String, String) {
        let arn = self.topics.ensure("news").await.unwrap();
        let endpoint = self.endpoint.clone();
        let input =
            [("TopicArn", arn.as_str()), ("Protocol", "http"), ("Endpoint", endpoint.as_str())];
        let answer = self.call("Subscribe", &input).await.unwrap();
        assert_eq!(answer.text("SubscriptionArn"), Some("pending confirmation"));
        let asked = self.arrivals.recv().await.unwrap();
        assert_eq!(asked["Type"], "SubscriptionConfirmation");
        let token = asked["Token"].as_str().unwrap();
        let input = [("TopicArn", arn.as_str()), ("Token", token)];
        // The message that asks may come twice, and so may the answer.
        self.call_as(Principal::Anonymous, "ConfirmSubscription", &input).await.unwrap();
        let answer = self.call_as(Principal::Anonymous, "ConfirmSubscription", &input).await;
        let subscription = answer.unwrap().text("SubscriptionArn").unwrap().to_owned();
        (arn, subscription)
    }

    async fn close(mut self) {
        self.stop.cancel();
        self.tasks.join_next().await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_confirmed_subscriber_gets_each_message_once() {
    let mut room = Room::open().await;
    let (arn, _) = room.subscribed().await;
    room.topics.publish(&arn, "delivery-1", Some("hello"), "first").await.unwrap();
    room.topics.publish(&arn, "delivery-1", Some("hello"), "first").await.unwrap();
    room.call("Publish", &[("TopicArn", &arn), ("Message", "second")]).await.unwrap();
    let mut texts = Vec::new();
    for _ in 0..2 {
        let message = room.arrivals.recv().await.unwrap();
        assert_eq!(message["Type"], "Notification");
        texts.push(message["Message"].as_str().unwrap().to_owned());
    }
    texts.sort();
    assert_eq!(texts, ["first", "second"]);
    let counts = room.topics.queue().counts().await.unwrap();
    assert_eq!(counts.waiting, 0, "the repeated delivery made no second row");
    room.close().await;
}

#[tokio::test]
async fn nobody_gets_messages_before_confirming() {
    let mut room = Room::open().await;
    let arn = room.topics.ensure("news").await.unwrap();
    let endpoint = room.endpoint.clone();
    let input = [("TopicArn", arn.as_str()), ("Protocol", "http"), ("Endpoint", &endpoint)];
    room.call("Subscribe", &input).await.unwrap();
    room.call("Publish", &[("TopicArn", &arn), ("Message", "too early")]).await.unwrap();
    let only = room.arrivals.recv().await.unwrap();
    assert_eq!(only["Type"], "SubscriptionConfirmation");
    let attributes = room.call("GetTopicAttributes", &[("TopicArn", &arn)]).await.unwrap();
    let attributes = attributes.get("Attributes").unwrap();
    assert_eq!(attributes.text("SubscriptionsPending"), Some("1"));
    let wrong = [("TopicArn", arn.as_str()), ("Token", "guess")];
    assert_eq!(
        room.call("ConfirmSubscription", &wrong).await.unwrap_err().message,
        "Invalid token"
    );
    room.close().await;
}

#[tokio::test]
async fn an_endpoint_that_fails_is_tried_again_with_the_same_message_id() {
    let mut room = Room::open().await;
    let (arn, _) = room.subscribed().await;
    room.answers.lock().unwrap().extend([503, 500]);
    room.topics.publish(&arn, "delivery-1", None, "again").await.unwrap();
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(room.arrivals.recv().await.unwrap()["MessageId"].clone());
    }
    assert!(ids.windows(2).all(|pair| pair.first() == pair.last()), "{ids:?}");
    room.close().await;
}

#[tokio::test]
async fn an_endpoint_that_refuses_for_good_leaves_a_dead_letter() {
    let mut room = Room::open().await;
    let (arn, _) = room.subscribed().await;
    room.answers.lock().unwrap().push(404);
    room.topics.publish(&arn, "delivery-1", None, "gone").await.unwrap();
    room.arrivals.recv().await.unwrap();
    let queue = room.topics.queue().clone();
    room.close().await;
    let dead = queue.dead(10).await.unwrap();
    assert_eq!(dead.len(), 1);
    assert!(dead.first().unwrap().reason.contains("404"));
}

#[tokio::test]
async fn whoever_holds_the_url_may_unsubscribe_and_come_back() {
    let mut room = Room::open().await;
    let (arn, subscription) = room.subscribed().await;
    let input = [("SubscriptionArn", subscription.as_str())];
    room.call_as(Principal::Anonymous, "Unsubscribe", &input).await.unwrap();
    let farewell = room.arrivals.recv().await.unwrap();
    assert_eq!(farewell["Type"], "UnsubscribeConfirmation");
    // Once more says nothing new: the token below still holds.
    room.call_as(Principal::Anonymous, "Unsubscribe", &input).await.unwrap();
    let token = farewell["Token"].as_str().unwrap();
    room.call("ConfirmSubscription", &[("TopicArn", &arn), ("Token", token)]).await.unwrap();
    room.call("Unsubscribe", &input).await.unwrap();
    let listed = room.call("ListSubscriptions", &[]).await.unwrap();
    assert!(listed.list("Subscriptions").is_empty());
    room.close().await;
}

#[tokio::test]
async fn a_topic_made_twice_is_one_and_deleted_takes_its_subscriptions() {
    let mut room = Room::open().await;
    let (arn, _) = room.subscribed().await;
    let again = room.call("CreateTopic", &[("Name", "news")]).await.unwrap();
    assert_eq!(again.text("TopicArn"), Some(arn.as_str()));
    room.call("DeleteTopic", &[("TopicArn", &arn)]).await.unwrap();
    assert_eq!(
        room.call("GetTopicAttributes", &[("TopicArn", &arn)]).await.unwrap_err().code,
        "NotFoundException"
    );
    let listed = room.call("ListTopics", &[]).await.unwrap();
    assert!(listed.list("Topics").is_empty());
    let listed = room.call("ListSubscriptions", &[]).await.unwrap();
    assert!(listed.list("Subscriptions").is_empty());
    room.close().await;
}

#[tokio::test]
async fn what_has_no_effect_is_refused() {
    let room = Room::open().await;
    let arn = room.topics.ensure("news").await.unwrap();
    for (operation, input) in [
        ("Publish", vec![("TopicArn", arn.as_str()), ("Message", "m"), ("MessageGroupId", "g")]),
        ("Subscribe", vec![("TopicArn", &arn), ("Protocol", "email"), ("Endpoint", "a@b.c")]),
        ("AddPermission", vec![("TopicArn", &arn)]),
    ] {
        assert!(room.call(operation, &input).await.is_err(), "{operation}");
    }
    room.close().await;
}
