//! What a gateway is made of.

use std::{collections::HashMap, sync::Arc};

use bytes::Bytes;
use flow::{
    AccountId, Authorize, Caller, Chance, Clock, Fault, HttpService, Keys, Pending, Region, Service,
};
use record::select::Union;
use store::Journal;
use tokio::sync::watch;

use crate::{
    budget::Budget,
    counts::{Counters, Counts},
    recorder::Recorder,
    turns::Turns,
};

/// All that a gateway is made of.
pub struct Parts {
    /// The account whose calls are recorded.
    pub account: AccountId,
    /// The region that the embedded services are in.
    pub region: Region,
    /// Knows access keys.
    pub keys: Arc<dyn Keys>,
    /// Decides what callers may do.
    pub authorize: Arc<dyn Authorize>,
    /// The embedded services by their names in the model: `sns`, `sts`, `cloudtrail`.
    pub services: HashMap<String, Arc<dyn Service>>,
    /// S3.
    pub s3: Arc<dyn HttpService>,
    /// Serves every other service; without it they answer with an error that says so.
    pub upstream: Option<Arc<dyn Upstream>>,
    /// Where records go.
    pub journal: Journal,
    /// Which records are wanted.
    pub union: watch::Receiver<Arc<Union>>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Makes ids.
    pub chance: Arc<dyn Chance>,
    /// The bounds.
    pub limits: Limits,
    /// What anybody may GET unsigned, by path.
    pub pages: HashMap<String, Page>,
    /// What whoever knows its path may GET unsigned besides.
    pub downloads: Downloads,
}

/// Gives what lies under a path that nobody guesses; asked for all that is neither signed nor a page.
pub type Downloads = Arc<dyn Fn(String) -> Pending<'static, Option<Page>> + Send + Sync>;

/// What anybody may read.
#[derive(Clone, Debug)]
pub struct Page {
    /// Such as `application/x-pem-file`.
    pub content_type: String,
    /// The page.
    pub bytes: Bytes,
}

/// The bounds of a gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections at once.
    pub connections: usize,
    /// Requests at once, of which a quarter may be unsigned; more wait a few seconds and are then
    /// refused.
    pub calls: usize,
    /// The largest body of a service other than S3, in bytes.
    pub body_bytes: usize,
    /// What all such bodies take together, in bytes.
    pub bodies_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1024,
            calls: 512,
            body_bytes: 16 * 1024 * 1024,
            bodies_bytes: 256 * 1024 * 1024,
        }
    }
}

/// Serves the services that are not embedded.
pub trait Upstream: Send + Sync {
    /// Serves one call. The answer goes to the client as it is.
    ///
    /// # Errors
    /// The fault that the client is told where there is no answer.
    fn forward(&self, call: Forward) -> Pending<'_, Result<http::Response<Bytes>, Fault>>;
}

/// A verified call of a service that is not embedded.
#[derive(Clone, Debug)]
pub struct Forward {
    /// The model's name of the service, where one fits.
    pub service: Option<String>,
    /// The name that the credential was scoped to.
    pub signing_name: String,
    /// The operation, where the model knows one.
    pub operation: Option<String>,
    /// The region that the credential names.
    pub region: Region,
    /// Who calls.
    pub caller: Caller,
    /// The request as it came, its signature too.
    pub request: http::Request<Bytes>,
}

/// HTTP requests in, calls out. Clones share everything.
#[derive(Clone)]
pub struct Gateway(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) account: AccountId,
    pub(crate) region: Region,
    pub(crate) keys: Arc<dyn Keys>,
    pub(crate) authorize: Arc<dyn Authorize>,
    pub(crate) services: HashMap<String, Arc<dyn Service>>,
    pub(crate) s3: Arc<dyn HttpService>,
    pub(crate) upstream: Option<Arc<dyn Upstream>>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) chance: Arc<dyn Chance>,
    pub(crate) limits: Limits,
    pub(crate) pages: HashMap<String, Page>,
    pub(crate) downloads: Downloads,
    pub(crate) recorder: Recorder,
    pub(crate) counters: Arc<Counters>,
    pub(crate) budget: Budget,
    pub(crate) turns: Turns,
}

impl Gateway {
    /// Puts a gateway together; [`crate::serve`] opens it.
    pub fn new(parts: Parts) -> Self {
        let counters = Arc::new(Counters::default());
        Self(Arc::new(Inner {
            recorder: Recorder {
                journal: parts.journal,
                union: parts.union,
                clock: Arc::clone(&parts.clock),
                chance: Arc::clone(&parts.chance),
                counters: Arc::clone(&counters),
            },
            budget: Budget::new(parts.limits.bodies_bytes),
            turns: Turns::new(parts.limits.calls),
            account: parts.account,
            region: parts.region,
            keys: parts.keys,
            authorize: parts.authorize,
            services: parts.services,
            s3: parts.s3,
            upstream: parts.upstream,
            clock: parts.clock,
            chance: parts.chance,
            limits: parts.limits,
            pages: parts.pages,
            downloads: parts.downloads,
            counters,
        }))
    }

    /// What became of the requests so far.
    pub fn counts(&self) -> Counts {
        self.0.counters.read()
    }
}
