//! What CloudTrail calls things that the service models do not say: a few hand-written tables.
//!
//! Marks of evidence: *seen* — in published captures of real records; *documented* — in the
//! CloudTrail guide or the service's own page on CloudTrail; *known* — widely reported, not
//! checked against a record here.

mod category;
mod event_name;
mod query_form;

use crate::Service;

pub use self::category::{
    Category, answer_of_data_event_is_recorded, category, data_resource_kind,
};
pub use self::event_name::{event_name, operations_called};
pub use self::query_form::query_form;

/// Where `eventSource` is not `<signing name>.amazonaws.com`.
const EVENT_SOURCES: &[(&str, &str)] = &[
    // Seen: CreateBroker of Amazon MQ, whose credentials are scoped to `mq`.
    ("mq", "amazonmq.amazonaws.com"),
    // Seen, though its credentials are scoped to `servicecatalog`.
    ("servicecatalog-appregistry", "servicecatalog-appregistry.amazonaws.com"),
    // Documented (IAM Identity Center): both the portal and the OIDC endpoint.
    ("sso", "sso.amazonaws.com"),
    ("sso-oidc", "sso.amazonaws.com"),
];

/// The `eventSource` of a service of the model. CloudWatch is `monitoring`, Step Functions
/// `states`, ECR `ecr`: their signing names already say so.
pub(crate) fn event_source(name: &str, signing_name: &str) -> String {
    match find(EVENT_SOURCES, name) {
        Some(source) => source.to_owned(),
        None => event_source_of_signing_name(signing_name),
    }
}

/// The `eventSource` where nothing but the credential's scope is known.
pub fn event_source_of_signing_name(signing_name: &str) -> String {
    format!("{}.amazonaws.com", signing_name.to_ascii_lowercase())
}

/// Verbs that begin the names of operations that change nothing. All `readOnly: true` names that
/// were seen begin with one of these, but for the exceptions below.
const READING_VERBS: &[&str] = &[
    "Get",
    "List",
    "Describe",
    "Head",
    "Search",
    "Lookup",
    "BatchGet",
    "BatchDescribe",
    "BatchList",
    "BatchCheck",
    "BatchDetect",
    "BatchIs",
    "TransactGet",
    "AdminGet",
    "AdminList",
    "Query",
    "Scan",
    "Select",
    "Test",
    "Validate",
    "Check",
    "Preview",
    "Simulate",
    "Estimate",
    "Detect",
    "Discover",
    "Filter",
    "Download",
    "View",
    "Count",
    "Calculate",
    "Compare",
    "Is",
];

/// Exceptions: model name, operation, whether it is read-only.
const READ_ONLY: &[(&str, &str, bool)] = &[
    // Seen.
    ("kms", "Decrypt", true),
    ("kms", "Encrypt", true),
    ("kms", "GenerateDataKey", true),
    ("sts", "AssumeRole", true),
    ("sts", "GetFederationToken", false),
    ("bedrock-runtime", "InvokeModel", true),
    // Documented: the examples of KMS's page on CloudTrail.
    ("kms", "GenerateDataKeyPair", true),
    ("kms", "GenerateDataKeyPairWithoutPlaintext", true),
    ("kms", "GenerateDataKeyWithoutPlaintext", true),
    ("kms", "GenerateMac", true),
    ("kms", "GenerateRandom", true),
    ("kms", "ReEncrypt", true),
    ("kms", "Sign", true),
    ("kms", "DeriveSharedSecret", true),
    ("kms", "Verify", true),
    ("kms", "VerifyMac", true),
    // Documented: the examples of STS's page on CloudTrail.
    ("sts", "AssumeRoleWithSAML", true),
    ("sts", "AssumeRoleWithWebIdentity", true),
    ("sts", "DecodeAuthorizationMessage", true),
    // What begins with a reading verb and starts or changes something.
    ("cloudformation", "DetectStackDrift", false),
    ("cloudformation", "DetectStackResourceDrift", false),
    ("cloudformation", "DetectStackSetDrift", false),
    ("elasticache", "TestFailover", false),
    ("elasticache", "TestMigration", false),
    ("iotwireless", "TestWirelessDevice", false),
    ("license-manager", "CheckInLicense", false),
    ("lightsail", "TestAlarm", false),
    // Known.
    ("bedrock-agent-runtime", "Retrieve", true),
    ("bedrock-agent-runtime", "RetrieveAndGenerate", true),
    ("bedrock-runtime", "InvokeModelWithResponseStream", true),
    ("bedrock-runtime", "Converse", true),
    ("bedrock-runtime", "ConverseStream", true),
];

/// Whether a call changes nothing (`readOnly`).
pub fn read_only(service: &Service, operation: &str) -> bool {
    READ_ONLY
        .iter()
        .find(|(name, exception, _)| *name == service.name && *exception == operation)
        .map_or_else(|| begins_with_a_reading_verb(operation), |(_, _, read_only)| *read_only)
}

/// [`read_only`] where the service is not known: by the verb alone.
pub fn begins_with_a_reading_verb(operation: &str) -> bool {
    READING_VERBS.iter().any(|verb| {
        operation
            .strip_prefix(verb)
            .is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_lowercase()))
    })
}

/// Services whose records carry `apiVersion`, and how they spell it. Seen, all of them; the many
/// other services that were seen carry none.
const API_VERSIONS: &[(&str, &str)] = &[
    ("appmesh", "2019-01-25"),
    ("cloudfront", "2020_05_31"),
    ("dynamodb", "2012-08-10"),
    ("efs", "2015-02-01"),
    ("elb", "2012-06-01"),
    ("elbv2", "2015-12-01"),
    ("logs", "20140328"),
    ("route53", "2013-04-01"),
];

/// The `apiVersion` of a service's records, where they carry one.
pub fn api_version_in_record(service: &Service) -> Option<&'static str> {
    find(API_VERSIONS, &service.name)
}

/// What SQS's errors were called when it spoke awsQuery, where that is not the shape's name.
/// Documented: the errors of the SQS API; botocore's model no longer says.
const SQS_QUERY_ERROR_CODES: &[(&str, &str)] = &[
    ("BatchEntryIdsNotDistinct", "AWS.SimpleQueueService.BatchEntryIdsNotDistinct"),
    ("BatchRequestTooLong", "AWS.SimpleQueueService.BatchRequestTooLong"),
    ("EmptyBatchRequest", "AWS.SimpleQueueService.EmptyBatchRequest"),
    ("InvalidBatchEntryId", "AWS.SimpleQueueService.InvalidBatchEntryId"),
    ("MessageNotInflight", "AWS.SimpleQueueService.MessageNotInflight"),
    ("PurgeQueueInProgress", "AWS.SimpleQueueService.PurgeQueueInProgress"),
    ("QueueDeletedRecently", "AWS.SimpleQueueService.QueueDeletedRecently"),
    ("QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue"),
    ("QueueNameExists", "QueueAlreadyExists"),
    ("TooManyEntriesInBatchRequest", "AWS.SimpleQueueService.TooManyEntriesInBatchRequest"),
    ("UnsupportedOperation", "AWS.SimpleQueueService.UnsupportedOperation"),
];

/// The code that `x-amzn-query-error` carries for an error's shape, where the model does not say.
pub fn query_error_code(service: &Service, shape: &str) -> Option<&'static str> {
    (service.name == "sqs").then(|| find(SQS_QUERY_ERROR_CODES, shape)).flatten()
}

/// The CloudFormation type of what an ARN names, for the ARNs that records list as resources.
/// Seen: `AWS::IAM::Role`, `AWS::KMS::Key`, `AWS::S3::Bucket`. Documented: the rest.
pub fn resource_kind(arn: &str) -> Option<&'static str> {
    let mut parts = arn.splitn(6, ':').skip(2);
    let service = parts.next()?;
    let resource = parts.nth(2)?;
    let kind = resource.split([':', '/']).next().unwrap_or_default();
    Some(match (service, kind) {
        ("s3", _) if resource.contains('/') => "AWS::S3::Object",
        ("s3", _) => "AWS::S3::Bucket",
        ("iam", "role") => "AWS::IAM::Role",
        ("iam", "user") => "AWS::IAM::User",
        ("kms", "key") => "AWS::KMS::Key",
        ("lambda", "function") => "AWS::Lambda::Function",
        ("dynamodb", "table") => "AWS::DynamoDB::Table",
        ("sns", _) => "AWS::SNS::Topic",
        ("sqs", _) => "AWS::SQS::Queue",
        ("cloudtrail", "trail") => "AWS::CloudTrail::Trail",
        _ => return None,
    })
}

fn find<V: Copy>(table: &[(&str, V)], name: &str) -> Option<V> {
    table.iter().find(|(key, _)| *key == name).map(|(_, value)| *value)
}

#[cfg(test)]
mod tests;
