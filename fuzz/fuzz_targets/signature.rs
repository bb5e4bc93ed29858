//! Requests that claim to be signed, with their `aws-chunked` bodies.
#![no_main]

use flow::{Secret, Timestamp};
use fuzz::{NOW_SECONDS, SECRET};
use libfuzzer_sys::fuzz_target;
use sigv4::{Authorization, Expect, Payload};

fuzz_target!(|data: &[u8]| {
    let Some((parts, body)) = fuzz::request(data) else { return };
    let Ok(Some(claim)) = Authorization::parse(&parts) else { return };
    let secret = Secret::new(SECRET);
    let expect = Expect {
        now: Timestamp::from_secs(NOW_SECONDS),
        secret: &secret,
        session_token: None,
        key_expires: None,
        service: None,
        region: None,
    };
    let hash = sigv4::sha256(body);
    let Ok(verified) = claim.verify(&parts, &expect, Some(&hash)) else { return };
    if let Payload::Chunked(mut chunks) = verified.payload {
        let mut body = bytes::Bytes::copy_from_slice(body);
        while let Ok(Some(_)) = chunks.push(&mut body) {}
        let _ = chunks.finish();
    }
});
