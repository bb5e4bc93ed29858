//! A `model::Service` from the JSON of botocore's models, and trees from the JSON of its tests.

use std::collections::HashMap;

use flow::{Timestamp, Tree};
use model::{
    ErrorTrait, Kind, Location, Member, Operation, Protocol, Service, Shape, ShapeId, Structure,
    TimestampFormat,
};
use serde_json::{Map, Value, json};

type Ids = HashMap<String, ShapeId>;

/// A service with these shapes and one operation.
pub(crate) fn service(metadata: &Value, shapes: &Value, given: &Value) -> Service {
    let shapes = shapes.as_object().cloned().unwrap_or_default();
    let ids: Ids = shapes.keys().zip(0..).map(|(name, at)| (name.clone(), ShapeId(at))).collect();
    let declared: Vec<&str> = given["errors"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|error| error["shape"].as_str())
        .collect();
    let text = |key: &str| metadata[key].as_str().map(str::to_owned);
    let protocol = protocol(metadata["protocol"].as_str().unwrap());
    // Old models state the payload beside the shape's name, and a member's place in its shape.
    let mut shapes = shapes;
    for part in ["input", "output"] {
        if let (Some(shape), Some(payload)) =
            (given[part]["shape"].as_str(), given[part].get("payload"))
        {
            shapes[shape]["payload"] = payload.clone();
        }
    }
    let located: Vec<(String, Value)> = shapes
        .iter()
        .filter_map(|(name, shape)| Some((name.clone(), shape.get("location")?.clone())))
        .collect();
    for members in shapes.values_mut().filter_map(|shape| shape.get_mut("members")?.as_object_mut())
    {
        for member in members.values_mut() {
            let of = |(name, _): &&(String, Value)| member["shape"] == **name;
            if let Some((_, location)) = located.iter().find(of) {
                member["location"] = location.clone();
            }
        }
    }
    Service {
        name: text("endpointPrefix").unwrap_or_default(),
        api_version: text("apiVersion").unwrap_or_default(),
        protocols: vec![protocol],
        json_version: text("jsonVersion"),
        target_prefix: text("targetPrefix"),
        xml_namespace: text("xmlNamespace"),
        query_compatible: !metadata["awsQueryCompatible"].is_null(),
        operations: vec![operation(given, &ids)],
        shapes: shapes.iter().map(|(name, value)| shape(name, value, &declared, &ids)).collect(),
        ..Service::default()
    }
}

pub(crate) fn protocol(name: &str) -> Protocol {
    match name {
        "json" => Protocol::Json,
        "rest-json" => Protocol::RestJson,
        "query" => Protocol::Query,
        "ec2" => Protocol::Ec2,
        "rest-xml" => Protocol::RestXml,
        "smithy-rpc-v2-cbor" => Protocol::Cbor,
        other => panic!("no protocol `{other}`"),
    }
}

fn operation(given: &Value, ids: &Ids) -> Operation {
    let http = &given["http"];
    let part = |part: &Value| part.is_object().then(|| member("", part, ids));
    Operation {
        name: given["name"].as_str().unwrap_or_default().to_owned(),
        method: http["method"].as_str().unwrap_or("POST").to_owned(),
        uri: http["requestUri"].as_str().unwrap_or("/").to_owned(),
        status: http["responseCode"].as_u64().map_or(200, |code| code.try_into().unwrap()),
        input: part(&given["input"]),
        output: part(&given["output"]),
        result_wrapper: given["output"]["resultWrapper"].as_str().map(str::to_owned),
        host_prefix: given["endpoint"]["hostPrefix"].as_str().map(str::to_owned),
        ..Operation::default()
    }
}

fn shape(name: &str, value: &Value, declared: &[&str], ids: &Ids) -> Shape {
    let flattened = value["flattened"] == true;
    let kind = match value["type"].as_str().unwrap() {
        _ if value["document"] == true => Kind::Document,
        "structure" => Kind::Structure(structure(name, value, declared, ids)),
        "list" => Kind::List { member: member("", &value["member"], ids), flattened },
        _ if value["key"].is_object() => Kind::Map {
            key: member("", &value["key"], ids),
            value: member("", &value["value"], ids),
            flattened,
        },
        "string" | "character" => Kind::String,
        "integer" | "byte" | "short" => Kind::Integer,
        "long" => Kind::Long,
        "float" | "double" => Kind::Float,
        "boolean" => Kind::Boolean,
        "blob" => Kind::Blob,
        "timestamp" => Kind::Timestamp(format(&value["timestampFormat"])),
        other => panic!("no type `{other}`"),
    };
    Shape { name: name.to_owned(), kind, sensitive: value["sensitive"] == true }
}

fn structure(name: &str, value: &Value, declared: &[&str], ids: &Ids) -> Structure {
    let empty = Map::new();
    let members = value["members"].as_object().unwrap_or(&empty);
    let payload = value["payload"].as_str();
    let at = payload.and_then(|payload| members.keys().position(|key| key == payload));
    let error = &value["error"];
    let is_error = value["exception"] == true || declared.contains(&name);
    Structure {
        members: members.iter().map(|(name, value)| member(name, value, ids)).collect(),
        payload: at.map(|at| at.try_into().unwrap()),
        error: is_error.then(|| ErrorTrait {
            code: error["code"].as_str().map(str::to_owned),
            status: error["httpStatusCode"].as_u64().map(|code| code.try_into().unwrap()),
            sender_fault: error["senderFault"] == true,
        }),
        union: value["union"] == true,
        event_stream: value["eventstream"] == true,
    }
}

fn member(name: &str, value: &Value, ids: &Ids) -> Member {
    let flag = |key: &str| value[key] == true;
    let text = |key: &str| value[key].as_str().map(str::to_owned);
    let namespace = &value["xmlNamespace"];
    let uri = namespace.as_str().or(namespace["uri"].as_str()).map(str::to_owned);
    Member {
        name: name.to_owned(),
        shape: value["shape"].as_str().map_or(ShapeId::default(), |shape| ids[shape]),
        location: match value["location"].as_str() {
            Some("uri") => Location::Uri,
            Some("querystring") => Location::Query,
            Some("header") => Location::Header,
            Some("headers") => Location::HeaderPrefix,
            Some("statusCode") => Location::Status,
            _ => Location::Body,
        },
        wire_name: text("locationName"),
        query_name: text("queryName"),
        streaming: flag("streaming"),
        flattened: flag("flattened"),
        xml_attribute: flag("xmlAttribute"),
        json_value: flag("jsonvalue"),
        idempotency_token: flag("idempotencyToken"),
        timestamp_format: format(&value["timestampFormat"]),
        xml_namespace: uri.map(|uri| (namespace["prefix"].as_str().map(str::to_owned), uri)),
        ..Member::default()
    }
}

fn format(value: &Value) -> Option<TimestampFormat> {
    match value.as_str()? {
        "iso8601" => Some(TimestampFormat::Iso8601),
        "rfc822" => Some(TimestampFormat::Rfc822),
        "unixTimestamp" => Some(TimestampFormat::Unix),
        other => panic!("no format `{other}`"),
    }
}

/// The tree that a test's plain JSON means for a member. Nulls are left out.
pub(crate) fn tree(service: &Service, member: &Member, value: &Value) -> Tree {
    let Some(shape) = service.shape(member.shape) else { return Tree::Null };
    match (&shape.kind, value) {
        (_, Value::Null) => Tree::Null,
        (Kind::Document, value) => document(value),
        (Kind::String, value) if member.json_value && member.location == Location::Header => {
            document(value)
        }
        (Kind::Structure(structure), Value::Object(values)) => {
            let known = |name: &str| structure.members.iter().find(|member| member.name == name);
            let of = |(name, value): (&String, &Value)| {
                let tree = tree(service, known(name)?, value);
                (!tree.is_null()).then(|| (name.clone(), tree))
            };
            Tree::Map(values.iter().filter_map(of).collect())
        }
        (Kind::List { member, .. }, Value::Array(values)) => {
            Tree::List(values.iter().map(|value| tree(service, member, value)).collect())
        }
        (Kind::Map { value: item, .. }, Value::Object(values)) => {
            // HTTP does not keep the case of headers.
            let key = |key: &str| match member.location {
                Location::HeaderPrefix => key.to_ascii_lowercase(),
                _ => key.to_owned(),
            };
            Tree::Map(values.iter().map(|(k, v)| (key(k), tree(service, item, v))).collect())
        }
        (Kind::Blob, Value::String(text)) => Tree::Blob(text.clone().into_bytes()),
        (Kind::Timestamp(_), Value::Number(number)) => {
            let millis = format!("{:.0}", number.as_f64().unwrap() * 1000.0);
            Tree::Time(Timestamp::from_millis(millis.parse().unwrap()))
        }
        (Kind::Float, Value::Number(number)) => Tree::Float(number.as_f64().unwrap()),
        (Kind::Float, Value::String(text)) => Tree::Float(text.parse().unwrap()),
        (_, value) => document(value),
    }
}

fn document(value: &Value) -> Tree {
    match value {
        Value::Null => Tree::Null,
        Value::Bool(value) => Tree::Bool(*value),
        Value::Number(number) => {
            number.as_i64().map_or_else(|| Tree::Float(number.as_f64().unwrap()), Tree::Int)
        }
        Value::String(text) => Tree::Text(text.clone()),
        Value::Array(items) => Tree::List(items.iter().map(document).collect()),
        Value::Object(members) => {
            Tree::Map(members.iter().map(|(name, value)| (name.clone(), document(value))).collect())
        }
    }
}

/// Whether two trees mean the same.
pub(crate) fn same(left: &Tree, right: &Tree) -> bool {
    difference(left, right).is_none()
}

/// Where two trees differ first: the order of members does not count, NaN is NaN, and nothing at
/// all is an empty structure.
pub(crate) fn difference(left: &Tree, right: &Tree) -> Option<String> {
    match (left, right) {
        (Tree::Map(members), Tree::Null) | (Tree::Null, Tree::Map(members))
            if members.is_empty() =>
        {
            None
        }
        (Tree::Map(left), Tree::Map(right)) if left.len() == right.len() => {
            left.iter().find_map(|(name, tree)| {
                let other = right.iter().find(|(key, _)| key == name).map(|(_, tree)| tree);
                difference(tree, other.unwrap_or(&Tree::Null))
                    .map(|found| format!("{name}.{found}"))
            })
        }
        (Tree::List(left), Tree::List(right)) if left.len() == right.len() => {
            left.iter().zip(right).find_map(|(left, right)| difference(left, right))
        }
        (Tree::Float(left), Tree::Float(right)) if left.is_nan() && right.is_nan() => None,
        (left, right) => (left != right).then(|| format!(" expected {left:?}, got {right:?}")),
    }
}

/// A small service for tests that must run everywhere.
pub(crate) fn small(protocol: &str, shapes: Value, given: Value) -> Service {
    let metadata = json!({
        "protocol": protocol,
        "endpointPrefix": "small",
        "apiVersion": "2020-01-01",
        "jsonVersion": "1.1",
        "targetPrefix": "Small_20200101",
        "xmlNamespace": "https://small.example/",
    });
    service(&metadata, &shapes, &given)
}
