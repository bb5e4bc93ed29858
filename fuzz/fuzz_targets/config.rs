//! Configuration files.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Err(invalid) = server::Config::parse(text, std::path::Path::new("my.toml")) {
        assert!(invalid.line >= 1 && invalid.line <= text.lines().count().max(1) + 1, "{invalid}");
    }
});
