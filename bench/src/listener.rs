//! A webhook that notes when which alert arrives.

use anyhow::Context;
use axum::{Router, extract::State, http::StatusCode, routing::post};
use serde_json::Value;
use tokio::{net::TcpListener, sync::mpsc, task::JoinSet, time::Instant};

/// Alerts that wait to be looked at.
const ALERTS_WAITING_MAX: usize = 65_536;

/// An alert, and when it was there.
pub struct Arrived {
    /// When.
    pub at: Instant,
    /// What.
    pub alert: Value,
}

/// Listens for alerts on a free port of this machine.
pub struct Listener {
    url: String,
    alerts: mpsc::Receiver<Arrived>,
    _serving: JoinSet<std::io::Result<()>>,
}

impl Listener {
    /// Begins to listen.
    ///
    /// # Errors
    /// There is no free port.
    pub async fn open() -> anyhow::Result<Self> {
        let socket = TcpListener::bind("127.0.0.1:0").await.context("no free port")?;
        let url = format!("http://{}/alerts", socket.local_addr()?);
        let (sender, alerts) = mpsc::channel(ALERTS_WAITING_MAX);
        let router = Router::new().route("/alerts", post(receive)).with_state(sender);
        let mut serving = JoinSet::new();
        serving.spawn(async move { axum::serve(socket, router).await });
        Ok(Self { url, alerts, _serving: serving })
    }

    /// Where alerts are to go.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The next alert.
    pub async fn next(&mut self) -> Option<Arrived> {
        self.alerts.recv().await
    }
}

async fn receive(State(alerts): State<mpsc::Sender<Arrived>>, body: String) -> StatusCode {
    let at = Instant::now();
    let Ok(alert) = serde_json::from_str(&body) else { return StatusCode::BAD_REQUEST };
    match alerts.try_send(Arrived { at, alert }) {
        Ok(()) => StatusCode::OK,
        Err(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}
