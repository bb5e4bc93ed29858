//! The walk over a text's structure: what it tells of a list is what the list holds.
#![no_main]

use libfuzzer_sys::fuzz_target;
use record::outline::{Anchor, End, Gap, walk};
use serde_json::Value;

fuzz_target!(|data: &[u8]| {
    let anchors =
        [Anchor::of_key("eventName").expect("short"), Anchor::of_text("Root").expect("short")];
    let mut told: Vec<&[u8]> = Vec::new();
    let mut end = 0;
    let walked = walk(data, 1, Gap::Comma, &anchors, &mut |element| {
        assert!(element.start >= end && element.end <= data.len(), "one after the other");
        end = element.end;
        for (anchor, text) in ["\"eventName\"", "\"Root\""].iter().enumerate() {
            for quote in element.hits_of(anchor) {
                assert_eq!(data.get(quote + text.len() - 1), Some(&b'"'), "a string as long");
            }
        }
        told.push(&data[element.range()]);
    });
    if let Ok(Value::Array(items)) = serde_json::from_slice(data)
        && data.first() == Some(&b'[')
        && items.iter().all(|item| item.is_object() || item.is_array())
    {
        assert!(matches!(walked.end, End::Closed(_)), "{walked:?}");
        let told: Vec<Value> =
            told.iter().map(|json| serde_json::from_slice(json).expect("an item")).collect();
        assert_eq!(told, items);
    }
});
