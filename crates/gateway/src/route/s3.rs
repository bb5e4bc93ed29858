//! S3's operations: method, path, query and headers together name them.

use protocol::RequestParts;

/// The bucket and the key that a path names, still percent-encoded.
fn place(path: &str) -> (Option<&str>, Option<&str>) {
    let path = path.strip_prefix('/').unwrap_or(path);
    let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
    let some = |text| Some(text).filter(|text: &&str| !text.is_empty());
    (some(bucket), some(key))
}

/// The operation that an S3 request asks for; `None` where there is none such.
pub fn s3_operation(parts: &RequestParts<'_>) -> Option<&'static str> {
    let has = |name: &str| value(parts.query, name).is_some();
    let copies = parts.headers.contains_key("x-amz-copy-source");
    match place(parts.path) {
        (None, _) => (parts.method == "GET").then_some("ListBuckets"),
        (Some(_), None) => bucket_operation(parts.method, parts.query, &has),
        (Some(_), Some(_)) => object_operation(parts.method, &has, copies),
    }
}

fn value<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    query
        .split('&')
        .map(|part| part.split_once('=').unwrap_or((part, "")))
        .find(|(found, _)| *found == name)
        .map(|(_, value)| value)
}

fn object_operation(
    method: &str,
    has: &dyn Fn(&str) -> bool,
    copies: bool,
) -> Option<&'static str> {
    let sub = |table: &[(&str, &'static str)], plain| {
        table.iter().find(|(name, _)| has(name)).map_or(plain, |(_, operation)| Some(*operation))
    };
    match method {
        "GET" => sub(OBJECT_GET, Some("GetObject")),
        "HEAD" => Some("HeadObject"),
        "PUT" if has("partNumber") && has("uploadId") => {
            Some(if copies { "UploadPartCopy" } else { "UploadPart" })
        }
        "PUT" => sub(OBJECT_PUT, Some(if copies { "CopyObject" } else { "PutObject" })),
        "POST" => sub(OBJECT_POST, None),
        "DELETE" => sub(OBJECT_DELETE, Some("DeleteObject")),
        _ => None,
    }
}

fn bucket_operation(method: &str, query: &str, has: &dyn Fn(&str) -> bool) -> Option<&'static str> {
    let sub = |table: &[(&str, &'static str)], plain| {
        table.iter().find(|(name, _)| has(name)).map_or(plain, |(_, operation)| Some(*operation))
    };
    match method {
        "HEAD" => Some("HeadBucket"),
        "GET" if !has("id") => sub(BUCKET_LISTS, None).or_else(|| {
            let second = value(query, "list-type") == Some("2");
            sub(BUCKET_GET, Some(if second { "ListObjectsV2" } else { "ListObjects" }))
        }),
        "GET" => sub(BUCKET_GET, Some("ListObjects")),
        "PUT" => sub(BUCKET_PUT, Some("CreateBucket")),
        "POST" => sub(&[("delete", "DeleteObjects")], None),
        "DELETE" => sub(BUCKET_DELETE, Some("DeleteBucket")),
        _ => None,
    }
}

const OBJECT_GET: &[(&str, &str)] = &[
    ("acl", "GetObjectAcl"),
    ("attributes", "GetObjectAttributes"),
    ("legal-hold", "GetObjectLegalHold"),
    ("retention", "GetObjectRetention"),
    ("tagging", "GetObjectTagging"),
    ("torrent", "GetObjectTorrent"),
    ("uploadId", "ListParts"),
];
const OBJECT_PUT: &[(&str, &str)] = &[
    ("acl", "PutObjectAcl"),
    ("legal-hold", "PutObjectLegalHold"),
    ("renameObject", "RenameObject"),
    ("retention", "PutObjectRetention"),
    ("tagging", "PutObjectTagging"),
];
const OBJECT_POST: &[(&str, &str)] = &[
    ("restore", "RestoreObject"),
    ("select", "SelectObjectContent"),
    ("uploadId", "CompleteMultipartUpload"),
    ("uploads", "CreateMultipartUpload"),
];
const OBJECT_DELETE: &[(&str, &str)] =
    &[("tagging", "DeleteObjectTagging"), ("uploadId", "AbortMultipartUpload")];
/// Configurations of which there are several: with an `id` one of them, without all.
const BUCKET_LISTS: &[(&str, &str)] = &[
    ("analytics", "ListBucketAnalyticsConfigurations"),
    ("intelligent-tiering", "ListBucketIntelligentTieringConfigurations"),
    ("inventory", "ListBucketInventoryConfigurations"),
    ("metrics", "ListBucketMetricsConfigurations"),
];
const BUCKET_GET: &[(&str, &str)] = &[
    ("accelerate", "GetBucketAccelerateConfiguration"),
    ("acl", "GetBucketAcl"),
    ("analytics", "GetBucketAnalyticsConfiguration"),
    ("cors", "GetBucketCors"),
    ("encryption", "GetBucketEncryption"),
    ("intelligent-tiering", "GetBucketIntelligentTieringConfiguration"),
    ("inventory", "GetBucketInventoryConfiguration"),
    ("lifecycle", "GetBucketLifecycleConfiguration"),
    ("location", "GetBucketLocation"),
    ("logging", "GetBucketLogging"),
    ("metrics", "GetBucketMetricsConfiguration"),
    ("notification", "GetBucketNotificationConfiguration"),
    ("object-lock", "GetObjectLockConfiguration"),
    ("ownershipControls", "GetBucketOwnershipControls"),
    ("policy", "GetBucketPolicy"),
    ("policyStatus", "GetBucketPolicyStatus"),
    ("publicAccessBlock", "GetPublicAccessBlock"),
    ("replication", "GetBucketReplication"),
    ("requestPayment", "GetBucketRequestPayment"),
    ("session", "CreateSession"),
    ("tagging", "GetBucketTagging"),
    ("uploads", "ListMultipartUploads"),
    ("versioning", "GetBucketVersioning"),
    ("versions", "ListObjectVersions"),
    ("website", "GetBucketWebsite"),
];
const BUCKET_PUT: &[(&str, &str)] = &[
    ("accelerate", "PutBucketAccelerateConfiguration"),
    ("acl", "PutBucketAcl"),
    ("analytics", "PutBucketAnalyticsConfiguration"),
    ("cors", "PutBucketCors"),
    ("encryption", "PutBucketEncryption"),
    ("intelligent-tiering", "PutBucketIntelligentTieringConfiguration"),
    ("inventory", "PutBucketInventoryConfiguration"),
    ("lifecycle", "PutBucketLifecycleConfiguration"),
    ("logging", "PutBucketLogging"),
    ("metrics", "PutBucketMetricsConfiguration"),
    ("notification", "PutBucketNotificationConfiguration"),
    ("object-lock", "PutObjectLockConfiguration"),
    ("ownershipControls", "PutBucketOwnershipControls"),
    ("policy", "PutBucketPolicy"),
    ("publicAccessBlock", "PutPublicAccessBlock"),
    ("replication", "PutBucketReplication"),
    ("requestPayment", "PutBucketRequestPayment"),
    ("tagging", "PutBucketTagging"),
    ("versioning", "PutBucketVersioning"),
    ("website", "PutBucketWebsite"),
];
const BUCKET_DELETE: &[(&str, &str)] = &[
    ("analytics", "DeleteBucketAnalyticsConfiguration"),
    ("cors", "DeleteBucketCors"),
    ("encryption", "DeleteBucketEncryption"),
    ("intelligent-tiering", "DeleteBucketIntelligentTieringConfiguration"),
    ("inventory", "DeleteBucketInventoryConfiguration"),
    ("lifecycle", "DeleteBucketLifecycle"),
    ("metrics", "DeleteBucketMetricsConfiguration"),
    ("ownershipControls", "DeleteBucketOwnershipControls"),
    ("policy", "DeleteBucketPolicy"),
    ("publicAccessBlock", "DeletePublicAccessBlock"),
    ("replication", "DeleteBucketReplication"),
    ("tagging", "DeleteBucketTagging"),
    ("website", "DeleteBucketWebsite"),
];

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;

    fn check(line: &str, expected: Option<&str>) {
        let (method, target) = line.split_once(' ').unwrap();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let headers = HeaderMap::new();
        let found = s3_operation(&RequestParts { method, path, query, headers: &headers });
        assert_eq!(found, expected, "{line}");
    }

    #[test]
    fn method_path_and_query_name_the_operation() {
        check("GET /", Some("ListBuckets"));
        check("GET /b", Some("ListObjects"));
        check("GET /b/?list-type=2&prefix=a", Some("ListObjectsV2"));
        check("GET /b?location", Some("GetBucketLocation"));
        check("GET /b?inventory", Some("ListBucketInventoryConfigurations"));
        check("GET /b?inventory&id=1", Some("GetBucketInventoryConfiguration"));
        check("PUT /b", Some("CreateBucket"));
        check("PUT /b?notification", Some("PutBucketNotificationConfiguration"));
        check("POST /b?delete", Some("DeleteObjects"));
        check("POST /b", None);
        check("HEAD /b", Some("HeadBucket"));
        check("DELETE /b", Some("DeleteBucket"));
        check("GET /b/k", Some("GetObject"));
        check("GET /b/k?uploadId=1", Some("ListParts"));
        check("PUT /b/k/l", Some("PutObject"));
        check("PUT /b/k?partNumber=1&uploadId=2", Some("UploadPart"));
        check("POST /b/k?uploads", Some("CreateMultipartUpload"));
        check("POST /b/k?uploadId=1", Some("CompleteMultipartUpload"));
        check("DELETE /b/k?uploadId=1", Some("AbortMultipartUpload"));
        check("DELETE /b/k", Some("DeleteObject"));
        check("HEAD /b/k", Some("HeadObject"));
        check("PATCH /b/k", None);
    }

    #[test]
    fn every_operation_is_one_of_the_model() {
        let model = model::service("s3").unwrap();
        let tables = [
            OBJECT_GET,
            OBJECT_PUT,
            OBJECT_POST,
            OBJECT_DELETE,
            BUCKET_LISTS,
            BUCKET_GET,
            BUCKET_PUT,
            BUCKET_DELETE,
        ];
        for (_, operation) in tables.into_iter().flatten() {
            assert!(model.operation(operation).is_some(), "{operation}");
        }
    }
}
