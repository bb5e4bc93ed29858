//! Arbitrary trees come back as they were; arbitrary bytes never panic.

use flow::{Timestamp, Tree};
use http::{HeaderMap, HeaderName, HeaderValue};
use model::Service;
use proptest::prelude::*;
use protocol::RequestParts;
use serde_json::{Value, json};

use crate::loader::{difference, small};

const PROTOCOLS: [&str; 4] = ["json", "rest-json", "query", "ec2"];

fn shapes() -> Value {
    json!({
        "Node": {"type": "structure", "members": {
            "text": {"shape": "Text", "locationName": "TheText"},
            "texts": {"shape": "Texts"},
            "flat": {"shape": "Flat"},
            "nodes": {"shape": "Nodes"},
            "map": {"shape": "Map"},
            "flatMap": {"shape": "FlatMap"},
            "whole": {"shape": "Whole"},
            "long": {"shape": "Long"},
            "real": {"shape": "Real"},
            "flag": {"shape": "Flag"},
            "bytes": {"shape": "Bytes"},
            "time": {"shape": "Time"},
            "iso": {"shape": "Iso"},
            "child": {"shape": "Node"},
        }},
        "Text": {"type": "string"},
        "Texts": {"type": "list", "member": {"shape": "Text", "locationName": "item"}},
        "Flat": {"type": "list", "flattened": true, "member": {"shape": "Text"}},
        "Nodes": {"type": "list", "member": {"shape": "Node"}},
        "Map": {"type": "map", "key": {"shape": "Text"}, "value": {"shape": "Node"}},
        "FlatMap": {
            "type": "map",
            "flattened": true,
            "key": {"shape": "Text", "locationName": "K"},
            "value": {"shape": "Text", "locationName": "V"},
        },
        "Whole": {"type": "integer"},
        "Long": {"type": "long"},
        "Real": {"type": "double"},
        "Flag": {"type": "boolean"},
        "Bytes": {"type": "blob"},
        "Time": {"type": "timestamp"},
        "Iso": {"type": "timestamp", "timestampFormat": "iso8601"},
        "In": {"type": "structure", "members": {
            "label": {"shape": "Text", "location": "uri", "locationName": "Label"},
            "greedy": {"shape": "Text", "location": "uri", "locationName": "Greedy"},
            "query": {"shape": "Text", "location": "querystring", "locationName": "q"},
            "queries": {"shape": "Texts", "location": "querystring", "locationName": "qs"},
            "header": {"shape": "Text", "location": "header", "locationName": "x-h"},
            "headers": {"shape": "Texts", "location": "header", "locationName": "x-hs"},
            "node": {"shape": "Node"},
        }},
    })
}

fn service(protocol: &str) -> Service {
    let given = json!({"name": "Do", "input": {"shape": "Node"}, "output": {"shape": "Node"}});
    small(protocol, shapes(), given)
}

fn rest_service() -> Service {
    let given = json!({
        "name": "Do",
        "http": {"method": "PUT", "requestUri": "/a/{Label}/{Greedy+}?fixed=1"},
        "input": {"shape": "In"},
    });
    small("rest-json", shapes(), given)
}

/// Text without what XML cannot say: control characters and non-characters.
fn text() -> impl Strategy<Value = String> {
    any::<String>().prop_map(|text| {
        let sayable = |c: &char| !c.is_control() && !matches!(c, '\u{fffe}' | '\u{ffff}');
        text.chars().filter(sayable).collect()
    })
}

fn texts(least: usize) -> impl Strategy<Value = Tree> {
    prop::collection::vec(text().prop_map(Tree::Text), least..4).prop_map(Tree::List)
}

fn time() -> impl Strategy<Value = Tree> {
    (-62_167_219_200_000_i64..253_402_300_799_999).prop_map(|at| Timestamp::from_millis(at).into())
}

/// Members that any protocol can say, each perhaps missing.
fn leaf() -> impl Strategy<Value = Vec<(String, Tree)>> {
    let map = prop::collection::btree_map(text(), text().prop_map(Tree::Text), 1..4);
    let some = (
        prop::option::of(text().prop_map(Tree::Text)),
        prop::option::of(texts(1)),
        prop::option::of(texts(1)),
        prop::option::of(map.prop_map(|map| Tree::Map(map.into_iter().collect()))),
        prop::option::of(any::<i32>().prop_map(|number| Tree::Int(number.into()))),
        prop::option::of(any::<i64>().prop_map(Tree::Int)),
        prop::option::of(any::<f64>().prop_map(Tree::Float)),
        prop::option::of(any::<bool>().prop_map(Tree::Bool)),
        prop::option::of(any::<Vec<u8>>().prop_map(Tree::Blob)),
        prop::option::of(time()),
        prop::option::of(time()),
    );
    some.prop_map(|(text, texts, flat, flat_map, whole, long, real, flag, bytes, time, iso)| {
        let members = [
            ("text", text),
            ("texts", texts),
            ("flat", flat),
            ("flatMap", flat_map),
            ("whole", whole),
            ("long", long),
            ("real", real),
            ("flag", flag),
            ("bytes", bytes),
            ("time", time),
            ("iso", iso),
        ];
        members.into_iter().filter_map(|(name, tree)| Some((name.to_owned(), tree?))).collect()
    })
}

fn node() -> impl Strategy<Value = Tree> {
    // A form cannot say an empty structure, so each holds at least one member.
    let leaf = leaf().prop_map(|mut members| {
        members.retain(|(name, _)| name != "flag");
        members.push(("flag".to_owned(), Tree::Bool(true)));
        Tree::Map(members)
    });
    leaf.prop_recursive(4, 24, 3, |inner| {
        let nodes = prop::collection::vec(inner.clone(), 1..3).prop_map(Tree::List);
        let map = prop::collection::btree_map(text(), inner.clone(), 1..3)
            .prop_map(|map| Tree::Map(map.into_iter().collect()));
        (inner, nodes, map).prop_map(|(child, nodes, map)| {
            Tree::map([
                ("child", child),
                ("nodes", nodes),
                ("map", map),
                ("flag", Tree::Bool(false)),
            ])
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn what_is_encoded_decodes_to_itself(tree in node(), which in 0..PROTOCOLS.len()) {
        let service = service(PROTOCOLS[which]);
        let (operation, protocol) = (&service.operations[0], service.protocols[0]);
        let request = protocol::encode_request(&service, operation, protocol, &tree).unwrap();
        let parts = RequestParts { method: "POST", path: "/", query: "", headers: &request.headers };
        let read = protocol::decode_request(&service, operation, protocol, &parts, &request.body);
        let read = read.unwrap();
        prop_assert_eq!(difference(&tree, &read), None, "{:?}", protocol);

        let answer = protocol::encode_response(&service, operation, protocol, &tree, "id-1");
        let read = protocol::decode_response(&service, operation, protocol, 200, &answer.headers, &answer.body);
        let read = read.unwrap().unwrap();
        prop_assert_eq!(difference(&tree, &read), None, "{:?}", protocol);
    }

    #[test]
    fn rest_members_come_back_from_wherever_they_stand(
        label in text(), greedy in text(), query in text(), queries in texts(1), header in text(),
        headers in texts(1), node in node(),
    ) {
        prop_assume!(!label.is_empty() && !greedy.is_empty() && header.trim() == header);
        let service = rest_service();
        let (operation, protocol) = (&service.operations[0], service.protocols[0]);
        let input = Tree::map([
            ("label", Tree::from(label)), ("greedy", Tree::from(greedy)), ("query", Tree::from(query)),
            ("queries", queries), ("header", Tree::from(header)), ("headers", headers), ("node", node),
        ]);
        let request = protocol::encode_request(&service, operation, protocol, &input).unwrap();
        let (path, query) = request.uri.split_once('?').unwrap();
        let found = protocol::uri::matches(operation, "PUT", path, query);
        prop_assert!(found.is_some(), "{}", request.uri);
        let parts = RequestParts { method: "PUT", path, query, headers: &request.headers };
        let read = protocol::decode_request(&service, operation, protocol, &parts, &request.body);
        let read = read.unwrap();
        prop_assert_eq!(difference(&input, &read), None);
    }

    #[test]
    fn arbitrary_bytes_never_panic(
        body in any::<Vec<u8>>(), path in any::<String>(), query in any::<String>(),
        header in any::<Vec<u8>>(), status in 0_u16..1000,
    ) {
        all(&body, &path, &query, &header, status);
    }

    #[test]
    fn almost_right_text_never_panics(
        json in "[\\[\\]{}:,\"a-z0-9.eE\\\\-]{0,60}",
        xml in "(<|>|/|&|;|!|\\[|\\]|DoResponse|DoResult|text|node|\"|=| |--|CDATA|#x?[0-9]){0,40}",
        form in "(TheText|texts|flatMap|map|entry|item|member|nodes|child|key|value|[.=&+%0-9a-f]){0,40}",
        status in 200_u16..500,
    ) {
        all(json.as_bytes(), "/a/b/c", &form, json.as_bytes(), status);
        all(xml.as_bytes(), "/a/b/c", &form, xml.as_bytes(), status);
        all(form.as_bytes(), "/a/%", &form, form.as_bytes(), status);
    }
}

fn all(body: &[u8], path: &str, query: &str, header: &[u8], status: u16) {
    let mut headers = HeaderMap::new();
    if let Ok(value) = HeaderValue::from_bytes(header) {
        for name in ["x-h", "x-hs", "x-amzn-errortype", "x-amz-target", "content-type"] {
            headers.insert(HeaderName::from_static(name), value.clone());
        }
    }
    let services = PROTOCOLS.map(service).into_iter().chain([rest_service()]);
    for service in services {
        let (operation, protocol) = (&service.operations[0], service.protocols[0]);
        let parts = RequestParts { method: &operation.method, path, query, headers: &headers };
        let spoken = protocol::protocol_of(&service, &parts);
        protocol::operation_name(spoken, &parts, body);
        if let Err(malformed) =
            protocol::decode_request(&service, operation, protocol, &parts, body)
        {
            assert!(malformed.fault().status >= 400);
        }
        let answer =
            protocol::decode_response(&service, operation, protocol, status, &headers, body);
        if let Ok(Err(fault)) = answer {
            protocol::encode_error(Some(&service), protocol, &fault, "id-1");
        }
    }
}
