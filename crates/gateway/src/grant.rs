//! The actions that an operation needs, as policies name them.

use http::HeaderMap;

use crate::route::Route;

/// The actions of a call, such as `sns:CreateTopic`; all of them must be granted. Who asks for its own
/// name needs no grant (API_GetCallerIdentity).
pub(crate) fn actions(signing_name: &str, route: &Route, headers: &HeaderMap) -> Vec<String> {
    let operation = route.operation.as_deref().unwrap_or("Unknown");
    match route.service_name() {
        Some("s3") => {
            let mut actions = vec![format!("s3:{}", s3_action(operation))];
            // A copy reads its source.
            if headers.contains_key("x-amz-copy-source") {
                actions.push("s3:GetObject".to_owned());
            }
            actions
        }
        Some("sts") if operation == "GetCallerIdentity" => Vec::new(),
        Some("lambda") if operation.starts_with("Invoke") => {
            vec!["lambda:InvokeFunction".to_owned()]
        }
        _ => vec![format!("{signing_name}:{operation}")],
    }
}

/// S3's permissions are older than its operations' names (the service authorization reference).
fn s3_action(operation: &str) -> &str {
    match operation {
        "CompleteMultipartUpload"
        | "CopyObject"
        | "CreateMultipartUpload"
        | "UploadPart"
        | "UploadPartCopy" => "PutObject",
        "DeleteBucketAnalyticsConfiguration" => "PutAnalyticsConfiguration",
        "DeleteBucketCors" => "PutBucketCORS",
        "DeleteBucketEncryption" => "PutEncryptionConfiguration",
        "DeleteBucketIntelligentTieringConfiguration" => "PutIntelligentTieringConfiguration",
        "DeleteBucketInventoryConfiguration" => "PutInventoryConfiguration",
        "DeleteBucketLifecycle" => "PutLifecycleConfiguration",
        "DeleteBucketMetricsConfiguration" => "PutMetricsConfiguration",
        "DeleteBucketOwnershipControls" => "PutBucketOwnershipControls",
        "DeleteBucketReplication" => "PutReplicationConfiguration",
        "DeleteBucketTagging" => "PutBucketTagging",
        "DeleteObjects" => "DeleteObject",
        "DeletePublicAccessBlock" => "PutBucketPublicAccessBlock",
        "GetBucketAccelerateConfiguration" => "GetAccelerateConfiguration",
        "GetBucketAnalyticsConfiguration" | "ListBucketAnalyticsConfigurations" => {
            "GetAnalyticsConfiguration"
        }
        "GetBucketCors" => "GetBucketCORS",
        "GetBucketEncryption" => "GetEncryptionConfiguration",
        "GetBucketIntelligentTieringConfiguration"
        | "ListBucketIntelligentTieringConfigurations" => "GetIntelligentTieringConfiguration",
        "GetBucketInventoryConfiguration" | "ListBucketInventoryConfigurations" => {
            "GetInventoryConfiguration"
        }
        "GetBucketLifecycleConfiguration" => "GetLifecycleConfiguration",
        "GetBucketMetricsConfiguration" | "ListBucketMetricsConfigurations" => {
            "GetMetricsConfiguration"
        }
        "GetBucketNotificationConfiguration" => "GetBucketNotification",
        "GetBucketReplication" => "GetReplicationConfiguration",
        "GetObjectLockConfiguration" => "GetBucketObjectLockConfiguration",
        "GetPublicAccessBlock" => "GetBucketPublicAccessBlock",
        "HeadBucket" | "ListObjects" | "ListObjectsV2" => "ListBucket",
        "HeadObject" | "SelectObjectContent" => "GetObject",
        "ListBuckets" => "ListAllMyBuckets",
        "ListMultipartUploads" => "ListBucketMultipartUploads",
        "ListObjectVersions" => "ListBucketVersions",
        "ListParts" => "ListMultipartUploadParts",
        "PutBucketAccelerateConfiguration" => "PutAccelerateConfiguration",
        "PutBucketAnalyticsConfiguration" => "PutAnalyticsConfiguration",
        "PutBucketCors" => "PutBucketCORS",
        "PutBucketEncryption" => "PutEncryptionConfiguration",
        "PutBucketIntelligentTieringConfiguration" => "PutIntelligentTieringConfiguration",
        "PutBucketInventoryConfiguration" => "PutInventoryConfiguration",
        "PutBucketLifecycleConfiguration" => "PutLifecycleConfiguration",
        "PutBucketMetricsConfiguration" => "PutMetricsConfiguration",
        "PutBucketNotificationConfiguration" => "PutBucketNotification",
        "PutBucketReplication" => "PutReplicationConfiguration",
        "PutObjectLockConfiguration" => "PutBucketObjectLockConfiguration",
        "PutPublicAccessBlock" => "PutBucketPublicAccessBlock",
        same => same,
    }
}

#[cfg(test)]
mod tests {
    use model::Protocol;

    use super::*;

    fn check(service: &str, operation: &str, copies: bool, expected: &[&str]) {
        let mut headers = HeaderMap::new();
        if copies {
            headers.insert("x-amz-copy-source", "/b/k".parse().unwrap());
        }
        let route = Route {
            service: model::service(service),
            protocol: Protocol::Json,
            operation: Some(operation.to_owned()),
        };
        assert_eq!(actions(service, &route, &headers), expected);
    }

    #[test]
    fn an_operation_needs_the_action_that_policies_name() {
        check("sns", "CreateTopic", false, &["sns:CreateTopic"]);
        check("s3", "HeadObject", false, &["s3:GetObject"]);
        check("s3", "ListObjectsV2", false, &["s3:ListBucket"]);
        check("s3", "CopyObject", true, &["s3:PutObject", "s3:GetObject"]);
        check("lambda", "Invoke", false, &["lambda:InvokeFunction"]);
        check("sts", "GetCallerIdentity", false, &[]);
    }
}
