//! What CloudTrail calls things that the service models do not say: a few hand-written tables.
//!
//! Marks of evidence: *seen* — in published captures of real records; *documented* — in the
//! CloudTrail guide or the service's own page on CloudTrail; *known* — widely reported, not
//! checked against a record here.

use crate::Service;

/// How CloudTrail files a call (`eventCategory`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Category {
    /// Control plane: recorded unless a selector says otherwise.
    Management,
    /// Data plane: recorded only where a selector asks for it.
    Data,
}

impl Category {
    /// As records spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Management => "Management",
            Self::Data => "Data",
        }
    }
}

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
    "Verify",
    "Detect",
    "Discover",
    "Filter",
    "Download",
    "Retrieve",
    "View",
    "Count",
    "Poll",
    "Calculate",
    "Compare",
    "Is",
    "Export",
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
    // Documented: the examples of STS's page on CloudTrail.
    ("sts", "AssumeRoleWithSAML", true),
    ("sts", "AssumeRoleWithWebIdentity", true),
    ("sts", "DecodeAuthorizationMessage", true),
    // Known.
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

/// Operations that are data events. Documented: the CloudTrail guide, "Logging data events", and
/// the services' own pages.
const DATA_EVENTS: &[(&str, &[&str])] = &[
    (
        "s3",
        &[
            "AbortMultipartUpload",
            "CompleteMultipartUpload",
            "CopyObject",
            "CreateMultipartUpload",
            "DeleteObject",
            "DeleteObjectTagging",
            "DeleteObjects",
            "GetObject",
            "GetObjectAcl",
            "GetObjectAttributes",
            "GetObjectLegalHold",
            "GetObjectRetention",
            "GetObjectTagging",
            "GetObjectTorrent",
            "HeadBucket",
            "HeadObject",
            "ListMultipartUploads",
            "ListObjectVersions",
            "ListObjects",
            "ListObjectsV2",
            "ListParts",
            "PutObject",
            "PutObjectAcl",
            "PutObjectLegalHold",
            "PutObjectRetention",
            "PutObjectTagging",
            "RenameObject",
            "RestoreObject",
            "SelectObjectContent",
            "UploadPart",
            "UploadPartCopy",
            "WriteGetObjectResponse",
        ],
    ),
    ("lambda", &["Invoke", "InvokeAsync", "InvokeWithResponseStream"]),
    (
        "dynamodb",
        &[
            "BatchExecuteStatement",
            "BatchGetItem",
            "BatchWriteItem",
            "DeleteItem",
            "ExecuteStatement",
            "ExecuteTransaction",
            "GetItem",
            "PutItem",
            "Query",
            "Scan",
            "TransactGetItems",
            "TransactWriteItems",
            "UpdateItem",
        ],
    ),
    ("dynamodbstreams", &["GetRecords", "GetShardIterator"]),
    ("sns", &["Publish", "PublishBatch"]),
    (
        "sqs",
        &[
            "ChangeMessageVisibility",
            "ChangeMessageVisibilityBatch",
            "DeleteMessage",
            "DeleteMessageBatch",
            "ReceiveMessage",
            "SendMessage",
            "SendMessageBatch",
        ],
    ),
    ("kinesis", &["GetRecords", "GetShardIterator", "PutRecord", "PutRecords", "SubscribeToShard"]),
    ("cloudtrail-data", &["PutAuditEvents"]),
    (
        "cloudwatch",
        &["GetMetricData", "GetMetricStatistics", "GetMetricWidgetImage", "PutMetricData"],
    ),
    ("ebs", &["GetSnapshotBlock", "ListChangedBlocks", "ListSnapshotBlocks", "PutSnapshotBlock"]),
    (
        "rds-data",
        &[
            "BatchExecuteStatement",
            "BeginTransaction",
            "CommitTransaction",
            "ExecuteStatement",
            "RollbackTransaction",
        ],
    ),
    ("sagemaker-runtime", &["InvokeEndpoint", "InvokeEndpointWithResponseStream"]),
    (
        "sagemaker-featurestore-runtime",
        &["BatchGetRecord", "BatchWriteRecord", "DeleteRecord", "GetRecord", "PutRecord"],
    ),
    ("bedrock-agent-runtime", &["InvokeAgent", "InvokeFlow", "Retrieve", "RetrieveAndGenerate"]),
    (
        "iot-data",
        &[
            "DeleteThingShadow",
            "GetThingShadow",
            "ListNamedShadowsForThing",
            "Publish",
            "UpdateThingShadow",
        ],
    ),
    ("cognito-identity", &["GetCredentialsForIdentity", "GetId", "GetOpenIdToken"]),
    ("xray", &["BatchGetTraces", "GetTraceSummaries", "PutTraceSegments"]),
];

/// Management or data. Bedrock's InvokeModel is a management event (seen).
pub fn category(service: &Service, operation: &str) -> Category {
    let is_data = find(DATA_EVENTS, &service.name).is_some_and(|names| names.contains(&operation));
    if is_data { Category::Data } else { Category::Management }
}

/// The type of resource that a service's data events are selected by, such as `AWS::S3::Object`.
pub fn data_resource_kind(service: &Service) -> Option<&'static str> {
    Some(match service.name.as_str() {
        "s3" => "AWS::S3::Object",
        "lambda" => "AWS::Lambda::Function",
        "dynamodb" => "AWS::DynamoDB::Table",
        "dynamodbstreams" => "AWS::DynamoDB::Stream",
        "sns" => "AWS::SNS::Topic",
        "sqs" => "AWS::SQS::Queue",
        "kinesis" => "AWS::Kinesis::Stream",
        "cloudtrail-data" => "AWS::CloudTrail::Channel",
        "cloudwatch" => "AWS::CloudWatch::Metric",
        "ebs" => "AWS::EC2::Snapshot",
        "rds-data" => "AWS::RDS::DBCluster",
        "xray" => "AWS::XRay::Trace",
        _ => return None,
    })
}

/// S3's operations whose records carry another name. Seen: AccelerateConfiguration, Lifecycle,
/// Notification, ObjectLockConfiguration, PublicAccessBlock. Documented: the rest.
const S3_EVENT_NAMES: &[(&str, &str)] = &[
    ("DeletePublicAccessBlock", "DeleteBucketPublicAccessBlock"),
    ("GetBucketAccelerateConfiguration", "GetAccelerateConfiguration"),
    ("GetBucketLifecycleConfiguration", "GetBucketLifecycle"),
    ("GetBucketNotificationConfiguration", "GetBucketNotification"),
    ("GetObjectLegalHold", "GetObjectLockLegalHold"),
    ("GetObjectLockConfiguration", "GetBucketObjectLockConfiguration"),
    ("GetObjectRetention", "GetObjectLockRetention"),
    ("GetPublicAccessBlock", "GetBucketPublicAccessBlock"),
    ("ListObjectsV2", "ListObjects"),
    ("PutBucketAccelerateConfiguration", "PutAccelerateConfiguration"),
    ("PutBucketLifecycleConfiguration", "PutBucketLifecycle"),
    ("PutBucketNotificationConfiguration", "PutBucketNotification"),
    ("PutObjectLegalHold", "PutObjectLockLegalHold"),
    ("PutObjectLockConfiguration", "PutBucketObjectLockConfiguration"),
    ("PutObjectRetention", "PutObjectLockRetention"),
    ("PutPublicAccessBlock", "PutBucketPublicAccessBlock"),
];

/// The same for the part of S3 that belongs to the account. Seen: GetAccountPublicAccessBlock.
const S3_CONTROL_EVENT_NAMES: &[(&str, &str)] = &[
    ("DeletePublicAccessBlock", "DeleteAccountPublicAccessBlock"),
    ("GetPublicAccessBlock", "GetAccountPublicAccessBlock"),
    ("PutPublicAccessBlock", "PutAccountPublicAccessBlock"),
];

/// What follows the names of Lambda's older operations. Seen: AddPermission, CreateFunction,
/// DeleteFunction, GetFunction, ListVersionsByFunction, RemovePermission, UpdateFunctionCode,
/// UpdateFunctionConfiguration. Documented or known: the rest. Later operations carry nothing.
const LAMBDA_VERSIONS: &[(&str, &[&str])] = &[
    ("20160819", &["GetAccountSettings"]),
    ("20170331", &["ListTags"]),
    ("20170331v2", &["TagResource", "UntagResource"]),
    ("20171031", &["DeleteFunctionConcurrency", "PutFunctionConcurrency"]),
    (
        "20181031",
        &[
            "AddLayerVersionPermission",
            "DeleteLayerVersion",
            "GetLayerVersion",
            "GetLayerVersionPolicy",
            "ListLayerVersions",
            "ListLayers",
            "PublishLayerVersion",
            "RemoveLayerVersionPermission",
        ],
    ),
    (
        "20150331v2",
        &[
            "AddPermission",
            "GetFunction",
            "GetFunctionConfiguration",
            "GetPolicy",
            "RemovePermission",
            "UpdateFunctionCode",
            "UpdateFunctionConfiguration",
        ],
    ),
    (
        "20150331",
        &[
            "CreateAlias",
            "CreateEventSourceMapping",
            "CreateFunction",
            "DeleteAlias",
            "DeleteEventSourceMapping",
            "DeleteFunction",
            "GetAlias",
            "GetEventSourceMapping",
            "ListAliases",
            "ListEventSourceMappings",
            "ListFunctions",
            "ListVersionsByFunction",
            "PublishVersion",
            "UpdateAlias",
            "UpdateEventSourceMapping",
        ],
    ),
];

/// What records call an operation of the model (`eventName`).
pub fn event_name(service: &Service, operation: &str) -> String {
    let other = match service.name.as_str() {
        "s3" => find(S3_EVENT_NAMES, operation),
        "s3control" => find(S3_CONTROL_EVENT_NAMES, operation),
        "lambda" => {
            let version = LAMBDA_VERSIONS.iter().find(|(_, names)| names.contains(&operation));
            return match version {
                Some((version, _)) => format!("{operation}{version}"),
                None => operation.to_owned(),
            };
        }
        _ => None,
    };
    other.unwrap_or(operation).to_owned()
}

/// The operations of `service` that records call `event_name`; several for S3's listings.
pub fn operations_called<'a>(service: &'a Service, event: &str) -> Vec<&'a str> {
    service
        .operations
        .iter()
        .map(|operation| operation.name.as_str())
        .filter(|name| event_name(service, name) == event)
        .collect()
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
