//! Records of anybody's making: what selectors ask, and what the shipped rules say.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use rule::RuleSet;

static RULES: LazyLock<RuleSet> = LazyLock::new(RuleSet::shipped);

fuzz_target!(|data: &[u8]| {
    let _ = record::select::Facts::from_json(data);
    let _ = RULES.findings(data, "s3://bucket/key");
});
