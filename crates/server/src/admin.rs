//! The admin API, on a port of its own: status, metrics, dead letters, records.
//!
//! Every request needs the bearer token of the data directory. A Host other than the port's own
//! address and any Origin are refused, so that no page in a browser can reach it.

mod dead;
mod door;
mod events;
mod replay;
mod road;

use std::{future::IntoFuture, net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Extension, Json, Router,
    extract::{DefaultBodyLimit, Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use flow::{Pending, Secret, Timestamp};
use sha2::{Digest, Sha256};
use store::Queue;
use tokio::{net::TcpListener, time::sleep};
use tokio_util::sync::CancellationToken;

pub use crate::admin::dead::{DeadLetter, ReplayRequest, Replayed};
pub use crate::admin::door::AdminDoor;
pub use crate::admin::events::{EventsPage, EventsQuery, From as EventsFrom};
pub use crate::admin::replay::{Given, Mark, Taken, Terms};
pub(crate) use crate::admin::{door::token, road::Road};
use crate::status::Report;

/// What the admin API shows of a running program.
pub trait View: Send + Sync {
    /// Every hop.
    fn report(&self) -> Pending<'_, anyhow::Result<Report>>;

    /// The same for Prometheus (text exposition format 0.0.4).
    fn metrics(&self) -> Pending<'_, anyhow::Result<String>>;

    /// The queues that hold dead letters, in the order of the road, under the names of their hops.
    fn queues(&self) -> Vec<(&'static str, &Queue)>;

    /// The time, by the program's clock.
    fn now(&self) -> Timestamp;
}

pub(crate) struct Admin {
    pub(crate) view: Arc<dyn View>,
    /// None for a program that is no server.
    pub(crate) road: Option<Road>,
    pub(crate) token: Secret,
    pub(crate) address: SocketAddr,
}

/// How long requests may go on after a stop: whoever sends half of one holds nobody up.
const DRAIN_MAX: Duration = Duration::from_secs(5);

/// Serves until `stop`, then lets requests that have begun come to their end, within a bound.
pub(crate) async fn serve(admin: Admin, listener: TcpListener, stop: CancellationToken) {
    let admin = Arc::new(admin);
    let router = Router::new()
        .route("/status", get(status))
        .route("/metrics", get(metrics))
        .route("/dead", get(dead::list))
        .route("/dead/replay", post(dead::replay))
        .route("/events", post(events::list))
        .route("/replay", get(replay::terms).post(replay::take))
        .layer(DefaultBodyLimit::max(replay::BATCH_BYTES_MAX))
        .layer(Extension(stop.clone()))
        .route_layer(middleware::from_fn_with_state(Arc::clone(&admin), guard))
        .with_state(admin);
    let stopped = stop.clone();
    let served = axum::serve(listener, router)
        .with_graceful_shutdown(async move { stopped.cancelled().await })
        .into_future();
    tokio::select! {
        ended = served => if let Err(error) = ended {
            tracing::warn!(%error, "The admin API ended: {error}");
        },
        () = async { stop.cancelled().await; sleep(DRAIN_MAX).await } => {
            tracing::debug!("A request to the admin API was still going on");
        }
    }
}

async fn guard(State(admin): State<Arc<Admin>>, request: Request, next: Next) -> Response {
    match admin.refusal(request.headers()) {
        Some((status, why)) => (status, format!("{why}\n")).into_response(),
        None => next.run(request).await,
    }
}

impl Admin {
    fn refusal(&self, headers: &HeaderMap) -> Option<(StatusCode, &'static str)> {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let own = self.address.to_string();
        let local = format!("localhost:{}", self.address.port());
        if !text(header::HOST).is_some_and(|host| host == own || host == local) {
            return Some((StatusCode::MISDIRECTED_REQUEST, "the Host is not this port's address"));
        }
        if headers.contains_key(header::ORIGIN) {
            return Some((StatusCode::FORBIDDEN, "requests of web pages are not served"));
        }
        let given = text(header::AUTHORIZATION).and_then(|value| value.strip_prefix("Bearer "));
        // Equal hashes of both sides take the same time to compare, whatever was guessed.
        let hash = |text: &str| Sha256::digest(text.as_bytes());
        if given.is_none_or(|given| hash(given) != hash(self.token.expose())) {
            let why = "give the bearer token that stands in server.json of the data directory";
            return Some((StatusCode::UNAUTHORIZED, why));
        }
        None
    }
}

/// Our own failure, logged here and told to the caller without its cause.
struct Failed(anyhow::Error);

impl From<anyhow::Error> for Failed {
    fn from(error: anyhow::Error) -> Self {
        Self(error)
    }
}

impl From<store::Error> for Failed {
    fn from(error: store::Error) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        tracing::error!(error = %self.0, "The admin API failed: {:#}", self.0);
        (StatusCode::INTERNAL_SERVER_ERROR, "the server failed; its log says why\n").into_response()
    }
}

async fn status(State(admin): State<Arc<Admin>>) -> Result<Response, Failed> {
    Ok(Json(admin.view.report().await?).into_response())
}

async fn metrics(State(admin): State<Arc<Admin>>) -> Result<Response, Failed> {
    let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4")];
    Ok((kind, admin.view.metrics().await?).into_response())
}
