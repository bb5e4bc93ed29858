//! A bucket that is far away: an S3 in memory that answers late and not always.

use std::{
    collections::HashMap,
    fmt::Write as _,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use anyhow::Context;
use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Query, Request, State},
    http::{StatusCode, header},
    response::Response,
};
use tokio::{net::TcpListener, task::JoinSet, time::sleep};

/// How many keys a page of a listing holds, as in S3.
const PAGE_KEYS: usize = 1_000;
/// When every object was last written.
const LAST_MODIFIED: &str = "2026-11-22T10:00:00.000Z";

/// Objects that are far away.
pub struct FarBucket {
    url: String,
    held: Arc<Held>,
    _serving: JoinSet<std::io::Result<()>>,
}

struct Held {
    /// Keys in their order; object `n` has the body `n` modulo their count.
    keys: Vec<String>,
    bodies: Vec<Bytes>,
    latency: Duration,
    /// One request for an object in so many is refused; none where it is 0.
    refused_each: u64,
    gets: AtomicU64,
    refused: AtomicU64,
    lists: AtomicU64,
}

impl FarBucket {
    /// Serves these objects on a free port of this machine.
    ///
    /// # Errors
    /// There is no free port.
    pub async fn open(
        mut keys: Vec<String>,
        bodies: Vec<Bytes>,
        latency: Duration,
        refused_each: u64,
    ) -> anyhow::Result<Self> {
        let socket = TcpListener::bind("127.0.0.1:0").await.context("no free port")?;
        let url = format!("http://{}", socket.local_addr()?);
        keys.sort();
        let (gets, refused, lists) = Default::default();
        let held = Held { keys, bodies, latency, refused_each, gets, refused, lists };
        let held = Arc::new(held);
        let router = Router::new().fallback(answer).with_state(Arc::clone(&held));
        let mut serving = JoinSet::new();
        serving.spawn(async move { axum::serve(socket, router).await });
        Ok(Self { url, held, _serving: serving })
    }

    /// Where it answers.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// How many requests for objects came, how many of them were refused, and how many requests
    /// for listings came, since the last time.
    pub fn asked(&self) -> (u64, u64, u64) {
        let Held { gets, refused, lists, .. } = &*self.held;
        (gets.swap(0, Relaxed), refused.swap(0, Relaxed), lists.swap(0, Relaxed))
    }
}

async fn answer(
    State(held): State<Arc<Held>>,
    Query(query): Query<HashMap<String, String>>,
    request: Request,
) -> Response {
    sleep(held.latency).await;
    if query.contains_key("list-type") {
        held.lists.fetch_add(1, Relaxed);
        return Response::new(Body::from(held.page(&query)));
    }
    let count = held.gets.fetch_add(1, Relaxed) + 1;
    if held.refused_each > 0 && count.is_multiple_of(held.refused_each) {
        held.refused.fetch_add(1, Relaxed);
        let words = "<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>";
        return with_status(StatusCode::SERVICE_UNAVAILABLE, Bytes::from(words));
    }
    let key = request.uri().path().splitn(3, '/').nth(2).unwrap_or_default();
    match held.body(key) {
        Some(body) => with_status(StatusCode::OK, body),
        None => {
            with_status(StatusCode::NOT_FOUND, Bytes::from("<Error><Code>NoSuchKey</Code></Error>"))
        }
    }
}

fn with_status(status: StatusCode, body: Bytes) -> Response {
    let answer = Response::builder()
        .status(status)
        .header(header::LAST_MODIFIED, "Sun, 22 Nov 2026 10:00:00 GMT")
        .header(header::ETAG, "\"0\"");
    answer.body(Body::from(body)).expect("the headers are well formed")
}

impl Held {
    fn body(&self, key: &str) -> Option<Bytes> {
        let at = self.keys.binary_search_by(|known| known.as_str().cmp(key)).ok()?;
        self.bodies.get(at % self.bodies.len()).cloned()
    }

    /// A page of ListObjectsV2.
    fn page(&self, query: &HashMap<String, String>) -> String {
        let value = |name: &str| query.get(name).map_or("", String::as_str);
        let (prefix, delimiter) = (value("prefix"), value("delimiter"));
        let from = Some(value("continuation-token")).filter(|token| !token.is_empty());
        let from = from.unwrap_or(value("start-after"));
        let mut text = String::from("<ListBucketResult>");
        let mut last = from.to_owned();
        let (mut count, mut is_truncated) = (0, false);
        let mut at = self.keys.partition_point(|key| key.as_str() < prefix);
        while let Some(key) = self.keys.get(at).filter(|key| key.starts_with(prefix)) {
            let rest = key.strip_prefix(prefix).unwrap_or_default();
            let folder = rest.split_once('/').filter(|_| !delimiter.is_empty());
            let entry = folder.map_or(key.clone(), |(folder, _)| format!("{prefix}{folder}/"));
            // All keys of a folder are one entry: on to what comes after them.
            let end = match folder {
                Some(_) => self.keys.partition_point(|key| *key < entry || key.starts_with(&entry)),
                None => at + 1,
            };
            if entry.as_str() > from {
                if count == PAGE_KEYS {
                    is_truncated = true;
                    break;
                }
                self.entry(&mut text, &entry, folder.is_some(), at);
                count += 1;
                last = entry;
            } else if folder.is_none() {
                // Nothing up to there is wanted.
                at = self.keys.partition_point(|key| key.as_str() <= from).max(end);
                continue;
            }
            at = end;
        }
        if is_truncated {
            write!(text, "<NextContinuationToken>{last}</NextContinuationToken>").ok();
        }
        text.push_str("</ListBucketResult>");
        text
    }

    fn entry(&self, text: &mut String, entry: &str, is_folder: bool, at: usize) {
        let size = self.bodies.get(at % self.bodies.len()).map_or(0, Bytes::len);
        let written = match is_folder {
            true => write!(text, "<CommonPrefixes><Prefix>{entry}</Prefix></CommonPrefixes>"),
            false => write!(
                text,
                "<Contents><Key>{entry}</Key><LastModified>{LAST_MODIFIED}</LastModified>\
                 <ETag>\"0\"</ETag><Size>{size}</Size></Contents>"
            ),
        };
        written.expect("memory takes all that is written");
    }
}
