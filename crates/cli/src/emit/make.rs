//! The record of a call that nobody made: the call is put together, and its record made as of any
//! other; then what was given of the record itself is set.

use anyhow::{Context, bail};
use flow::{
    AccountId, Call, Caller, Chance, Clock, Fault, HttpFacts, Outcome, Principal, Region, Session,
    Timestamp, Tree,
};
use model::{Location, Operation};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value};

use super::{fields::Fields, input, known::Known, known::nearest};

/// Who calls where nobody is named: no rule about root's use is meant.
const USER: &str = "example-user";
const ROLE: &str = "example-role";
const SESSION: &str = "example-session";
/// An address of the block that is for examples (RFC 5737).
const SOURCE_IP: &str = "192.0.2.1";
const ACCESS_KEY_ID: &str = "AKIAIOSFODNN7EXAMPLE";
const USER_ID: &str = "AIDAEXAMPLEEXAMPLE123";
const ROLE_ID: &str = "AROAEXAMPLEEXAMPLE123";

/// Services that AWS runs once for all regions: their records name this one.
const GLOBAL_SERVICES: &[&str] = &["cloudfront", "iam", "organizations", "route53"];
const GLOBAL_REGION: &str = "us-east-1";

/// What a record needs beside the call.
pub(super) struct Surroundings<'a> {
    pub(super) clock: &'a dyn Clock,
    pub(super) chance: &'a dyn Chance,
    pub(super) account_id: AccountId,
    pub(super) region: Region,
}

/// The record.
///
/// # Errors
/// Names what the call does not take, or what does not fit its type.
pub(super) fn record(
    known: &Known,
    mut fields: Fields,
    around: &Surroundings<'_>,
) -> anyhow::Result<Map<String, Value>> {
    let has_answer = !fields.response.is_empty();
    let call = call(known, &mut fields, around)?;
    let made = record::make(&call, &around.chance.uuid());
    let mut record: Map<String, Value> =
        serde_json::from_str(&made.json).context("a record is a JSON object")?;
    if has_answer && record.get("responseElements").is_none_or(Value::is_null) {
        bail!("`responseElements`: records of {} hold none", known.event);
    }
    if let Some(Value::Object(identity)) = record.get_mut("userIdentity") {
        if let Some(kind) = fields.identity.get("type")
            && !["Root", "IAMUser", "AssumedRole"].iter().any(|known| kind == known)
        {
            identity.clear();
        }
        over(identity, fields.identity);
    }
    over(&mut record, fields.others);
    Ok(record)
}

/// Sets what is given, part by part.
fn over(into: &mut Map<String, Value>, given: Map<String, Value>) {
    for (name, value) in given {
        match (into.get_mut(&name), value) {
            (Some(Value::Object(parts)), Value::Object(given)) => over(parts, given),
            (_, value) => {
                into.insert(name, value);
            }
        }
    }
}

/// The call, with what of the fields is the call's own.
fn call(known: &Known, fields: &mut Fields, around: &Surroundings<'_>) -> anyhow::Result<Call> {
    let (service, operation) = (&known.service, known.operation());
    let given = std::mem::take(&mut fields.request);
    let (input, http) = if service.name == "s3" {
        s3(known, operation, given)?
    } else {
        let input = input::tree(service, operation.input.as_ref(), given)
            .with_context(|| format!("requestParameters of {}", known.event))?;
        (input, HttpFacts::default())
    };
    let output =
        input::tree(service, operation.output.as_ref(), std::mem::take(&mut fields.response))
            .with_context(|| format!("responseElements of {}", known.event))?;
    let text = |name: &str| fields.others.get(name).and_then(Value::as_str);
    let outcome = match (text("errorCode"), text("errorMessage")) {
        (None, None) => Outcome::Answered(output),
        _ if !output.members().is_empty() => {
            bail!("a call that failed has no answer: set `errorCode` or `responseElements`")
        }
        (code, message) => {
            Outcome::Failed(Fault::new(code.unwrap_or("AccessDenied"), message.unwrap_or_default()))
        }
    };
    let completed: Timestamp = match text("eventTime") {
        Some(time) => time.parse().context("`eventTime`")?,
        None => around.clock.now(),
    };
    let own = if GLOBAL_SERVICES.contains(&service.name.as_str()) {
        GLOBAL_REGION
    } else {
        around.region.as_str()
    };
    let region = text("awsRegion").unwrap_or(own).parse();
    let recipient = text("recipientAccountId").map_or(Ok(around.account_id.clone()), str::parse);
    let recipient: AccountId = recipient.context("`recipientAccountId`")?;
    Ok(Call {
        service: Some(service.name.clone()),
        signing_name: service.signing_name.clone(),
        operation: Some(operation.name.clone()),
        input: Some(input),
        outcome,
        caller: caller(&fields.identity, &recipient, completed)?,
        region: region.context("`awsRegion`")?,
        recipient,
        completed,
        request_id: around.chance.uuid(),
        source_ip: SOURCE_IP.to_owned(),
        user_agent: Some(concat!("trailhound-emit/", env!("CARGO_PKG_VERSION")).to_owned()),
        resources: Vec::new(),
        tls: None,
        http,
    })
}

/// Who calls, so far as the kinds of callers go that have more than their names.
fn caller(
    identity: &Map<String, Value>,
    account: &AccountId,
    completed: Timestamp,
) -> anyhow::Result<Caller> {
    let identity = Value::Object(identity.clone());
    let text = |path: &str, other: &str| {
        identity.pointer(path).and_then(Value::as_str).unwrap_or(other).to_owned()
    };
    let account = match identity.get("accountId").and_then(Value::as_str) {
        Some(given) => given.parse().context("`userIdentity.accountId`")?,
        None => account.clone(),
    };
    let mut caller = Caller::root(account, text("/accessKeyId", ACCESS_KEY_ID));
    match text("/type", "IAMUser").as_str() {
        "IAMUser" => {
            let (id, path, name) = (USER_ID.to_owned(), "/".to_owned(), text("/userName", USER));
            caller.principal = Principal::User { id, path, name };
        }
        "AssumedRole" => {
            caller.principal = Principal::AssumedRole {
                role_id: ROLE_ID.to_owned(),
                path: "/".to_owned(),
                role: text("/sessionContext/sessionIssuer/userName", ROLE),
                session_name: SESSION.to_owned(),
            };
            caller.session = Some(Session { created: completed, mfa: false });
        }
        _ => {}
    }
    Ok(caller)
}

/// S3's records are made of requests: the bucket and the key, the query, the headers.
fn s3(
    known: &Known,
    operation: &Operation,
    given: Map<String, Value>,
) -> anyhow::Result<(Tree, HttpFacts)> {
    let input = operation.input.as_ref().and_then(|input| known.service.structure(input.shape));
    let members = || input.into_iter().flat_map(|input| &input.members);
    let mut http = HttpFacts { method: operation.method.clone(), ..HttpFacts::default() };
    let fixed = operation.uri.split_once('?').map(|(_, query)| query).unwrap_or_default();
    http.query = fixed.to_owned();
    let mut place = Vec::new();
    for (name, value) in given {
        let Value::String(value) = value else { bail!("`{name}` has no parts") };
        let member = members().find(|member| name_on_the_wire(member).as_deref() == Some(&name));
        match member.map(|member| (member.location, member.name.as_str())) {
            Some((Location::Uri, label)) => place.push((label.to_owned(), Tree::Text(value))),
            Some((Location::Query, _)) => {
                let joint = if http.query.is_empty() { "" } else { "&" };
                let value = utf8_percent_encode(&value, NON_ALPHANUMERIC);
                http.query = format!("{}{joint}{name}={value}", http.query);
            }
            Some(_) => {
                let value = http::HeaderValue::from_str(&value);
                let name: http::HeaderName = name.parse().context("a header's name")?;
                http.headers.append(name, value.context("a header's value")?);
            }
            None => {
                let known_ones: Vec<String> = members().filter_map(name_on_the_wire).collect();
                let hint = nearest(&name, known_ones.iter().map(String::as_str));
                let known_ones = known_ones.join(", ");
                bail!("there is no `{}`{hint} Known: {known_ones}", crate::output::safe(&name));
            }
        }
    }
    for member in members().filter(|member| member.location == Location::Uri) {
        if !place.iter().any(|(label, _)| *label == member.name) {
            let name = name_on_the_wire(member).unwrap_or_default();
            bail!("a record of {} says {name}: give {name}=…", known.event);
        }
    }
    Ok((Tree::Map(place), http))
}

/// What S3's records call a member of a request, where they hold it.
fn name_on_the_wire(member: &model::Member) -> Option<String> {
    let wire = member.wire_name.as_ref().unwrap_or(&member.name);
    match member.location {
        Location::Uri if member.name == "Bucket" => Some("bucketName".to_owned()),
        Location::Uri if member.name == "Key" => Some("key".to_owned()),
        Location::Query => Some(wire.clone()),
        Location::Header => {
            let wire = wire.to_ascii_lowercase();
            wire.starts_with("x-amz-").then_some(wire)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
