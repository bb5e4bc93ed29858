//! Events that wake the function, and messages of its queue.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let _ = detect::sniff_bytes(data);
    let Ok(body) = std::str::from_utf8(data) else { return };
    let alone = detect::sniff_message(body);
    // In a queue it tells the same, or fails by itself.
    let batch = serde_json::json!({"Records": [
        {"eventSource": "aws:sqs", "messageId": "m", "body": body}]});
    match detect::sniff(&batch) {
        Ok(detect::Envelope::Batch(messages)) => assert_eq!(messages[0].told, alone),
        other => panic!("{other:?}"),
    }
});
