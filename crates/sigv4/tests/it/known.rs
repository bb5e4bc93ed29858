//! Answers that AWS's documentation states, so that a fresh clone has some too.

use bytes::Bytes;
use flow::Secret;
use sigv4::{ChunkForm, Content, Credentials, Error, Payload, presign, sign};

use crate::{expect, parts, time, verify};

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

fn credentials() -> Credentials {
    Credentials {
        access_key_id: "AKIAIOSFODNN7EXAMPLE".to_owned(),
        secret: Secret::new(SECRET),
        session_token: None,
    }
}

#[test]
fn a_ranged_get_of_an_object_has_the_documented_signature() {
    let mut get = parts(
        "GET",
        "/test.txt",
        &[("host", "examplebucket.s3.amazonaws.com"), ("range", "bytes=0-9")],
    );
    let now = time("20130524T000000Z");
    let signed = sign(&mut get, &Content::Bytes(b""), &credentials(), "us-east-1", "s3", now);
    assert_eq!(
        signed.unwrap().signature,
        "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
    );
    let secret = Secret::new(SECRET);
    assert!(verify(&get, &expect(&secret, None, now), None).is_ok());
}

#[test]
fn a_presigned_get_of_an_object_has_the_documented_signature_and_expires() {
    let mut get = parts("GET", "https://examplebucket.s3.amazonaws.com/test.txt", &[]);
    let now = time("20130524T000000Z");
    let signed = presign(&mut get, &credentials(), "us-east-1", "s3", 86_400, now).unwrap();
    assert_eq!(
        signed.signature,
        "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
    );
    let secret = Secret::new(SECRET);
    let at = |millis: i64| {
        verify(&get, &expect(&secret, None, now.plus_millis(millis)), None).map(|_| ())
    };
    assert_eq!(at(0), Ok(()));
    assert_eq!(at(86_400_000), Ok(()));
    assert_eq!(at(86_400_001), Err(Error::ExpiredRequest));
    assert!(matches!(at(-15 * 60_000 - 1), Err(Error::SkewedTime { .. })));
}

#[test]
fn a_chunked_upload_has_the_documented_signatures() {
    let mut put = parts(
        "PUT",
        "/examplebucket/chunkObject.txt",
        &[
            ("host", "s3.amazonaws.com"),
            ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
            ("content-encoding", "aws-chunked"),
            ("content-length", "66824"),
        ],
    );
    let now = time("20130524T000000Z");
    let content = Content::Chunked(ChunkForm::Signed, 66_560);
    let signed = sign(&mut put, &content, &credentials(), "us-east-1", "s3", now).unwrap();
    assert_eq!(
        signed.signature,
        "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"
    );
    let mut writer = signed.chunks(ChunkForm::Signed);
    let mut wire = writer.chunk(&[b'a'; 65_536]);
    wire.extend(writer.chunk(&[b'a'; 1024]));
    wire.extend(writer.end(&[]));
    assert_eq!(wire.len(), 66_824);
    let text = String::from_utf8(wire.clone()).unwrap();
    for signature in [
        "10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
        "400;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
        "0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
    ] {
        assert!(text.contains(signature), "{signature}");
    }

    let secret = Secret::new(SECRET);
    let verified = verify(&put, &expect(&secret, None, now), None).unwrap();
    let Payload::Chunked(mut chunks) = verified.payload else { panic!("not chunked") };
    let mut input = Bytes::from(wire);
    let mut payload = 0;
    while let Some(piece) = chunks.push(&mut input).unwrap() {
        payload += piece.len();
    }
    assert_eq!(chunks.finish(), Ok(Vec::new()));
    assert_eq!(payload, 66_560);
}

#[test]
fn whatever_does_not_fit_is_named() {
    let secret = Secret::new(SECRET);
    let now = time("20261122T100000Z");
    let body: &[u8] = b"Action=ListTopics&Version=2010-03-31";
    let mut post = parts("POST", "http://localhost:4580/", &[("x-amz-meta", "1")]);
    sign(&mut post, &Content::Bytes(body), &credentials(), "us-east-2", "sns", now).unwrap();
    let good = expect(&secret, None, now);
    assert!(verify(&post, &good, Some(body)).is_ok());

    let skewed = expect(&secret, None, now.plus_millis(15 * 60_000 + 1));
    assert!(matches!(verify(&post, &skewed, Some(body)), Err(Error::SkewedTime { .. })));
    let mut demanding = good;
    demanding.region = Some("us-east-1");
    assert!(matches!(
        verify(&post, &demanding, Some(body)),
        Err(Error::WrongScope { part: "region", .. })
    ));
    demanding.region = None;
    demanding.service = Some("sqs");
    assert!(matches!(
        verify(&post, &demanding, Some(body)),
        Err(Error::WrongScope { part: "service", .. })
    ));
    let mut ended = good;
    ended.key_expires = Some(now);
    assert_eq!(verify(&post, &ended, Some(body)).unwrap_err(), Error::ExpiredToken);
    let token = Secret::new("token");
    let temporary = expect(&secret, Some(&token), now);
    assert_eq!(verify(&post, &temporary, Some(body)).unwrap_err(), Error::WrongToken);
    assert_eq!(verify(&post, &good, Some(b"other")).unwrap_err(), Error::SignatureMismatch);

    post.headers.insert("x-amz-target", "Some.Thing".parse().unwrap());
    assert_eq!(
        verify(&post, &good, Some(body)).unwrap_err(),
        Error::UnsignedHeaders("x-amz-target".to_owned())
    );
}

#[test]
fn only_s3_may_leave_a_body_unsigned() {
    let secret = Secret::new(SECRET);
    let now = time("20261122T100000Z");
    for (service, fine) in [("s3", true), ("sns", false)] {
        let mut put = parts("PUT", "http://localhost/b/k", &[]);
        put.headers.insert("x-amz-content-sha256", "UNSIGNED-PAYLOAD".parse().unwrap());
        sign(&mut put, &Content::Unsigned, &credentials(), "us-east-2", service, now).unwrap();
        let verified = verify(&put, &expect(&secret, None, now), Some(b"body"));
        assert_eq!(verified.is_ok(), fine, "{service}");
    }
}
