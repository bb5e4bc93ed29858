//! Every operation of every AWS service: a sample of its input, output and errors goes out and
//! comes back, and its path finds it again.

use std::sync::Arc;

use flow::{Fault, Timestamp, Tree};
use model::{Kind, Member, Operation, Protocol, Service, ShapeId, Structure};
use protocol::RequestParts;

use crate::loader::difference;

/// Levels of nested structures in a sample.
const DEPTH: usize = 4;
const SPOKEN: [Protocol; 4] = [Protocol::Json, Protocol::Query, Protocol::Ec2, Protocol::RestJson];

/// A value of the shape, each member set; one of a union.
fn sample(service: &Service, member: &Member, depth: usize) -> Tree {
    let Some(shape) = service.shape(member.shape) else { return Tree::Null };
    match &shape.kind {
        Kind::Structure(structure) if structure.event_stream => Tree::Blob(b"events".to_vec()),
        Kind::Structure(_) if depth > DEPTH => Tree::Null,
        Kind::Structure(structure) => members(service, structure, depth),
        Kind::List { member, .. } => {
            let item = sample(service, member, depth + 1);
            if item.is_null() { Tree::Null } else { Tree::List(vec![item.clone(), item]) }
        }
        Kind::Map { value, .. } => {
            let value = sample(service, value, depth + 1);
            if value.is_null() { Tree::Null } else { Tree::map([("key", value)]) }
        }
        Kind::String if member.streaming => Tree::Blob(b"bytes".to_vec()),
        Kind::String | Kind::Document => Tree::from("text1"),
        Kind::Integer => Tree::Int(200),
        Kind::Long => Tree::Int(i64::MAX),
        Kind::Float => Tree::Float(1.5),
        Kind::Boolean => Tree::Bool(true),
        Kind::Blob => Tree::Blob(vec![0, 255]),
        Kind::Timestamp(_) => Timestamp::from_secs(1_398_796_238).into(),
    }
}

fn members(service: &Service, structure: &Structure, depth: usize) -> Tree {
    let mut members: Vec<(String, Tree)> = structure
        .members
        .iter()
        .map(|member| (member.name.clone(), sample(service, member, depth + 1)))
        // An empty structure leaves nothing in a form.
        .filter(|(_, tree)| !tree.is_null() && *tree != Tree::Map(Vec::new()))
        .collect();
    if structure.union {
        members.truncate(1);
    }
    if members.is_empty() { Tree::Null } else { Tree::Map(members) }
}

fn top(service: &Service, member: &Option<Member>) -> Tree {
    member.as_ref().map_or(Tree::Null, |member| sample(service, member, 0))
}

fn each(mut ask: impl FnMut(&Arc<Service>) -> Vec<String>) {
    let mut wrong = Vec::new();
    for name in model::names() {
        wrong.extend(ask(&model::service(name).unwrap()));
    }
    let shown = wrong.iter().take(60).cloned().collect::<Vec<_>>().join("\n");
    assert!(wrong.is_empty(), "{} wrong:\n{shown}", wrong.len());
}

fn spoken(service: &Service) -> impl Iterator<Item = (&Operation, Protocol)> {
    let protocols = service.protocols.iter().copied().filter(|protocol| SPOKEN.contains(protocol));
    protocols.flat_map(|protocol| service.operations.iter().map(move |o| (o, protocol)))
}

#[test]
fn every_input_comes_back() {
    each(|service| {
        spoken(service)
            .filter_map(|(operation, protocol)| input(service, operation, protocol).err())
            .collect()
    });
}

fn input(service: &Service, operation: &Operation, protocol: Protocol) -> Result<(), String> {
    let name = format!("{}:{}", service.name, operation.name);
    let input = top(service, &operation.input);
    let request = protocol::encode_request(service, operation, protocol, &input)
        .map_err(|error| format!("{name}: {error}"))?;
    let (path, query) = request.uri.split_once('?').unwrap_or((&request.uri, ""));
    let parts = RequestParts { method: &operation.method, path, query, headers: &request.headers };
    let read = protocol::decode_request(service, operation, protocol, &parts, &request.body)
        .map_err(|error| format!("{name}: {error}"))?;
    difference(&input, &read).map_or(Ok(()), |found| Err(format!("{name}: {found}")))
}

#[test]
fn every_output_comes_back() {
    each(|service| {
        spoken(service)
            .filter_map(|(operation, protocol)| output(service, operation, protocol).err())
            .collect()
    });
}

fn output(service: &Service, operation: &Operation, protocol: Protocol) -> Result<(), String> {
    let name = format!("{}:{}", service.name, operation.name);
    // Its output is all headers of the answer, those of the protocol too.
    if name == "dataexchange:SendApiAsset" {
        return Ok(());
    }
    let output = top(service, &operation.output);
    let answer = protocol::encode_response(service, operation, protocol, &output, "id-1");
    let status = answer.status.as_u16();
    let read = protocol::decode_response(
        service,
        operation,
        protocol,
        status,
        &answer.headers,
        &answer.body,
    )
    .map_err(|error| format!("{name}: {error}"))?
    .map_err(|fault| format!("{name}: {fault:?}"))?;
    difference(&output, &read).map_or(Ok(()), |found| Err(format!("{name}: {found}")))
}

#[test]
fn every_error_keeps_its_name() {
    each(|service| {
        let mut wrong = Vec::new();
        for (id, shape) in (0..).zip(&service.shapes) {
            let Kind::Structure(Structure { error: Some(_), .. }) = &shape.kind else { continue };
            // Two errors may have one code on the wire; who declares it tells them apart.
            let declares = |operation: &&Operation| operation.errors.contains(&ShapeId(id));
            let operations = &service.operations;
            let operation = operations.iter().find(declares).unwrap_or(&operations[0]);
            for protocol in service.protocols.iter().filter(|p| **p != Protocol::Cbor) {
                let fault = Fault::new(&shape.name, "why");
                let answer = protocol::encode_error(Some(service), *protocol, &fault, "id-1");
                let status = answer.status.as_u16();
                let read = protocol::decode_response(
                    service,
                    operation,
                    *protocol,
                    status,
                    &answer.headers,
                    &answer.body,
                );
                let back = read.unwrap().expect_err(&shape.name);
                if back.code != fault.code || back.message != fault.message {
                    wrong.push(format!("{}: {} came back as {back:?}", service.name, shape.name));
                }
            }
        }
        wrong
    });
}

#[test]
fn every_path_finds_its_operation() {
    each(|service| {
        if !service.protocols.iter().any(|p| matches!(p, Protocol::RestJson | Protocol::RestXml)) {
            return Vec::new();
        }
        service.operations.iter().filter_map(|operation| path(service, operation).err()).collect()
    });
}

/// Labels become segments that no template spells out.
fn path(service: &Service, operation: &Operation) -> Result<(), String> {
    let mut uri = operation.uri.clone();
    while let (Some(open), Some(close)) = (uri.find('{'), uri.find('}')) {
        uri.replace_range(open..=close, "l-a-b-e-l");
    }
    let (path, query) = uri.split_once('?').unwrap_or((&uri, ""));
    let fits = service.operations.iter().filter_map(|other| {
        let found = protocol::uri::matches(other, &operation.method, path, query)?;
        Some((found.rank, other))
    });
    let best = fits.max_by(|left, right| left.0.cmp(&right.0));
    match best {
        Some((_, best)) if best.name == operation.name || best.uri == operation.uri => Ok(()),
        best => Err(format!(
            "{}: {} {} finds {:?}",
            service.name,
            operation.method,
            operation.uri,
            best.map(|(_, best)| &best.uri)
        )),
    }
}
