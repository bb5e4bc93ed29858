//! Where alerts arrive: a webhook and a subscriber of SNS in one, which can be made to fail.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::Context;
use axum::{
    Router,
    extract::{DefaultBodyLimit, State},
    routing::post,
};
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header::USER_AGENT};
use serde_json::Value;
use tokio::{net::TcpListener, sync::watch, task::JoinSet, time::timeout};

use crate::hand::Ledger;

/// How long anything may take to arrive.
const ARRIVAL_TIME_MAX: Duration = Duration::from_secs(60);

/// A request that arrived.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// Whether it came from SNS rather than to the webhook.
    pub from_topic: bool,
    /// The alert's id, as the header has it, or the message of SNS.
    pub id: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// The alert; of SNS, the message within the envelope.
    pub alert: Value,
    /// The body as it came.
    pub body: Bytes,
    /// Whether it was answered with 200.
    pub accepted: bool,
}

#[derive(Default)]
struct Mood {
    arrivals: Vec<Arrival>,
    failing: usize,
    confirmed: bool,
}

struct Inside {
    mood: Mutex<Mood>,
    hanging: watch::Sender<bool>,
    changed: watch::Sender<u64>,
    http: reqwest::Client,
    ledger: Ledger,
}

/// An HTTP listener on a free port. It serves until it goes.
pub struct Sink {
    url: String,
    inside: Arc<Inside>,
    _serving: JoinSet<()>,
}

impl Sink {
    /// Listens; calls that it makes itself are noted in `ledger`.
    ///
    /// # Errors
    /// There is no free port.
    pub async fn open(ledger: &Ledger) -> anyhow::Result<Self> {
        let socket = TcpListener::bind("127.0.0.1:0").await.context("no free port")?;
        let url = format!("http://{}", socket.local_addr()?);
        let http = reqwest::Client::builder().no_proxy().timeout(ARRIVAL_TIME_MAX).build()?;
        let inside = Arc::new(Inside {
            mood: Mutex::default(),
            hanging: watch::Sender::new(false),
            changed: watch::Sender::new(0),
            http,
            ledger: ledger.clone(),
        });
        let router = Router::new()
            .route("/hook", post(webhook))
            .route("/topic", post(topic))
            .layer(DefaultBodyLimit::disable())
            .with_state(Arc::clone(&inside));
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            if let Err(error) = axum::serve(socket, router).await {
                panic!("the sink ended: {error}");
            }
        });
        Ok(Self { url, inside, _serving: serving })
    }

    /// The URL of the webhook.
    pub fn hook(&self) -> String {
        format!("{}/hook", self.url)
    }

    /// The URL that a subscription names.
    pub fn topic(&self) -> String {
        format!("{}/topic", self.url)
    }

    /// Answers the next `times` requests with 503.
    pub fn fail(&self, times: usize) {
        self.inside.mood().failing = times;
    }

    /// Leaves requests without an answer until it is told otherwise.
    pub fn hang(&self, hanging: bool) {
        self.inside.hanging.send_replace(hanging);
    }

    /// Whether a subscription was confirmed.
    pub fn confirmed(&self) -> bool {
        self.inside.mood().confirmed
    }

    /// All that arrived so far, accepted or not.
    pub fn arrivals(&self) -> Vec<Arrival> {
        self.inside.mood().arrivals.clone()
    }

    /// What the webhook accepted so far.
    pub fn hooked(&self) -> Vec<Arrival> {
        self.arrivals().into_iter().filter(|a| a.accepted && !a.from_topic).collect()
    }

    /// What the subscriber accepted so far.
    pub fn subscribed(&self) -> Vec<Arrival> {
        self.arrivals().into_iter().filter(|a| a.accepted && a.from_topic).collect()
    }

    /// Ends once `holds` does.
    ///
    /// # Panics
    /// When it does not within a minute.
    pub async fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let mut changed = self.inside.changed.subscribe();
        let waited = timeout(ARRIVAL_TIME_MAX, async {
            while !holds(self) {
                changed.changed().await.expect("the sender lives as long as the sink");
            }
        });
        assert!(waited.await.is_ok(), "{what}: has not come; what came: {:#?}", self.arrivals());
    }
}

impl Inside {
    fn mood(&self) -> MutexGuard<'_, Mood> {
        self.mood.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes an arrival, as soon as it may be answered; the answer.
    async fn arrive(&self, mut arrival: Arrival) -> StatusCode {
        let mut hanging = self.hanging.subscribe();
        hanging.wait_for(|hanging| !*hanging).await.expect("the sender lives in this very value");
        let status = {
            let mut mood = self.mood();
            arrival.accepted = mood.failing == 0;
            mood.failing = mood.failing.saturating_sub(1);
            let status =
                if arrival.accepted { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
            mood.arrivals.push(arrival);
            status
        };
        self.changed.send_modify(|ticks| *ticks += 1);
        status
    }

    async fn confirm(&self, url: &str) -> StatusCode {
        let agent = self.ledger.begin("sns:ConfirmSubscription");
        let visited = self.http.get(url).header(USER_AGENT, &agent).send().await;
        if !visited.is_ok_and(|answer| answer.status().is_success()) {
            return StatusCode::BAD_GATEWAY;
        }
        self.ledger.answered(&agent);
        self.mood().confirmed = true;
        self.changed.send_modify(|ticks| *ticks += 1);
        StatusCode::OK
    }
}

async fn webhook(State(inside): State<Arc<Inside>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let id = headers.get("x-trailhound-alert-id").and_then(|id| id.to_str().ok());
    let id = id.unwrap_or_default().to_owned();
    let alert = serde_json::from_slice(&body).unwrap_or_default();
    let arrival = Arrival { from_topic: false, id, headers, alert, body, accepted: false };
    inside.arrive(arrival).await
}

async fn topic(State(inside): State<Arc<Inside>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let envelope: Value = serde_json::from_slice(&body).unwrap_or_default();
    let text = |name: &str| envelope.get(name).and_then(Value::as_str).unwrap_or_default();
    match text("Type") {
        "SubscriptionConfirmation" => inside.confirm(text("SubscribeURL")).await,
        "Notification" => {
            let alert: Value = serde_json::from_str(text("Message")).unwrap_or_default();
            let id = alert.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
            let arrival = Arrival { from_topic: true, id, headers, alert, body, accepted: false };
            inside.arrive(arrival).await
        }
        _ => StatusCode::BAD_REQUEST,
    }
}
