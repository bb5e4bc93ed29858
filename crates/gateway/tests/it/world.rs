//! A gateway on a port of its own, what stands behind it, and a client that signs.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use flow::{
    Access, AccountId, Answer, Authorize, Body, Caller, Clock, Decision, Fault, HttpService, Key,
    Keys, ManualClock, Pending, Principal, Request, Secret, SeededChance, Service, Timestamp, Tree,
    Who,
};
use gateway::{Gateway, Limits, Page, Parts};
use http::{Response, request};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use record::select::Union;
use sigv4::{Content, Credentials, sign};
use store::{Journal, Offset};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Notify, watch},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

pub(crate) const ACCOUNT: &str = "123456789012";
pub(crate) const REGION: &str = "us-east-2";
pub(crate) const NOW: &str = "2026-11-22T10:00:00Z";

/// May do everything; and may list topics, nothing else.
pub(crate) const ROOT: &str = "AKIAROOT";
pub(crate) const LISTER: &str = "AKIALISTER";
const SECRET: &str = "a secret";

pub(crate) struct World {
    pub(crate) gateway: Gateway,
    pub(crate) address: SocketAddr,
    pub(crate) journal: Journal,
    pub(crate) service: Arc<Fake>,
    pub(crate) s3: Arc<FakeS3>,
    /// What was asked of policies so far, as `action resource`.
    pub(crate) asked: Arc<Mutex<Vec<String>>>,
    pub(crate) stop: CancellationToken,
    pub(crate) tasks: JoinSet<()>,
    _dir: tempfile::TempDir,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(Limits::default(), Union::new([]), None).await
    }

    pub(crate) async fn with(
        limits: Limits,
        union: Union,
        tls: Option<Arc<rustls::ServerConfig>>,
    ) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(NOW.parse().unwrap()));
        let journal = Journal::open(&dir.path().join("journal"), Arc::clone(&clock)).unwrap();
        let (_, union) = watch::channel(Arc::new(union));
        let (service, s3) = (Arc::new(Fake::default()), Arc::new(FakeS3::default()));
        let as_service = || Arc::clone(&service) as Arc<dyn Service>;
        let asked = Arc::default();
        let page = Page { content_type: "text/plain".to_owned(), bytes: Bytes::from("a page") };
        let gateway = Gateway::new(Parts {
            account: account(),
            region: REGION.parse().unwrap(),
            keys: Arc::new(TwoKeys),
            authorize: Arc::new(ByKey(Arc::clone(&asked))),
            services: ["sns", "sts", "cloudtrail"]
                .map(|name| (name.to_owned(), as_service()))
                .into(),
            s3: Arc::clone(&s3) as Arc<dyn HttpService>,
            upstream: None,
            journal: journal.clone(),
            union,
            clock,
            chance: Arc::new(SeededChance::new(1)),
            limits,
            pages: HashMap::from([("/page.txt".to_owned(), page)]),
            downloads: Arc::new(|_| Box::pin(std::future::ready(None))),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();
        let (served, stopped) = (gateway.clone(), stop.clone());
        tasks.spawn(async move { gateway::serve(served, listener, tls, stopped).await.unwrap() });
        Self { gateway, address, journal, service, s3, asked, stop, tasks, _dir: dir }
    }

    /// The records so far, as JSON.
    pub(crate) async fn records(&self) -> Vec<serde_json::Value> {
        let entries = self.journal.read(Offset(0), 1000).await.unwrap();
        entries.iter().map(|entry| serde_json::from_slice(&entry.body).unwrap()).collect()
    }

    /// The records once there are so many.
    pub(crate) async fn wait_for_records(&self, count: u64) -> Vec<serde_json::Value> {
        let mut end = self.journal.watch();
        end.wait_for(|end| end.0 >= count).await.unwrap();
        self.records().await
    }

    /// A request as root, signed for that service.
    pub(crate) fn signed(
        &self,
        request: Unsigned<'_>,
        service: &str,
    ) -> http::Request<Full<Bytes>> {
        self.signed_by(ROOT, request, service, REGION)
    }

    pub(crate) fn signed_by(
        &self,
        key: &str,
        request: Unsigned<'_>,
        service: &str,
        region: &str,
    ) -> http::Request<Full<Bytes>> {
        let mut parts = self.parts(&request);
        let body = request.body.as_bytes();
        sign(&mut parts, &Content::Bytes(body), &credentials(key), region, service, now()).unwrap();
        http::Request::from_parts(parts, Full::new(Bytes::copy_from_slice(body)))
    }

    pub(crate) fn parts(&self, request: &Unsigned<'_>) -> request::Parts {
        let (method, target) = request.line.split_once(' ').unwrap();
        let mut builder = http::Request::builder()
            .method(method)
            .uri(target)
            .header("host", self.address.to_string())
            .header("user-agent", "a test");
        for (name, value) in request.headers {
            builder = builder.header(*name, *value);
        }
        builder.body(()).unwrap().into_parts().0
    }

    /// Sends on a connection of its own and reads the whole answer.
    pub(crate) async fn send(&self, request: http::Request<Full<Bytes>>) -> Response<Bytes> {
        self.try_send(request).await.unwrap()
    }

    pub(crate) async fn try_send(
        &self,
        request: http::Request<Full<Bytes>>,
    ) -> Result<Response<Bytes>, hyper::Error> {
        let response = self.begin(request).await?;
        let (head, body) = response.into_parts();
        Ok(Response::from_parts(head, body.collect().await?.to_bytes()))
    }

    /// Sends, and gives the answer's head with its body to come.
    pub(crate) async fn begin(
        &self,
        request: http::Request<Full<Bytes>>,
    ) -> Result<Response<Streaming>, hyper::Error> {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { drop(connection.await) });
        let response = sender.send_request(request).await?;
        Ok(response.map(|body| Streaming { body, _tasks: tasks }))
    }
}

/// An answer's body; dropping it hangs up.
pub(crate) struct Streaming {
    pub(crate) body: hyper::body::Incoming,
    _tasks: JoinSet<()>,
}

impl Streaming {
    pub(crate) async fn collect(self) -> Result<http_body_util::Collected<Bytes>, hyper::Error> {
        let Self { body, _tasks } = self;
        body.collect().await
    }
}

/// What a client wants to send.
#[derive(Clone, Copy)]
pub(crate) struct Unsigned<'a> {
    pub(crate) line: &'a str,
    pub(crate) headers: &'a [(&'a str, &'a str)],
    pub(crate) body: &'a str,
}

/// A call of a query service.
pub(crate) fn form(body: &str) -> Unsigned<'_> {
    let headers = &[("content-type", "application/x-www-form-urlencoded; charset=utf-8")];
    Unsigned { line: "POST /", headers, body }
}

pub(crate) fn now() -> Timestamp {
    NOW.parse().unwrap()
}

pub(crate) fn account() -> AccountId {
    ACCOUNT.parse().unwrap()
}

pub(crate) fn credentials(key: &str) -> Credentials {
    Credentials { access_key_id: key.to_owned(), secret: Secret::new(SECRET), session_token: None }
}

pub(crate) fn text(response: &Response<Bytes>) -> &str {
    std::str::from_utf8(response.body()).unwrap()
}

struct TwoKeys;

impl Keys for TwoKeys {
    fn find(&self, access_key_id: &str) -> Option<Key> {
        let mut caller = Caller::root(account(), access_key_id);
        match access_key_id {
            ROOT => {}
            LISTER => {
                let name = "lister".to_owned();
                caller.principal =
                    Principal::User { id: "AIDALISTER".to_owned(), path: "/".to_owned(), name };
            }
            _ => return None,
        }
        Some(Key { secret: Secret::new(SECRET), session_token: None, expires: None, caller })
    }
}

/// Root may do everything, the lister what its name says, everybody what is done to the objects of
/// one bucket.
struct ByKey(Arc<Mutex<Vec<String>>>);

impl Authorize for ByKey {
    fn decide(&self, who: Who<'_>, access: &Access) -> Decision {
        let Who::Caller(caller) = who else { panic!("the gateway asks for callers") };
        self.0.lock().unwrap().push(format!("{} {}", access.action, access.resource));
        let allowed = match &caller.principal {
            Principal::Root => true,
            Principal::User { .. } => {
                ["SNS:ListTopics", "s3:GetObject"].contains(&access.action.as_str())
            }
            _ => access.resource.starts_with("arn:aws:s3:::public/"),
        };
        if allowed {
            return Decision::Allowed;
        }
        let who = caller.arn().unwrap_or_default();
        Decision::Denied(format!("User: {who} is not authorized to perform: {}", access.action))
    }
}

/// Every embedded service at once: `CreateTopic` answers, a name of `panic` panics, `wait` waits.
#[derive(Default)]
pub(crate) struct Fake {
    pub(crate) seen: Mutex<Vec<Request>>,
    pub(crate) entered: Notify,
    pub(crate) go_on: Notify,
}

impl Service for Fake {
    fn call(&self, request: Request) -> Pending<'_, Result<Answer, Fault>> {
        Box::pin(async move {
            let name = request.input.text("Name").map(str::to_owned);
            let operation = request.operation.clone();
            self.seen.lock().unwrap().push(request);
            match (operation.as_str(), name.as_deref()) {
                (_, Some("panic")) => panic!("as asked"),
                (_, Some("wait")) => {
                    self.entered.notify_one();
                    self.go_on.notified().await;
                }
                ("GetTopicAttributes", _) => {
                    return Err(Fault::new("NotFound", "Topic does not exist").with_status(404));
                }
                _ => {}
            }
            let arn = format!("arn:aws:sns:{REGION}:{ACCOUNT}:{}", name.unwrap_or_default());
            Ok(Answer::from(Tree::map([("TopicArn", Tree::from(arn))])))
        })
    }
}

/// Keeps what it was given; answers a GET with as many bytes as the key says.
#[derive(Default)]
pub(crate) struct FakeS3 {
    pub(crate) seen: Mutex<Vec<Taken>>,
}

pub(crate) struct Taken {
    pub(crate) head: request::Parts,
    pub(crate) body: Result<Bytes, String>,
    pub(crate) trailers: Option<http::HeaderMap>,
}

impl HttpService for FakeS3 {
    fn serve(&self, request: http::Request<Body>) -> Pending<'_, Response<Body>> {
        Box::pin(async move {
            let (head, body) = request.into_parts();
            if head.uri.path().ends_with("/unread") {
                return Response::new(pieces(0));
            }
            let answer = match head.method.as_str() {
                "GET" => {
                    let length = head.uri.path().rsplit('/').next().unwrap().parse().unwrap();
                    Response::new(pieces(length))
                }
                "HEAD" => {
                    let length = head.uri.path().rsplit('/').next().unwrap();
                    let answer = Response::builder().header("content-length", length);
                    answer.body(pieces(0)).unwrap()
                }
                _ => Response::new(pieces(0)),
            };
            let (body, trailers) = match body.collect().await {
                Ok(all) => {
                    let trailers = all.trailers().cloned();
                    (Ok(all.to_bytes()), trailers)
                }
                Err(error) => (Err(error.to_string()), None),
            };
            self.seen.lock().unwrap().push(Taken { head, body, trailers });
            answer
        })
    }

    fn has_bucket<'a>(&'a self, name: &'a str) -> Pending<'a, bool> {
        Box::pin(async move { name != "nowhere" })
    }
}

/// A body of so many bytes in pieces of 16 KiB.
fn pieces(length: usize) -> Body {
    const PIECE: usize = 16 * 1024;
    let sizes = (0..length.div_ceil(PIECE)).map(move |at| PIECE.min(length - at * PIECE));
    let frames = sizes.map(|size| Ok(http_body::Frame::data(Bytes::from(vec![b'x'; size]))));
    let stream = futures_util::stream::iter(frames.collect::<Vec<_>>());
    http_body_util::StreamBody::new(stream).boxed_unsync()
}
