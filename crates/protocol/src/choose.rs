//! Which of a service's protocols a request speaks, and which operation it names.

use http::HeaderMap;
use model::{Protocol, Service};

use crate::aws_query::form;
use crate::message::RequestParts;

/// The protocol of a request to `service`: the only one it speaks, or the one whose marks the
/// request bears (`smithy-protocol`, `x-amz-target`, a form or `Action=`), else its first.
pub fn protocol_of(service: &Service, parts: &RequestParts<'_>) -> Protocol {
    let first = service.protocols.first().copied().unwrap_or(Protocol::Json);
    let content_type = header(parts.headers, "content-type").unwrap_or_default();
    let form = content_type.starts_with("application/x-www-form-urlencoded")
        || crate::uri::parts(parts.query).any(|(name, _)| name == "Action");
    if form && model::facts::query_form(service).is_some() {
        return Protocol::Query;
    }
    if service.protocols.len() < 2 {
        return first;
    }
    let speaks = |protocol: Protocol| service.protocols.contains(&protocol).then_some(protocol);
    let cbor = header(parts.headers, "smithy-protocol") == Some("rpc-v2-cbor")
        || content_type.starts_with("application/cbor");
    let json = parts.headers.contains_key("x-amz-target")
        || content_type.starts_with("application/x-amz-json");
    None.or_else(|| cbor.then(|| speaks(Protocol::Cbor)).flatten())
        .or_else(|| json.then(|| speaks(Protocol::Json)).flatten())
        .or_else(|| {
            form.then(|| speaks(Protocol::Query).or_else(|| speaks(Protocol::Ec2))).flatten()
        })
        .or_else(|| speaks(Protocol::RestJson))
        .or_else(|| speaks(Protocol::RestXml))
        .unwrap_or(first)
}

/// The operation that a request names outright: in `x-amz-target`, in `Action=` or in the path of
/// rpcv2Cbor. `None` for the REST protocols, where [`crate::uri::matches`] finds it.
pub fn operation_name(protocol: Protocol, parts: &RequestParts<'_>, body: &[u8]) -> Option<String> {
    match protocol {
        Protocol::Json => {
            let target = header(parts.headers, "x-amz-target")?;
            Some(target.rsplit_once('.').map_or(target, |(_, name)| name).to_owned())
        }
        Protocol::Query | Protocol::Ec2 => action(parts, body).map(|(action, _)| action),
        Protocol::Cbor => {
            let (rest, name) = parts.path.trim_end_matches('/').rsplit_once('/')?;
            rest.ends_with("/operation").then(|| name.to_owned())
        }
        Protocol::RestJson | Protocol::RestXml => None,
    }
}

/// The `Action` and the `Version` of a form in the body or the query; the version is empty where
/// it is missing.
pub fn action(parts: &RequestParts<'_>, body: &[u8]) -> Option<(String, String)> {
    let body = std::str::from_utf8(body).unwrap_or_default();
    let find = |wanted: &str| {
        [body, parts.query]
            .into_iter()
            .flat_map(crate::uri::parts)
            .find(|(name, _)| *name == wanted)
            .and_then(|(_, value)| form::decode(value).ok())
    };
    Some((find("Action")?, find("Version").unwrap_or_default()))
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(protocols: &[Protocol], headers: &[(&'static str, &str)], query: &str) -> Protocol {
        let service = Service { protocols: protocols.to_vec(), ..Service::default() };
        let headers: HeaderMap =
            headers.iter().map(|(k, v)| (k.parse().unwrap(), v.parse().unwrap())).collect();
        protocol_of(&service, &RequestParts { method: "POST", path: "/", query, headers: &headers })
    }

    #[test]
    fn a_request_speaks_the_protocol_whose_marks_it_bears() {
        use Protocol::{Cbor, Json, Query, RestJson};
        let all = [Cbor, Json, Query];
        assert_eq!(check(&all, &[("smithy-protocol", "rpc-v2-cbor")], ""), Cbor);
        assert_eq!(check(&all, &[("x-amz-target", "A.B")], ""), Json);
        let form = ("content-type", "application/x-www-form-urlencoded; charset=utf-8");
        assert_eq!(check(&all, &[form], ""), Query);
        assert_eq!(check(&all, &[], "Action=A"), Query);
        assert_eq!(check(&all, &[], ""), Cbor);
        assert_eq!(check(&[RestJson], &[("x-amz-target", "A.B")], ""), RestJson);
    }

    #[test]
    fn the_operation_is_read_from_where_the_protocol_puts_it() {
        let mut headers = HeaderMap::new();
        headers.insert("x-amz-target", "DynamoDB_20120810.PutItem".parse().unwrap());
        let parts = RequestParts {
            method: "POST",
            path: "/service/Foo/operation/Bar",
            query: "",
            headers: &headers,
        };
        let name = |protocol, body: &[u8]| operation_name(protocol, &parts, body);
        assert_eq!(name(Protocol::Json, b"").as_deref(), Some("PutItem"));
        assert_eq!(name(Protocol::Cbor, b"").as_deref(), Some("Bar"));
        let body = b"Version=1&Action=Create%54opic";
        assert_eq!(name(Protocol::Query, body).as_deref(), Some("CreateTopic"));
        assert_eq!(name(Protocol::RestJson, body), None);
    }
}
