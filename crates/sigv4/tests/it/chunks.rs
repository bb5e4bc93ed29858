//! Chunked bodies, however they are cut and whatever is done to them.

use bytes::Bytes;
use flow::Secret;
use proptest::prelude::*;
use sigv4::{ChunkForm, Chunks, Content, Credentials, Error, Payload, sign};

use crate::{expect, parts, time, verify};

const CHECKSUM: (&str, &str) = ("x-amz-checksum-crc32", "AAAAAA==");

/// A decoder for a payload of that length, and the body on the wire.
fn upload(form: ChunkForm, pieces: &[&[u8]], announced: usize) -> (Box<Chunks>, Vec<u8>) {
    let now = time("20261122T100000Z");
    let credentials = Credentials {
        access_key_id: "AKIDEXAMPLE".to_owned(),
        secret: Secret::new("secret"),
        session_token: None,
    };
    let mut put = parts("PUT", "http://localhost/b/k", &[]);
    if form != ChunkForm::Signed {
        put.headers.insert("x-amz-trailer", CHECKSUM.0.parse().unwrap());
    }
    let content = Content::Chunked(form, u64::try_from(announced).unwrap());
    let signed = sign(&mut put, &content, &credentials, "us-east-2", "s3", now).unwrap();
    let verified = verify(&put, &expect(&credentials.secret, None, now), None).unwrap();
    let Payload::Chunked(chunks) = verified.payload else { panic!("not chunked") };
    let mut writer = signed.chunks(form);
    let mut wire: Vec<u8> = pieces.iter().flat_map(|piece| writer.chunk(piece)).collect();
    wire.extend(writer.end(if form == ChunkForm::Signed { &[] } else { &[CHECKSUM] }));
    (chunks, wire)
}

/// What comes out, whether in one go or cut at `cuts`.
fn decode(mut chunks: Box<Chunks>, wire: &[u8], cuts: &[usize]) -> Result<Vec<u8>, Error> {
    let mut payload = Vec::new();
    let mut from = 0;
    for cut in cuts.iter().copied().chain([wire.len()]) {
        let mut input = Bytes::copy_from_slice(&wire[from..cut.max(from)]);
        from = cut.max(from);
        while let Some(piece) = chunks.push(&mut input)? {
            payload.extend_from_slice(&piece);
        }
    }
    for (name, value) in chunks.finish()? {
        assert_eq!((name.as_str(), value.as_str()), CHECKSUM);
    }
    Ok(payload)
}

const FORMS: [ChunkForm; 3] =
    [ChunkForm::Signed, ChunkForm::SignedTrailer, ChunkForm::UnsignedTrailer];

#[test]
fn every_cut_of_the_wire_gives_the_same_payload() {
    for form in FORMS {
        let (_, wire) = upload(form, &[b"hello ", b"world"], 11);
        for cut in 0..=wire.len() {
            let (chunks, wire) = upload(form, &[b"hello ", b"world"], 11);
            assert_eq!(decode(chunks, &wire, &[cut]).unwrap(), b"hello world", "{form:?} at {cut}");
        }
        let (chunks, wire) = upload(form, &[b"hello ", b"world"], 11);
        let every: Vec<usize> = (0..wire.len()).collect();
        assert_eq!(decode(chunks, &wire, &every).unwrap(), b"hello world", "{form:?}");
    }
}

#[test]
fn an_empty_payload_is_one_empty_chunk() {
    for form in FORMS {
        let (chunks, wire) = upload(form, &[], 0);
        assert_eq!(decode(chunks, &wire, &[]).unwrap(), b"");
    }
}

#[test]
fn a_payload_of_another_length_is_refused() {
    for form in FORMS {
        for announced in [10, 12] {
            let (chunks, wire) = upload(form, &[b"hello ", b"world"], announced);
            assert_eq!(decode(chunks, &wire, &[]), Err(Error::IncompleteBody), "{announced}");
        }
    }
}

#[test]
fn a_body_cut_short_is_refused() {
    for form in FORMS {
        let (_, wire) = upload(form, &[b"hello"], 5);
        // The last line ends carry nothing.
        let essential = String::from_utf8(wire.clone()).unwrap().trim_end().len();
        for length in 0..essential {
            let (chunks, wire) = upload(form, &[b"hello"], 5);
            assert!(decode(chunks, &wire[..length], &[]).is_err(), "{form:?} at {length}");
        }
    }
}

#[test]
fn a_changed_byte_of_a_signed_upload_is_refused() {
    for form in [ChunkForm::Signed, ChunkForm::SignedTrailer] {
        let (_, wire) = upload(form, &[b"hello"], 5);
        let essential = String::from_utf8(wire.clone()).unwrap().trim_end().len();
        for at in 0..essential {
            let (chunks, mut wire) = upload(form, &[b"hello"], 5);
            // Not the case of a letter: hexadecimal digits and names have none.
            wire[at] = if wire[at] == b'~' { b'}' } else { b'~' };
            assert!(decode(chunks, &wire, &[]).is_err(), "{form:?} at {at}");
        }
    }
}

#[test]
fn something_after_the_end_is_refused() {
    for form in FORMS {
        let (chunks, mut wire) = upload(form, &[b"hello"], 5);
        wire.extend_from_slice(b"more:1\r\n");
        assert!(decode(chunks, &wire, &[]).is_err(), "{form:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn foreign_bytes_never_panic_and_end_alike_however_cut(
        wire in proptest::collection::vec(
            prop_oneof![any::<u8>(), proptest::sample::select(b"0123;=\r\n:chunk-signature".to_vec())],
            0..300,
        ),
        cuts in proptest::collection::vec(0_usize..300, 0..6),
    ) {
        for form in FORMS {
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| (*cut).min(wire.len())).collect();
            cuts.sort_unstable();
            let whole = decode(upload(form, &[], 20).0, &wire, &[]);
            let parts = decode(upload(form, &[], 20).0, &wire, &cuts);
            prop_assert_eq!(whole, parts);
        }
    }
}

#[test]
fn the_door_for_fuzzing_decodes_what_is_unsigned() {
    let wire = b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n";
    assert_eq!(sigv4::check_chunks(ChunkForm::UnsignedTrailer, 5, wire), Ok(5));
    assert!(sigv4::check_chunks(ChunkForm::Signed, 5, wire).is_err());
}
