//! The room over a directory that outlives it.

use std::{path::Path, sync::Arc, time::Duration};

use flow::{
    Caller, Clock as _, Fault, ManualClock, Request, SeededChance, Service as _, Timestamp, Tree,
};
use store::{Database, Journal, Kind};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use trail::{Config, TrailStatus, Trails};

use crate::bucket::Buckets;

pub(crate) const ACCOUNT: &str = "123456789012";
pub(crate) const WAIT_MAX_MILLIS: i64 = 1_000;

pub(crate) struct World {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) buckets: Arc<Buckets>,
    pub(crate) trails: Trails,
    journal: Journal,
    database: Database,
    running: JoinSet<()>,
    stop: CancellationToken,
}

/// Buckets `logs` and `other` of the account, and `foreign` of another.
pub(crate) fn buckets() -> Arc<Buckets> {
    Arc::new(Buckets::new(&[("logs", ACCOUNT), ("other", ACCOUNT), ("foreign", "999999999999")]))
}

impl World {
    /// Opens the room over `dir` and lets it run.
    pub(crate) async fn open(dir: &Path, buckets: &Arc<Buckets>, at: &str) -> Self {
        let mut world = Self::open_at_rest(dir, buckets, at).await;
        world.run();
        world
    }

    /// Opens the room over `dir`.
    pub(crate) async fn open_at_rest(dir: &Path, buckets: &Arc<Buckets>, at: &str) -> Self {
        let clock = Arc::new(ManualClock::new(at.parse().unwrap()));
        let journal =
            Journal::open(&dir.join("journal"), Arc::<ManualClock>::clone(&clock)).unwrap();
        let database = Database::open(&dir.join("state.db"), at).unwrap();
        let config = Config {
            account: ACCOUNT.parse().unwrap(),
            region: "us-east-2".parse().unwrap(),
            wait_max_millis: WAIT_MAX_MILLIS,
        };
        let seed = u64::try_from(clock.now().as_millis()).unwrap();
        let trails = Trails::open(
            config,
            journal.clone(),
            &database,
            Arc::<Buckets>::clone(buckets),
            Arc::<ManualClock>::clone(&clock),
            Arc::new(SeededChance::new(seed)),
        )
        .await
        .unwrap();
        Self {
            clock,
            buckets: Arc::clone(buckets),
            trails,
            journal,
            database,
            running: JoinSet::new(),
            stop: CancellationToken::new(),
        }
    }

    pub(crate) fn run(&mut self) {
        self.running.spawn(trail::run(self.trails.clone(), self.stop.clone()));
    }

    /// Stops in good order.
    pub(crate) async fn stop(mut self) -> Timestamp {
        self.stop.cancel();
        let drain = async { while self.running.join_next().await.is_some() {} };
        tokio::time::timeout(Duration::from_secs(20), drain).await.expect("the drain is bounded");
        let now = self.clock.now();
        self.close().await;
        now
    }

    /// Ends in the middle of whatever it does.
    pub(crate) async fn crash(mut self) -> Timestamp {
        self.running.abort_all();
        while self.running.join_next().await.is_some() {}
        let now = self.clock.now();
        self.close().await;
        now
    }

    async fn close(self) {
        drop(self.trails);
        self.journal.close().await;
        self.database.close().await;
    }

    /// Calls CloudTrail from us-east-2.
    pub(crate) async fn call(&self, operation: &str, input: Tree) -> Result<Tree, Fault> {
        self.call_from("us-east-2", operation, input).await
    }

    pub(crate) async fn call_from(
        &self,
        region: &str,
        operation: &str,
        input: Tree,
    ) -> Result<Tree, Fault> {
        let request = Request {
            service: "cloudtrail".to_owned(),
            operation: operation.to_owned(),
            input,
            caller: Caller::root(ACCOUNT.parse().unwrap(), "AKIAEXAMPLE"),
            region: region.parse().unwrap(),
            time: self.clock.now(),
            request_id: format!("request of {operation}"),
            source_ip: "127.0.0.1".to_owned(),
            endpoint: "http://127.0.0.1:4580".to_owned(),
        };
        self.trails.call(request).await.map(|answer| answer.output)
    }

    /// Makes a trail of all regions and starts it.
    pub(crate) async fn start_trail(&self, name: &str, bucket: &str) {
        let input = Tree::map([
            ("Name", Tree::from(name)),
            ("S3BucketName", bucket.into()),
            ("IsMultiRegionTrail", true.into()),
        ]);
        self.call("CreateTrail", input).await.unwrap();
        self.call("StartLogging", named(name)).await.unwrap();
    }

    /// Appends a management event of `region`.
    pub(crate) async fn record(&self, id: &str, region: &str) {
        self.append(Event { id, region, ..Event::default() }).await;
    }

    pub(crate) async fn append(&self, event: Event<'_>) {
        let body = event.json(self.clock.now()).into_bytes();
        self.journal.append(Kind::Record, body).await.unwrap();
    }

    /// Appends management events of us-east-2, all at once; the ids are the numbers.
    pub(crate) async fn records(&self, numbers: std::ops::Range<usize>) {
        let mut appends = JoinSet::new();
        for number in numbers {
            let event = Event { id: &number.to_string(), ..Event::default() };
            let (journal, body) = (self.journal.clone(), event.json(self.clock.now()));
            appends.spawn(async move { journal.append(Kind::Record, body.into_bytes()).await });
        }
        while let Some(appended) = appends.join_next().await {
            appended.unwrap().unwrap();
        }
    }

    /// Waits until the status of the trail `name` is so.
    pub(crate) async fn until(&self, name: &str, what: &str, is: impl Fn(&TrailStatus) -> bool) {
        let wait = async {
            while !self.trails.status().await.iter().any(|trail| trail.name == name && is(trail)) {
                tokio::task::yield_now().await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(20), wait).await;
        assert!(waited.is_ok(), "never came: {what}: {:?}", self.trails.status().await);
    }

    /// Lets the trail read all there is, then lets what it read become due.
    pub(crate) async fn let_wait_max_pass(&self, name: &str) {
        self.until(name, "all is read", |trail| trail.unread_entries == 0).await;
        self.clock.advance(WAIT_MAX_MILLIS);
    }

    pub(crate) async fn keep_from(&self) -> u64 {
        self.trails.keep_from().await.0
    }
}

pub(crate) fn named(name: &str) -> Tree {
    Tree::map([("Name", name)].map(|(key, value)| (key, Tree::from(value))))
}

/// A record of our own making.
pub(crate) struct Event<'a> {
    pub(crate) id: &'a str,
    pub(crate) region: &'a str,
    pub(crate) source: &'a str,
    pub(crate) request_id: &'a str,
    /// The ARN of an S3 object, for data events.
    pub(crate) object: Option<&'a str>,
}

impl Default for Event<'_> {
    fn default() -> Self {
        Self {
            id: "event",
            region: "us-east-2",
            source: "sns.amazonaws.com",
            request_id: "request",
            object: None,
        }
    }
}

impl Event<'_> {
    fn json(&self, at: Timestamp) -> String {
        let data = self.object.is_some();
        let resources =
            self.object.map(|arn| serde_json::json!([{"type": "AWS::S3::Object", "ARN": arn}]));
        serde_json::json!({
            "eventVersion": "1.11",
            "userIdentity": {"type": "Root", "accountId": ACCOUNT},
            "eventTime": at.to_seconds_text(),
            "eventSource": self.source,
            "eventName": if data { "GetObject" } else { "CreateTopic" },
            "awsRegion": self.region,
            "requestParameters": null,
            "responseElements": null,
            "requestID": self.request_id,
            "eventID": self.id,
            "readOnly": data,
            "resources": resources.unwrap_or_else(|| serde_json::json!([])),
            "eventType": "AwsApiCall",
            "managementEvent": !data,
            "recipientAccountId": ACCOUNT,
            "eventCategory": if data { "Data" } else { "Management" },
        })
        .to_string()
    }
}
