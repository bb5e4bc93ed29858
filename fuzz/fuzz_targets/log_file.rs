//! Objects of a log bucket: each record that is found is JSON, and stands where it says.
#![no_main]

use libfuzzer_sys::fuzz_target;
use record::log_file::{Object, read, write};

fn check(key: &str, object: &[u8]) {
    let Ok(Object::Log(log)) = read(key, object) else { return };
    for record in log.records() {
        let at = log.text().get(record.offset..record.offset + record.json.len());
        assert_eq!(at, Some(record.json));
        let value: Result<serde_json::Value, _> = serde_json::from_slice(record.json);
        assert!(value.is_ok_and(|value| value.is_object()), "a record is an object");
        let _ = record::select::Facts::from_json(record.json);
    }
}

fuzz_target!(|data: &[u8]| {
    let (key, object) = fuzz::line(data);
    let key = String::from_utf8_lossy(key);
    check(&key, object);
    // The fuzzer does not find its way into gzip.
    check(&key, &write([object]).gzip);
});
