//! Requests, answers and errors as they stand on the wire, for a checkout without the vectors.

use flow::{Fault, Timestamp, Tree};
use http::HeaderMap;
use model::{Operation, Protocol, Service};
use protocol::{HttpAnswer, RequestParts};
use serde_json::{Value, json};

use crate::loader::{same, small};

/// One structure with a member of each kind, and an error.
fn shapes(rest: bool) -> Value {
    let mut shapes = json!({
        "Thing": {"type": "structure", "members": {
            "Name": {"shape": "Text"},
            "Tags": {"shape": "Texts"},
            "Attributes": {"shape": "TextMap"},
            "Count": {"shape": "Whole"},
            "Big": {"shape": "Long"},
            "Ratio": {"shape": "Real"},
            "On": {"shape": "Flag"},
            "Data": {"shape": "Bytes"},
            "Since": {"shape": "Moment"},
            "Inner": {"shape": "Thing"},
        }},
        "Text": {"type": "string"},
        "Texts": {"type": "list", "member": {"shape": "Text"}},
        "TextMap": {"type": "map", "key": {"shape": "Text"}, "value": {"shape": "Text"}},
        "Whole": {"type": "integer"},
        "Long": {"type": "long"},
        "Real": {"type": "double"},
        "Flag": {"type": "boolean"},
        "Bytes": {"type": "blob"},
        "Moment": {"type": "timestamp"},
        "GoneException": {
            "type": "structure",
            "exception": true,
            "error": {"code": "Gone", "httpStatusCode": 404, "senderFault": true},
            "members": {"Message": {"shape": "Text"}, "ThingName": {"shape": "Text"}},
        },
    });
    if rest {
        let members = &mut shapes["Thing"]["members"];
        members["Name"] = json!({"shape": "Text", "location": "uri", "locationName": "name"});
        members["Tags"] =
            json!({"shape": "Texts", "location": "querystring", "locationName": "tag"});
        members["Count"] =
            json!({"shape": "Whole", "location": "header", "locationName": "x-count"});
        members["Inner"] = json!({"shape": "Inside"});
        shapes["Inside"] = json!({"type": "structure", "members": {"Name": {"shape": "Text"}}});
    }
    shapes
}

fn service(name: &str) -> Service {
    let rest = name.starts_with("rest");
    let uri = if rest { "/things/{name}?fixed" } else { "/" };
    let given = json!({
        "name": "PutThing",
        "http": {"method": if rest { "PUT" } else { "POST" }, "requestUri": uri},
        "input": {"shape": "Thing"},
        "output": {"shape": "Thing", "resultWrapper": "PutThingResult"},
    });
    small(name, shapes(rest), given)
}

fn input() -> Tree {
    Tree::map([
        ("Name", Tree::from("a b/c")),
        ("Tags", Tree::List(vec!["x".into(), "y&z".into()])),
        ("Count", Tree::Int(7)),
        ("Data", Tree::Blob(vec![0, 255])),
        ("Since", Timestamp::from_secs(1_398_796_238).into()),
        ("Inner", Tree::map([("Name", Tree::from("é<"))])),
    ])
}

struct Wire {
    uri: &'static str,
    header: (&'static str, &'static str),
    request: &'static str,
    answer: &'static str,
}

fn check(name: &str, wire: &Wire) {
    let service = service(name);
    let (operation, protocol) = (&service.operations[0], service.protocols[0]);
    let request = protocol::encode_request(&service, operation, protocol, &input()).unwrap();
    assert_eq!(request.uri, wire.uri, "{name}");
    assert_eq!(request.headers[wire.header.0], wire.header.1, "{name}");
    assert_eq!(std::str::from_utf8(&request.body).unwrap(), wire.request, "{name}");
    let (path, query) = request.uri.split_once('?').unwrap_or((&request.uri, ""));
    let parts = RequestParts { method: &operation.method, path, query, headers: &request.headers };
    assert_eq!(protocol::protocol_of(&service, &parts), protocol);
    let read = protocol::decode_request(&service, operation, protocol, &parts, &request.body);
    assert!(same(&read.unwrap(), &input()), "{name}");

    let answer = protocol::encode_response(&service, operation, protocol, &input(), "id-1");
    assert_eq!((answer.status.as_u16(), text(&answer)), (200, wire.answer), "{name}");
    assert_eq!(answer.headers["x-amzn-requestid"], "id-1");
    let read = decode(&service, operation, &answer).unwrap();
    assert!(same(&read, &input()), "{name}: {read:?}");
}

fn text(answer: &HttpAnswer) -> &str {
    std::str::from_utf8(&answer.body).unwrap()
}

fn decode(service: &Service, operation: &Operation, answer: &HttpAnswer) -> Result<Tree, Fault> {
    let status = answer.status.as_u16();
    let protocol = service.protocols[0];
    protocol::decode_response(service, operation, protocol, status, &answer.headers, &answer.body)
        .unwrap()
}

#[test]
fn aws_json_reads_and_writes_one_object() {
    let body = r#"{"Name":"a b/c","Tags":["x","y&z"],"Count":7,"Data":"AP8=","Since":1398796238,"Inner":{"Name":"é<"}}"#;
    let header = ("x-amz-target", "Small_20200101.PutThing");
    check("json", &Wire { uri: "/", header, request: body, answer: body });
}

#[test]
fn aws_query_reads_and_writes_a_form_and_answers_in_xml() {
    let request = "Action=PutThing&Version=2020-01-01&Name=a%20b%2Fc&Tags.member.1=x&Tags.member.2=y%26z\
        &Count=7&Data=AP8%3D&Since=2014-04-29T18%3A30%3A38Z&Inner.Name=%C3%A9%3C";
    let answer = "<PutThingResponse xmlns=\"https://small.example/\"><PutThingResult><Name>a b/c</Name>\
        <Tags><member>x</member><member>y&amp;z</member></Tags><Count>7</Count><Data>AP8=</Data>\
        <Since>2014-04-29T18:30:38Z</Since><Inner><Name>é&lt;</Name></Inner></PutThingResult>\
        <ResponseMetadata><RequestId>id-1</RequestId></ResponseMetadata></PutThingResponse>";
    let header = ("content-type", "application/x-www-form-urlencoded; charset=utf-8");
    check("query", &Wire { uri: "/", header, request, answer });
}

#[test]
fn ec2_query_numbers_lists_without_a_word_between() {
    let request = "Action=PutThing&Version=2020-01-01&Name=a%20b%2Fc&Tags.1=x&Tags.2=y%26z&Count=7\
        &Data=AP8%3D&Since=2014-04-29T18%3A30%3A38Z&Inner.Name=%C3%A9%3C";
    let answer = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<PutThingResponse \
        xmlns=\"https://small.example/\"><requestId>id-1</requestId><Name>a b/c</Name><Tags>\
        <member>x</member><member>y&amp;z</member></Tags><Count>7</Count><Data>AP8=</Data>\
        <Since>2014-04-29T18:30:38Z</Since><Inner><Name>é&lt;</Name></Inner></PutThingResponse>";
    let header = ("content-type", "application/x-www-form-urlencoded; charset=utf-8");
    check("ec2", &Wire { uri: "/", header, request, answer });
}

#[test]
fn rest_json_puts_members_where_the_model_says() {
    // An answer has no path and no query: what the model puts there stands in its body.
    let answer = r#"{"name":"a b/c","tag":["x","y&z"],"Data":"AP8=","Since":1398796238,"Inner":{"Name":"é<"}}"#;
    let request = r#"{"Data":"AP8=","Since":1398796238,"Inner":{"Name":"é<"}}"#;
    let uri = "/things/a%20b%2Fc?fixed&tag=x&tag=y%26z";
    check("rest-json", &Wire { uri, header: ("x-count", "7"), request, answer });
}

fn gone() -> Fault {
    let detail = Tree::map([("ThingName", Tree::from("a"))]);
    Fault { detail, ..Fault::new("GoneException", "It is <gone>.") }
}

/// The error of every protocol: status, body.
const ERRORS: &[(&str, u16, &str)] = &[
    ("json", 404, r#"{"__type":"GoneException","Message":"It is <gone>.","ThingName":"a"}"#),
    ("rest-json", 404, r#"{"Message":"It is <gone>.","ThingName":"a"}"#),
    (
        "query",
        404,
        "<ErrorResponse xmlns=\"https://small.example/\"><Error><Type>Sender</Type><Code>Gone</Code>\
         <Message>It is &lt;gone&gt;.</Message><ThingName>a</ThingName></Error>\
         <RequestId>id-1</RequestId></ErrorResponse>",
    ),
    (
        "ec2",
        404,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response><Errors><Error><Code>Gone</Code>\
         <Message>It is &lt;gone&gt;.</Message><ThingName>a</ThingName></Error></Errors>\
         <RequestID>id-1</RequestID></Response>",
    ),
    (
        "rest-xml",
        404,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ErrorResponse xmlns=\"https://small.example/\">\
         <Error><Type>Sender</Type><Code>Gone</Code><Message>It is &lt;gone&gt;.</Message>\
         <ThingName>a</ThingName></Error><RequestId>id-1</RequestId></ErrorResponse>",
    ),
];

#[test]
fn every_protocol_has_its_own_form_of_error() {
    for (name, status, body) in ERRORS {
        let service = service(name);
        let answer = protocol::encode_error(Some(&service), service.protocols[0], &gone(), "id-1");
        assert_eq!((answer.status.as_u16(), text(&answer)), (*status, *body), "{name}");
        let back = decode(&service, &service.operations[0], &answer).unwrap_err();
        assert_eq!(back, gone().with_status(404), "{name}");
    }
}

#[test]
fn cbor_errors_are_a_map() {
    let service = service("smithy-rpc-v2-cbor");
    let answer = protocol::encode_error(Some(&service), Protocol::Cbor, &gone(), "id-1");
    assert_eq!(answer.headers["smithy-protocol"], "rpc-v2-cbor");
    assert!(answer.body.starts_with(b"\xa3\x66__type\x6dGoneException\x67Message"));
}

#[test]
fn s3_errors_have_no_wrapper() {
    let service = Service { name: "s3".to_owned(), ..service("rest-xml") };
    let fault = Fault::new("NoSuchBucket", "There is none.").with_status(404);
    let answer = protocol::encode_error(Some(&service), Protocol::RestXml, &fault, "id-1");
    assert_eq!(answer.status, 404);
    assert!(text(&answer).ends_with(
        "<Error><Code>NoSuchBucket</Code><Message>There is none.</Message><RequestId>id-1</RequestId></Error>"
    ));
}

#[test]
fn an_error_needs_no_service() {
    for protocol in [
        Protocol::Json,
        Protocol::RestJson,
        Protocol::RestXml,
        Protocol::Cbor,
        Protocol::Query,
        Protocol::Ec2,
    ] {
        let fault = Fault::new("AccessDenied", "No\r\nSet-Cookie: x").with_status(403);
        let answer = protocol::encode_error(None, protocol, &fault, "id\r\n1");
        assert_eq!(answer.status, 403);
        assert!(!answer.body.is_empty());
    }
}

#[test]
fn query_compatible_services_repeat_the_old_code() {
    let service = Service { query_compatible: true, ..service("json") };
    let answer = protocol::encode_error(Some(&service), Protocol::Json, &gone(), "id-1");
    assert_eq!(answer.headers["x-amzn-query-error"], "Gone;Sender");
    assert_eq!(answer.status, 400, "the model's status is the query protocol's");
}

#[test]
fn unspoken_protocols_say_so() {
    for name in ["rest-xml", "smithy-rpc-v2-cbor"] {
        let service = service(name);
        let (operation, protocol) = (&service.operations[0], service.protocols[0]);
        let headers = HeaderMap::new();
        let parts =
            RequestParts { method: "PUT", path: "/things/a", query: "fixed", headers: &headers };
        let refused =
            protocol::decode_request(&service, operation, protocol, &parts, b"").unwrap_err();
        assert!(refused.to_string().contains(protocol::protocol_name(protocol)));
        assert_eq!(refused.fault().status, 501);
        assert!(protocol::encode_request(&service, operation, protocol, &Tree::Null).is_err());
        let answer = protocol::encode_response(&service, operation, protocol, &Tree::Null, "id-1");
        assert_eq!(answer.status, 501);
    }
}

#[test]
fn an_input_that_does_not_fit_is_not_sent() {
    for (input, place) in [
        (Tree::map([("Nmae", Tree::from("a"))]), "Nmae"),
        (Tree::map([("Name", Tree::Int(1))]), "Name"),
        (Tree::map([("Count", Tree::Int(i64::MAX))]), "Count"),
        (Tree::map([("Tags", Tree::List(vec![Tree::Int(1)]))]), "Tags.0"),
    ] {
        let service = service("json");
        let operation = &service.operations[0];
        let invalid = protocol::encode_request(&service, operation, Protocol::Json, &input);
        assert!(invalid.unwrap_err().to_string().contains(&format!("`{place}`")));
    }
    let service = service("rest-json");
    let missing =
        protocol::encode_request(&service, &service.operations[0], Protocol::RestJson, &Tree::Null);
    assert!(missing.unwrap_err().to_string().contains("`name`"));
}
