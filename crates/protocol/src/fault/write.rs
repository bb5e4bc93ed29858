//! A fault to an answer, for every protocol of AWS.

use flow::{Fault, Tree};
use http::HeaderName;
use model::{Location, Member, Protocol, Service, TimestampFormat};
use serde_json::{Map, Value};

use super::{Modelled, is_message};
use crate::message::{HttpAnswer, header_value, status_of};
use crate::xml::{self, Writer};
use crate::{aws_json, cbor, json, lookup, text};

/// The answer that says `fault`.
///
/// Sources: the error sections of <https://smithy.io/2.0/aws/protocols/index.html> and of S3's
/// REST reference.
pub(crate) fn write(
    service: Option<&Service>,
    protocol: Protocol,
    fault: &Fault,
    request_id: &str,
) -> HttpAnswer {
    let modelled = service.and_then(|service| Modelled::find(service, &[], &fault.code));
    let said = Said { service, fault, modelled };
    let answer = match protocol {
        Protocol::Json => said.json(aws_json::content_type(service), true),
        Protocol::RestJson => said.json("application/json", false),
        Protocol::Cbor => said.cbor(),
        Protocol::Query => said.query(request_id),
        Protocol::Ec2 => said.ec2(request_id),
        Protocol::RestXml => said.rest_xml(request_id),
    };
    let answer = said.headers(protocol, answer);
    match (protocol, said.is_s3()) {
        (Protocol::RestXml, true) => answer.with("x-amz-request-id", request_id),
        _ => answer.with("x-amzn-requestid", request_id),
    }
}

struct Said<'a> {
    service: Option<&'a Service>,
    fault: &'a Fault,
    modelled: Option<Modelled<'a>>,
}

impl Said<'_> {
    fn is_s3(&self) -> bool {
        self.service.is_some_and(|service| service.name == "s3")
    }

    fn name(&self) -> &str {
        self.modelled.as_ref().map_or(&self.fault.code, |modelled| modelled.name)
    }

    fn alias(&self) -> &str {
        let known = |service| model::facts::query_error_code(service, self.name());
        self.service
            .and_then(known)
            .unwrap_or_else(|| self.modelled.as_ref().map_or(&self.fault.code, Modelled::alias))
    }

    fn status(&self) -> u16 {
        let stated = self.modelled.as_ref().and_then(|modelled| modelled.error.status);
        stated.unwrap_or(self.fault.status)
    }

    /// Statuses of query-compatible services are those of the query protocol that they left.
    fn json_status(&self) -> u16 {
        match self.service {
            Some(service) if service.query_compatible => self.fault.status,
            _ => self.status(),
        }
    }

    fn sender(&self) -> &'static str {
        let stated = self.modelled.as_ref().is_some_and(|modelled| modelled.error.sender_fault);
        if stated || self.status() < 500 { "Sender" } else { "Receiver" }
    }

    /// The members of the error's shape that stand in the body, but for the message.
    fn in_body(member: &Member) -> bool {
        member.location == Location::Body && !is_message(&member.name)
    }

    fn json(&self, content_type: &'static str, typed: bool) -> HttpAnswer {
        let mut body = Map::new();
        if typed {
            body.insert("__type".to_owned(), Value::String(self.name().to_owned()));
        }
        let message = self.modelled.as_ref().and_then(Modelled::message);
        let known =
            |error: &Modelled<'_>| error.structure.members.iter().any(|m| is_message(&m.name));
        if !self.fault.message.is_empty() || self.modelled.as_ref().is_some_and(known) {
            let name = message.map_or("message", lookup::wire).to_owned();
            body.insert(name, Value::String(self.fault.message.clone()));
        }
        if let (Some(service), Some(modelled)) = (self.service, &self.modelled) {
            let detail = &self.fault.detail;
            body.extend(json::structure(service, modelled.structure, detail, 0, Self::in_body));
        } else if let Value::Object(detail) = json::document(&self.fault.detail, 0) {
            body.extend(detail);
        }
        let answer = HttpAnswer::new(
            self.json_status(),
            content_type,
            Value::Object(body).to_string().into(),
        );
        if typed { answer } else { answer.with("x-amzn-errortype", self.name()) }
    }

    fn cbor(&self) -> HttpAnswer {
        let message = self.modelled.as_ref().and_then(Modelled::message);
        let mut body = vec![
            ("__type".to_owned(), Tree::from(self.name())),
            (
                message.map_or("message", lookup::wire).to_owned(),
                Tree::from(self.fault.message.as_str()),
            ),
        ];
        let detail = self.fault.detail.members().iter().filter(|(name, _)| !is_message(name));
        body.extend(detail.cloned());
        HttpAnswer::new(self.json_status(), "application/cbor", cbor::write(&Tree::Map(body)))
            .with("smithy-protocol", "rpc-v2-cbor")
    }

    fn query(&self, request_id: &str) -> HttpAnswer {
        let mut out = Writer::default();
        self.wrapped(request_id, &mut out);
        HttpAnswer::new(self.status(), "text/xml", out.into_bytes())
    }

    fn rest_xml(&self, request_id: &str) -> HttpAnswer {
        let mut out = Writer::declared();
        if self.is_s3() {
            out.element("Error", &[], |out| {
                self.code_and_message(out);
                self.detail(out);
                out.text("RequestId", request_id);
            });
        } else {
            self.wrapped(request_id, &mut out);
        }
        HttpAnswer::new(self.status(), "application/xml", out.into_bytes())
    }

    fn ec2(&self, request_id: &str) -> HttpAnswer {
        let mut out = Writer::declared();
        out.element("Response", &[], |out| {
            out.element("Errors", &[], |out| {
                out.element("Error", &[], |out| {
                    self.code_and_message(out);
                    self.detail(out);
                });
            });
            out.text("RequestID", request_id);
        });
        HttpAnswer::new(self.status(), "text/xml;charset=UTF-8", out.into_bytes())
    }

    fn wrapped(&self, request_id: &str, out: &mut Writer) {
        let namespace = self.service.and_then(|service| service.xml_namespace.clone());
        let attributes: Vec<_> =
            namespace.into_iter().map(|uri| ("xmlns".to_owned(), uri)).collect();
        out.element("ErrorResponse", &attributes, |out| {
            out.element("Error", &[], |out| {
                out.text("Type", self.sender());
                self.code_and_message(out);
                self.detail(out);
            });
            out.text("RequestId", request_id);
        });
    }

    fn code_and_message(&self, out: &mut Writer) {
        out.text("Code", self.alias());
        out.text("Message", &self.fault.message);
    }

    fn detail(&self, out: &mut Writer) {
        let detail = &self.fault.detail;
        if let (Some(service), Some(modelled)) = (self.service, &self.modelled) {
            xml::write_members(service, modelled.structure, detail, 0, out, Self::in_body);
            return;
        }
        for (name, tree) in detail.members().iter().filter(|(name, _)| !is_message(name)) {
            if let Tree::Text(text) = tree
                && is_element_name(name)
            {
                out.text(name, text);
            }
        }
    }

    /// Headers that the fault's members and the service's past ask for.
    fn headers(&self, protocol: Protocol, mut answer: HttpAnswer) -> HttpAnswer {
        let modern = matches!(protocol, Protocol::Json | Protocol::Cbor);
        if modern && self.service.is_some_and(|service| service.query_compatible) {
            let value = format!("{};{}", self.alias(), self.sender());
            answer = answer.with("x-amzn-query-error", &value);
        }
        let (Some(service), Some(modelled)) = (self.service, &self.modelled) else { return answer };
        for member in &modelled.structure.members {
            let Some(tree) = lookup::value(&self.fault.detail, member) else { continue };
            match (member.location, tree) {
                (Location::Header, tree) => {
                    let kind = lookup::kind(service, member.shape);
                    let format = lookup::format(member, kind, TimestampFormat::Rfc822);
                    if let Ok(name) = HeaderName::from_bytes(lookup::wire(member).as_bytes()) {
                        answer.headers.insert(name, header_value(&text::write(tree, format)));
                    }
                }
                (Location::Status, Tree::Int(status)) => {
                    answer.status = status_of(u16::try_from(*status).unwrap_or(500));
                }
                _ => {}
            }
        }
        answer
    }
}

/// Details without a model are written only under plain names: others could break out.
fn is_element_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}
