//! One request from its arrival to its answer: who, what, and in which order that is asked.

use std::sync::Arc;

use flow::{
    Access, Body, Call, Decision, Fault, HttpFacts, Outcome, Timestamp, TlsDetails, Tree, Who,
};
use http::{Request, Response, header, request};
use hyper::body::Incoming;
use protocol::RequestParts;
use sigv4::Authorization;
use tokio_util::task::TaskTracker;
use tracing::debug;

use crate::{
    anonymous::{self, Asks},
    answer::{self, Ids, Turned},
    body::{self, NotTaken},
    gateway::Inner,
    grant::{self, Asked},
    identify::{self, Claimed, Identified},
    route::{Route, route},
    s3, serve,
    turns::Turn,
};

/// Longest user agent that is kept, in characters; records cut it further.
const USER_AGENT_CHARS_MAX: usize = 2048;
/// The letters of S3's request ids, and how many there are.
const S3_ID_LETTERS: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const S3_ID_LENGTH: usize = 16;
/// The letters of S3's second ids, and how many there are.
const S3_HOST_ID_LETTERS: &[u8] =
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const S3_HOST_ID_LENGTH: usize = 75;

/// What a connection says of all its requests.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    /// An address without a port.
    pub(crate) source_ip: String,
    /// Where it arrived, for clients that name no host.
    pub(crate) local: String,
    /// Where there is TLS.
    pub(crate) tls: Option<TlsDetails>,
    /// Calls that go on, and records that are written, also when their client has gone.
    pub(crate) tasks: TaskTracker,
}

/// A request that has arrived.
pub(crate) struct Visit {
    pub(crate) inner: Arc<Inner>,
    pub(crate) parts: request::Parts,
    pub(crate) at: Timestamp,
    pub(crate) ids: Ids,
    pub(crate) source_ip: String,
    pub(crate) endpoint: String,
    pub(crate) tls: Option<TlsDetails>,
    pub(crate) tasks: TaskTracker,
}

/// Answers a request.
pub(crate) async fn answer(
    inner: Arc<Inner>,
    peer: Arc<Peer>,
    request: Request<Incoming>,
) -> Response<Body> {
    let (parts, mut body) = request.into_parts();
    let authorization = Authorization::parse(&parts);
    if let Ok(None) = authorization
        && let Some(page) = open_page(&inner, &parts).await
    {
        return page;
    }
    let signing_name = match &authorization {
        Ok(Some(claim)) => Some(claim.scope.service.as_str()),
        _ => None,
    };
    let unsigned = matches!(authorization, Ok(None));
    let asks = if unsigned { anonymous::asks(&request_parts(&parts)) } else { None };
    let signing_name = signing_name.or((asks == Some(Asks::Bucket)).then_some("s3"));
    let visit = Visit::new(inner, &peer, parts, signing_name == Some("s3"));
    let Some(turn) = visit.inner.turns.take(unsigned).await else {
        return visit.turn_away(signing_name, Turned::Busy, &mut body).await;
    };
    match authorization {
        Ok(Some(claim)) => visit.claimed(claim, turn, body).await,
        Ok(None) => visit.unsigned(asks, turn, body).await,
        Err(error) => visit.unverified(None, &error, false, &mut body).await,
    }
}

fn request_parts(parts: &request::Parts) -> RequestParts<'_> {
    RequestParts {
        method: parts.method.as_str(),
        path: parts.uri.path(),
        query: parts.uri.query().unwrap_or_default(),
        headers: &parts.headers,
    }
}

/// What needs no signature and is no call.
async fn open_page(inner: &Inner, parts: &request::Parts) -> Option<Response<Body>> {
    if parts.method != http::Method::GET {
        return None;
    }
    match inner.pages.get(parts.uri.path()) {
        Some(page) => Some(answer::page(&page.content_type, page.bytes.clone())),
        None if parts.uri.path() == "/health" => {
            Some(answer::page("application/json", r#"{"status":"ok"}"#.into()))
        }
        None => (inner.downloads)(parts.uri.path().to_owned())
            .await
            .map(|page| answer::page(&page.content_type, page.bytes)),
    }
}

impl Visit {
    fn new(inner: Arc<Inner>, peer: &Peer, parts: request::Parts, is_s3: bool) -> Self {
        let chance = &inner.chance;
        let ids = if is_s3 {
            Ids {
                request_id: chance.text(S3_ID_LETTERS, S3_ID_LENGTH),
                host_id: Some(format!("{}=", chance.text(S3_HOST_ID_LETTERS, S3_HOST_ID_LENGTH))),
            }
        } else {
            Ids { request_id: chance.uuid(), host_id: None }
        };
        let host = parts.headers.get(header::HOST).and_then(|value| value.to_str().ok());
        let scheme = if peer.tls.is_some() { "https" } else { "http" };
        let endpoint = format!("{scheme}://{}", host.unwrap_or(&peer.local));
        let tls = peer
            .tls
            .clone()
            .map(|details| TlsDetails { host_header: host.map(str::to_owned), ..details });
        let at = inner.clock.now();
        let source_ip = peer.source_ip.clone();
        let tasks = peer.tasks.clone();
        Self { inner, parts, at, ids, source_ip, endpoint, tls, tasks }
    }

    pub(crate) fn request_parts(&self) -> RequestParts<'_> {
        request_parts(&self.parts)
    }

    pub(crate) fn route(&self, signing_name: Option<&str>, body: &[u8]) -> Route {
        route(signing_name, &self.request_parts(), body)
    }

    async fn claimed(self, claim: Authorization, turn: Turn, mut body: Incoming) -> Response<Body> {
        let (name, presigned) = (claim.scope.service.clone(), claim.presigned);
        let claimed = match identify::claim(&self.inner, claim, &self.parts, self.at) {
            Ok(claimed) => claimed,
            Err(error) => {
                return self.unverified(Some(&name), &error, presigned, &mut body).await;
            }
        };
        let route = self.route(Some(&name), b"");
        if route.service_name() == Some("s3") {
            return match claimed.verify(&self.parts, None) {
                Ok((caller, verified)) => {
                    s3::serve(self, caller, route, verified.payload, body, turn).await
                }
                Err(error) => self.unverified(Some(&name), &error, presigned, &mut body).await,
            };
        }
        self.held(claimed, &name, turn, body).await
    }

    /// Services whose bodies are held whole, as their signatures cover them.
    async fn held(
        self,
        claimed: Claimed,
        name: &str,
        turn: Turn,
        mut body: Incoming,
    ) -> Response<Body> {
        let limit = self.inner.limits.body_bytes;
        let held = body::hold(&mut body, &self.parts.headers, limit, &self.inner.budget).await;
        let held = match held {
            Ok(held) => held,
            Err(why) => {
                let why = match why {
                    NotTaken::TooLarge => Turned::TooLarge { limit },
                    NotTaken::Busy => Turned::Busy,
                    NotTaken::Slow | NotTaken::Broken => Turned::Slow,
                };
                return self.turn_away(Some(name), why, &mut body).await;
            }
        };
        let presigned = claimed.authorization.presigned;
        match claimed.verify(&self.parts, Some(&sigv4::sha256(&held.bytes))) {
            Ok((caller, _)) => serve::serve(self, caller, held, turn).await,
            Err(error) => self.unverified(Some(name), &error, presigned, &mut body).await,
        }
    }

    /// Nothing signs the request: it is nobody's, or it is refused.
    async fn unsigned(self, asks: Option<Asks>, turn: Turn, mut body: Incoming) -> Response<Body> {
        match asks {
            Some(Asks::Bucket) => match sigv4::unsigned_payload(&self.parts.headers) {
                Ok(payload) => {
                    let caller = anonymous::nobody(&self.inner, "s3");
                    let route = self.route(Some("s3"), b"");
                    s3::serve(self, caller, route, payload, body, turn).await
                }
                Err(error) => self.unverified(Some("s3"), &error, false, &mut body).await,
            },
            Some(Asks::Link) => {
                let caller = anonymous::nobody(&self.inner, "sns");
                let none = body::hold(&mut body, &self.parts.headers, 0, &self.inner.budget).await;
                match none {
                    Ok(held) => serve::serve(self, caller, held, turn).await,
                    Err(_) => {
                        let why = Turned::TooLarge { limit: 0 };
                        self.turn_away(Some("sns"), why, &mut body).await
                    }
                }
            }
            None => self.unsigned_and_refused(&mut body).await,
        }
    }

    /// Only a signature could tell who this is, or nothing: what comes unsigned by its nature, and
    /// is not offered, is told so.
    async fn unsigned_and_refused(&self, body: &mut Incoming) -> Response<Body> {
        self.inner.counters.refused.add();
        let (headers, budget) = (&self.parts.headers, &self.inner.budget);
        let held = match anonymous::may_be_sts(&self.request_parts()) {
            true => body::hold(body, headers, anonymous::FORM_BYTES_MAX, budget).await.ok(),
            false => None,
        };
        body::discard(body, headers).await;
        let bytes = held.as_ref().map_or(&[][..], |held| &held.bytes);
        let route = self.route(None, bytes);
        let fault = anonymous::not_offered(&self.request_parts(), bytes)
            .unwrap_or_else(|| answer::refusal(&route, &sigv4::Error::MissingToken, false));
        answer::fault(&route, &fault, &self.ids)
    }

    /// The signature does not hold: counted, answered, not recorded, as nobody knows who it was.
    async fn unverified(
        &self,
        signing_name: Option<&str>,
        error: &sigv4::Error,
        presigned: bool,
        body: &mut Incoming,
    ) -> Response<Body> {
        self.inner.counters.unverified.add();
        let name = signing_name.unwrap_or("unknown");
        let source = &self.source_ip;
        debug!(
            call.service = name, source.ip = %source, error = error as &dyn std::error::Error,
            "A signature from {source} for `{name}` did not hold"
        );
        body::discard(body, &self.parts.headers).await;
        let route = self.route(signing_name, b"");
        answer::fault(&route, &answer::refusal(&route, error, presigned), &self.ids)
    }

    async fn turn_away(
        &self,
        signing_name: Option<&str>,
        why: Turned,
        body: &mut Incoming,
    ) -> Response<Body> {
        self.inner.counters.refused.add();
        body::discard(body, &self.parts.headers).await;
        let route = self.route(signing_name, b"");
        answer::fault(&route, &answer::turned_away(&route, why), &self.ids)
    }

    /// The call as far as the request alone says it; how it ended is filled in later.
    pub(crate) fn call(&self, caller: &Identified, route: &Route) -> Call {
        let agent = self.parts.headers.get(header::USER_AGENT);
        let agent = agent.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        Call {
            service: route.service_name().map(str::to_owned),
            signing_name: caller.signing_name.clone(),
            operation: route.operation.clone(),
            input: None,
            outcome: Outcome::Answered(Tree::Null),
            caller: caller.caller.clone(),
            region: caller.region.clone(),
            recipient: self.inner.account.clone(),
            completed: self.at,
            request_id: self.ids.request_id.clone(),
            source_ip: self.source_ip.clone(),
            user_agent: agent.map(|text| text.chars().take(USER_AGENT_CHARS_MAX).collect()),
            resources: Vec::new(),
            tls: self.tls.clone(),
            http: self.facts(caller.presigned),
        }
    }

    /// The request as it stood on the wire, but for what proves it: that is no one's to read.
    fn facts(&self, presigned: bool) -> HttpFacts {
        let mut headers = self.parts.headers.clone();
        headers.remove(header::AUTHORIZATION);
        headers.remove("x-amz-security-token");
        HttpFacts {
            method: self.parts.method.as_str().to_owned(),
            path: self.parts.uri.path().to_owned(),
            query: without(self.parts.uri.query().unwrap_or_default(), &SECRET_PARAMETERS),
            headers,
            bytes_in: 0,
            bytes_out: 0,
            host_id: self.ids.host_id.clone(),
            presigned,
        }
    }

    /// Why the caller may not do this; `input` as far as the call was decoded.
    pub(crate) fn denial(
        &self,
        caller: &Identified,
        route: &Route,
        input: Option<&Tree>,
    ) -> Option<Fault> {
        let nothing = Tree::Null;
        let asked = Asked { visit: self, caller, route, input: input.unwrap_or(&nothing) };
        self.first_denial(caller, route, asked.accesses())
    }

    /// Why the caller may not do the first of these that it may not.
    pub(crate) fn first_denial(
        &self,
        caller: &Identified,
        route: &Route,
        accesses: Vec<Access>,
    ) -> Option<Fault> {
        let head = grant::common(self, caller);
        let authorize = &self.inner.authorize;
        let denied = accesses.into_iter().find_map(|mut access| {
            access.context.extend(head.iter().cloned());
            match authorize.decide(Who::Caller(&caller.caller), &access) {
                Decision::Allowed => None,
                Decision::Denied(message) => Some(message),
            }
        })?;
        Some(answer::denied(route, denied))
    }
}

/// Query parameters that prove a presigned request.
const SECRET_PARAMETERS: [&str; 2] = ["X-Amz-Signature", "X-Amz-Security-Token"];

/// The query without the parameters of these names.
pub(crate) fn without(query: &str, names: &[&str]) -> String {
    let kept: Vec<&str> = query
        .split('&')
        .filter(|part| {
            let name = part.split_once('=').map_or(*part, |(name, _)| name);
            !names.contains(&name)
        })
        .collect();
    kept.join("&")
}
