//! `aws-chunked` bodies, in pieces of any length: hostile ones end in an error, our own come back.
#![no_main]

use bytes::{Bytes, BytesMut};
use flow::{Secret, Timestamp};
use fuzz::{NOW_SECONDS, SECRET};
use http::Request;
use libfuzzer_sys::fuzz_target;
use sigv4::{Authorization, ChunkForm, ChunkWriter, Chunks, Content, Credentials, Expect, Payload};

/// A signed upload of so many bytes: what writes its body and what reads it.
fn upload(form: ChunkForm, length: u64) -> (ChunkWriter, Box<Chunks>) {
    let mut request = Request::put("http://localhost/bucket/key").body(()).expect("plain");
    if form != ChunkForm::Signed {
        let trailer = http::HeaderValue::from_static("x-amz-checksum-crc32");
        request.headers_mut().insert("x-amz-trailer", trailer);
    }
    let (mut parts, ()) = request.into_parts();
    let secret = Secret::new(SECRET);
    let credentials = Credentials {
        access_key_id: "AKIAEXAMPLE".to_owned(),
        secret: secret.clone(),
        session_token: None,
    };
    let now = Timestamp::from_secs(NOW_SECONDS);
    let content = Content::Chunked(form, length);
    let signed = sigv4::sign(&mut parts, &content, &credentials, "us-east-2", "s3", now)
        .expect("it has a host");
    let claim = Authorization::parse(&parts).expect("ours").expect("signed");
    let expect = Expect {
        now,
        secret: &secret,
        session_token: None,
        key_expires: None,
        service: None,
        region: None,
    };
    match claim.verify(&parts, &expect, None).expect("ours").payload {
        Payload::Chunked(chunks) => (signed.chunks(form), chunks),
        other => panic!("{other:?}"),
    }
}

/// The payload of a body that arrives in pieces of `piece` bytes.
fn read(chunks: &mut Chunks, body: &[u8], piece: usize) -> Option<BytesMut> {
    let mut payload = BytesMut::new();
    for part in body.chunks(piece) {
        let mut part = Bytes::copy_from_slice(part);
        while let Some(found) = chunks.push(&mut part).ok()? {
            payload.extend_from_slice(&found);
        }
    }
    chunks.finish().ok()?;
    Some(payload)
}

fuzz_target!(|data: &[u8]| {
    let [form, piece, length, body @ ..] = data else { return };
    let form = match form % 3 {
        0 => ChunkForm::Signed,
        1 => ChunkForm::SignedTrailer,
        _ => ChunkForm::UnsignedTrailer,
    };
    let piece = usize::from(*piece) + 1;
    let length = u64::from(*length);
    if let Some(payload) = read(&mut upload(form, length).1, body, piece) {
        assert_eq!(payload.len() as u64, length, "a whole payload is as long as announced");
    }
    let (mut writer, mut chunks) = upload(form, body.len() as u64);
    let mut wire: Vec<u8> = body.chunks(piece).flat_map(|chunk| writer.chunk(chunk)).collect();
    let trailers: &[_] =
        if form == ChunkForm::Signed { &[] } else { &[("x-amz-checksum-crc32", "AAAAAA==")] };
    wire.extend(writer.end(trailers));
    let back = read(&mut chunks, &wire, piece).expect("what we write, we read");
    assert_eq!(back, body);
});
