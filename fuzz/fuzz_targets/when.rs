//! Questions of the command line: refused with their place, or a rule.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match rule::when(text) {
        Ok(rule) => {
            let _ = rule
                .holds(&serde_json::json!({"eventName": text, "eventSource": "sns.amazonaws.com"}));
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
