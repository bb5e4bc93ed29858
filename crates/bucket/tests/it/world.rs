//! A data directory of its own, and one place that knows how a request is made.

use std::sync::Arc;

use bucket::{Buckets, Config, TargetCheck};
use bytes::Bytes;
use flow::{
    Body, BodyError, Caller, Fault, HttpService, ManualClock, Region, RequestId, SeededChance,
    TargetKind, Timestamp,
};
use futures_util::stream;
use http::{HeaderMap, Request};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use tempfile::TempDir;

pub(crate) const DETECT: &str = "arn:aws:lambda:us-east-2:123456789012:function:detect";

struct Known;

impl TargetCheck for Known {
    fn check(&self, bucket: &str, kind: TargetKind, arn: &str) -> Result<(), String> {
        assert_eq!(bucket, "bkt");
        match kind {
            _ if arn == DETECT || arn.ends_with(":known") => Ok(()),
            TargetKind::Function => Err(format!("Not authorized to invoke function [{arn}]")),
            TargetKind::Queue => Err("The destination queue does not exist".to_owned()),
            TargetKind::Topic => Err("The destination topic does not exist".to_owned()),
        }
    }
}

pub(crate) struct World {
    pub(crate) dir: TempDir,
    pub(crate) buckets: Buckets,
    pub(crate) clock: Arc<ManualClock>,
    seed: u64,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) fault: Option<Fault>,
    pub(crate) body: Result<Bytes, String>,
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.as_ref().unwrap().to_vec()).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// What stands in the first element of that name.
    pub(crate) fn element(&self, name: &str) -> String {
        self.elements(name).into_iter().next().unwrap_or_default()
    }

    pub(crate) fn elements(&self, name: &str) -> Vec<String> {
        let text = self.text();
        let (open, close) = (format!("<{name}>"), format!("</{name}>"));
        let rest = text.split(&open).skip(1);
        rest.map(|part| part.split(&close).next().unwrap().to_owned()).collect()
    }

    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }

    /// Expects a refusal with its fault, and in its document where it has one.
    pub(crate) fn refused(self, status: u16, code: &str) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        let fault = self.fault.as_ref().unwrap();
        assert_eq!((fault.code.as_str(), fault.status), (code, status));
        if !self.body.as_ref().unwrap().is_empty() {
            assert_eq!(self.element("Code"), code);
            assert_eq!(self.element("Message"), fault.message);
            assert_eq!(self.element("RequestId"), "REQ0000000000001");
        }
        self
    }
}

pub(crate) type Headers<'a> = &'a [(&'a str, &'a str)];

impl World {
    pub(crate) async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let start = "2026-11-22T10:00:00.500Z".parse::<Timestamp>().unwrap();
        let clock = Arc::new(ManualClock::new(start));
        let buckets = open(&dir, &clock, 1).await;
        Self { dir, buckets, clock, seed: 1 }
    }

    /// With a bucket `b`.
    pub(crate) async fn with_bucket() -> Self {
        let world = Self::new().await;
        world.buckets.ensure_bucket("bkt").await.unwrap();
        world
    }

    /// Closes everything and opens it again, as after a restart.
    pub(crate) async fn reopened(self) -> Self {
        let Self { dir, buckets, clock, seed } = self;
        buckets.close().await;
        let buckets = open(&dir, &clock, seed + 1).await;
        Self { dir, buckets, clock, seed: seed + 1 }
    }

    pub(crate) async fn call(
        &self,
        method: &str,
        uri: &str,
        headers: Headers<'_>,
        body: &[u8],
    ) -> Answer {
        let chunks = body.chunks(7_000_000).map(Bytes::copy_from_slice);
        let frames: Vec<_> = chunks.map(|chunk| Ok(Frame::data(chunk))).collect();
        self.framed(method, uri, headers, frames).await
    }

    pub(crate) async fn get(&self, uri: &str) -> Answer {
        self.call("GET", uri, &[], b"").await
    }

    pub(crate) async fn put(&self, uri: &str, body: &[u8]) -> Answer {
        self.call("PUT", uri, &[], body).await.expect(200)
    }

    /// With a body of these frames.
    pub(crate) async fn framed(
        &self,
        method: &str,
        uri: &str,
        headers: Headers<'_>,
        frames: Vec<Result<Frame<Bytes>, BodyError>>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let account = "123456789012".parse().unwrap();
        let ids = RequestId {
            request_id: "REQ0000000000001".to_owned(),
            host_id: "host+id=".to_owned(),
            source_ip: "192.0.2.1".to_owned(),
        };
        let request = request
            .extension(Caller::root(account, "AKIAEXAMPLE"))
            .extension("us-east-2".parse::<Region>().unwrap())
            .extension(Timestamp::default())
            .extension(ids)
            .body(Body::new(StreamBody::new(stream::iter(frames))))
            .unwrap();
        let (parts, body) = self.buckets.serve(request).await.into_parts();
        assert_eq!(parts.headers["x-amz-request-id"], "REQ0000000000001");
        assert_eq!(parts.headers["x-amz-id-2"], "host+id=");
        let body = body.collect().await.map(|body| body.to_bytes()).map_err(|e| e.to_string());
        Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            fault: parts.extensions.get().cloned(),
            body,
        }
    }

    /// The files that hold objects' bytes.
    pub(crate) fn files(&self) -> Vec<std::path::PathBuf> {
        let list = |path: &std::path::Path| -> Vec<_> {
            std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect()
        };
        let mut files = list(&self.dir.path().join("data/incoming"));
        for folder in list(&self.dir.path().join("data/objects")) {
            files.extend(list(&folder));
        }
        files
    }
}

async fn open(dir: &TempDir, clock: &Arc<ManualClock>, seed: u64) -> Buckets {
    let config = Config {
        dir: dir.path().join("data"),
        account: "123456789012".parse().unwrap(),
        region: "us-east-2".parse().unwrap(),
    };
    let clock: Arc<ManualClock> = Arc::clone(clock);
    let chance = Arc::new(SeededChance::new(seed));
    Buckets::open(config, Arc::new(Known), clock, chance).await.unwrap()
}
