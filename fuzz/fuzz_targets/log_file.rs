//! Objects of a log bucket: each record that is found stands where it says, read whole or in pieces.
#![no_main]

use libfuzzer_sys::fuzz_target;
use record::log_file::{RawRecord, Reader, write};

fn check(key: &str, object: &[u8]) {
    let mut told = Vec::new();
    let mut each = |record: RawRecord<'_>| {
        let json = record.json();
        assert!(json.starts_with(b"{") && json.ends_with(b"}"), "a record is an object");
        let _ = record::select::Facts::from_json(json);
        told.push((record.offset(), json.to_vec()));
    };
    let reading = Reader::new().whole(key, object, &[], &mut each);
    assert_eq!(reading.records, told.len() as u64);
    let mut again = Vec::new();
    let mut each = |record: RawRecord<'_>| again.push((record.offset(), record.json().to_vec()));
    Reader::new().stream(key, &mut &*object, &[], &mut each);
    assert_eq!(again, told);
}

fuzz_target!(|data: &[u8]| {
    let (key, object) = fuzz::line(data);
    let key = String::from_utf8_lossy(key);
    check(&key, object);
    // The fuzzer does not find its way into gzip.
    check(&key, &write([object]).gzip);
});
