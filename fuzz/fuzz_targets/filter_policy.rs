//! A filter policy on the first line, a message on the others.
#![no_main]

use libfuzzer_sys::fuzz_target;
use topic::{FilterPolicy, FilterScope};

fuzz_target!(|data: &[u8]| {
    let (policy, message) = fuzz::line(data);
    let Ok(policy) = std::str::from_utf8(policy) else { return };
    let Ok(values) = serde_json::from_slice(message) else { return };
    for scope in [FilterScope::MessageAttributes, FilterScope::MessageBody] {
        match FilterPolicy::parse(policy, scope) {
            Ok(policy) => drop(policy.matches(&values)),
            Err(why) => assert!(why.to_string().starts_with("FilterPolicy: ")),
        }
    }
});
