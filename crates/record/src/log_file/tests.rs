//! What is written is read again, and nothing that is put into a bucket makes it panic.

use std::{io::Write, path::Path};

use flate2::{Compression, GzBuilder, write::GzEncoder};
use proptest::prelude::*;

use super::*;

const KEY: &str = "AWSLogs/1/CloudTrail/us-east-2/2026/11/22/1_CloudTrail_us-east-2_x.json.gz";
const RECORD: &str = r#"{"eventVersion":"1.11","eventName":"CreateTopic"}"#;

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

/// The records of an object with their offsets, and the rest that is told of it.
fn read(key: &str, bytes: &[u8]) -> (Vec<(u64, String)>, Reading) {
    let mut records = Vec::new();
    let mut each = |record: RawRecord<'_>| {
        records.push((record.offset(), String::from_utf8_lossy(record.json()).into_owned()));
    };
    let reading = Reader::new().whole(key, bytes, &[], &mut each);
    let mut again = Vec::new();
    let mut each = |record: RawRecord<'_>| {
        again.push((record.offset(), String::from_utf8_lossy(record.json()).into_owned()));
    };
    let mut streamed = Reader::new().stream(key, &mut &*bytes, &[], &mut each);
    // Behind damage, a stream is not read on.
    streamed.bytes_inflated = reading.bytes_inflated;
    assert_eq!((&again, &streamed), (&records, &reading), "as a stream");
    (records, reading)
}

fn texts(key: &str, bytes: &[u8]) -> Vec<String> {
    let (records, reading) = read(key, bytes);
    assert_eq!((reading.contents, &reading.damage), (Contents::Log, &vec![]));
    assert_eq!(reading.records, records.len() as u64);
    records.into_iter().map(|(_, json)| json).collect()
}

#[test]
fn what_is_written_is_one_member_without_a_time_and_is_read_again() {
    let written = write([RECORD, RECORD]);
    assert_eq!(written, write([RECORD, RECORD]));
    assert_eq!(written.gzip[4..8], [0; 4], "no time");
    let (records, reading) = read(KEY, &written.gzip);
    assert_eq!(records, [(12, RECORD.to_owned()), (62, RECORD.to_owned())]);
    assert_eq!(reading.bytes_inflated, written.text_bytes as u64);
    let text = format!("{{\"Records\":[{RECORD},{RECORD}]}}");
    let digest: [u8; 32] = Sha256::digest(text).into();
    assert_eq!(digest, written.sha256);
    assert_eq!(texts(KEY, &write([""; 0]).gzip), [""; 0]);
}

#[test]
fn records_are_found_in_every_form_that_people_keep_them_in() {
    let text = serde_json::to_string(RECORD).unwrap();
    let forms = [
        format!("{{\"Records\":[{RECORD},{RECORD}]}}"),
        format!("\u{feff}{{ \"Records\" :\n[ {RECORD} , {RECORD} ]}}"),
        format!("{{\"n\":1,\"Records\" : [ {RECORD} , {RECORD} ] , \"m\":[]}}\n"),
        format!("{{\"Records\":[{RECORD}],\"m\":{{}},\"Records\":[{RECORD}]}}"),
        format!("[{RECORD},\n{RECORD}]"),
        format!("{RECORD}\n{RECORD}\n"),
        format!("{RECORD}{RECORD}"),
        format!("{RECORD}\n{{\"Records\":[{RECORD}]}}"),
        format!("{RECORD}\n[{RECORD}]"),
        format!("{{\"Records\":[{RECORD}]}}{{\"Records\":[{RECORD}]}}"),
        format!(
            "{{\"version\":\"0\",\"detail-type\":\"AWS API Call via CloudTrail\",\"detail\":{RECORD}}}{RECORD}"
        ),
        format!(
            "{{\"Events\":[{{\"EventId\":\"1\",\"CloudTrailEvent\":{text}}},{{\"CloudTrailEvent\":{text}}}]}}"
        ),
    ];
    for form in forms {
        assert_eq!(texts("a.json", form.as_bytes()), [RECORD, RECORD], "{form}");
        assert_eq!(texts("anything", &gzip(form.as_bytes())), [RECORD, RECORD], "{form}");
        assert_eq!(texts("anything", &zstd(form.as_bytes())), [RECORD, RECORD], "{form}");
    }
    assert_eq!(texts("one", RECORD.as_bytes()), [RECORD]);
}

fn zstd(text: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(text, ruzstd::encoding::CompressionLevel::Fastest)
}

#[test]
fn several_members_are_read_and_what_follows_them_is_told() {
    let (first, second) = (format!("{{\"Records\":[{RECORD}"), format!(",{RECORD}]}}"));
    let mut bytes = [gzip(first.as_bytes()), gzip(second.as_bytes())].concat();
    assert_eq!(texts(KEY, &bytes), [RECORD, RECORD]);
    let end = bytes.len();
    let garbage = |bytes: &[u8], at: usize| {
        let (records, reading) = read(KEY, bytes);
        assert!(!records.is_empty());
        assert_eq!(reading.damage[0].offset, Some(at as u64), "{:?}", reading.damage);
    };
    let twice = gzip(format!("{RECORD}\n").as_bytes()).repeat(2);
    assert_eq!(texts(KEY, &twice), [RECORD, RECORD]);
    bytes.extend_from_slice(b"garbage");
    garbage(&bytes, end);
    bytes.truncate(end);
    bytes.extend_from_slice(&[0; 512]);
    assert_eq!(texts(KEY, &bytes), [RECORD, RECORD]);
    let one = [write([RECORD]).gzip, b"x".to_vec()].concat();
    garbage(&one, one.len() - 1);
    let frames = [zstd(first.as_bytes()), zstd(second.as_bytes())].concat();
    assert_eq!(texts(KEY, &frames), [RECORD, RECORD]);
}

#[test]
fn other_objects_of_a_log_bucket_are_recognised_and_never_an_error() {
    let check = |key: &str, bytes: &[u8], expected: Contents| {
        let (records, reading) = read(key, bytes);
        assert_eq!((reading.contents, reading.damage), (expected, vec![]), "{key}");
        assert_eq!(records, []);
    };
    check("AWSLogs/1/CloudTrail/", b"", Contents::Marker);
    check("empty.json.gz", &gzip(b""), Contents::Marker);
    check("AWSLogs/1/CloudTrail-Digest/us-east-2/x.json.gz", b"\x1f\x8b??", Contents::Digest);
    check(
        "moved.json",
        br#"{"awsAccountId":"1","digestStartTime":"x","logFiles":[]}"#,
        Contents::Digest,
    );
    check("AWSLogs/1/CloudTrail-Insight/us-east-2/x.json.gz", b"?", Contents::Insights);
    let insight = br#"{"Records":[{"eventVersion":"1.07","insightDetails":{}}]}"#;
    check("moved.json.gz", &gzip(insight), Contents::Insights);
    check("AWSLogs/1/Config/x.json.gz", &gzip(br#"{"configurationItems":[]}"#), Contents::Other);
    check("photo.jpg", b"\xff\xd8\xff", Contents::Other);
    check("notes.txt", b"{not json", Contents::Other);
    check("backup.tar.gz", b"\x1f\x8b\x08broken", Contents::Other);
    check("backup.tar.gz", &gzip(b"ustar"), Contents::Other);
}

#[test]
fn a_log_that_cannot_be_read_says_where_and_what_was_expected() {
    let check = |text: &str, offset: u64, expected: &str| {
        for bytes in [text.as_bytes().to_vec(), gzip(text.as_bytes())] {
            let (_, reading) = read(KEY, &bytes);
            let reason = format!("expected {expected}");
            let wanted = vec![Damage { offset: Some(offset), reason }];
            assert_eq!((reading.contents, reading.damage), (Contents::Log, wanted), "{text}");
        }
    };
    check("{\n\"Records\"\n{\n\"a\":1}}", 12, "`:` after the key \"Records\"");
    check("{\"Records\":{}}", 11, "`[`, the beginning of the records");
    check("{\"Records\":[1]}", 12, "`{`, the beginning of a record");
    check("{\"Records\":[{}", 14, "`,` or `]` after an item");
    check("{\"Records\":[", 12, "`{`, the beginning of a record, or `]`");
    check("{\"Records\":[{\"a\":}]}", 17, "a value");
    check("{\"Records\":[{\"a\":1]]}", 18, "`,` or `}` after the value of \"a\"");
    check("{\"Records\":[{\"a\":\"b", 19, "the `\"` that ends a string");
    check("hello", 0, "`{` or `[`");
    check("{\"Records\":[]} x", 15, "`{` or `[`");
    check("{\"Records\" 1", 11, "`:` after the key \"Records\"");
    check("{\"Records\":[] 1}", 14, "`,` or `}` after the value of \"Records\"");
}

#[test]
fn what_was_whole_before_the_damage_is_told() {
    let records = [RECORD; 2000];
    let whole = write(records).gzip;
    let mut cut = whole.clone();
    cut.truncate(whole.len() - 12);
    let (told, reading) = read(KEY, &cut);
    assert!(told.len() > 1000, "{}", told.len());
    assert_eq!(reading.damage.len(), 1);
    assert!(reading.damage[0].reason.contains("ends early"), "{:?}", reading.damage);
    let mut wrong_sum = whole.clone();
    let end = whole.len();
    wrong_sum[end - 6] ^= 1;
    let (told, reading) = read(KEY, &wrong_sum);
    assert_eq!((told.len(), reading.damage.len()), (2000, 1), "{:?}", reading.damage);
    let text = format!("{{\"Records\":[{RECORD},{RECORD},{{\"eventVersion\":,{RECORD}]}}");
    let (told, reading) = read(KEY, text.as_bytes());
    assert_eq!((told.len(), reading.damage.len()), (2, 1), "{:?}", reading.damage);
    assert_eq!(reading.damage[0].offset, Some(text.find(":,").unwrap() as u64 + 1));
    let (told, reading) = read(KEY, b"{\"Records\":[{\"eventVersion\":\"1\"}]}\n\xff");
    assert_eq!((told.len(), reading.damage.len()), (1, 1), "{:?}", reading.damage);
}

#[test]
fn text_that_is_not_utf_8_is_told_with_its_place() {
    let record = b"{\"eventVersion\":\"1\",\"userIdentity\":{},\"eventName\":\"\xc3\x28\"}";
    let (told, reading) = read(KEY, record);
    assert_eq!((told.len(), reading.damage[0].offset), (1, Some(51)), "{:?}", reading.damage);
}

#[test]
fn a_bomb_is_refused_before_it_fills_the_memory() {
    let record = format!("{{\"eventVersion\":\"{}\"}}\n", " ".repeat(64 * 1024));
    let bomb = write_raw(record.repeat(512).as_bytes());
    assert!(bomb.len() < 64 * 1024);
    let mut reader = Reader::new();
    let reading = reader.whole(KEY, &bomb, &[], &mut |_| {});
    assert!(reading.damage[0].reason.contains("250 times its size"), "{:?}", reading.damage);
    assert!(reader.buffer_bytes() <= WINDOW_BYTES);
    // A lie about the size in the trailer takes no memory and fools nobody.
    let mut liar = write([RECORD]).gzip;
    let end = liar.len();
    liar[end - 4..].copy_from_slice(&u32::MAX.to_le_bytes());
    let (told, reading) = read(KEY, &liar);
    assert_eq!((told.len(), reading.damage.len()), (1, 1), "{:?}", reading.damage);
}

#[test]
fn a_text_of_any_length_is_read_in_a_window() {
    struct Endless(usize, Vec<u8>);
    impl std::io::Read for Endless {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            if self.1.is_empty() && self.0 > 0 {
                self.0 -= 1;
                self.1 = format!(",{RECORD}").repeat(999).into_bytes();
            }
            let length = self.1.len().min(buffer.len());
            buffer[..length].copy_from_slice(&self.1[..length]);
            self.1.drain(..length);
            Ok(length)
        }
    }
    let mut reader = Reader::new();
    let mut source = Endless(1000, format!("{{\"Records\":[{RECORD}").into_bytes());
    let mut records = 0_u64;
    let reading = reader.stream(KEY, &mut source, &[], &mut |record| {
        assert_eq!(record.json(), RECORD.as_bytes());
        records += 1;
    });
    assert_eq!((reading.records, records), (999_001, 999_001));
    assert!(reader.buffer_bytes() <= WINDOW_BYTES);
    assert_eq!(reading.damage.len(), 1, "the list is never closed: {:?}", reading.damage);
}

fn write_raw(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzBuilder::new().write(Vec::new(), Compression::best());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

/// The log that the project began from, as it was printed: a colon and a bracket are missing.
const AS_PRINTED: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/example_log_as_printed.txt");

#[test]
fn the_example_log_as_it_was_printed_is_an_error_that_names_the_place() {
    if !Path::new(AS_PRINTED).is_file() {
        println!("skipped: {AS_PRINTED} is not here");
        return;
    }
    let text = std::fs::read(AS_PRINTED).unwrap();
    for bytes in [text.clone(), gzip(&text)] {
        let (_, reading) = read("AWSLogs/example.json.gz", &bytes);
        let reason = "expected `:` after the key \"Records\"".to_owned();
        assert_eq!(reading.damage, [Damage { offset: Some(12), reason }]);
    }
}

/// Real records: delivered files as published, and distinct records one a line.
const CAPTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data");

#[test]
fn published_captures_are_read_whole() {
    if !Path::new(CAPTURES).is_dir() {
        println!("skipped: {CAPTURES} is not here");
        return;
    }
    let all = std::fs::read(format!("{CAPTURES}/dev_records.ndjson")).unwrap();
    let read_all = texts("dev_records.ndjson", &all);
    assert_eq!(read_all.len(), 4255);
    for record in read_all {
        crate::select::Facts::from_json(record.as_bytes()).unwrap();
    }
    let (mut files, mut records) = (0, 0);
    let mut folders = vec![Path::new(CAPTURES).join("originals")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            let name = path.to_string_lossy().into_owned();
            if path.is_dir() {
                folders.push(path);
            } else if name.ends_with(".json") || name.ends_with(".gz") {
                let bytes = std::fs::read(&path).unwrap();
                let (told, reading) = read(&name, &bytes);
                records += told.len();
                // Two captures are published malformed.
                if !reading.damage.is_empty() {
                    let theirs = serde_json::from_slice::<serde_json::Value>(&bytes);
                    assert!(theirs.is_err(), "{name}: {:?}", reading.damage);
                }
                files += 1;
            }
        }
    }
    println!("{files} files, {records} records");
    assert!(records > 0);
}

proptest! {
    #[test]
    fn any_records_are_read_as_they_were_written(names in prop::collection::vec(".{0,20}", 0..8)) {
        let records: Vec<String> = names
            .iter()
            .map(|name| serde_json::json!({"eventVersion": "1.11", "eventName": name}).to_string())
            .collect();
        prop_assert_eq!(texts(KEY, &write(&records).gzip), records);
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..80), gz in any::<bool>(), at in 0..60_usize, byte in any::<u8>()) {
        let bytes = if gz { gzip(&bytes) } else { bytes };
        drop(read(KEY, &bytes));
        drop(read("x", &bytes));
        let mut log = write([RECORD]).gzip;
        if let Some(place) = log.get_mut(at) {
            *place = byte;
        }
        drop(read(KEY, &log));
    }
}
