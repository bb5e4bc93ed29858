//! Policy documents of anybody's making, asked about a call.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use policy::{Asker, Context, Kind, Policies, Policy, decide};

const ARN: &str = "arn:aws:s3:::bucket/a/key";

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let asker = Asker::User { account: "123456789012", arn: "arn:aws:iam::123456789012:user/ada" };
    let context = Context::new([
        ("aws:username", "ada"),
        ("aws:SourceIp", "203.0.113.7"),
        ("aws:CurrentTime", "2026-11-22T10:00:00Z"),
        ("s3:prefix", "a/"),
    ]);
    for kind in [Kind::Identity, Kind::Resource, Kind::Trust] {
        let read = Policy::parse(text, kind);
        let policy = match read {
            Ok(policy) => Arc::new(policy),
            Err(why) => {
                assert!(!why.to_string().is_empty());
                continue;
            }
        };
        let own = [Arc::clone(&policy)];
        let policies = Policies { identity: &own, ..Policies::default() };
        let asked = decide(&asker, "s3:GetObject", ARN, None, &context, &policies);
        let of_resource = Policies { resource: Some(&policy), ..Policies::default() };
        let other = decide(&asker, "s3:GetObject", ARN, None, &context, &of_resource);
        for verdict in [asked, other] {
            let _ = verdict.decision(&asker, "s3:GetObject", ARN);
        }
    }
});
