//! The room with real rows, a real endpoint on loopback, queues and functions that remember, and a
//! clock that the test moves.

use std::sync::{Arc, Mutex};

use axum::{Router, extract::State, http::StatusCode, routing::post};
use bytes::Bytes;
use flow::{
    Accepted, Access, Authorize, Caller, Clock, Decision, Enqueue, Fault, Invoke, InvokeError,
    ManualClock, Pending, Principal, QueueMessage, Request, SeededChance, SendError, Service,
    Timestamp, Tree, Who,
};
use store::Database;
use tokio::{sync::mpsc, task::JoinSet};
use tokio_util::sync::CancellationToken;
use topic::{Config, Reach, Smtp, Topics};

/// What the endpoint received, and what it shall answer next.
pub(crate) type Arrivals = mpsc::Receiver<serde_json::Value>;

/// Queues, functions and policies as one: what arrived, and what is refused.
#[derive(Default)]
pub(crate) struct Inside {
    pub(crate) queued: Mutex<Vec<(String, String, QueueMessage)>>,
    pub(crate) invoked: Mutex<Vec<(String, Bytes)>>,
    pub(crate) asked: Mutex<Vec<Access>>,
    /// Resources whose policies deny.
    pub(crate) denied: Mutex<Vec<String>>,
    /// Resources that are not there.
    pub(crate) missing: Mutex<Vec<String>>,
}

impl Inside {
    fn has(list: &Mutex<Vec<String>>, arn: &str) -> bool {
        list.lock().unwrap().iter().any(|one| one == arn)
    }
}

impl Enqueue for Inside {
    fn enqueue<'a>(
        &'a self,
        queue_arn: &'a str,
        delivery_id: &'a str,
        message: QueueMessage,
    ) -> Pending<'a, Result<Accepted, SendError>> {
        Box::pin(async move {
            if Self::has(&self.missing, queue_arn) {
                return Err(SendError::NoSuchQueue(queue_arn.to_owned()));
            }
            let row = (queue_arn.to_owned(), delivery_id.to_owned(), message);
            self.queued.lock().unwrap().push(row);
            Ok(Accepted(delivery_id.to_owned()))
        })
    }
}

impl Invoke for Inside {
    fn invoke<'a>(
        &'a self,
        arn: &'a str,
        delivery_id: &'a str,
        event: Bytes,
    ) -> Pending<'a, Result<Accepted, InvokeError>> {
        Box::pin(async move {
            if Self::has(&self.missing, arn) {
                return Err(InvokeError::NoSuchFunction(arn.to_owned()));
            }
            self.invoked.lock().unwrap().push((arn.to_owned(), event));
            Ok(Accepted(delivery_id.to_owned()))
        })
    }
}

impl Authorize for Inside {
    fn decide(&self, who: Who<'_>, access: &Access) -> Decision {
        assert!(matches!(who, Who::Service("sns.amazonaws.com")));
        self.asked.lock().unwrap().push(access.clone());
        if Self::has(&self.denied, &access.resource) {
            return Decision::Denied(format!("{} is not allowed", access.action));
        }
        Decision::Allowed
    }
}

pub(crate) struct Room {
    pub(crate) topics: Topics,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) endpoint: String,
    pub(crate) arrivals: Arrivals,
    pub(crate) answers: Arc<Mutex<Vec<u16>>>,
    pub(crate) inside: Arc<Inside>,
    tasks: JoinSet<()>,
    stop: CancellationToken,
    _dir: tempfile::TempDir,
}

#[derive(Clone)]
struct Listener {
    arrived: mpsc::Sender<serde_json::Value>,
    answers: Arc<Mutex<Vec<u16>>>,
}

async fn receive(State(listener): State<Listener>, body: String) -> StatusCode {
    let value = serde_json::from_str(&body).unwrap_or(serde_json::Value::String(body));
    let answer = listener.answers.lock().unwrap().pop().unwrap_or(200);
    listener.arrived.send(value).await.unwrap();
    StatusCode::from_u16(answer).unwrap()
}

impl Room {
    pub(crate) async fn open() -> Self {
        Self::with(None).await
    }

    pub(crate) async fn with(smtp: Option<Smtp>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let state = Database::open(&dir.path().join("state.db"), "boot-1").unwrap();
        let work = Database::open(&dir.path().join("work.db"), "boot-1").unwrap();
        let clock = Arc::new(ManualClock::new(Timestamp::from_secs(1_700_000_000)));
        let config = Config {
            account: "123456789012".parse().unwrap(),
            region: "us-east-2".parse().unwrap(),
            smtp,
        };
        let outgoing = outgoing::Client::with(outgoing::Policy { allow_private: true }).unwrap();
        let chance = Arc::new(SeededChance::new(7));
        let shared: Arc<dyn Clock> = Arc::<ManualClock>::clone(&clock);
        let topics = Topics::open(config, &state, &work, outgoing, shared, chance).await.unwrap();
        let mut tasks = JoinSet::new();
        let stop = CancellationToken::new();
        let inside = Arc::new(Inside::default());
        let reach = Reach {
            queues: Arc::<Inside>::clone(&inside),
            functions: Arc::<Inside>::clone(&inside),
            authorize: Arc::<Inside>::clone(&inside),
        };
        tasks.spawn(topic::run(topics.clone(), reach, stop.clone()));
        let (arrived, arrivals) = mpsc::channel(64);
        let answers = Arc::new(Mutex::new(Vec::new()));
        let listener = Listener { arrived, answers: Arc::clone(&answers) };
        let router = Router::new().route("/hook", post(receive)).with_state(listener);
        let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}/hook", socket.local_addr().unwrap());
        tasks.spawn(async move { axum::serve(socket, router).await.unwrap() });
        Self { topics, clock, endpoint, arrivals, answers, inside, tasks, stop, _dir: dir }
    }

    pub(crate) async fn call_as(
        &self,
        principal: Principal,
        operation: &str,
        input: &[(&str, &str)],
    ) -> Result<Tree, Fault> {
        let input = Tree::map(input.iter().map(|(name, value)| (*name, Tree::from(*value))));
        self.tree_as(principal, operation, input).await
    }

    /// With an input that holds more than texts.
    pub(crate) async fn tree(&self, operation: &str, input: Tree) -> Result<Tree, Fault> {
        self.tree_as(Principal::Root, operation, input).await
    }

    async fn tree_as(
        &self,
        principal: Principal,
        operation: &str,
        input: Tree,
    ) -> Result<Tree, Fault> {
        let mut caller = Caller::root("123456789012".parse().unwrap(), "AKIA");
        caller.principal = principal;
        let request = Request {
            service: "sns".into(),
            operation: operation.into(),
            input,
            caller,
            region: "us-east-2".parse().unwrap(),
            time: self.clock.now(),
            request_id: "r".into(),
            source_ip: "127.0.0.1".into(),
            endpoint: "http://127.0.0.1".into(),
        };
        self.topics.call(request).await.map(|answer| answer.output)
    }

    pub(crate) async fn call(
        &self,
        operation: &str,
        input: &[(&str, &str)],
    ) -> Result<Tree, Fault> {
        self.call_as(Principal::Root, operation, input).await
    }

    /// A topic with one confirmed subscription to the endpoint.
    pub(crate) async fn subscribed(&mut self) -> (String, String) {
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

    pub(crate) async fn close(mut self) {
        self.stop.cancel();
        self.tasks.join_next().await.unwrap().unwrap();
    }

    /// A topic with one subscription of a queue or a function, with these attributes.
    pub(crate) async fn subscribed_inside(
        &self,
        protocol: &str,
        endpoint: &str,
        attributes: &[(&str, &str)],
    ) -> (String, String) {
        let topic = self.topics.ensure("news").await.unwrap();
        let given = attributes.iter().map(|(name, value)| (*name, Tree::from(*value)));
        let input = Tree::map([
            ("TopicArn", Tree::from(topic.as_str())),
            ("Protocol", protocol.into()),
            ("Endpoint", endpoint.into()),
            ("Attributes", Tree::map(given)),
        ]);
        let answer = self.tree("Subscribe", input).await.unwrap();
        (topic, answer.text("SubscriptionArn").unwrap().to_owned())
    }

    /// Waits until nothing is due or under way any more.
    pub(crate) async fn settled(&self, rows: u64) {
        loop {
            let counts = self.topics.queue().counts().await.unwrap();
            if counts.done + counts.dead >= rows {
                return;
            }
            tokio::task::yield_now().await;
        }
    }
}
