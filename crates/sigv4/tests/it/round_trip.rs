//! Whatever is signed verifies; whatever is changed afterwards does not.

use flow::Secret;
use http::request::Parts;
use proptest::prelude::*;
use sigv4::{Content, Credentials, presign, sign};

use crate::{expect, parts, time, verify};

fn credentials(token: Option<&str>) -> Credentials {
    Credentials {
        access_key_id: "AKIDEXAMPLE".to_owned(),
        secret: Secret::new("secret"),
        session_token: token.map(Secret::new),
    }
}

fn verifies(parts: &Parts, token: Option<&str>, body: &[u8]) -> bool {
    let secret = Secret::new("secret");
    let token = token.map(Secret::new);
    let now = time("20261122T100000Z");
    verify(parts, &expect(&secret, token.as_ref(), now), Some(body)).is_ok()
}

/// Every way to change one thing that the signature covers.
fn changed(parts: &Parts) -> Vec<Parts> {
    let mut found = Vec::new();
    let mut with = |change: &dyn Fn(&mut Parts)| {
        let mut copy = parts.clone();
        change(&mut copy);
        found.push(copy);
    };
    with(&|copy| copy.method = http::Method::PATCH);
    with(&|copy| {
        let uri = copy.uri.to_string();
        let (path, query) = uri.split_once('?').unwrap_or((&uri, ""));
        copy.uri = format!("{path}x?{query}").parse().unwrap();
    });
    with(&|copy| {
        let uri = copy.uri.to_string();
        let separator = if uri.contains('?') { '&' } else { '?' };
        copy.uri = format!("{uri}{separator}added=1").parse().unwrap();
    });
    for name in ["host", "x-amz-meta-a", "x-amz-date"] {
        if parts.headers.contains_key(name) {
            with(&|copy| {
                let value = format!("{}0", copy.headers[name].to_str().unwrap());
                copy.headers.insert(
                    http::HeaderName::from_bytes(name.as_bytes()).unwrap(),
                    value.parse().unwrap(),
                );
            });
        }
    }
    if let Some(value) = parts.headers.get("authorization") {
        let text = value.to_str().unwrap().to_owned();
        // Each letter of the authorization counts: key, scope, names and signature.
        for at in text.find("Credential").unwrap()..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[at] = if bytes[at] == b'1' { b'2' } else { b'1' };
            // Another key id is another key, which the owner of the keys finds out.
            if !(text.find("AKID").unwrap()..text.find('/').unwrap()).contains(&at)
                && ![b',', b' '].contains(&text.as_bytes()[at])
            {
                with(&|copy| {
                    copy.headers
                        .insert("authorization", http::HeaderValue::from_bytes(&bytes).unwrap());
                });
            }
        }
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_signed_request_verifies_and_a_changed_one_does_not(
        path in "(/[a-zA-Z0-9._~%20!$'()*+-]{0,8}){1,4}",
        query in "([a-z]{1,4}(=[a-zA-Z0-9%+*~]{0,6})?&?){0,4}",
        value in "[ -~]{0,20}",
        body in proptest::collection::vec(any::<u8>(), 0..64),
        token in proptest::option::of("[a-zA-Z0-9/+=]{1,40}"),
        s3 in any::<bool>(),
    ) {
        let uri = format!("http://localhost:4580{path}?{query}");
        let mut request = parts("PUT", &uri, &[("x-amz-meta-a", value.trim())]);
        let service = if s3 { "s3" } else { "sns" };
        let now = time("20261122T100000Z");
        let credentials = credentials(token.as_deref());
        sign(&mut request, &Content::Bytes(&body), &credentials, "us-east-2", service, now).unwrap();
        prop_assert!(verifies(&request, token.as_deref(), &body));
        for other in changed(&request) {
            prop_assert!(!verifies(&other, token.as_deref(), &body), "{other:?}");
        }
        let mut longer = body.clone();
        longer.push(0);
        prop_assert!(!verifies(&request, token.as_deref(), &longer));
    }

    #[test]
    fn a_presigned_request_verifies_and_a_changed_one_does_not(
        path in "(/[a-zA-Z0-9._~ -]{0,8}){1,4}",
        token in proptest::option::of("[a-zA-Z0-9/+=]{1,40}"),
        s3 in any::<bool>(),
    ) {
        let uri = format!("http://localhost:4580{}?list-type=2", path.replace(' ', "%20"));
        let mut request = parts("GET", &uri, &[]);
        let service = if s3 { "s3" } else { "sts" };
        let now = time("20261122T100000Z");
        presign(&mut request, &credentials(token.as_deref()), "us-east-2", service, 60, now).unwrap();
        prop_assert!(verifies(&request, token.as_deref(), b""));
        for other in changed(&request) {
            prop_assert!(!verifies(&other, token.as_deref(), b""), "{other:?}");
        }
    }
}
