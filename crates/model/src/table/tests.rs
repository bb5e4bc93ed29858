//! Every block of the table that is compiled in, and blocks that are damaged.

use libdeflater::Decompressor;
use proptest::prelude::*;

use super::*;
use crate::{Kind, Location, Protocol, ShapeId, TimestampFormat, index};

fn manifest(field: &str) -> u64 {
    let manifest: serde_json::Value =
        serde_json::from_str(include_str!("../../generated/manifest.json")).unwrap();
    manifest[field].as_u64().unwrap()
}

#[test]
fn every_block_reads_and_the_counts_are_the_generators() {
    let (mut operations, mut shapes, mut members) = (0, 0, 0);
    for name in names() {
        let service = service(name).unwrap();
        operations += service.operations.len() as u64;
        shapes += service.shapes.len() as u64;
        for operation in &service.operations {
            members += u64::from(operation.input.is_some()) + u64::from(operation.output.is_some());
            for id in operation.input.iter().chain(&operation.output).map(|member| member.shape) {
                assert!(service.structure(id).is_some(), "{name} {}", operation.name);
            }
            for id in &operation.errors {
                assert!(service.structure(*id).is_some_and(|s| s.error.is_some()), "{name}");
            }
            assert!(service.operation(&operation.name).is_some());
        }
        for shape in &service.shapes {
            members += match &shape.kind {
                Kind::Structure(structure) => structure.members.len() as u64,
                Kind::List { .. } => 1,
                Kind::Map { .. } => 2,
                _ => 0,
            };
        }
    }
    assert_eq!(names().len() as u64, manifest("services"));
    assert_eq!(operations, manifest("operations"));
    assert_eq!(shapes, manifest("shapes"));
    assert_eq!(members, manifest("members"));
    assert_eq!((names().len(), operations), (439, 19_796));
}

#[test]
fn every_shape_that_is_named_is_there() {
    for name in names() {
        let service = service(name).unwrap();
        let known = |id: ShapeId| assert!(service.shape(id).is_some(), "{name}");
        for shape in &service.shapes {
            match &shape.kind {
                Kind::Structure(structure) => {
                    structure.members.iter().for_each(|member| known(member.shape));
                }
                Kind::List { member, .. } => known(member.shape),
                Kind::Map { key, value, .. } => {
                    known(key.shape);
                    known(value.shape);
                }
                _ => {}
            }
        }
    }
}

#[test]
fn sns_speaks_query_and_wraps_its_results() {
    let sns = service("sns").unwrap();
    assert_eq!(sns.protocols, [Protocol::Query]);
    assert_eq!(sns.api_version, "2010-03-31");
    assert_eq!(sns.event_source, "sns.amazonaws.com");
    let create = sns.operation("CreateTopic").unwrap();
    assert_eq!(create.result_wrapper.as_deref(), Some("CreateTopicResult"));
    let input = sns.structure(create.input.as_ref().unwrap().shape).unwrap();
    let name = input.members.iter().find(|member| member.name == "Name").unwrap();
    assert!(name.required);
}

#[test]
fn s3_binds_its_members_to_path_query_header_and_body() {
    let s3 = service("s3").unwrap();
    let put = s3.operation("PutObject").unwrap();
    assert_eq!((put.method.as_str(), put.uri.as_str()), ("PUT", "/{Bucket}/{Key+}"));
    let input = s3.structure(put.input.as_ref().unwrap().shape).unwrap();
    let member = |name: &str| input.members.iter().find(|member| member.name == name).unwrap();
    assert_eq!(member("Key").location, Location::Uri);
    assert_eq!(member("ACL").location, Location::Header);
    assert_eq!(member("ACL").wire_name.as_deref(), Some("x-amz-acl"));
    assert_eq!(member("Metadata").location, Location::HeaderPrefix);
    assert!(member("Body").streaming);
    assert!(member("SSECustomerKey").sensitive);
    assert_eq!(input.members[input.payload.unwrap() as usize].name, "Body");
    let configure = s3.operation("PutBucketNotificationConfiguration").unwrap();
    let input = s3.structure(configure.input.as_ref().unwrap().shape).unwrap();
    let body = input.members.iter().find(|m| m.name == "NotificationConfiguration").unwrap();
    assert_eq!(
        body.xml_namespace,
        Some((None, "http://s3.amazonaws.com/doc/2006-03-01/".to_owned()))
    );
}

#[test]
fn traits_of_each_kind_are_kept() {
    let sqs = service("sqs").unwrap();
    assert!(sqs.query_compatible);
    assert_eq!(sqs.json_version.as_deref(), Some("1.0"));
    assert_eq!(sqs.target_prefix.as_deref(), Some("AmazonSQS"));
    let error = |name: &str, shape: &str| {
        let service = service(name).unwrap();
        let id = service.shapes.iter().position(|s| s.name == shape).unwrap();
        service.structure(ShapeId(u32::try_from(id).unwrap())).unwrap().error.clone().unwrap()
    };
    let denied = error("sns", "AuthorizationErrorException");
    assert_eq!(denied.code.as_deref(), Some("AuthorizationError"));
    assert_eq!((denied.status, denied.sender_fault), (Some(403), true));
    assert_eq!(error("sqs", "QueueDoesNotExist"), crate::ErrorTrait::default());
    let sts = service("sts").unwrap();
    assert!(sts.operation("AssumeRoleWithWebIdentity").unwrap().unsigned);
    assert!(!sts.operation("AssumeRole").unwrap().unsigned);
    let cloudwatch = service("cloudwatch").unwrap();
    assert_eq!(cloudwatch.protocols.first(), Some(&Protocol::Cbor));
    assert!(
        service("lambda").unwrap().shapes.iter().any(|s| s.name == "FunctionCode"),
        "structures keep their names"
    );
    let formats = service("s3").unwrap();
    assert!(
        formats
            .shapes
            .iter()
            .any(|s| matches!(s.kind, Kind::Timestamp(Some(TimestampFormat::Iso8601))))
    );
}

#[test]
fn services_are_found_by_what_requests_carry() {
    assert_eq!(by_signing_name("s3"), ["s3", "s3control"]);
    assert_eq!(by_target_prefix("AmazonSQS"), ["sqs"]);
    assert_eq!(
        by_target_prefix("com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101"),
        ["cloudtrail"]
    );
    assert_eq!(by_endpoint_prefix("monitoring"), ["cloudwatch"]);
    assert!(by_event_source("sns.amazonaws.com").contains(&"sns"));
    assert_eq!(by_signing_name("nothing"), [""; 0]);
    assert!(service("nothing").is_none());
    assert_eq!(entry("sns").unwrap().operations, 42);
}

fn inflated(name: &str) -> Vec<u8> {
    let entry = entry(name).unwrap();
    let mut bytes = vec![0; entry.inflated];
    Decompressor::new().deflate_decompress(entry.deflated, &mut bytes).unwrap();
    bytes
}

proptest! {
    #[test]
    fn a_damaged_block_is_an_error_or_another_block_but_never_a_panic(
        at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = inflated("sts");
        let place = at.index(bytes.len());
        bytes[place] = byte;
        drop(check_block(&bytes));
        prop_assert!(check_block(&bytes[..cut.index(bytes.len())]).is_err());
    }

    #[test]
    fn any_bytes_are_an_error_but_never_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        drop(check_block(&bytes));
        let table: &'static [u8] = Box::leak([b"THMODEL1".as_slice(), &bytes].concat().into());
        prop_assert!(index::read(table).is_err() || bytes.starts_with(&[0, 0]));
    }
}
