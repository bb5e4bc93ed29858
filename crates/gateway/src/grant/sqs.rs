//! What SQS's calls ask for.

use flow::Access;

use super::Asked;

pub(super) fn access(asked: &Asked<'_>, operation: &str) -> Access {
    // A batch needs what one of it needs.
    let action = operation.strip_suffix("Batch").unwrap_or(operation);
    let resource = if let Some(url) = asked.text("QueueUrl") {
        arn_of_url(asked, url)
    } else if let Some(arn) = asked.text("SourceArn") {
        arn.to_owned()
    } else if let Some(name) = asked.text("QueueName") {
        asked.arn("sqs", name)
    } else {
        "*".to_owned()
    };
    Access::new(format!("sqs:{action}"), resource)
}

/// A queue's address ends in its account and its name.
fn arn_of_url(asked: &Asked<'_>, url: &str) -> String {
    let mut parts = url.trim_end_matches('/').rsplit('/');
    let name = parts.next().unwrap_or_default();
    let region = &asked.caller.region;
    match parts.next().filter(|part| part.parse::<flow::AccountId>().is_ok()) {
        Some(account) => format!("arn:aws:sqs:{region}:{account}:{name}"),
        None => asked.arn("sqs", name),
    }
}
