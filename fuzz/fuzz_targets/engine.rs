//! The engine, which answers of any record what the plain evaluator answers.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use record::log_file::Reader;
use rule::{Memory, RuleSet};

static RULES: LazyLock<RuleSet> = LazyLock::new(|| {
    let questions = [
        "sns:CreateTopic",
        "errorCode=AccessDenied, *Unauthorized*",
        "userIdentity.type=Root and not eventType=AwsServiceEvent",
        "requestParameters.items.name|contains=x or requestParameters.port|gte=443",
        "eventName!=GetObject and userAgent|re=\"^aws\"",
    ];
    let questions = questions.iter().map(|question| rule::when(question).expect("a question"));
    RuleSet::shipped().with(questions.collect::<Vec<_>>())
});

fuzz_target!(|data: &[u8]| {
    let mut memory = Memory::default();
    Reader::new().whole("x.json", data, RULES.anchors(), &mut |record| {
        let mut held = Vec::new();
        let asked = RULES.ask(&mut memory, &record, &mut |rule| held.push(rule.id().to_owned()));
        match serde_json::from_slice(record.json()) {
            Ok(value) => {
                let plainly = RULES.rules().filter(|rule| rule.holds(&value));
                let plainly: Vec<String> = plainly.map(|rule| rule.id().to_owned()).collect();
                assert_eq!(held, plainly);
                assert!(asked.is_ok());
            }
            Err(error) => assert!(held.is_empty(), "{error}"),
        }
    });
});
