//! One room in a folder of its own, and calls to it.

use std::{sync::Arc, time::Duration};

use flow::{Caller, Clock, Fault, ManualClock, Request, SeededChance, Service, Timestamp, Tree};
use queue::{Config, Queues};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub(crate) const ACCOUNT: &str = "123456789012";
pub(crate) const ENDPOINT: &str = "http://127.0.0.1:4580";

/// How long what must happen may take.
const WAIT_MAX: Duration = Duration::from_secs(60);

/// Looks at the other tasks so often before something counts as not happening.
const YIELDS: usize = 20;

pub(crate) struct World {
    pub(crate) queues: Queues,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) tasks: JoinSet<()>,
    pub(crate) stop: CancellationToken,
    dir: tempfile::TempDir,
    /// Another chance at each start: ids are never made twice.
    seed: u64,
}

pub(crate) fn arn(name: &str) -> String {
    format!("arn:aws:sqs:us-east-2:{ACCOUNT}:{name}")
}

pub(crate) fn url(name: &str) -> String {
    format!("{ENDPOINT}/{ACCOUNT}/{name}")
}

/// A structure of these texts.
pub(crate) fn texts(members: &[(&str, &str)]) -> Tree {
    Tree::map(members.iter().map(|(name, value)| (*name, Tree::from(*value))))
}

async fn open(dir: &tempfile::TempDir, clock: &Arc<ManualClock>, seed: u64) -> Queues {
    let config = Config { account: ACCOUNT.parse().unwrap(), region: "us-east-2".parse().unwrap() };
    let clock: Arc<dyn Clock> = Arc::<ManualClock>::clone(clock);
    let chance = Arc::new(SeededChance::new(seed));
    Queues::open(config, &dir.path().join("queue.db"), clock, chance).await.unwrap()
}

impl World {
    pub(crate) async fn open() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::new(Timestamp::from_secs(1_700_000_000)));
        let queues = open(&dir, &clock, 7).await;
        Self { queues, clock, tasks: JoinSet::new(), stop: CancellationToken::new(), dir, seed: 7 }
    }

    /// Sets the loop that tidies up running.
    pub(crate) fn run(&mut self) {
        self.tasks.spawn(queue::run(self.queues.clone(), self.stop.clone()));
    }

    /// The same folder opened anew.
    pub(crate) async fn reopen(&mut self) {
        self.queues.close().await;
        self.seed += 1;
        self.queues = open(&self.dir, &self.clock, self.seed).await;
    }

    pub(crate) async fn call(&self, operation: &str, input: Tree) -> Result<Tree, Fault> {
        call(&self.queues, self.clock.now(), operation, input).await
    }

    /// The code of the error that the call must end in.
    pub(crate) async fn code(&self, operation: &str, input: Tree) -> String {
        self.call(operation, input).await.expect_err(operation).code
    }

    pub(crate) async fn create(&self, name: &str, attributes: &[(&str, &str)]) -> String {
        let input = Tree::map([("QueueName", name.into()), ("Attributes", texts(attributes))]);
        let made = self.call("CreateQueue", input).await.unwrap();
        made.text("QueueUrl").unwrap().to_owned()
    }

    pub(crate) async fn send(&self, name: &str, body: &str) -> String {
        let input = texts(&[("QueueUrl", &url(name)), ("MessageBody", body)]);
        let sent = self.call("SendMessage", input).await.unwrap();
        sent.text("MessageId").unwrap().to_owned()
    }

    /// Receives up to ten messages.
    pub(crate) async fn receive(&self, name: &str) -> Vec<Tree> {
        self.receive_with(name, &[]).await
    }

    pub(crate) async fn receive_with(&self, name: &str, numbers: &[(&str, i64)]) -> Vec<Tree> {
        let input = receive_input(name, numbers);
        self.call("ReceiveMessage", input).await.unwrap().list("Messages").to_vec()
    }

    pub(crate) async fn delete(&self, name: &str, message: &Tree) {
        let handle = message.text("ReceiptHandle").unwrap();
        let input = texts(&[("QueueUrl", &url(name)), ("ReceiptHandle", handle)]);
        assert_eq!(self.call("DeleteMessage", input).await, Ok(Tree::Null));
    }

    pub(crate) async fn hide(&self, name: &str, message: &Tree, seconds: i64) -> Result<(), Fault> {
        let input = Tree::map([
            ("QueueUrl", Tree::from(url(name))),
            ("ReceiptHandle", message.get("ReceiptHandle").unwrap().clone()),
            ("VisibilityTimeout", Tree::from(seconds)),
        ]);
        self.call("ChangeMessageVisibility", input).await.map(drop)
    }

    /// Visible, in flight, delayed.
    pub(crate) async fn counts(&self, name: &str) -> (u64, u64, u64) {
        let counts = self.queues.counts(&arn(name)).await.unwrap().unwrap();
        (counts.visible, counts.in_flight, counts.delayed)
    }

    pub(crate) fn pass(&self, seconds: i64) {
        self.clock.advance(seconds * 1000);
    }

    /// Waits for what another task brings about, which may take turns of other threads.
    pub(crate) async fn until(&self, what: &str, mut holds: impl AsyncFnMut() -> bool) {
        let held = async {
            while !holds().await {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(WAIT_MAX, held).await.expect(what);
        // It may have more to do before it waits for the clock.
        self.settle().await;
    }

    /// Lets all other tasks do what they can do now without reading the database.
    pub(crate) async fn settle(&self) {
        for _ in 0..YIELDS {
            tokio::task::yield_now().await;
            // What a task waits for may be the writer's thread: a write of our own comes after it.
            for arn in self.queues.arns() {
                self.queues.counts(&arn).await.unwrap();
            }
        }
    }
}

pub(crate) fn receive_input(name: &str, numbers: &[(&str, i64)]) -> Tree {
    let mut input = vec![
        ("QueueUrl".to_owned(), Tree::from(url(name))),
        ("MessageSystemAttributeNames".to_owned(), Tree::List(vec!["All".into()])),
        ("MessageAttributeNames".to_owned(), Tree::List(vec!["All".into()])),
    ];
    if !numbers.iter().any(|(name, _)| *name == "MaxNumberOfMessages") {
        input.push(("MaxNumberOfMessages".to_owned(), Tree::from(10)));
    }
    input.extend(numbers.iter().map(|(name, value)| ((*name).to_owned(), Tree::from(*value))));
    Tree::Map(input)
}

pub(crate) async fn call(
    queues: &Queues,
    time: Timestamp,
    operation: &str,
    input: Tree,
) -> Result<Tree, Fault> {
    let request = Request {
        service: "sqs".into(),
        operation: operation.into(),
        input,
        caller: Caller::root(ACCOUNT.parse().unwrap(), "AKIA"),
        region: "us-east-2".parse().unwrap(),
        time,
        request_id: "r".into(),
        source_ip: "127.0.0.1".into(),
        endpoint: ENDPOINT.into(),
    };
    queues.call(request).await.map(|answer| answer.output)
}

/// A number among a message's system attributes.
pub(crate) fn number(message: &Tree, name: &str) -> i64 {
    message.get("Attributes").unwrap().text(name).unwrap().parse().unwrap()
}

pub(crate) fn bodies(messages: &[Tree]) -> Vec<&str> {
    messages.iter().map(|message| message.text("Body").unwrap()).collect()
}
