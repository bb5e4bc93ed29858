//! What records call operations, where that is not the model's name.

use super::find;
use crate::Service;

/// S3's operations whose records carry another name. Seen: AccelerateConfiguration, Lifecycle,
/// Notification, ObjectLockConfiguration, PublicAccessBlock. Documented: the rest.
pub(super) const S3_EVENT_NAMES: &[(&str, &str)] = &[
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
pub(super) const S3_CONTROL_EVENT_NAMES: &[(&str, &str)] = &[
    ("DeletePublicAccessBlock", "DeleteAccountPublicAccessBlock"),
    ("GetPublicAccessBlock", "GetAccountPublicAccessBlock"),
    ("PutPublicAccessBlock", "PutAccountPublicAccessBlock"),
];

/// What follows the names of Lambda's older operations. Seen: AddPermission, CreateFunction,
/// DeleteFunction, GetFunction, ListVersionsByFunction, RemovePermission, UpdateFunctionCode,
/// UpdateFunctionConfiguration. Documented or known: the rest. Later operations carry nothing.
pub(super) const LAMBDA_VERSIONS: &[(&str, &[&str])] = &[
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
