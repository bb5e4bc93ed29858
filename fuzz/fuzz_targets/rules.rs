//! Rules of anybody's making, asked about a record.
#![no_main]

use libfuzzer_sys::fuzz_target;

const RECORD: &[u8] = br#"{"eventVersion":"1.11","userIdentity":{"type":"Root","arn":
"arn:aws:iam::123456789012:root"},"eventTime":"2026-11-22T10:01:36Z","eventSource":
"sns.amazonaws.com","eventName":"CreateTopic","awsRegion":"us-east-2","sourceIPAddress":
"198.51.100.130","requestParameters":{"name":"dropmeplease","list":[1,"two",null,{"a":true}]},
"responseElements":null,"eventID":"a0c5154e-0ff9-4b51-8944-fe0c9dfb369b","readOnly":false,
"recipientAccountId":"123456789012"}"#;

fuzz_target!(|data: &[u8]| {
    let loaded = rule::load_bytes("rule.yml", data);
    let _ = loaded.rules.findings(RECORD, "s3://bucket/key");
    for problem in loaded.problems {
        assert!(!problem.to_string().is_empty());
    }
});
