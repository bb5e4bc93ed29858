//! `Invoke`: at once, later, or not at all.

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use flow::{Fault, Request, Tree};
use serde::de::IgnoredAny;

use super::{broken, fault, invalid, validation};
use crate::{
    Functions, Job,
    call::{Called, Reply, call},
    invocation::EVENT_BYTES_MAX,
};

/// The largest payload of a call whose caller waits, in bytes; Lambda's limit.
const PAYLOAD_BYTES_MAX: usize = 6 * 1024 * 1024;
/// What a client may tell of itself, in bytes of Base64; Lambda's limit.
const CONTEXT_BYTES_MAX: usize = 3_583;

impl Functions {
    pub(super) async fn invoke_call(&self, request: &Request) -> Result<Tree, Fault> {
        let input = &request.input;
        let (named, _) = self.qualified(input)?;
        for member in ["TenantId", "DurableExecutionName"] {
            if input.get(member).is_some() {
                return Err(invalid(format!("{member} is not offered by this server")));
            }
        }
        let arn = self.runs_as(&named);
        let hosted = self.hosted(&arn).ok_or_else(|| super::not_found(&arn))?;
        let kind = input.text("InvocationType").unwrap_or("RequestResponse");
        let limit = if kind == "Event" { EVENT_BYTES_MAX } else { PAYLOAD_BYTES_MAX };
        let payload = payload(input, kind, limit)?;
        let mut job = Job::under(&arn, request.request_id.clone(), payload);
        match kind {
            "DryRun" => Ok(Tree::map([("StatusCode", Tree::Int(204))])),
            "Event" => {
                let put = self.enqueue(&job.request_id, &job).await;
                put.map_err(|error| broken(&error))?;
                Ok(Tree::map([("StatusCode", Tree::Int(202))]))
            }
            "RequestResponse" => {
                job.client_context = input.text("ClientContext").map(context).transpose()?;
                let tail = input.text("LogType") == Some("Tail");
                let version = hosted.version.clone();
                let reply = call(&self.0.calls, hosted, job).await.map_err(refused)?;
                Ok(answer(reply, &version, tail))
            }
            other => Err(validation(&format!(
                "Value '{other}' at 'invocationType' failed to satisfy constraint: Member must \
                 satisfy enum value set: [Event, RequestResponse, DryRun]"
            ))),
        }
    }
}

fn payload(input: &Tree, kind: &str, limit: usize) -> Result<Bytes, Fault> {
    let bytes = match input.get("Payload") {
        Some(Tree::Blob(bytes)) if !bytes.is_empty() => Bytes::from(bytes.clone()),
        // Without a payload, the event is an empty object.
        _ => return Ok(Bytes::from_static(b"{}")),
    };
    let length = bytes.len();
    if length > limit {
        let message = format!(
            "{length} byte payload is too large for the {kind} invocation type (limit {limit} bytes)"
        );
        return Err(fault("RequestTooLargeException", message).with_status(413));
    }
    match serde_json::from_slice::<IgnoredAny>(&bytes) {
        Ok(_) => Ok(bytes),
        Err(why) => {
            let message = format!("Could not parse request body into json: {why}");
            Err(fault("InvalidRequestContentException", message))
        }
    }
}

/// A client's context, which comes in Base64 and is handed on as JSON.
fn context(encoded: &str) -> Result<String, Fault> {
    let wrong = || {
        fault(
            "InvalidRequestContentException",
            "Client context must be a valid Base64-encoded JSON object.",
        )
    };
    if encoded.len() > CONTEXT_BYTES_MAX {
        return Err(wrong());
    }
    let bytes = BASE64_STANDARD.decode(encoded).map_err(|_| wrong())?;
    let value: serde_json::Value = serde_json::from_slice(&bytes).map_err(|_| wrong())?;
    // Written anew, it fits into a header: without line ends, and with what is not ASCII escaped.
    let text = value.to_string();
    let plain = |c: char| match c {
        ' '..='~' => c.to_string(),
        other => {
            let mut units = [0; 2];
            let units = other.encode_utf16(&mut units).iter();
            units.map(|unit| format!("\\u{unit:04x}")).collect()
        }
    };
    if value.is_object() { Ok(text.chars().map(plain).collect()) } else { Err(wrong()) }
}

fn answer(reply: Reply, version: &str, tail: bool) -> Tree {
    let Reply { payload, failed, log } = reply;
    let mut members = vec![
        ("StatusCode", Tree::Int(200)),
        ("ExecutedVersion", Tree::from(version)),
        ("Payload", Tree::Blob(payload.to_vec())),
    ];
    if failed {
        members.push(("FunctionError", Tree::from("Unhandled")));
    }
    if tail {
        members.push(("LogResult", Tree::from(BASE64_STANDARD.encode(log))));
    }
    Tree::map(members)
}

fn refused(called: Called) -> Fault {
    match called {
        Called::Throttled { reserved } => {
            let reason = if reserved {
                "ReservedFunctionConcurrentInvocationLimitExceeded"
            } else {
                "ConcurrentInvocationLimitExceeded"
            };
            let detail = Tree::map([("Type", Tree::from("User")), ("Reason", Tree::from(reason))]);
            let throttled = Fault::new("TooManyRequestsException", "Rate Exceeded.");
            Fault { detail, ..throttled.with_status(429) }
        }
        Called::Broken(why) => {
            let detail = Tree::map([("Type", Tree::from("Service"))]);
            let broken = Fault::new("ServiceException", why).with_status(500);
            Fault { detail, ..broken }
        }
        Called::Ended(_) => Fault::internal(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clients_context_fits_into_a_header() {
        let given = BASE64_STANDARD.encode("{\"custom\": {\n\"a\": \"é😀\"}}");
        let told = context(&given).unwrap();
        assert_eq!(told, r#"{"custom":{"a":"\u00e9\ud83d\ude00"}}"#);
        for wrong in ["%", &BASE64_STANDARD.encode("[]"), &"A".repeat(4_000)] {
            assert!(context(wrong).is_err());
        }
    }

    #[test]
    fn a_payload_is_json_within_its_limit() {
        let given = |bytes: &[u8]| {
            let input = Tree::map([("Payload", Tree::Blob(bytes.to_vec()))]);
            payload(&input, "Event", 8).map_err(|fault| fault.code)
        };
        assert_eq!(given(b"").unwrap(), "{}");
        assert_eq!(given(b"[1, 2]").unwrap(), "[1, 2]");
        assert_eq!(given(b"x").unwrap_err(), "InvalidRequestContentException");
        assert_eq!(given(b"\"12345678\"").unwrap_err(), "RequestTooLargeException");
    }
}
