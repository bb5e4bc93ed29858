//! The demo's own HTTP endpoint: it confirms its subscription and receives alerts.

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use axum::{Router, extract::State, http::StatusCode, routing::post};
use serde_json::Value;
use tokio::{
    net::TcpListener,
    sync::{Mutex, mpsc, watch},
    task::JoinSet,
    time::timeout,
};

/// Alerts that wait to be shown.
const ALERTS_WAITING_MAX: usize = 64;
/// How long the handshake may take.
const HANDSHAKE_TIME_MAX: Duration = Duration::from_secs(20);

/// A listener for one subscription.
pub(crate) struct Listener {
    url: String,
    alerts: Mutex<mpsc::Receiver<Value>>,
    confirmed: watch::Receiver<bool>,
    /// Ends as this goes.
    _serving: JoinSet<()>,
}

struct Inbox {
    alerts: mpsc::Sender<Value>,
    confirmed: watch::Sender<bool>,
    http: reqwest::Client,
}

impl Listener {
    /// Listens on a free port of this machine.
    pub(crate) async fn open() -> anyhow::Result<Self> {
        let socket = TcpListener::bind("127.0.0.1:0").await.context("no free port")?;
        let url = format!("http://{}/alerts", socket.local_addr()?);
        let (sender, alerts) = mpsc::channel(ALERTS_WAITING_MAX);
        let (confirming, confirmed) = watch::channel(false);
        let http = reqwest::Client::builder().no_proxy().timeout(HANDSHAKE_TIME_MAX).build()?;
        let inbox = Arc::new(Inbox { alerts: sender, confirmed: confirming, http });
        let router = Router::new().route("/alerts", post(receive)).with_state(inbox);
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            if let Err(error) = axum::serve(socket, router).await {
                tracing::warn!(%error, "The demo's listener ended: {error}");
            }
        });
        Ok(Self { url, alerts: Mutex::new(alerts), confirmed, _serving: serving })
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Ends once the endpoint has sent its token back.
    pub(crate) async fn confirmed(&self) -> anyhow::Result<()> {
        let mut confirmed = self.confirmed.clone();
        timeout(HANDSHAKE_TIME_MAX, confirmed.wait_for(|done| *done)).await??;
        Ok(())
    }

    /// The next alert: the message that was published.
    pub(crate) async fn alert(&self) -> anyhow::Result<Value> {
        self.alerts.lock().await.recv().await.context("the demo's listener has gone")
    }
}

async fn receive(State(inbox): State<Arc<Inbox>>, body: String) -> StatusCode {
    let Ok(message) = serde_json::from_str::<Value>(&body) else { return StatusCode::BAD_REQUEST };
    let text = |name: &str| message.get(name).and_then(Value::as_str).unwrap_or_default();
    match text("Type") {
        "SubscriptionConfirmation" => {
            let visited = inbox.http.get(text("SubscribeURL")).send().await;
            let confirmed = visited.is_ok_and(|answer| answer.status().is_success());
            inbox.confirmed.send_replace(confirmed);
            if confirmed { StatusCode::OK } else { StatusCode::BAD_GATEWAY }
        }
        "Notification" => {
            let alert = serde_json::from_str(text("Message")).unwrap_or(Value::Null);
            match inbox.alerts.try_send(alert) {
                Ok(()) => StatusCode::OK,
                Err(_) => StatusCode::SERVICE_UNAVAILABLE,
            }
        }
        _ => StatusCode::BAD_REQUEST,
    }
}
