//! What the folder for AWS Lambda says is so.

use std::collections::BTreeSet;

use serde_json::Value;

const README: &str = include_str!("../../../../deploy/lambda/README.md");
const TEMPLATE: &str = include_str!("../../../../deploy/lambda/template.yaml");

fn variables(text: &str) -> BTreeSet<&str> {
    let is_word = |c: char| c.is_ascii_uppercase() || c == '_';
    text.split(|c| !is_word(c)).filter(|word| word.starts_with("TRAILHOUND_")).collect()
}

#[test]
fn each_variable_that_is_read_is_explained_and_no_other() {
    assert_eq!(variables(include_str!("../../src/env.rs")), variables(README));
    assert!(variables(TEMPLATE).is_subset(&variables(README)));
}

#[test]
fn each_statement_of_the_policy_is_explained_and_none_is_for_everything() {
    let policy: Value =
        serde_json::from_str(include_str!("../../../../deploy/lambda/policy.json")).unwrap();
    for statement in policy["Statement"].as_array().unwrap() {
        let name = statement["Sid"].as_str().unwrap();
        assert!(README.contains(&format!("`{name}`")), "{name} is not explained");
        assert_ne!(statement["Resource"], "*", "{name}");
        assert!(!statement["Action"].to_string().contains('*'), "{name}");
    }
}

#[test]
fn wherever_a_queue_is_set_up_failures_of_single_messages_are_asked_for() {
    assert!(TEMPLATE.contains("FunctionResponseTypes: [ReportBatchItemFailures]"));
    assert!(README.contains("--function-response-types ReportBatchItemFailures"));
}
