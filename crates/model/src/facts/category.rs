//! Which calls are data events, and what selects them.

use super::find;
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

/// Operations that are data events. Documented: the CloudTrail guide, "Logging data events", and
/// the services' own pages.
pub(super) const DATA_EVENTS: &[(&str, &[&str])] = &[
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

/// Data events whose answers are recorded. Documented: the examples of SQS's and SNS's pages on
/// CloudTrail; those of S3, Lambda and DynamoDB hold none.
pub(super) const ANSWERED: &[(&str, &[&str])] =
    &[("sns", &["Publish", "PublishBatch"]), ("sqs", &["SendMessage", "SendMessageBatch"])];

/// Whether records of a data event hold its answer (`responseElements`).
pub fn answer_of_data_event_is_recorded(service: &Service, operation: &str) -> bool {
    find(ANSWERED, &service.name).is_some_and(|names| names.contains(&operation))
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
