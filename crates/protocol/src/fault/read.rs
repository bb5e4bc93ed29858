//! An answer to the fault that it holds.

use flow::{Fault, Tree};
use http::HeaderMap;
use model::{Location, Operation, Protocol, Service};

use super::{Modelled, is_message};
use crate::error::Problem;
use crate::xml::{self, Element};
use crate::{json, lookup, text};

/// The code of an answer that names none.
const UNKNOWN: &str = "UnknownError";

/// The fault of an answer whose status says that there is one.
///
/// The code is the name of the model's shape where the model knows the error, under its name or
/// its code on the wire; else what stands on the wire. The detail holds the shape's members, but
/// for the message.
pub(crate) fn read(
    service: &Service,
    operation: &Operation,
    protocol: Protocol,
    status: u16,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Fault, Problem> {
    match protocol {
        Protocol::Json | Protocol::RestJson => from_json(service, operation, status, headers, body),
        Protocol::Query | Protocol::Ec2 | Protocol::RestXml => {
            from_xml(service, operation, status, headers, body)
        }
        Protocol::Cbor => Ok(Fault::new(UNKNOWN, "").with_status(status)),
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// `aws.protocoltests#FooError:http://…` is `FooError`.
fn plain(code: &str) -> &str {
    let code = code.split_once(':').map_or(code, |(code, _)| code);
    code.rsplit_once('#').map_or(code, |(_, code)| code).trim()
}

fn from_json(
    service: &Service,
    operation: &Operation,
    status: u16,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Fault, Problem> {
    let empty = body.iter().all(u8::is_ascii_whitespace);
    // What stands between a service and us answers in HTML: the status still tells something.
    let raw = match if empty { Ok(Tree::Null) } else { json::parse(body) } {
        Ok(Tree::Map(raw)) => raw,
        Ok(_) | Err(_) => Vec::new(),
    };
    let text = |wanted: &dyn Fn(&str) -> bool| {
        raw.iter().find(|(name, _)| wanted(name)).and_then(|(_, tree)| tree.as_text())
    };
    let code = header(headers, "x-amzn-errortype")
        .or_else(|| text(&|name| name == "__type"))
        .or_else(|| text(&|name| name == "code" || name == "Code"))
        .map_or(UNKNOWN, plain)
        .to_owned();
    let message = text(&is_message).unwrap_or_default().to_owned();
    // The alias of a query-compatible service finds shapes that the plain code does not.
    let alias = header(headers, "x-amzn-query-error").and_then(|v| v.split(';').next());
    let modelled = Modelled::find(service, &operation.errors, &code)
        .or_else(|| Modelled::find(service, &operation.errors, alias?));
    let Some(modelled) = modelled else {
        return Ok(Fault { code, message, status, detail: Tree::Null });
    };
    let wanted =
        |member: &model::Member| member.location == Location::Body && !is_message(&member.name);
    let mut detail = json::members(service, modelled.structure, raw, wanted)?;
    from_headers(service, &modelled, status, headers, &mut detail)?;
    Ok(fault(&modelled, message, status, detail))
}

fn from_xml(
    service: &Service,
    operation: &Operation,
    status: u16,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Fault, Problem> {
    let root = xml::parse(body).unwrap_or_default();
    let empty = Element::default();
    let error = match root.name.as_str() {
        "Error" => &root,
        _ => root.child("Error").or_else(|| root.child("Errors")?.child("Error")).unwrap_or(&empty),
    };
    let code = error.text_of("Code").unwrap_or(UNKNOWN).trim().to_owned();
    let message = error.children.iter().find(|child| is_message(&child.name));
    let message = message.map_or("", |child| child.text.as_str()).to_owned();
    let Some(modelled) = Modelled::find(service, &operation.errors, &code) else {
        return Ok(Fault { code, message, status, detail: Tree::Null });
    };
    let wanted =
        |member: &model::Member| member.location == Location::Body && !is_message(&member.name);
    let mut detail = xml::members(service, modelled.structure, error, wanted)?;
    from_headers(service, &modelled, status, headers, &mut detail)?;
    Ok(fault(&modelled, message, status, detail))
}

fn from_headers(
    service: &Service,
    modelled: &Modelled<'_>,
    status: u16,
    headers: &HeaderMap,
    detail: &mut Vec<(String, Tree)>,
) -> Result<(), Problem> {
    for member in &modelled.structure.members {
        let tree = match member.location {
            Location::Header => match header(headers, lookup::wire(member)) {
                Some(value) => text::read(lookup::kind(service, member.shape), value)
                    .map_err(|problem| problem.at(lookup::wire(member)))?,
                None => continue,
            },
            Location::Status => Tree::Int(status.into()),
            _ => continue,
        };
        detail.push((member.name.clone(), tree));
    }
    Ok(())
}

fn fault(
    modelled: &Modelled<'_>,
    message: String,
    status: u16,
    detail: Vec<(String, Tree)>,
) -> Fault {
    let detail = if detail.is_empty() { Tree::Null } else { Tree::Map(detail) };
    Fault { code: modelled.name.to_owned(), message, status, detail }
}
