//! The doors: one function a direction, each a choice among the six protocols.

use flow::{Fault, Tree};
use http::HeaderMap;
use model::{Operation, Protocol, Service};

use crate::error::{Invalid, Malformed, Problem};
use crate::message::{HttpAnswer, HttpRequest, RequestParts};
use crate::{aws_json, aws_query, check, fault, rest};

/// Statuses from this one on answer with an error.
const STATUS_ERROR_MIN: u16 = 300;

/// The input of a request for `operation`, by the model's member names; [`Tree::Null`] where the
/// operation takes none. What the model does not know is left out, and so are nulls.
///
/// Members bound to the path, the query and headers are taken from `parts`; `parts.path` must be
/// the path that the operation was found by. Bounds are those of [`crate::limit`].
///
/// # Errors
/// [`Malformed`], whose `fault()` is what the caller is told.
pub fn decode_request(
    service: &Service,
    operation: &Operation,
    protocol: Protocol,
    parts: &RequestParts<'_>,
    body: &[u8],
) -> Result<Tree, Malformed> {
    let read = match protocol {
        Protocol::Json => aws_json::decode(service, &operation.input, body),
        Protocol::Query | Protocol::Ec2 => {
            let (service, operation) = in_its_form(service, operation, protocol);
            aws_query::decode_request(service, operation, protocol, parts.query, body)
                .map(|input| addressed(service, operation, parts, input))
        }
        Protocol::RestJson => rest::decode_request(service, operation, parts, body),
        Protocol::RestXml | Protocol::Cbor => return Err(Malformed::Unsupported { protocol }),
    };
    read.map_err(|problem| problem.of(protocol))
}

/// The request that asks for `operation` with this input, unsigned and without a host.
///
/// Idempotency tokens are members like all others: the caller makes them.
///
/// # Errors
/// [`Invalid`] where the input does not fit its shape or a label of the path is missing.
pub fn encode_request(
    service: &Service,
    operation: &Operation,
    protocol: Protocol,
    input: &Tree,
) -> Result<HttpRequest, Invalid> {
    if let Some(member) = &operation.input {
        check::check(service, member, input, 0).map_err(Problem::invalid)?;
    }
    let mut request = match protocol {
        Protocol::Json => Ok(aws_json::encode_request(service, operation, input)),
        Protocol::Query | Protocol::Ec2 => {
            let (service, operation) = in_its_form(service, operation, protocol);
            Ok(aws_query::encode_request(service, operation, protocol, input))
        }
        Protocol::RestJson => rest::encode_request(service, operation, input),
        Protocol::RestXml | Protocol::Cbor => return Err(Invalid::Unsupported { protocol }),
    }
    .map_err(Problem::invalid)?;
    if let Some(template) = &operation.host_prefix {
        request.host_prefix = rest::host_prefix(template, input).map_err(Problem::invalid)?;
    }
    Ok(request)
}

/// The answer that gives `output`. Members that the model does not know are left out; a value that
/// does not fit its shape is written as what it is.
///
/// For a protocol that is not spoken yet, the answer is that protocol's error `NotImplemented`.
pub fn encode_response(
    service: &Service,
    operation: &Operation,
    protocol: Protocol,
    output: &Tree,
    request_id: &str,
) -> HttpAnswer {
    match protocol {
        Protocol::Json => aws_json::encode_response(service, operation, output, request_id),
        Protocol::Query | Protocol::Ec2 => {
            let (service, operation) = in_its_form(service, operation, protocol);
            aws_query::encode_response(service, operation, protocol, output, request_id)
        }
        Protocol::RestJson => rest::encode_response(service, operation, output, request_id),
        Protocol::RestXml | Protocol::Cbor => {
            let fault = Malformed::Unsupported { protocol }.fault();
            fault::write(Some(service), protocol, &fault, request_id)
        }
    }
}

/// The answer that says `fault`, for every protocol of AWS and also where no service is known.
///
/// Where the model knows the error – by its shape's name or by its code on the wire – the answer
/// has the model's code, status and members; else the fault's own.
pub fn encode_error(
    service: Option<&Service>,
    protocol: Protocol,
    fault: &Fault,
    request_id: &str,
) -> HttpAnswer {
    let old = service.filter(|_| protocol == Protocol::Query).and_then(model::facts::query_form);
    fault::write(old.or(service), protocol, fault, request_id)
}

/// The output, or the fault, that an answer to `operation` holds. Statuses from 300 on are faults,
/// whose code is the name of the model's shape where the model knows the error.
///
/// # Errors
/// [`Malformed`] where the answer is not of the protocol or does not fit the model.
pub fn decode_response(
    service: &Service,
    operation: &Operation,
    protocol: Protocol,
    status: u16,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Result<Tree, Fault>, Malformed> {
    if status >= STATUS_ERROR_MIN {
        let fault = fault::read(service, operation, protocol, status, headers, body);
        return fault.map(Err).map_err(|problem| problem.of(protocol));
    }
    let read = match protocol {
        Protocol::Json => aws_json::decode(service, &operation.output, body),
        Protocol::Query | Protocol::Ec2 => {
            let (service, operation) = in_its_form(service, operation, protocol);
            aws_query::decode_response(service, operation, protocol, body)
        }
        Protocol::RestJson => rest::decode_response(service, operation, status, headers, body),
        Protocol::RestXml | Protocol::Cbor => return Err(Malformed::Unsupported { protocol }),
    };
    read.map(Ok).map_err(|problem| problem.of(protocol))
}

/// The service and operation as they are spelled in queries, which for SQS is not as in JSON.
fn in_its_form<'a>(
    service: &'a Service,
    operation: &'a Operation,
    protocol: Protocol,
) -> (&'a Service, &'a Operation) {
    let old = model::facts::query_form(service).filter(|_| protocol == Protocol::Query);
    old.and_then(|old| Some((old, old.operation(&operation.name)?))).unwrap_or((service, operation))
}

/// Queries to SQS may name their queue by the address that they are sent to alone.
fn addressed(
    service: &Service,
    operation: &Operation,
    parts: &RequestParts<'_>,
    mut input: Tree,
) -> Tree {
    const MEMBER: &str = "QueueUrl";
    let takes = crate::lookup::structure(service, &operation.input)
        .is_some_and(|structure| structure.members.iter().any(|member| member.name == MEMBER));
    let host = parts.headers.get("host").and_then(|host| host.to_str().ok());
    if let (true, Some(host), Tree::Map(members)) = (takes, host, &mut input)
        && service.name == "sqs"
        && parts.path.len() > 1
        && !members.iter().any(|(name, _)| name == MEMBER)
    {
        let url = format!("http://{host}{}", parts.path);
        members.insert(0, (MEMBER.to_owned(), Tree::Text(url)));
    }
    input
}
