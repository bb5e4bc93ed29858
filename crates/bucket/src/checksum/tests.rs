//! Checksums against known values, and parts against the whole.

use proptest::prelude::*;

use super::*;

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    pairs.iter().map(|(n, v)| (n.parse().unwrap(), v.parse().unwrap())).collect()
}

fn check(pairs: &[(&'static str, &str)], bytes: &[u8], expected: &str) {
    let headers = headers(pairs);
    let outcome = Stated::of_headers(&headers).and_then(|stated| {
        let stated = stated.with_trailers(None)?;
        let algorithms: Vec<_> = stated.algorithm(&headers)?.into_iter().collect();
        stated.check(&Sums::of_bytes(bytes, &algorithms))
    });
    assert_eq!(outcome.map_or_else(|r| r.code.into_owned(), |()| "ok".into()), expected);
}

// CRC32 of `hello` is 3610a686, CRC32C 9a71bb4c: RFC 3720's and zlib's own tools agree.
#[test]
fn a_stated_checksum_must_be_that_of_the_bytes() {
    check(&[("x-amz-checksum-crc32", "NhCmhg==")], b"hello", "ok");
    check(&[("x-amz-checksum-crc32c", "mnG7TA==")], b"hello", "ok");
    check(&[("x-amz-checksum-crc32", "NhCmhg==")], b"hullo", "BadDigest");
    check(&[("x-amz-checksum-crc32", "NhCm")], b"hello", "InvalidRequest");
    check(&[("content-md5", "XUFAKrxLKna5cZ2REBfFkg==")], b"hello", "ok");
    check(&[("content-md5", "XUFAKrxLKna5cZ2REBfFkg==")], b"hullo", "BadDigest");
    check(&[("content-md5", "nonsense")], b"hello", "InvalidDigest");
    check(&[("x-amz-trailer", "x-amz-checksum-crc32")], b"hello", "MalformedTrailerError");
    check(&[("x-amz-sdk-checksum-algorithm", "MD9")], b"hello", "NotImplemented");
    let two = [("x-amz-checksum-crc32", "NhCmhg=="), ("x-amz-checksum-crc32c", "mnG7TA==")];
    check(&two, b"hello", "InvalidRequest");
}

#[test]
fn an_announced_checksum_is_taken_from_the_trailer() {
    let first = headers(&[("x-amz-trailer", "x-amz-checksum-crc32")]);
    let stated = Stated::of_headers(&first).unwrap();
    assert_eq!(stated.algorithm(&first).unwrap(), Some(Algorithm::Crc32));
    let last = headers(&[("x-amz-checksum-crc32", "NhCmhg==")]);
    let stated = stated.with_trailers(Some(&last)).unwrap();
    assert!(stated.check(&Sums::of_bytes(b"hello", &[Algorithm::Crc32])).is_ok());
    assert!(stated.check(&Sums::of_bytes(b"hullo", &[Algorithm::Crc32])).is_err());
}

proptest! {
    #[test]
    fn the_parts_sums_combine_to_the_sum_of_the_whole(
        parts in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..300), 1..6)
    ) {
        for algorithm in [Algorithm::Crc32, Algorithm::Crc32c, Algorithm::Crc64Nvme] {
            let sums: Vec<_> = parts
                .iter()
                .map(|p| {
                    let sums = Sums::of_bytes(p, &[algorithm]);
                    (sums.of(algorithm).unwrap().to_vec(), p.len() as u64)
                })
                .collect();
            let whole = Sums::of_bytes(&parts.concat(), &[algorithm]);
            let expected = Checksum::full(algorithm, whole.of(algorithm).unwrap());
            prop_assert_eq!(combined(algorithm, Kind::FullObject, &sums), Some(expected));
        }
    }
}
