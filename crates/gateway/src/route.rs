//! Which operation of which service a request asks for.

mod s3;

use std::sync::Arc;

use model::{Operation, Protocol, Service};
use protocol::RequestParts;

pub use self::s3::s3_operation;
pub(crate) use self::s3::{Place, Query};

/// Where a request goes.
#[derive(Clone, Debug)]
pub struct Route {
    /// The service; `None` where no service of the model fits.
    pub service: Option<Arc<Service>>,
    /// The protocol that the request speaks, as far as can be told.
    pub protocol: Protocol,
    /// The operation's name; where the service is known, one of the model.
    pub operation: Option<String>,
}

impl Route {
    /// The model's name of the service.
    pub fn service_name(&self) -> Option<&str> {
        self.service.as_deref().map(|service| service.name.as_str())
    }

    /// The operation in the model.
    pub(crate) fn modelled(&self) -> Option<(&Service, &Operation)> {
        let service = self.service.as_deref()?;
        Some((service, service.operation(self.operation.as_deref()?)?))
    }
}

/// Finds the operation: by the name that the credential is scoped to, then the target header, the
/// query's `Action` and `Version`, the method and path. `signing_name` is `None` for unsigned
/// requests, whose protocol alone is guessed then. `body` may be empty where it is not here yet.
pub fn route(signing_name: Option<&str>, parts: &RequestParts<'_>, body: &[u8]) -> Route {
    let Some(signing_name) = signing_name else { return unsigned(parts, body) };
    if signing_name == "s3" && !parts.path.starts_with(S3_CONTROL) {
        return Route {
            service: model::service("s3"),
            protocol: Protocol::RestXml,
            operation: s3_operation(parts).map(str::to_owned),
        };
    }
    let mut names = model::by_signing_name(signing_name).to_vec();
    if names.is_empty() {
        names = model::by_endpoint_prefix(signing_name).to_vec();
    }
    narrow(&mut names, parts, body);
    let mut best: Option<(protocol::uri::Rank, Route)> = None;
    let mut fallback: Option<Route> = None;
    for service in names.into_iter().filter_map(model::service) {
        let protocol = protocol::protocol_of(&service, parts);
        let known = Route { service: Some(Arc::clone(&service)), protocol, operation: None };
        if let Some(name) = protocol::operation_name(protocol, parts, body) {
            if service.operation(&name).is_some() {
                return Route { operation: Some(name), ..known };
            }
        } else if matches!(protocol, Protocol::RestJson | Protocol::RestXml)
            && let Some((rank, name)) = by_path(&service, parts)
            && best.as_ref().is_none_or(|(found, _)| rank > *found)
        {
            best = Some((rank, Route { operation: Some(name), ..known.clone() }));
        }
        fallback.get_or_insert(known);
    }
    best.map(|(_, route)| route).or(fallback).unwrap_or_else(|| guess(parts, body))
}

/// Where S3 Control's paths begin, whose credentials are scoped to `s3` too.
const S3_CONTROL: &str = "/v20180820/";

/// Of services that share a signing name, leaves those that the target or the version names.
fn narrow(names: &mut Vec<&'static str>, parts: &RequestParts<'_>, body: &[u8]) {
    if names.len() < 2 {
        return;
    }
    let keep = |names: &mut Vec<&'static str>, fits: &dyn Fn(&model::Entry) -> bool| {
        let kept: Vec<&'static str> =
            names.iter().copied().filter(|name| model::entry(name).is_some_and(fits)).collect();
        if !kept.is_empty() {
            *names = kept;
        }
    };
    let target = parts.headers.get("x-amz-target").and_then(|value| value.to_str().ok());
    if let Some((prefix, _)) = target.and_then(|target| target.rsplit_once('.')) {
        keep(names, &|entry| entry.target_prefix == Some(prefix));
    } else if let Some(id) = cbor_service(parts.path) {
        keep(names, &|entry| {
            entry.target_prefix == Some(id) || entry.service_id.replace(' ', "") == id
        });
    } else if let Some((_, version)) = protocol::action(parts, body) {
        keep(names, &|entry| entry.api_version == version);
    }
}

/// `/service/<id>/operation/<name>`, anywhere in the path.
fn cbor_service(path: &str) -> Option<&str> {
    let (_, rest) = path.split_once("/service/")?;
    let (id, _) = rest.split_once("/operation/")?;
    Some(id)
}

/// Whether the path is one of Lambda's, the only embedded service beside S3 that is asked by paths.
pub(crate) fn is_lambda(parts: &RequestParts<'_>) -> bool {
    model::service("lambda").is_some_and(|lambda| by_path(&lambda, parts).is_some())
}

fn by_path(service: &Service, parts: &RequestParts<'_>) -> Option<(protocol::uri::Rank, String)> {
    service
        .operations
        .iter()
        .filter_map(|operation| {
            let found = protocol::uri::matches(operation, parts.method, parts.path, parts.query)?;
            Some((found.rank, operation.name.clone()))
        })
        .max_by(|(one, _), (other, _)| one.cmp(other))
}

/// Of unsigned requests only the dialect of their refusal matters: S3's where none shows.
fn unsigned(parts: &RequestParts<'_>, body: &[u8]) -> Route {
    let route = guess(parts, body);
    match (&route.service, route.protocol) {
        (None, Protocol::RestXml) => Route { service: model::service("s3"), ..route },
        _ => route,
    }
}

/// The protocol whose marks a request bears, where nothing says for which service it is.
fn guess(parts: &RequestParts<'_>, body: &[u8]) -> Route {
    let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let content_type = header("content-type").unwrap_or_default();
    let protocol = if header("smithy-protocol") == Some("rpc-v2-cbor") {
        Protocol::Cbor
    } else if header("x-amz-target").is_some() || content_type.starts_with("application/x-amz-json")
    {
        Protocol::Json
    } else if content_type.starts_with("application/x-www-form-urlencoded")
        || protocol::action(parts, body).is_some()
    {
        Protocol::Query
    } else if content_type.starts_with("application/json") {
        Protocol::RestJson
    } else {
        Protocol::RestXml
    };
    let target = header("x-amz-target").and_then(|target| target.rsplit_once('.'));
    let service = match target.map(|(prefix, _)| model::by_target_prefix(prefix)) {
        Some([name]) => model::service(name),
        _ => None,
    };
    let named = protocol::operation_name(protocol, parts, body);
    let known = |name: &String| service.as_ref().is_none_or(|s| s.operation(name).is_some());
    Route { operation: named.filter(known), service, protocol }
}

#[cfg(test)]
mod tests;
