//! S3: bodies stream both ways, proven on their way in, recorded before they end on their way out.

mod deletions;

use std::{collections::VecDeque, panic::AssertUnwindSafe};

use bytes::Bytes;
use flow::{Access, Body, BodyError, Call, Fault, Outcome, RequestId, Tree};
use futures_util::FutureExt;
use http::{HeaderValue, Request, Response, Uri, header, request, uri::PathAndQuery};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Incoming;
use sigv4::Payload;
use tracing::error;

use crate::{
    anonymous, answer,
    body::{self, full},
    identify::Identified,
    proven::{Proven, Reading},
    recorded::Recorded,
    route::{Place, Route},
    turns::Turn,
    visit::{Visit, without},
};

/// Answers up to this size are recorded before their first byte, in bytes; larger ones before
/// their last.
const SMALL_ANSWER_BYTES_MAX: usize = 64 * 1024;

/// Serves a verified S3 call on a task of its own: denied or not, it is recorded, whether or not its
/// client is still there.
pub(crate) async fn serve(
    visit: Visit,
    caller: Identified,
    route: Route,
    payload: Payload,
    body: Incoming,
    turn: Turn,
) -> Response<Body> {
    let (fallback, ids) = (route.clone(), visit.ids.clone());
    let tasks = visit.tasks.clone();
    let task = tasks
        .spawn(async move { serve_and_record(visit, caller, route, payload, body, turn).await });
    task.await.unwrap_or_else(|_| answer::fault(&fallback, &Fault::internal(), &ids))
}

async fn serve_and_record(
    visit: Visit,
    caller: Identified,
    route: Route,
    payload: Payload,
    mut body: Incoming,
    turn: Turn,
) -> Response<Body> {
    let call = call(&visit, &caller, &route);
    if let Some(denied) = denial(&visit, &caller, &route).await {
        let response = match denied {
            Denied::ToStrangers => {
                visit.inner.counters.refused.add();
                answer::fault(&route, &anonymous::denied(), &visit.ids)
            }
            Denied::By(fault) => refused(&visit, &route, call, fault).await,
        };
        body::discard(&mut body, &visit.parts.headers).await;
        return response;
    }
    let Ok((request, reading)) = stripped(&visit, &caller, payload, body) else {
        return refused(&visit, &route, call, Fault::internal()).await;
    };
    let request = if route.operation.as_deref() == Some("DeleteObjects") {
        match deletions::checked(&visit, &caller, &route, request, &reading).await {
            Ok(request) => request,
            Err(fault) => return refused(&visit, &route, call, fault).await,
        }
    } else {
        request
    };
    let serving = AssertUnwindSafe(async { visit.inner.s3.serve(request).await }).catch_unwind();
    let Ok(response) = serving.await else {
        let id = &visit.ids.request_id;
        let operation = route.operation.as_deref().unwrap_or("unknown");
        error!(
            call.service = "s3", call.operation = operation, call.request_id = %id,
            "`s3:{operation}` panicked"
        );
        return refused(&visit, &route, call, Fault::internal()).await;
    };
    // A service may answer without having read all; the client may still be sending.
    if let Some(mut unread) = reading.unread() {
        body::discard(&mut unread, &visit.parts.headers).await;
    }
    let mut call = call;
    call.http.bytes_in = reading.bytes();
    if let Some(failure) = reading.failure()
        // It may have answered in the words that the body ended with.
        && !says(&response, &failure.fault().code)
    {
        return refused(&visit, &route, call, failure.fault()).await;
    }
    call.outcome = outcome(&response);
    if caller.is_nobody() && says(&response, "NoSuchKey") && !may_list(&visit, &caller, &route) {
        return refused(&visit, &route, call, anonymous::denied()).await;
    }
    answered(visit, route, call, response, turn).await
}

/// The call, which names its bucket and key as they are served: from the path alone, whatever the
/// `Host` says. A record that asked the client would name what the client likes.
fn call(visit: &Visit, caller: &Identified, route: &Route) -> Call {
    let Place { bucket, key } = Place::of(visit.parts.uri.path());
    let named = [("Bucket", bucket), ("Key", key)];
    let named = named.into_iter().filter_map(|(name, text)| Some((name, Tree::from(text?))));
    Call { input: Some(Tree::map(named)), ..visit.call(caller, route) }
}

/// Why a call is not served.
enum Denied {
    /// As policies say, or as S3 does without them; its owner's log has it.
    By(Fault),
    /// Nobody asks for what is nobody's: there is no log that it belongs to.
    ToStrangers,
}

async fn denial(visit: &Visit, caller: &Identified, route: &Route) -> Option<Denied> {
    if !caller.is_nobody() {
        return visit.denial(caller, route, None).map(Denied::By);
    }
    let bucket = Place::of(visit.parts.uri.path()).bucket.unwrap_or_default();
    if !visit.inner.s3.has_bucket(&bucket).await {
        return Some(Denied::ToStrangers);
    }
    let operation = route.operation.as_deref().unwrap_or("unknown");
    let query = visit.parts.uri.query().unwrap_or_default();
    // Which policy it was that did not let them in is not for strangers to know.
    let denied = || visit.denial(caller, route, None).map(|_| anonymous::denied());
    anonymous::forbidden(operation, query).or_else(denied).map(Denied::By)
}

/// Whether the caller may know which keys there are; whoever may not is not told that one is
/// missing either.
fn may_list(visit: &Visit, caller: &Identified, route: &Route) -> bool {
    let bucket = Place::of(visit.parts.uri.path()).bucket.unwrap_or_default();
    let list = Access::new("s3:ListBucket", format!("arn:aws:s3:::{bucket}"));
    visit.first_denial(caller, route, vec![list]).is_none()
}

/// Whether the service answered with that code.
fn says(response: &Response<Body>, code: &str) -> bool {
    response.extensions().get::<Fault>().is_some_and(|said| said.code == code)
}

/// Records a call that S3 never saw, or never answered, and says why.
async fn refused(visit: &Visit, route: &Route, mut call: Call, fault: Fault) -> Response<Body> {
    let response = answer::fault(route, &fault, &visit.ids);
    call.outcome = Outcome::Failed(fault);
    match visit.inner.recorder.record(call).await {
        Ok(()) => response,
        Err(_) => answer::fault(route, &answer::unrecorded(), &visit.ids),
    }
}

fn outcome(response: &Response<Body>) -> Outcome {
    let status = response.status();
    match response.extensions().get::<Fault>() {
        Some(fault) => Outcome::Failed(fault.clone()),
        None if status.is_client_error() || status.is_server_error() => {
            let fault = Fault::new(status.as_str(), status.canonical_reason().unwrap_or_default());
            Outcome::Failed(fault.with_status(status.as_u16()))
        }
        None => Outcome::Answered(Tree::Null),
    }
}

/// Records the call, before the answer where it is small, before its last piece where it is not.
async fn answered(
    visit: Visit,
    route: Route,
    mut call: Call,
    response: Response<Body>,
    turn: Turn,
) -> Response<Body> {
    let (head, body) = response.into_parts();
    let mut response = match begin(body).await {
        Begun::Whole(bytes) => {
            call.http.bytes_out = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            if visit.inner.recorder.record(call).await.is_err() {
                return answer::fault(&route, &answer::unrecorded(), &visit.ids);
            }
            Response::from_parts(head, full(bytes))
        }
        Begun::Broken => return refused(&visit, &route, call, Fault::internal()).await,
        Begun::Flowing(body) => {
            let recorder = visit.inner.recorder.clone();
            let body = Recorded::new(body, call, recorder, visit.tasks.clone(), turn);
            Response::from_parts(head, body.boxed_unsync())
        }
    };
    answer::name(&mut response, &visit.ids);
    response
}

enum Begun {
    /// All of it is here.
    Whole(Bytes),
    /// There is more of it.
    Flowing(Body),
    /// It failed before it mattered.
    Broken,
}

/// Reads a small body whole, and the beginning of a large one.
async fn begin(mut body: Body) -> Begun {
    let mut pieces: VecDeque<Bytes> = VecDeque::new();
    let mut length = 0_usize;
    let large = |bytes: u64| bytes > u64::try_from(SMALL_ANSWER_BYTES_MAX).unwrap_or(u64::MAX);
    if large(http_body::Body::size_hint(&body).lower()) {
        return Begun::Flowing(body);
    }
    while length <= SMALL_ANSWER_BYTES_MAX {
        match body.frame().await {
            None => return Begun::Whole(pieces.into_iter().collect::<Vec<_>>().concat().into()),
            Some(Err(_)) => return Begun::Broken,
            Some(Ok(frame)) => {
                let Ok(piece) = frame.into_data() else { continue };
                length = length.saturating_add(piece.len());
                pieces.push_back(piece);
            }
        }
    }
    let stream = futures_util::stream::unfold((pieces, body), |(mut pieces, mut body)| async {
        let next: Result<Frame<Bytes>, BodyError> = match pieces.pop_front() {
            Some(piece) => Ok(Frame::data(piece)),
            None => body.frame().await?,
        };
        Some((next, (pieces, body)))
    });
    Begun::Flowing(StreamBody::new(stream).boxed_unsync())
}

/// The request without what was verified, its body held to its signature.
fn stripped(
    visit: &Visit,
    caller: &Identified,
    payload: Payload,
    body: Incoming,
) -> Result<(Request<Body>, Reading), http::Error> {
    let length = match &payload {
        Payload::Chunked(chunks) => Some(chunks.decoded_length()),
        _ => body::content_length(&visit.parts.headers),
    };
    let chunked = matches!(payload, Payload::Chunked(_));
    let (body, reading) = Proven::new(body, payload, length);
    let mut request = Request::new(body.boxed_unsync());
    *request.method_mut() = visit.parts.method.clone();
    *request.uri_mut() = stripped_uri(&visit.parts)?;
    *request.version_mut() = visit.parts.version;
    let headers = request.headers_mut();
    *headers = visit.parts.headers.clone();
    for name in VERIFIED_HEADERS {
        headers.remove(*name);
    }
    if chunked {
        strip_chunked_encoding(headers);
        headers.remove(header::TRANSFER_ENCODING);
        let length = length.unwrap_or(0);
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    let extensions = request.extensions_mut();
    extensions.insert(caller.caller.clone());
    extensions.insert(visit.at);
    extensions.insert(caller.region.clone());
    extensions.insert(RequestId {
        request_id: visit.ids.request_id.clone(),
        host_id: visit.ids.host_id.clone().unwrap_or_default(),
        source_ip: visit.source_ip.clone(),
    });
    Ok((request, reading))
}

/// Headers that the verifier has used up.
const VERIFIED_HEADERS: &[&str] = &[
    "authorization",
    "expect",
    "x-amz-content-sha256",
    "x-amz-decoded-content-length",
    "x-amz-security-token",
];
/// Query parameters that the verifier has used up.
const VERIFIED_PARAMETERS: &[&str] = &[
    "X-Amz-Algorithm",
    "X-Amz-Content-Sha256",
    "X-Amz-Credential",
    "X-Amz-Date",
    "X-Amz-Expires",
    "X-Amz-Security-Token",
    "X-Amz-Signature",
    "X-Amz-SignedHeaders",
];

fn stripped_uri(parts: &request::Parts) -> Result<Uri, http::Error> {
    let query = without(parts.uri.query().unwrap_or_default(), VERIFIED_PARAMETERS);
    let path = parts.uri.path();
    let target = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
    let mut uri = parts.uri.clone().into_parts();
    uri.path_and_query = Some(target.parse::<PathAndQuery>()?);
    Ok(Uri::from_parts(uri)?)
}

/// `aws-chunked` is how the body travelled, the other encodings are what is stored.
fn strip_chunked_encoding(headers: &mut http::HeaderMap) {
    let kept: Vec<String> = headers
        .get_all(header::CONTENT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(','))
        .map(str::trim)
        .filter(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case("aws-chunked"))
        .map(str::to_owned)
        .collect();
    headers.remove(header::CONTENT_ENCODING);
    if let Ok(value) = HeaderValue::from_str(&kept.join(","))
        && !kept.is_empty()
    {
        headers.insert(header::CONTENT_ENCODING, value);
    }
}
