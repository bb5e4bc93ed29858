//! The listening socket and its connections.

use std::{convert::Infallible, io, net::SocketAddr, sync::Arc, time::Duration};

use flow::Body;
use http::{Request, Response, StatusCode, header};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{sleep, timeout},
};
use tokio_rustls::TlsAcceptor;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{debug, info, warn};

use crate::{
    body::full,
    gateway::{Gateway, Inner},
    patient::Patient,
    tls,
    visit::{Peer, answer},
};

/// How long a client may take for a request's head, and be idle between requests, in seconds.
const HEAD_SECONDS_MAX: u64 = 60;
/// How long a client may read nothing of an answer, in seconds.
const READ_NOTHING_SECONDS_MAX: u64 = 60;
/// How long a TLS handshake may take, in seconds.
const HANDSHAKE_SECONDS_MAX: u64 = 10;
/// The largest head of a request, in bytes.
const HEAD_BYTES_MAX: usize = 128 * 1024;
/// Most headers of a request.
const HEADERS_MAX: usize = 200;
/// How long calls may go on after a stop, in seconds.
const DRAIN_SECONDS_MAX: u64 = 20;
/// How long the records of connections that were cut off then may take, in seconds.
const LAST_RECORDS_SECONDS_MAX: u64 = 5;
/// How long to wait after a failure to accept, in milliseconds.
const ACCEPT_AGAIN_MILLIS: u64 = 100;

/// Room for the connections of several listeners: so many of each, and so many of all. Each
/// connection is a descriptor, and the server has one number of them for everything.
#[derive(Clone, Debug)]
pub struct Shared {
    each: usize,
    all: Arc<Semaphore>,
}

impl Shared {
    /// Room for `each` connections of a listener, and `all` together.
    #[must_use]
    pub fn new(each: usize, all: usize) -> Self {
        Self { each, all: Arc::new(Semaphore::new(all)) }
    }
}

/// Room for a listener's connections.
struct Room {
    own: Arc<Semaphore>,
    shared: Option<Arc<Semaphore>>,
}

/// A connection's place.
struct Place {
    _own: OwnedSemaphorePermit,
    _shared: Option<OwnedSemaphorePermit>,
}

impl Room {
    /// Waits for a place. What is its own comes first: who waits for that takes nobody's.
    async fn place(&self) -> Place {
        let take = async |of: &Arc<Semaphore>| {
            Arc::clone(of).acquire_owned().await.expect("the semaphore is never closed")
        };
        let own = take(&self.own).await;
        let shared = match &self.shared {
            Some(all) => Some(take(all).await),
            None => None,
        };
        Place { _own: own, _shared: shared }
    }
}

/// Serves connections until `stop`, then lets the calls that have begun come to their end.
///
/// # Errors
/// Where the socket does not tell its own address. Single connections fail by themselves.
pub async fn serve(
    gateway: Gateway,
    listener: TcpListener,
    tls: Option<Arc<rustls::ServerConfig>>,
    stop: CancellationToken,
) -> Result<(), io::Error> {
    let own = Arc::new(Semaphore::new(gateway.0.limits.connections));
    serve_in(Room { own, shared: None }, gateway, listener, tls, stop).await
}

/// The same for one of several listeners, without TLS, with room for connections that they share.
///
/// # Errors
/// As above.
pub async fn serve_one_of(
    shared: &Shared,
    gateway: Gateway,
    listener: TcpListener,
    stop: CancellationToken,
) -> Result<(), io::Error> {
    let own = Arc::new(Semaphore::new(shared.each));
    let room = Room { own, shared: Some(Arc::clone(&shared.all)) };
    serve_in(room, gateway, listener, None, stop).await
}

async fn serve_in(
    room: Room,
    gateway: Gateway,
    listener: TcpListener,
    tls: Option<Arc<rustls::ServerConfig>>,
    stop: CancellationToken,
) -> Result<(), io::Error> {
    let local = listener.local_addr()?;
    let acceptor = tls.map(TlsAcceptor::from);
    // One gateway may listen at several places: each waits for its own calls alone.
    let (connections, calls) = (TaskTracker::new(), TaskTracker::new());
    info!(server.address = %local, "The AWS endpoint listens on {local}");
    while let Some((stream, peer, place)) = next(&listener, &room, &stop).await {
        let inner = Arc::clone(&gateway.0);
        let (acceptor, stop) = (acceptor.clone(), stop.clone());
        let peer = Peer {
            source_ip: peer.ip().to_canonical().to_string(),
            local: local.to_string(),
            tls: None,
            tasks: calls.clone(),
        };
        connections.spawn(async move {
            connection(inner, stream, peer, acceptor, stop).await;
            drop(place);
        });
    }
    drop(listener);
    connections.close();
    calls.close();
    let drained = async {
        connections.wait().await;
        calls.wait().await;
    };
    let limit = DRAIN_SECONDS_MAX + LAST_RECORDS_SECONDS_MAX;
    if timeout(Duration::from_secs(limit), drained).await.is_err() {
        warn!("Calls were still going on {limit} seconds after the stop");
    }
    Ok(())
}

/// The next connection, once there is room for it; `None` after the stop.
async fn next(
    listener: &TcpListener,
    room: &Room,
    stop: &CancellationToken,
) -> Option<(TcpStream, SocketAddr, Place)> {
    let accept = async {
        let place = room.place().await;
        loop {
            match listener.accept().await {
                Ok((stream, peer)) => return (stream, peer, place),
                Err(error) => {
                    warn!(
                        error = &error as &dyn std::error::Error,
                        "A connection was not accepted"
                    );
                    sleep(Duration::from_millis(ACCEPT_AGAIN_MILLIS)).await;
                }
            }
        }
    };
    tokio::select! {
        biased;
        () = stop.cancelled() => None,
        accepted = accept => Some(accepted),
    }
}

async fn connection(
    inner: Arc<Inner>,
    stream: TcpStream,
    mut peer: Peer,
    acceptor: Option<TlsAcceptor>,
    stop: CancellationToken,
) {
    // Answers are small; waiting to fill a packet only delays them. Without it, all still works.
    drop(stream.set_nodelay(true));
    let Some(acceptor) = acceptor else {
        return requests(inner, stream, peer, stop).await;
    };
    let limit = Duration::from_secs(HANDSHAKE_SECONDS_MAX);
    match timeout(limit, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => {
            peer.tls = Some(tls::details(stream.get_ref().1));
            requests(inner, stream, peer, stop).await;
        }
        Ok(Err(error)) => {
            let source = &peer.source_ip;
            debug!(
                source.ip = %source, error = &error as &dyn std::error::Error,
                "A TLS handshake with {source} failed"
            );
        }
        Err(_) => debug!(source.ip = %peer.source_ip, "A TLS handshake took too long"),
    }
}

async fn requests<S>(inner: Arc<Inner>, stream: S, peer: Peer, stop: CancellationToken)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let peer = Arc::new(peer);
    let service = service_fn(|request: Request<Incoming>| {
        let (inner, peer) = (Arc::clone(&inner), Arc::clone(&peer));
        async move {
            Ok::<_, Infallible>(if head_bytes(&request) > HEAD_BYTES_MAX {
                head_too_large()
            } else {
                answer(inner, peer, request).await
            })
        }
    });
    let stream = Patient::new(stream, Duration::from_secs(READ_NOTHING_SECONDS_MAX));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(HEAD_SECONDS_MAX))
        .max_buf_size(HEAD_BYTES_MAX)
        .max_headers(HEADERS_MAX)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            let limit = Duration::from_secs(DRAIN_SECONDS_MAX);
            match timeout(limit, connection).await {
                Ok(ended) => ended,
                Err(_) => return,
            }
        }
    };
    if let Err(error) = ended {
        let source = &peer.source_ip;
        debug!(
            source.ip = %source, error = &error as &dyn std::error::Error,
            "A connection from {source} ended early"
        );
    }
}

/// What a request's line and headers come to. The buffer's limit alone would let through a head
/// that arrives faster than it is read.
fn head_bytes(request: &Request<Incoming>) -> usize {
    let target = request.uri().path_and_query().map_or(1, |target| target.as_str().len());
    let headers = request.headers().iter();
    target + headers.map(|(name, value)| name.as_str().len() + value.len()).sum::<usize>()
}

fn head_too_large() -> Response<Body> {
    let mut response = Response::new(full(""));
    *response.status_mut() = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
    let close = header::HeaderValue::from_static("close");
    response.headers_mut().insert(header::CONNECTION, close);
    response
}

#[cfg(test)]
mod tests {
    use std::{
        pin::pin,
        task::{Context, Poll, Waker},
    };

    use super::*;

    #[test]
    fn listeners_have_their_own_room_and_one_together() {
        let shared = Shared::new(2, 3);
        let room = || Room {
            own: Arc::new(Semaphore::new(shared.each)),
            shared: Some(Arc::clone(&shared.all)),
        };
        let (one, other) = (room(), room());
        let take =
            |room: &Room| match pin!(room.place()).poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(place) => Some(place),
                Poll::Pending => None,
            };
        let (first, second) = (take(&one), take(&one));
        assert!(first.is_some() && second.is_some() && take(&one).is_none());
        let third = take(&other);
        assert!(third.is_some() && take(&other).is_none());
        drop(first);
        assert!(take(&other).is_some() && take(&one).is_some());
        let held = (take(&other), take(&one));
        assert!(held.0.is_some() && held.1.is_none());
    }
}
