//! Every published case of the protocols that we speak, in both directions.
//!
//! A request case: encoding its parameters gives the stated request, and decoding the stated
//! request gives its parameters. An answer case: decoding the stated answer gives its result, and
//! what we encode from that result decodes to it again.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use flow::{Fault, Tree};
use http::HeaderMap;
use model::{Member, Protocol, Service, Structure};
use protocol::{HttpRequest, RequestParts};
use serde_json::Value;

use crate::exceptions::exception;
use crate::loader::{self, difference, same};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/vectors/protocols");
const TOKEN: &str = "00000000-0000-4000-8000-000000000000";
const FILES: &[&str] =
    &["json", "json_1_0", "json_1_0-query-compatible", "query", "rest-json", "ec2"];

/// What a case is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Question {
    EncodeRequest,
    DecodeRequest,
    DecodeAnswer,
    AnswerComesBack,
}

#[derive(Default)]
struct Tally {
    asked: BTreeMap<Question, (usize, usize)>,
    excepted: usize,
    wrong: Vec<String>,
}

impl Tally {
    fn note(&mut self, name: &str, question: Question, outcome: Result<(), String>) {
        match (exception(name, question), outcome) {
            (Some(_), Err(_)) => self.excepted += 1,
            (Some(_), Ok(())) => self
                .wrong
                .push(format!("{name} {question:?}: passes, strike it from the exceptions")),
            (None, outcome) => {
                let (passed, asked) = self.asked.entry(question).or_default();
                *asked += 1;
                match outcome {
                    Ok(()) => *passed += 1,
                    Err(why) => self.wrong.push(format!("{name} {question:?}: {why}")),
                }
            }
        }
    }
}

#[test]
fn the_published_vectors_hold_both_ways() {
    if !Path::new(FOLDER).exists() {
        tell(&format!("skipped: {FOLDER} is not there"));
        return;
    }
    let mut wrong = Vec::new();
    for file in FILES {
        for side in ["", "legacy/"] {
            let mut tally = Tally::default();
            for direction in ["input", "output"] {
                let path = format!("{side}{direction}/{file}");
                let Ok(text) = std::fs::read_to_string(format!("{FOLDER}/{path}.json")) else {
                    continue;
                };
                for (at, suite) in
                    serde_json::from_str::<Vec<Value>>(&text).unwrap().iter().enumerate()
                {
                    for (nth, case) in suite["cases"].as_array().unwrap().iter().enumerate() {
                        let name =
                            case["id"].as_str().map_or(format!("{path} {at}.{nth}"), str::to_owned);
                        ask(&name, suite, case, &mut tally);
                    }
                }
            }
            for (question, (passed, asked)) in &tally.asked {
                tell(&format!("{side}{file}: {passed} of {asked} pass: {question:?}"));
            }
            if tally.excepted > 0 {
                tell(&format!("{side}{file}: {} do not apply", tally.excepted));
            }
            wrong.extend(tally.wrong);
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// Straight to the terminal: the test's own output is shown only when it fails.
fn tell(line: &str) {
    std::io::stderr().write_all(format!("{line}\n").as_bytes()).unwrap();
}

fn ask(name: &str, suite: &Value, case: &Value, tally: &mut Tally) {
    let service = loader::service(&suite["metadata"], &suite["shapes"], &case["given"]);
    let subject = Subject { service: &service, protocol: service.protocols[0], case };
    if case["serialized"].is_object() {
        tally.note(name, Question::EncodeRequest, subject.encode_request());
        // Cases that state no body state too little to be decoded.
        if let Some(body) = case["serialized"]["body"].as_str() {
            tally.note(name, Question::DecodeRequest, subject.decode_request(body));
        }
    } else {
        let stated = if case["error"].is_object() { subject.fault() } else { subject.result() };
        tally.note(name, Question::DecodeAnswer, stated);
        tally.note(name, Question::AnswerComesBack, subject.answer_comes_back());
    }
}

struct Subject<'a> {
    service: &'a Service,
    protocol: Protocol,
    case: &'a Value,
}

impl Subject<'_> {
    fn operation(&self) -> &model::Operation {
        &self.service.operations[0]
    }

    fn tree(&self, member: &Option<Member>, value: &Value) -> Tree {
        let Some(member) = member else { return Tree::Null };
        loader::tree(self.service, member, value)
    }

    /// The parameters, with the token that a client would make.
    fn input(&self) -> Tree {
        let member = &self.operation().input;
        let mut tree = self.tree(member, &self.case["params"]);
        if let (Some(member), Tree::Map(members)) = (member, &mut tree) {
            let structure = self.service.structure(member.shape).unwrap();
            let tokens = structure.members.iter().filter(|member| member.idempotency_token);
            for token in tokens.filter(|token| self.case["params"][&token.name].is_null()) {
                members.push((token.name.clone(), TOKEN.into()));
            }
        }
        tree
    }

    fn encode_request(&self) -> Result<(), String> {
        let request =
            protocol::encode_request(self.service, self.operation(), self.protocol, &self.input())
                .map_err(|error| error.to_string())?;
        let stated = &self.case["serialized"];
        equal(
            "method",
            stated["method"].as_str().unwrap_or(request.method.as_str()),
            request.method.as_str(),
        )?;
        let (path, query) = split(stated["uri"].as_str().unwrap());
        let (our_path, our_query) = split(&request.uri);
        equal("path", path, our_path)?;
        equal("query", &sorted(query), &sorted(our_query))?;
        check_headers(stated, &request)?;
        let host = stated["host"].as_str().unwrap_or(&request.host_prefix);
        if !host.starts_with(&request.host_prefix) {
            return Err(format!("host {host}, ours begins with {}", request.host_prefix));
        }
        match stated["body"].as_str() {
            Some(body) => same_body(self.protocol, body, &request.body),
            None => Ok(()),
        }
    }

    fn decode_request(&self, body: &str) -> Result<(), String> {
        let stated = &self.case["serialized"];
        let (path, query) = split(stated["uri"].as_str().unwrap());
        let headers = headers(&stated["headers"]);
        let parts =
            RequestParts { method: &self.operation().method, path, query, headers: &headers };
        let read = protocol::decode_request(
            self.service,
            self.operation(),
            self.protocol,
            &parts,
            body.as_bytes(),
        );
        equal_trees(&self.input(), &read.map_err(|error| error.to_string())?)
    }

    fn answer(&self) -> Result<Result<Tree, Fault>, String> {
        let stated = &self.case["response"];
        protocol::decode_response(
            self.service,
            self.operation(),
            self.protocol,
            stated["status_code"].as_u64().unwrap().try_into().unwrap(),
            &headers(&stated["headers"]),
            stated["body"].as_str().unwrap_or_default().as_bytes(),
        )
        .map_err(|error| error.to_string())
    }

    fn result(&self) -> Result<(), String> {
        let expected = self.tree(&self.operation().output, &self.case["result"]);
        let read = self.answer()?.map_err(|fault| format!("a fault: {fault:?}"))?;
        equal_trees(&expected, &read)
    }

    fn fault(&self) -> Result<(), String> {
        let fault = self.answer()?.err().ok_or("no fault")?;
        let code = self.case["errorCode"].as_str().unwrap_or_default();
        let modelled = self.service.shapes.iter().find(|shape| shape.name == fault.code);
        let structure = modelled.and_then(|shape| match &shape.kind {
            model::Kind::Structure(structure) => Some((shape, structure)),
            _ => None,
        });
        let alias = structure.and_then(|(_, structure)| structure.error.as_ref()?.code.as_deref());
        equal("code", code, if fault.code == code { code } else { alias.unwrap_or(&fault.code) })?;
        equal("message", self.case["errorMessage"].as_str().unwrap_or_default(), &fault.message)?;
        let Some((_, structure)) = structure else { return Ok(()) };
        equal_trees(&self.detail(structure), &fault.detail)
    }

    /// The stated members of an error, but for its message.
    fn detail(&self, structure: &Structure) -> Tree {
        let stated = self.case["error"].as_object().unwrap();
        let of = |member: &Member| {
            let value = stated.get(&member.name)?;
            let message = member.name.eq_ignore_ascii_case("message");
            (!message).then(|| (member.name.clone(), loader::tree(self.service, member, value)))
        };
        Tree::Map(structure.members.iter().filter_map(of).collect())
    }

    fn answer_comes_back(&self) -> Result<(), String> {
        let expected = self.answer()?;
        let encoded = match &expected {
            Ok(output) => protocol::encode_response(
                self.service,
                self.operation(),
                self.protocol,
                output,
                "id-1",
            ),
            Err(fault) => protocol::encode_error(Some(self.service), self.protocol, fault, "id-1"),
        };
        let status = self.case["response"]["status_code"].as_u64().unwrap();
        equal("status", &status.to_string(), &encoded.status.as_u16().to_string())?;
        let back = protocol::decode_response(
            self.service,
            self.operation(),
            self.protocol,
            encoded.status.as_u16(),
            &encoded.headers,
            &encoded.body,
        );
        match (expected, back.map_err(|error| error.to_string())?) {
            (Ok(expected), Ok(back)) => equal_trees(&expected, &back),
            (Err(expected), Err(back))
                if expected.code == back.code
                    && expected.message == back.message
                    && same(&expected.detail, &back.detail) =>
            {
                Ok(())
            }
            (expected, back) => Err(format!("expected {expected:?}, got {back:?}")),
        }
    }
}

fn split(uri: &str) -> (&str, &str) {
    uri.split_once('?').unwrap_or((uri, ""))
}

fn sorted(form: &str) -> String {
    let mut parts: Vec<&str> = form.split('&').collect();
    parts.sort_unstable();
    parts.join("&")
}

fn headers(stated: &Value) -> HeaderMap {
    let empty = serde_json::Map::new();
    let stated = stated.as_object().unwrap_or(&empty).iter();
    stated
        .map(|(name, value)| {
            let value = value.as_str().unwrap();
            (name.parse().unwrap(), http::HeaderValue::from_bytes(value.as_bytes()).unwrap())
        })
        .collect()
}

fn check_headers(stated: &Value, request: &HttpRequest) -> Result<(), String> {
    for (name, value) in &headers(&stated["headers"]) {
        let ours = request.headers.get(name).ok_or(format!("no header {name}"))?;
        let plain = |value: &http::HeaderValue| {
            let text = value.to_str().unwrap().replace(", ", ",");
            if name == "content-type" { text.split(';').next().unwrap().to_owned() } else { text }
        };
        equal(name.as_str(), &plain(value), &plain(ours))?;
    }
    let names = |key: &str| stated[key].as_array().cloned().unwrap_or_default();
    for name in names("forbidHeaders") {
        if request.headers.contains_key(name.as_str().unwrap()) {
            return Err(format!("header {name} must not be there"));
        }
    }
    // The length is the HTTP client's to state.
    for name in names("requireHeaders").iter().filter(|name| *name != "Content-Length") {
        if !request.headers.contains_key(name.as_str().unwrap()) {
            return Err(format!("header {name} must be there"));
        }
    }
    Ok(())
}

fn same_body(protocol: Protocol, stated: &str, ours: &[u8]) -> Result<(), String> {
    let ours = std::str::from_utf8(ours).unwrap();
    if matches!(protocol, Protocol::Query | Protocol::Ec2) {
        return equal("body", &sorted(stated), &sorted(ours));
    }
    match (serde_json::from_str::<Value>(stated), serde_json::from_str::<Value>(ours)) {
        (Ok(stated), Ok(ours)) if stated == ours => Ok(()),
        _ => equal("body", stated, ours),
    }
}

fn equal(what: &str, expected: &str, got: &str) -> Result<(), String> {
    if expected == got {
        Ok(())
    } else {
        Err(format!("{what}: expected {expected:?}, got {got:?}"))
    }
}

fn equal_trees(expected: &Tree, got: &Tree) -> Result<(), String> {
    difference(expected, got).map_or(Ok(()), Err)
}
