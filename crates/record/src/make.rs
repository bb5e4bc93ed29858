//! One call's record, member by member in CloudTrail's order.

use std::sync::Arc;

use flow::{Call, Fault, Outcome, TlsDetails};
use model::{Service, facts};
use serde_json::{Map, Value, json};

use crate::{
    cap, identity, parameters,
    resource::{self, Listed},
    s3,
    select::{Category, Facts, ResourceFact},
};

/// The version of the record's layout that is written.
pub const EVENT_VERSION: &str = "1.11";

/// What stands for the operation where nothing of the request names one.
const UNKNOWN_OPERATION: &str = "UnknownOperation";

/// A finished record.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Its JSON on one line, at most 256 KiB, as it will stand in the log file.
    pub json: String,
    /// What selectors ask of it.
    pub facts: Facts,
}

/// The record of a call. `event_id` is a GUID that no other record has.
///
/// No value that a model calls sensitive, no secret that AWS is known to leave out and nothing that
/// the model does not know is in it. Text that callers wrote is kept as text; the JSON is valid
/// whatever it holds. Fields past CloudTrail's sizes are cut, elements then say `omitted`.
pub fn make(call: &Call, event_id: &str) -> Record {
    let subject = Subject::of(call);
    let parts = Parts::of(call, &subject);
    let mut record = Map::new();
    let mut put = |name: &str, value: Value| {
        record.insert(name.to_owned(), value);
    };
    put("eventVersion", Value::from(EVENT_VERSION));
    put("userIdentity", Value::Object(identity::of(&call.caller)));
    put("eventTime", Value::from(call.completed.to_seconds_text()));
    put("eventSource", Value::from(subject.source.as_str()));
    put("eventName", Value::from(subject.name.as_str()));
    put("awsRegion", Value::from(call.region.as_str()));
    put("sourceIPAddress", short(&call.source_ip));
    if let Some(agent) = &call.user_agent {
        put("userAgent", user_agent(agent, subject.is_s3()));
    }
    if let Outcome::Failed(fault) = &call.outcome {
        put("errorCode", short(&error_code(call, fault)));
        if !fault.message.is_empty() {
            put("errorMessage", short(&fault.message));
        }
    }
    put("requestParameters", parts.parameters);
    put("responseElements", parts.elements);
    if let Some(additional) = parts.additional {
        put("additionalEventData", additional);
    }
    put("requestID", short(&call.request_id));
    put("eventID", Value::from(event_id));
    put("readOnly", Value::from(subject.read_only));
    if !parts.resources.is_empty() {
        put("resources", resource::to_json(&parts.resources));
    }
    put("eventType", Value::from("AwsApiCall"));
    if let Some(version) = subject.service.as_deref().and_then(facts::api_version_in_record) {
        put("apiVersion", Value::from(version));
    }
    put("managementEvent", Value::from(subject.category == Category::Management));
    put("recipientAccountId", Value::from(call.recipient.as_str()));
    put("eventCategory", Value::from(subject.category.as_str()));
    if let Some(tls) = call.tls.as_ref().and_then(tls_details) {
        put("tlsDetails", tls);
    }
    let json = serde_json::to_string(&record).expect("a tree of JSON values has a text");
    Record { json, facts: subject.into_facts(call, event_id, &parts.resources) }
}

/// What was called, in the words of records.
struct Subject {
    service: Option<Arc<Service>>,
    source: String,
    name: String,
    read_only: bool,
    category: Category,
}

impl Subject {
    fn of(call: &Call) -> Self {
        let service = call.service.as_deref().and_then(model::service);
        let operation = call.operation.as_deref();
        let known = service.as_deref().zip(operation);
        let source = match &service {
            Some(service) => service.event_source.clone(),
            None => facts::event_source_of_signing_name(cap::text(&call.signing_name, 128)),
        };
        let name = match known {
            Some((service, operation)) => facts::event_name(service, operation),
            None => operation.unwrap_or(UNKNOWN_OPERATION).to_owned(),
        };
        let read_only = match known {
            Some((service, operation)) => facts::read_only(service, operation),
            None => operation.is_some_and(facts::begins_with_a_reading_verb),
        };
        let category = known.map_or(Category::Management, |(service, operation)| {
            facts::category(service, operation).into()
        });
        let name = cap::text(&name, cap::TEXT_BYTES_MAX).to_owned();
        Self { service, source, name, read_only, category }
    }

    fn is_s3(&self) -> bool {
        self.service.as_ref().is_some_and(|service| service.name == "s3")
    }

    fn into_facts(self, call: &Call, event_id: &str, resources: &[Listed]) -> Facts {
        Facts {
            source: self.source,
            name: self.name,
            read_only: self.read_only,
            category: self.category,
            resources: resources
                .iter()
                .map(|listed| ResourceFact { kind: listed.kind.clone(), arn: listed.arn.clone() })
                .collect(),
            account: call.recipient.to_string(),
            region: call.region.to_string(),
            error_code: match &call.outcome {
                Outcome::Failed(fault) => Some(short_text(&error_code(call, fault))),
                Outcome::Answered(_) => None,
            },
            event_id: event_id.to_owned(),
            time: Some(flow::Timestamp::from_secs(call.completed.as_secs())),
        }
    }
}

/// The parts of a record that depend on the service.
struct Parts {
    parameters: Value,
    elements: Value,
    additional: Option<Value>,
    resources: Vec<Listed>,
}

impl Parts {
    fn of(call: &Call, subject: &Subject) -> Self {
        let given: Vec<Listed> = call.resources.iter().map(Listed::from).collect();
        let (parameters, additional, derived) = match subject.service.as_deref() {
            None => (None, None, Vec::new()),
            Some(service) if subject.is_s3() => {
                let place = s3::Place::of(call);
                let parameters = Some(s3::parameters(call, service, &place));
                let additional = Some(s3::additional(call));
                let is_data = subject.category == Category::Data;
                (parameters, additional, s3::resources(call, &place, is_data))
            }
            Some(service) => {
                (request_parameters(call, service), None, resource::from_input(call, service))
            }
        };
        Self {
            parameters: elements(parameters, cap::ELEMENTS_BYTES_MAX),
            elements: elements(response_elements(call, subject), cap::ELEMENTS_BYTES_MAX),
            additional: additional
                .map(|data| Value::Object(cap::members(data, cap::ADDITIONAL_BYTES_MAX))),
            resources: if given.is_empty() { derived } else { given },
        }
    }
}

fn elements(members: Option<Map<String, Value>>, bytes_max: usize) -> Value {
    members
        .filter(|members| !members.is_empty())
        .map_or(Value::Null, |members| Value::Object(cap::members(members, bytes_max)))
}

fn request_parameters(call: &Call, service: &Service) -> Option<Map<String, Value>> {
    let operation = service.operation(call.operation.as_deref()?)?;
    parameters::of(service, operation.input.as_ref()?, call.input.as_ref()?)
}

/// Writes' answers, and those of some operations that read (seen): who got credentials.
fn answer_is_recorded(subject: &Subject, service: &Service, operation: &str) -> bool {
    if subject.category == Category::Data {
        return facts::answer_of_data_event_is_recorded(service, operation);
    }
    let gives_credentials =
        subject.name.starts_with("AssumeRole") || subject.name == "GetSessionToken";
    !subject.read_only || service.name == "sts" && gives_credentials
}

fn response_elements(call: &Call, subject: &Subject) -> Option<Map<String, Value>> {
    let Outcome::Answered(output) = &call.outcome else { return None };
    // S3's answers are headers and documents of their own; its records hold none (seen).
    let service = subject.service.as_deref().filter(|_| !subject.is_s3())?;
    let operation = service.operation(call.operation.as_deref()?)?;
    if !answer_is_recorded(subject, service, &operation.name) {
        return None;
    }
    parameters::of(service, operation.output.as_ref()?, output)
}

/// EC2's codes say whose fault it was.
fn error_code(call: &Call, fault: &Fault) -> String {
    let code = fault.code.as_str();
    if call.service.as_deref() != Some("ec2") || code.contains('.') {
        return code.to_owned();
    }
    format!("{}.{code}", if fault.status >= 500 { "Server" } else { "Client" })
}

/// S3 puts the client's words in brackets.
fn user_agent(agent: &str, is_s3: bool) -> Value {
    if is_s3 {
        Value::from(format!("[{}]", cap::text(agent, cap::TEXT_BYTES_MAX - 2)))
    } else {
        short(agent)
    }
}

fn short(text: &str) -> Value {
    Value::from(short_text(text))
}

fn short_text(text: &str) -> String {
    cap::text(text, cap::TEXT_BYTES_MAX).to_owned()
}

fn tls_details(tls: &TlsDetails) -> Option<Value> {
    let parts = [
        ("tlsVersion", &tls.version),
        ("cipherSuite", &tls.cipher_suite),
        ("clientProvidedHostHeader", &tls.host_header),
    ];
    let known: Map<String, Value> = parts
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), short(value.as_deref()?))))
        .collect();
    (!known.is_empty()).then(|| json!(known))
}

#[cfg(test)]
mod tests;
