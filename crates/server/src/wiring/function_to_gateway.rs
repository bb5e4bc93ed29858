//! function → gateway: the AWS endpoint inside an instance's own network.

use std::{
    net::TcpListener,
    sync::{Arc, OnceLock},
};

use gateway::Gateway;
use rustls::ServerConfig;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::warn;

/// Serves the gateway on listeners that were bound inside functions' walls.
#[derive(Clone, Default)]
pub(crate) struct InnerEndpoints {
    /// Set once the gateway stands; no function runs before.
    pub(crate) gateway: Arc<OnceLock<Gateway>>,
    pub(crate) tasks: TaskTracker,
}

impl InnerEndpoints {
    /// Serves `listener` until `gone`.
    pub(crate) fn serve(&self, listener: TcpListener, gone: CancellationToken) {
        let Some(gateway) = self.gateway.get().cloned() else {
            warn!("A function asked for the endpoint before it stood");
            return;
        };
        let listener = listener
            .set_nonblocking(true)
            .and_then(|()| tokio::net::TcpListener::from_std(listener));
        match listener {
            Ok(listener) => {
                self.tasks.spawn(serve(gateway, listener, None, gone));
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
    if let Err(error) = gateway::serve(gateway, listener, tls, stop).await {
        tracing::error!(%error, "The AWS endpoint cannot be served: {error}");
    }
}
