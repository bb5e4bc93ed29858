//! function → gateway: the AWS endpoint inside an instance's own network.

use std::{
    net::TcpListener,
    sync::{Arc, Mutex, PoisonError},
};

use gateway::{Gateway, Shared};
use rustls::ServerConfig;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::warn;

/// Connections of one instance at a time; further ones wait.
const CONNECTIONS_EACH: usize = 64;
/// Connections of all instances: each is a descriptor of the server's.
const CONNECTIONS_ALL: usize = 1_024;

/// Serves the gateway on listeners that were bound inside functions' walls.
#[derive(Clone)]
pub(crate) struct InnerEndpoints {
    room: Shared,
    /// There while the gateway stands; no function runs before or after.
    gateway: Arc<Mutex<Option<Gateway>>>,
    tasks: TaskTracker,
}

impl Default for InnerEndpoints {
    fn default() -> Self {
        let room = Shared::new(CONNECTIONS_EACH, CONNECTIONS_ALL);
        Self { room, gateway: Arc::default(), tasks: TaskTracker::new() }
    }
}

impl InnerEndpoints {
    /// Lets functions reach `gateway`.
    pub(crate) fn open(&self, gateway: Gateway) {
        *self.gateway.lock().unwrap_or_else(PoisonError::into_inner) = Some(gateway);
    }

    /// Ends once no function is served any more. The gateway is let go: it holds the buckets, which
    /// hold the functions, which hold this.
    pub(crate) async fn close(&self) {
        self.tasks.close();
        self.tasks.wait().await;
        self.gateway.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// Serves `listener` until `gone`.
    pub(crate) fn serve(&self, listener: TcpListener, gone: CancellationToken) {
        let gateway = self.gateway.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(gateway) = gateway else {
            warn!("A function asked for the endpoint while it did not stand");
            return;
        };
        let listener = listener
            .set_nonblocking(true)
            .and_then(|()| tokio::net::TcpListener::from_std(listener));
        match listener {
            Ok(listener) => {
                let room = self.room.clone();
                self.tasks.spawn(async move {
                    let served = gateway::serve_one_of(&room, gateway, listener, gone).await;
                    tell(served);
                });
            }
            Err(error) => warn!(%error, "A function has no endpoint: {error}"),
        }
    }
}

/// Serves the gateway on `listener` until `stop`.
pub(crate) async fn serve(
    gateway: Gateway,
    listener: tokio::net::TcpListener,
    tls: Option<Arc<ServerConfig>>,
    stop: CancellationToken,
) {
    tell(gateway::serve(gateway, listener, tls, stop).await);
}

fn tell(served: Result<(), std::io::Error>) {
    if let Err(error) = served {
        tracing::error!(%error, "The AWS endpoint cannot be served: {error}");
    }
}
