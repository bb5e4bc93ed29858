//! What is written is read again, and nothing that is put into a bucket makes it panic.

use std::{io::Write, path::Path};

use flate2::{Compression, GzBuilder, write::GzEncoder};
use proptest::prelude::*;

use super::*;
use crate::Error;

const KEY: &str = "AWSLogs/1/CloudTrail/us-east-2/2026/11/22/1_CloudTrail_us-east-2_x.json.gz";
const RECORD: &str = r#"{"eventVersion":"1.11","eventName":"CreateTopic"}"#;

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn log(key: &str, bytes: &[u8]) -> Log {
    match read(key, bytes) {
        Ok(Object::Log(log)) => log,
        other => panic!("{other:?}"),
    }
}

fn texts(log: &Log) -> Vec<String> {
    log.records().map(|record| String::from_utf8(record.json.to_vec()).unwrap()).collect()
}

#[test]
fn what_is_written_is_one_member_without_a_time_and_is_read_again() {
    let written = write([RECORD, RECORD]);
    assert_eq!(written, write([RECORD, RECORD]));
    assert_eq!(written.gzip[4..8], [0; 4], "no time");
    let log = log(KEY, &written.gzip);
    assert_eq!(texts(&log), [RECORD, RECORD]);
    assert_eq!(log.text(), format!("{{\"Records\":[{RECORD},{RECORD}]}}").as_bytes());
    assert_eq!(log.records().map(|record| record.offset).collect::<Vec<_>>(), [12, 62]);
    let digest: [u8; 32] = Sha256::digest(log.text()).into();
    assert_eq!((digest, log.text().len()), (written.sha256, written.text_bytes));
    assert_eq!(log.trailing_garbage, None);
    assert!(self::log(KEY, &write([""; 0]).gzip).is_empty());
}

#[test]
fn records_are_found_in_every_form_that_people_keep_them_in() {
    let forms = [
        format!("{{\"Records\":[{RECORD},{RECORD}]}}"),
        format!("{{\"n\":1,\"Records\" : [ {RECORD} , {RECORD} ] , \"m\":[]}}\n"),
        format!("[{RECORD},\n{RECORD}]"),
        format!("{RECORD}\n{RECORD}\n"),
        format!("{RECORD}{RECORD}"),
        format!("{{\"Records\":[{RECORD}]}}{{\"Records\":[{RECORD}]}}"),
    ];
    for form in forms {
        assert_eq!(texts(&log("a.json", form.as_bytes())), [RECORD, RECORD], "{form}");
        assert_eq!(texts(&log("anything", &gzip(form.as_bytes()))), [RECORD, RECORD], "{form}");
    }
    assert_eq!(texts(&log("one", RECORD.as_bytes())), [RECORD]);
}

#[test]
fn several_members_are_read_and_what_follows_them_is_told() {
    let (first, second) = (format!("{{\"Records\":[{RECORD}"), format!(",{RECORD}]}}"));
    let mut bytes = [gzip(first.as_bytes()), gzip(second.as_bytes())].concat();
    assert_eq!(texts(&log(KEY, &bytes)), [RECORD, RECORD]);
    let end = bytes.len();
    bytes.extend_from_slice(b"garbage");
    assert_eq!(log(KEY, &bytes).trailing_garbage, Some(end));
    bytes.truncate(end);
    bytes.extend_from_slice(&[0; 512]);
    assert_eq!(log(KEY, &bytes).trailing_garbage, None);
    let one = [write([RECORD]).gzip, b"x".to_vec()].concat();
    assert_eq!(log(KEY, &one).trailing_garbage, Some(one.len() - 1));
}

#[test]
fn other_objects_of_a_log_bucket_are_recognised_and_never_an_error() {
    let check = |key: &str, bytes: &[u8], expected: Object| {
        assert_eq!(read(key, bytes), Ok(expected), "{key}");
    };
    check("AWSLogs/1/CloudTrail/", b"", Object::Marker);
    check("AWSLogs/1/CloudTrail-Digest/us-east-2/x.json.gz", b"\x1f\x8b??", Object::Digest);
    check(
        "moved.json",
        br#"{"awsAccountId":"1","digestStartTime":"x","logFiles":[]}"#,
        Object::Digest,
    );
    check("AWSLogs/1/CloudTrail-Insight/us-east-2/x.json.gz", b"?", Object::Insights);
    let insight = br#"{"Records":[{"eventVersion":"1.07","insightDetails":{}}]}"#;
    check("moved.json.gz", &gzip(insight), Object::Insights);
    check("AWSLogs/1/Config/x.json.gz", &gzip(br#"{"configurationItems":[]}"#), Object::Other);
    check("photo.jpg", b"\xff\xd8\xff", Object::Other);
    check("notes.txt", b"{not json", Object::Other);
    check("backup.tar.gz", b"\x1f\x8b\x08broken", Object::Other);
    check("backup.tar.gz", &gzip(b"ustar"), Object::Other);
}

#[test]
fn a_log_that_cannot_be_read_says_where_and_what_was_expected() {
    let check = |text: &str, offset: usize, expected: &str| {
        for bytes in [text.as_bytes().to_vec(), gzip(text.as_bytes())] {
            let error = read(KEY, &bytes).unwrap_err();
            let wanted = Error::Malformed { offset, expected: expected.to_owned() };
            assert_eq!(error, wanted, "{text}");
        }
    };
    check("{\n\"Records\"\n{\n\"a\":1}}", 12, "`:` after the key \"Records\"");
    check("{\"Records\":{}}", 11, "`[`, the beginning of the records");
    check("{\"Records\":[1]}", 12, "`{`, the beginning of a record");
    check("{\"Records\":[{}", 14, "`,` or `]` after an item");
    check("{\"Records\":[{\"a\":}]}", 17, "a value");
    check("hello", 0, "`{` or `[`");
    check("{\"Records\":[]} x", 15, "`{` or `[`");
    let error = read(KEY, b"{\"Records\" 1").unwrap_err();
    assert_eq!(error.to_string(), "expected `:` after the key \"Records\" at byte 11");
    assert_eq!(error.offset(), Some(11));
    let mut cut = write([RECORD]).gzip;
    cut.truncate(cut.len() - 12);
    assert_eq!(read(KEY, &cut), Err(Error::Damaged { offset: 0 }));
}

#[test]
fn a_bomb_is_refused_before_it_fills_the_memory() {
    let mut text = b"{\"Records\":[".to_vec();
    text.resize(32 * 1024 * 1024, b' ');
    let bomb = write_raw(&text);
    assert!(bomb.len() < 64 * 1024);
    let ratio =
        Error::TooLarge { what: "bytes for each compressed byte", limit: INFLATED_RATIO_MAX };
    assert_eq!(read(KEY, &bomb), Err(ratio));
    // A lie about the size in the trailer takes no memory and fools nobody.
    let mut liar = write([RECORD]).gzip;
    let end = liar.len();
    liar[end - 4..].copy_from_slice(&u32::MAX.to_le_bytes());
    assert_eq!(read(KEY, &liar), Err(Error::Damaged { offset: 0 }));
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
        let error = read("AWSLogs/example.json.gz", &bytes).unwrap_err();
        assert_eq!(error.to_string(), "expected `:` after the key \"Records\" at byte 12");
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
    let log = log("dev_records.ndjson", &all);
    assert_eq!((log.len(), log.unrecognised), (4255, 0));
    for record in log.records() {
        crate::select::Facts::from_json(record.json).unwrap();
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
                match read(&name, &bytes) {
                    Ok(Object::Log(log)) => records += log.len(),
                    Ok(_) => {}
                    // Two captures are published malformed.
                    Err(error) => {
                        let theirs = serde_json::from_slice::<serde_json::Value>(&bytes);
                        assert!(theirs.is_err(), "{name}: {error}");
                    }
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
        prop_assert_eq!(texts(&log(KEY, &write(&records).gzip)), records);
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
