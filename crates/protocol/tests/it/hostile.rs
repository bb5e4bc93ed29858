//! Requests that were written to do harm, and what their senders are told.

use flow::Fault;
use http::HeaderMap;
use model::Service;
use protocol::RequestParts;
use serde_json::json;

use crate::loader::small;

fn service(protocol: &str) -> Service {
    let shapes = json!({
        "In": {"type": "structure", "members": {
            "Text": {"shape": "Text"},
            "List": {"shape": "List"},
            "Flat": {"shape": "FlatList"},
            "Map": {"shape": "Map"},
            "Whole": {"shape": "Whole"},
            "Long": {"shape": "Long"},
            "Blob": {"shape": "Blob"},
            "Time": {"shape": "Time"},
            "One": {"shape": "Union"},
            "Real": {"shape": "Real"},
            "In": {"shape": "In"},
        }},
        "Text": {"type": "string"},
        "List": {"type": "list", "member": {"shape": "Text"}},
        "FlatList": {"type": "list", "flattened": true, "member": {"shape": "Text"}},
        "Map": {"type": "map", "key": {"shape": "Text"}, "value": {"shape": "Text"}},
        "Whole": {"type": "integer"},
        "Long": {"type": "long"},
        "Blob": {"type": "blob"},
        "Time": {"type": "timestamp"},
        "Real": {"type": "double"},
        "Union": {
            "type": "structure",
            "union": true,
            "members": {"A": {"shape": "Text"}, "B": {"shape": "Text"}},
        },
    });
    small(
        protocol,
        shapes,
        json!({"name": "Do", "input": {"shape": "In"}, "output": {"shape": "In"}}),
    )
}

fn refusal(protocol: &str, body: &str) -> Fault {
    let service = service(protocol);
    let headers = HeaderMap::new();
    let parts = RequestParts { method: "POST", path: "/", query: "", headers: &headers };
    let operation = &service.operations[0];
    protocol::decode_request(&service, operation, service.protocols[0], &parts, body.as_bytes())
        .expect_err(body.get(..60.min(body.len())).unwrap_or_default())
        .fault()
}

#[test]
fn json_that_does_not_fit_is_refused_by_its_place() {
    for (body, place) in [
        (r#"{"Text":1}"#, "a string at `Text`"),
        (r#"{"List":["a",1]}"#, "a string at `List.1`"),
        (r#"{"List":"a"}"#, "an array at `List`"),
        (r#"{"In":{"In":{"Whole":2147483648}}}"#, "32 bits at `In.In.Whole`"),
        (r#"{"Long":9223372036854775808}"#, "64 bits at `Long`"),
        (r#"{"Long":1.5}"#, "64 bits at `Long`"),
        (r#"{"Real":"1.5"}"#, "a number at `Real`"),
        (r#"{"Blob":"*"}"#, "base64 at `Blob`"),
        (r#"{"Time":1e300}"#, "a moment at `Time`"),
        (r#"{"One":{"A":"a","B":"b"}}"#, "one member of the union only at `One`"),
        (r#"{"Map":{"a":"b","a":"c"}}"#, "each name once"),
        (r#"{"Text":"a""#, "JSON at byte"),
        ("[]", "an object"),
    ] {
        for protocol in ["json", "rest-json"] {
            let fault = refusal(protocol, body);
            assert_eq!((fault.code.as_str(), fault.status), ("SerializationException", 400));
            assert!(fault.message.contains(place), "{body}: {}", fault.message);
        }
    }
}

#[test]
fn forms_that_do_not_fit_are_refused_by_their_place() {
    let deep = format!("{}Text=a", "In.".repeat(5000));
    let wide: String = (0..3000).map(|n| format!("In.{n}{}=a&", ".b".repeat(60))).collect();
    let deeper = format!("{}=a", vec!["In"; 500].join("."));
    for (body, place) in [
        ("Text=a&Text=b", "each parameter once at `Text`"),
        ("List.member.99999999=a", "at most"),
        ("List.member.99999999999999999999999=a", "at most"),
        ("List.member.-1=a", "numbered items"),
        ("List.member.x=a", "numbered items"),
        ("List.member.1=a&List.member.01=b", "each number once"),
        ("List=a", "numbered items at `List`"),
        ("Flat.99999999=a", "at most"),
        ("Map.entry.1.value=a", "`key`"),
        ("Map.entry.1.key=a&Map.entry.2.key=a", "each key once"),
        ("Whole=2147483648", "32 bits at `Whole`"),
        ("Long=9223372036854775808", "64 bits at `Long`"),
        ("Real=inf", "a number at `Real`"),
        ("Text=%ff", "UTF-8"),
        ("In=a&In.Text.B=c", "a single value at `In.Text`"),
        ("One.A=a&One.B=b", "one member of the union only at `One`"),
        (deep.as_str(), "at most"),
        (wide.as_str(), "parts of names"),
        (deeper.as_str(), "levels of nesting"),
    ] {
        for protocol in ["query", "ec2"] {
            // The dialects put lists under different names.
            if protocol == "ec2" && (body.contains("member") || body.starts_with("List=")) {
                continue;
            }
            let fault = refusal(protocol, body);
            assert_eq!((fault.code.as_str(), fault.status), ("MalformedInput", 400));
            assert!(fault.message.contains(place), "{body}: {}", fault.message);
        }
    }
}

#[test]
fn a_signature_in_the_query_is_no_member() {
    let shapes = json!({
        "In": {"type": "structure", "members": {"All": {"shape": "Map", "location": "querystring"}}},
        "Map": {"type": "map", "key": {"shape": "Text"}, "value": {"shape": "Text"}},
        "Text": {"type": "string"},
    });
    let given = json!({
        "name": "Do",
        "http": {"method": "GET", "requestUri": "/a?fixed"},
        "input": {"shape": "In"},
    });
    let service = small("rest-json", shapes, given);
    let headers = HeaderMap::new();
    let query = "fixed&b=c&X-Amz-Signature=00&X-Amz-Security-Token=secret";
    let parts = RequestParts { method: "GET", path: "/a", query, headers: &headers };
    let operation = &service.operations[0];
    let read =
        protocol::decode_request(&service, operation, service.protocols[0], &parts, b"").unwrap();
    assert_eq!(format!("{read:?}"), r#"Map([("All", Map([("b", Text("c"))]))])"#);
}

#[test]
fn an_answer_in_hostile_xml_is_refused() {
    let service = service("query");
    let operation = &service.operations[0];
    for body in [
        "<!DOCTYPE a [<!ENTITY x \"y\">]><DoResponse><DoResult><Text>&x;</Text></DoResult></DoResponse>",
        "<DoResponse><DoResult><Text>&x;</Text></DoResult></DoResponse>",
        "<DoResponse><DoResult><Text>a</Text><Text>b</Text></DoResult></DoResponse>",
        "<DoResponse><DoResult>",
        "no xml",
    ] {
        let read = protocol::decode_response(
            &service,
            operation,
            service.protocols[0],
            200,
            &HeaderMap::new(),
            body.as_bytes(),
        );
        assert!(read.is_err(), "{body}");
    }
}

#[test]
fn an_error_page_of_a_stranger_is_still_a_fault() {
    for protocol in ["json", "rest-json", "query", "ec2"] {
        let service = service(protocol);
        let fault = protocol::decode_response(
            &service,
            &service.operations[0],
            service.protocols[0],
            502,
            &HeaderMap::new(),
            b"<html>Bad gateway",
        );
        assert_eq!(fault.unwrap().unwrap_err().status, 502, "{protocol}");
    }
}
