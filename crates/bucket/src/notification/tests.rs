//! What is taken, what is refused, and in which words.

use flow::SeededChance;

use super::*;

const DETECT: &str = "arn:aws:lambda:us-east-2:123456789012:function:detect";

type Rules<'a> = &'a [(&'a str, &'a str)];

fn filter_of(rules: Rules<'_>) -> Option<NotificationConfigurationFilter> {
    let rules = rules.iter().map(|(name, value)| FilterRule {
        name: Some(FilterRuleName::from((*name).to_owned())),
        value: Some((*value).to_owned()),
    });
    let key = S3KeyFilter { filter_rules: Some(rules.collect()) };
    Some(NotificationConfigurationFilter { key: Some(key) })
}

fn function(arn: &str, events: &[&str], rules: Rules<'_>) -> LambdaFunctionConfiguration {
    LambdaFunctionConfiguration {
        id: None,
        lambda_function_arn: arn.to_owned(),
        events: events.iter().map(|event| Event::from((*event).to_owned())).collect(),
        filter: filter_of(rules),
    }
}

fn wire(functions: Vec<LambdaFunctionConfiguration>) -> Wire {
    Wire { lambda_function_configurations: Some(functions), ..Wire::default() }
}

/// The refusal's message and the argument that it names, or `ok`.
fn check(wire: Wire, expected: &str) {
    let outcome = parse(wire, &SeededChance::new(1));
    let said = match outcome {
        Ok(_) => "ok".to_owned(),
        Err(refusal) => {
            assert_eq!(refusal.status, 400);
            let value = |name: &str| {
                refusal.details.iter().find(|(n, _)| n == name).map(|(_, value)| value.clone())
            };
            match (value("ArgumentName"), value("ArgumentValue")) {
                (Some(name), Some(value)) => format!("{} {name}={value}", refusal.message),
                _ => refusal.message.into_owned(),
            }
        }
    };
    assert!(said.starts_with(expected), "{said}");
}

const ALL: &[&str] = &["s3:ObjectCreated:*"];
const PUT: &[&str] = &["s3:ObjectCreated:Put"];
const COPY: &[&str] = &["s3:ObjectCreated:Copy"];

#[test]
fn a_configuration_is_read_as_it_is_written() {
    check(wire(vec![]), "ok");
    check(wire(vec![function(DETECT, ALL, &[])]), "ok");
    check(wire(vec![function(DETECT, ALL, &[("PREFIX", "AWSLogs/"), ("Suffix", "")])]), "ok");
    check(wire(vec![function(DETECT, &[], &[])]), "The XML you provided");
    check(
        wire(vec![function(DETECT, &["s3:ObjectRestore:*"], &[])]),
        "The event 's3:ObjectRestore:*' is not supported for notifications",
    );
    check(
        wire(vec![function(DETECT, ALL, &[("infix", "a")])]),
        "filter rule name must be either prefix or suffix FilterRule.Name=infix",
    );
    check(
        wire(vec![function(DETECT, ALL, &[("prefix", "a"), ("prefix", "b")])]),
        "Cannot specify more than one prefix rule in a filter.",
    );
    let many = (0..101).map(|n| function(DETECT, ALL, &[("prefix", &format!("{n:03}/"))]));
    check(wire(many.collect()), "The number of configurations exceeds");
}

#[test]
fn the_last_arn_that_is_none_is_told_of() {
    let unparsed = "The ARN could not be parsed";
    check(
        wire(vec![function("one", ALL, &[]), function("two", ALL, &[])]),
        &format!("{unparsed} CloudFunction=two"),
    );
    let queue = QueueConfiguration {
        id: None,
        queue_arn: "nonsense".to_owned(),
        events: vec![],
        filter: None,
    };
    let topic = TopicConfiguration {
        id: None,
        topic_arn: "arn:aws:sqs:us-east-2:123456789012:q".to_owned(),
        events: vec![],
        filter: None,
    };
    let queues = Wire { queue_configurations: Some(vec![queue.clone()]), ..Wire::default() };
    check(queues, &format!("{unparsed} Queue=nonsense"));
    let both = Wire {
        queue_configurations: Some(vec![queue]),
        topic_configurations: Some(vec![topic]),
        ..Wire::default()
    };
    check(both, &format!("{unparsed} Topic=arn:aws:sqs"));
}

#[test]
fn no_key_is_told_of_twice() {
    let two = |(a, x): (&[&str], Rules<'_>), (b, y): (&[&str], Rules<'_>)| {
        wire(vec![function(DETECT, a, x), function(DETECT, b, y)])
    };
    check(two((ALL, &[]), (PUT, &[])), "Configurations overlap.");
    check(two((PUT, &[]), (COPY, &[])), "ok");
    let (a, ab, b) = ([("prefix", "a")], [("prefix", "ab")], [("prefix", "b")]);
    check(two((ALL, &a), (ALL, &b)), "ok");
    check(two((ALL, &a), (ALL, &ab)), "Configuration is ambiguously defined.");
    check(two((ALL, &a), (ALL, &[])), "Configuration is ambiguously defined.");
    let (gz, json) = ([("suffix", ".gz")], [("suffix", ".json")]);
    check(two((ALL, &gz), (ALL, &json)), "ok");
    let json_gz = [("suffix", ".json.gz")];
    check(two((ALL, &gz), (ALL, &json_gz)), "Configuration is ambiguously defined.");
    let (a_gz, b_gz) = ([("prefix", "a"), ("suffix", ".gz")], [("prefix", "b"), ("suffix", ".gz")]);
    check(two((ALL, &a_gz), (ALL, &b_gz)), "ok");
}

#[test]
fn ids_are_made_where_they_are_missing_and_never_shared() {
    let (a, b) = ([("prefix", "a")], [("prefix", "b")]);
    let made = parse(
        wire(vec![function(DETECT, ALL, &a), function(DETECT, ALL, &b)]),
        &SeededChance::new(1),
    )
    .unwrap();
    assert_ne!(made.configurations[0].id, made.configurations[1].id);
    let named = |rules: Rules<'_>| LambdaFunctionConfiguration {
        id: Some("same".to_owned()),
        ..function(DETECT, ALL, rules)
    };
    check(wire(vec![named(&a), named(&b)]), "Same ID used for multiple configurations.");
}

#[test]
fn filter_rules_are_answered_with_capitals() {
    let given = wire(vec![function(DETECT, ALL, &[("suffix", ""), ("prefix", "a")])]);
    let parsed = parse(given, &SeededChance::new(1)).unwrap();
    let answer = answered(parsed.configurations[0].filter.clone());
    let rules = answer.unwrap().key.unwrap().filter_rules.unwrap();
    let rules: Vec<_> = rules
        .iter()
        .map(|rule| (rule.name.as_ref().unwrap().as_str(), rule.value.as_deref().unwrap()))
        .collect();
    assert_eq!(rules, [("Prefix", "a"), ("Suffix", "")]);
}
