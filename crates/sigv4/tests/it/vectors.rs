//! AWS's own test suite, where it lies beside the workspace.

use std::path::{Path, PathBuf};

use flow::Secret;
use http::request::Parts;
use sigv4::{Content, Credentials, sign};

use crate::{expect, time, verify};

const SUITE: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/vectors/aws4_testsuite");
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

fn requests(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            requests(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "req") {
            found.push(path);
        }
    }
}

/// Reads a request as it stands in the suite: folded headers, raw spaces in the path.
fn read(text: &str) -> (Parts, Vec<u8>) {
    let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
    let mut lines = head.lines();
    let line = lines.next().unwrap();
    let (method, rest) = line.split_once(' ').unwrap();
    let target = rest.rsplit_once(" HTTP/").unwrap().0;
    let mut headers: Vec<(String, String)> = Vec::new();
    for line in lines {
        match line.split_once(':') {
            Some((name, value)) if !line.starts_with(' ') => {
                headers.push((name.to_owned(), value.to_owned()));
            }
            _ => {
                let folded = &mut headers.last_mut().unwrap().1;
                folded.push(' ');
                folded.push_str(line);
            }
        }
    }
    let mut request = http::Request::builder().method(method).uri(target);
    for (name, value) in &headers {
        request = request.header(name, value.as_bytes());
    }
    (request.body(()).unwrap().into_parts().0, body.as_bytes().to_vec())
}

#[test]
fn the_published_suite_is_verified_and_made() {
    let suite = Path::new(SUITE);
    if !suite.exists() {
        eprintln!("skipped: no published vectors beside the workspace");
        return;
    }
    let mut found = Vec::new();
    requests(suite, &mut found);
    found.sort();
    let (mut checked, mut unsendable) = (0, 0);
    for path in &found {
        let name = path.file_stem().unwrap().to_str().unwrap();
        if name == "get-space" {
            // Its path holds a raw space, which ends a request target.
            unsendable += 1;
            continue;
        }
        let text = std::fs::read_to_string(path).unwrap();
        let answer = std::fs::read_to_string(path.with_extension("authz")).unwrap();
        let signed = std::fs::read_to_string(path.with_extension("sreq")).unwrap();
        check(name, &text, &signed, answer.trim());
        checked += 1;
    }
    assert_eq!((checked, unsendable), (found.len() - 1, 1));
    assert!(checked >= 30, "{checked} cases");
}

fn check(name: &str, request: &str, signed: &str, answer: &str) {
    let secret = Secret::new(SECRET);
    let now = time("20150830T123600Z");
    let (mut given, body) = read(signed);
    // One case repeats another's signature in its signed request; the separate answer is right.
    given.headers.insert("authorization", answer.parse().unwrap());
    let token = given.headers.get("x-amz-security-token");
    let token = token.map(|value| Secret::new(value.to_str().unwrap()));
    let verified = verify(&given, &expect(&secret, token.as_ref(), now), Some(&body));
    assert!(verified.is_ok(), "{name}: {verified:?}");

    let wrong = Secret::new("another");
    assert!(verify(&given, &expect(&wrong, token.as_ref(), now), Some(&body)).is_err(), "{name}");

    // Made again from the unsigned request. (One case adds its token after signing.)
    let (mut made, body) = read(request);
    let session_token = token.filter(|_| answer.contains("x-amz-security-token"));
    let credentials =
        Credentials { access_key_id: "AKIDEXAMPLE".to_owned(), secret, session_token };
    sign(&mut made, &Content::Bytes(&body), &credentials, "us-east-1", "service", now).unwrap();
    assert_eq!(made.headers["authorization"], answer, "{name}");
}
