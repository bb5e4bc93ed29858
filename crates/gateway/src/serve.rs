//! Calls whose bodies are held: decoded, served, recorded, answered.

use std::{panic::AssertUnwindSafe, sync::Arc};

use bytes::Bytes;
use flow::{Answer, Body, Fault, Outcome, Service, Tree};
use futures_util::FutureExt;
use http::{Request, Response};
use tracing::error;

use crate::{
    answer,
    body::{Held, full},
    gateway::{Forward, Upstream},
    identify::Identified,
    route::Route,
    turns::Turn,
    visit::Visit,
};

/// Serves a call on a task of its own: once begun, it is ended and recorded, whether or not its
/// client is still there.
pub(crate) async fn serve(
    visit: Visit,
    caller: Identified,
    body: Held,
    turn: Turn,
) -> Response<Body> {
    let route = visit.route(Some(&caller.signing_name), &body.bytes);
    let (fallback, ids) = (route.clone(), visit.ids.clone());
    let tasks = visit.tasks.clone();
    let task = tasks.spawn(async move {
        let response = serve_and_record(visit, caller, route, &body.bytes).await;
        drop((body, turn));
        response
    });
    task.await.unwrap_or_else(|_| answer::fault(&fallback, &Fault::internal(), &ids))
}

/// What serving gives.
enum Served {
    Answer(Answer),
    Forwarded(Response<Bytes>),
}

async fn serve_and_record(
    visit: Visit,
    caller: Identified,
    route: Route,
    body: &Bytes,
) -> Response<Body> {
    let mut call = visit.call(&caller, &route);
    call.http.bytes_in = u64::try_from(body.len()).expect("a length in memory fits 64 bits");
    let served = match decode(&visit, &route, body) {
        Err(fault) => Err(fault),
        Ok(input) => {
            call.input = input.clone();
            match visit.denial(&caller, &route, input.as_ref()) {
                Some(denied) => Err(denied),
                None => perform(&visit, &caller, &route, input, body).await,
            }
        }
    };
    let response = match served {
        Ok(Served::Answer(answer)) => {
            let response = encode(&visit, &route, &answer.output);
            call.resources = answer.resources;
            call.outcome = Outcome::Answered(answer.output);
            response
        }
        Ok(Served::Forwarded(response)) => {
            call.outcome = forwarded_outcome(&route, &response);
            response.map(full)
        }
        Err(fault) => {
            let response = answer::fault(&route, &fault, &visit.ids);
            call.outcome = Outcome::Failed(fault);
            response
        }
    };
    call.http.bytes_out = http_body::Body::size_hint(response.body()).lower();
    match visit.inner.recorder.record(call).await {
        Ok(()) => response,
        Err(_) => answer::fault(&route, &answer::unrecorded(), &visit.ids),
    }
}

/// The input, where the model knows the operation.
fn decode(visit: &Visit, route: &Route, body: &[u8]) -> Result<Option<Tree>, Fault> {
    let Some((service, operation)) = route.modelled() else { return Ok(None) };
    let parts = visit.request_parts();
    match protocol::decode_request(service, operation, route.protocol, &parts, body) {
        Ok(input) => Ok(Some(input)),
        // What only an upstream serves need not be understood here.
        Err(_) if !visit.inner.services.contains_key(&service.name) => Ok(None),
        Err(malformed) => Err(malformed.fault()),
    }
}

async fn perform(
    visit: &Visit,
    caller: &Identified,
    route: &Route,
    input: Option<Tree>,
    body: &Bytes,
) -> Result<Served, Fault> {
    let embedded = route.service_name().and_then(|name| visit.inner.services.get(name));
    match (embedded, &visit.inner.upstream) {
        (Some(service), _) => {
            let Some(operation) = &route.operation else {
                let parts = visit.request_parts();
                let named = protocol::operation_name(route.protocol, &parts, body);
                return Err(answer::no_operation(route, named.as_deref()));
            };
            let request = flow::Request {
                service: route.service_name().unwrap_or_default().to_owned(),
                operation: operation.clone(),
                input: input.unwrap_or_default(),
                caller: caller.caller.clone(),
                region: caller.region.clone(),
                time: visit.at,
                request_id: visit.ids.request_id.clone(),
                source_ip: visit.source_ip.clone(),
                endpoint: visit.endpoint.clone(),
            };
            call_service(service, request).await.map(Served::Answer)
        }
        (None, Some(upstream)) => {
            forward(visit, caller, route, body, upstream).await.map(Served::Forwarded)
        }
        (None, None) => Err(answer::no_upstream(&caller.signing_name)),
    }
}

/// A service that panics has failed, and no more than that.
async fn call_service(service: &Arc<dyn Service>, request: flow::Request) -> Result<Answer, Fault> {
    let (name, operation) = (request.service.clone(), request.operation.clone());
    let id = request.request_id.clone();
    let call = async { service.call(request).await };
    AssertUnwindSafe(call).catch_unwind().await.unwrap_or_else(|_| {
        error!(
            call.service = %name, call.operation = %operation, call.request_id = %id,
            "`{name}:{operation}` panicked"
        );
        Err(Fault::internal())
    })
}

async fn forward(
    visit: &Visit,
    caller: &Identified,
    route: &Route,
    body: &Bytes,
    upstream: &Arc<dyn Upstream>,
) -> Result<Response<Bytes>, Fault> {
    upstream
        .forward(Forward {
            service: route.service_name().map(str::to_owned),
            signing_name: caller.signing_name.clone(),
            operation: route.operation.clone(),
            region: caller.region.clone(),
            caller: caller.caller.clone(),
            request: Request::from_parts(visit.parts.clone(), body.clone()),
        })
        .await
}

/// What an upstream's answer says, as far as its protocol is understood.
fn forwarded_outcome(route: &Route, response: &Response<Bytes>) -> Outcome {
    let status = response.status();
    let decoded = route.modelled().and_then(|(service, operation)| {
        let (headers, body) = (response.headers(), response.body());
        let code = status.as_u16();
        protocol::decode_response(service, operation, route.protocol, code, headers, body).ok()
    });
    match decoded {
        Some(Ok(output)) => Outcome::Answered(output),
        Some(Err(fault)) => Outcome::Failed(fault),
        None if status.is_client_error() || status.is_server_error() => {
            let fault = Fault::new(status.as_str(), status.canonical_reason().unwrap_or_default());
            Outcome::Failed(fault.with_status(status.as_u16()))
        }
        None => Outcome::Answered(Tree::Null),
    }
}

fn encode(visit: &Visit, route: &Route, output: &Tree) -> Response<Body> {
    let Some((service, operation)) = route.modelled() else {
        return answer::fault(route, &Fault::internal(), &visit.ids);
    };
    let id = &visit.ids.request_id;
    answer::http(
        protocol::encode_response(service, operation, route.protocol, output, id),
        &visit.ids,
    )
}
