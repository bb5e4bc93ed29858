//! Every input and output of every service, with a mark in each value that must not be shown.

use flow::{Outcome, Timestamp, Tree};
use model::{Kind, Member, Service, ShapeId};

use super::call;
use crate::make::make;

const MARK: &str = "THE-SECRET-ITSELF";

/// How deep structures that hold themselves are filled.
const DEPTH_MAX: u32 = 4;

/// Members of any service whose names alone say that they are secrets.
const SECRET_NAMES: &[&str] = &["password", "secretaccesskey", "privatekey", "clientsecret"];

/// A value of a shape: all members set, the mark in the ones that must not be shown.
fn filled(service: &Service, id: ShapeId, secret: bool, depth: u32) -> Tree {
    let shape = service.shape(id).unwrap();
    let secret = secret || shape.sensitive;
    let member = |member: &Member| {
        let lower = member.name.to_ascii_lowercase();
        let named = SECRET_NAMES.iter().any(|name| lower.ends_with(name))
            && matches!(service.shape(member.shape).unwrap().kind, Kind::String);
        filled(service, member.shape, secret || member.sensitive || named, depth + 1)
    };
    if depth > DEPTH_MAX {
        return Tree::Null;
    }
    match &shape.kind {
        Kind::Structure(structure) => {
            Tree::map(structure.members.iter().map(|one| (one.name.clone(), member(one))))
        }
        Kind::List { member: item, .. } => Tree::List(vec![member(item)]),
        Kind::Map { key, value, .. } => {
            let name = if secret || key.sensitive || service.shape(key.shape).unwrap().sensitive {
                MARK
            } else {
                "name"
            };
            Tree::map([(name, member(value))])
        }
        Kind::Timestamp(_) => Tree::Time(Timestamp::from_secs(0)),
        Kind::Boolean => Tree::Bool(true),
        Kind::Blob => Tree::Blob(MARK.as_bytes().to_vec()),
        Kind::Integer | Kind::Long if !secret => Tree::Int(1),
        Kind::Float if !secret => Tree::Float(0.5),
        _ => Tree::from(if secret { MARK } else { "shown" }),
    }
}

#[test]
fn no_record_of_any_operation_holds_a_secret() {
    let (mut operations, mut shown) = (0, 0);
    for name in model::names() {
        let service = model::service(name).unwrap();
        for operation in &service.operations {
            let fill = |member: &Option<Member>| {
                member.as_ref().map_or(Tree::Null, |m| filled(&service, m.shape, false, 0))
            };
            let mut call = call(name, &operation.name, fill(&operation.input));
            call.outcome = Outcome::Answered(fill(&operation.output));
            let record = make(&call, "id").json;
            assert!(!record.contains(MARK), "{name} {}: {record}", operation.name);
            operations += 1;
            shown += u32::from(record.contains("\"shown\""));
        }
    }
    assert_eq!(operations, 19_796);
    assert!(shown > 15_000, "{shown}");
}
