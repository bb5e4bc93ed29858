//! Answers as HTTP, with the ids that they carry.

use flow::{Body, Fault, Tree};
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use model::Protocol;
use protocol::HttpAnswer;
use sigv4::Family;

use crate::{body::full, route::Route};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
const S3_REQUEST_ID: HeaderName = HeaderName::from_static("x-amz-request-id");
const S3_HOST_ID: HeaderName = HeaderName::from_static("x-amz-id-2");

/// The ids of one answer.
#[derive(Clone, Debug)]
pub(crate) struct Ids {
    /// Of the form that the service uses.
    pub(crate) request_id: String,
    /// S3's second id.
    pub(crate) host_id: Option<String>,
}

/// How the services of this route name refusals.
pub(crate) fn family(route: &Route) -> Family {
    match route.protocol {
        Protocol::Json | Protocol::Cbor => Family::Json,
        Protocol::RestJson => Family::RestJson,
        Protocol::Query => Family::Query,
        Protocol::Ec2 => Family::Ec2,
        Protocol::RestXml if matches!(route.service_name(), None | Some("s3" | "s3control")) => {
            Family::S3
        }
        Protocol::RestXml => Family::Query,
    }
}

/// What a signature's refusal is called there.
pub(crate) fn refusal(route: &Route, error: &sigv4::Error, presigned: bool) -> Fault {
    let reply = error.reply(family(route), presigned);
    let fault = Fault::new(reply.code, reply.message).with_status(reply.status);
    match error {
        // Clients of S3 sign again for the region that they are told.
        sigv4::Error::WrongScope { part: "region", expected } if family(route) == Family::S3 => {
            Fault { detail: Tree::map([("Region", Tree::from(expected.as_str()))]), ..fault }
        }
        _ => fault,
    }
}

/// The caller may not do this, `message` says why.
pub(crate) fn denied(route: &Route, message: String) -> Fault {
    let (code, status) = match (route.service_name(), family(route)) {
        (Some("sns"), _) => ("AuthorizationErrorException", 403),
        // The name that it had in the query protocol, which its clients still read.
        (Some("sqs"), _) => ("AccessDenied", 403),
        (_, Family::Json) => ("AccessDeniedException", 400),
        (_, Family::RestJson) => ("AccessDeniedException", 403),
        (_, Family::S3 | Family::Query) => ("AccessDenied", 403),
        (_, Family::Ec2) => ("UnauthorizedOperation", 403),
    };
    Fault::new(code, message).with_status(status)
}

/// The service knows no such operation.
pub(crate) fn no_operation(route: &Route, named: Option<&str>) -> Fault {
    let named = named.unwrap_or("(none)");
    match family(route) {
        Family::Json | Family::RestJson => {
            Fault::new("UnknownOperationException", format!("The operation {named} is not known."))
                .with_status(404)
        }
        Family::Query | Family::Ec2 => {
            let what = format!("The action {named} is not valid for this endpoint.");
            Fault::new("InvalidAction", what)
        }
        Family::S3 => Fault::new(
            "MethodNotAllowed",
            "The specified method is not allowed against this resource.",
        )
        .with_status(405),
    }
}

/// Why a request was turned away unread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turned {
    /// Its body is larger than `limit` bytes.
    TooLarge { limit: usize },
    /// There are too many others.
    Busy,
    /// It came too slowly.
    Slow,
}

/// What that is called there.
pub(crate) fn turned_away(route: &Route, why: Turned) -> Fault {
    let s3 = family(route) == Family::S3;
    match why {
        Turned::TooLarge { limit } => {
            let what = format!("The request's body is larger than {limit} bytes.");
            let code = if s3 { "EntityTooLarge" } else { "RequestEntityTooLarge" };
            Fault::new(code, what).with_status(413)
        }
        Turned::Busy => {
            let code = if s3 { "SlowDown" } else { "ServiceUnavailable" };
            Fault::new(code, "Too many requests at once; try again.").with_status(503)
        }
        Turned::Slow => {
            let code = if s3 { "RequestTimeout" } else { "RequestTimeoutException" };
            Fault::new(code, "The request's body came too slowly.").with_status(408)
        }
    }
}

/// The call was made, but what it did could not be recorded, so its answer is kept back.
pub(crate) fn unrecorded() -> Fault {
    Fault::new("ServiceUnavailable", "The call could not be recorded, so its answer is kept back.")
        .with_status(503)
}

/// No upstream is there for a service that is not embedded.
pub(crate) fn no_upstream(signing_name: &str) -> Fault {
    let message = format!(
        "No upstream is configured for `{signing_name}`, which Trailhound does not serve itself."
    );
    Fault::new("Trailhound.NoUpstream", message).with_status(501)
}

/// An error as the route's protocol writes it.
pub(crate) fn fault(route: &Route, fault: &Fault, ids: &Ids) -> Response<Body> {
    let service = route.service.as_deref();
    http(protocol::encode_error(service, route.protocol, fault, &ids.request_id), ids)
}

/// An encoded answer with its ids.
pub(crate) fn http(answer: HttpAnswer, ids: &Ids) -> Response<Body> {
    let mut response = Response::new(full(answer.body));
    *response.status_mut() = answer.status;
    *response.headers_mut() = answer.headers;
    name(&mut response, ids);
    response
}

/// Puts the ids where clients look for them.
pub(crate) fn name<B>(response: &mut Response<B>, ids: &Ids) {
    let value = |text: &str| {
        HeaderValue::from_str(text).expect("ids are made of letters, digits and a few signs")
    };
    let headers = response.headers_mut();
    match &ids.host_id {
        Some(host_id) => {
            headers.insert(S3_REQUEST_ID, value(&ids.request_id));
            headers.insert(S3_HOST_ID, value(host_id));
        }
        None => {
            headers.insert(REQUEST_ID, value(&ids.request_id));
        }
    }
}

/// Bytes that anybody may have.
pub(crate) fn page(content_type: &str, bytes: bytes::Bytes) -> Response<Body> {
    let mut response = Response::new(full(bytes));
    if let Ok(value) = HeaderValue::from_str(content_type) {
        response.headers_mut().insert(header::CONTENT_TYPE, value);
    }
    *response.status_mut() = StatusCode::OK;
    response
}
