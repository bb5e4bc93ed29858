//! S3's operations: method, path, query and headers together name them.

use percent_encoding::percent_decode_str;
use protocol::RequestParts;

/// The bucket and the key that a path names. Decoded first, as it is served: an encoded slash parts
/// the two as well, and no spelling of a path is recorded as another call than the one it makes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) bucket: Option<String>,
    pub(crate) key: Option<String>,
}

impl Place {
    pub(crate) fn of(path: &str) -> Self {
        let path = percent_decode_str(path).decode_utf8_lossy();
        let path = path.strip_prefix('/').unwrap_or(&path);
        let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Self { bucket: some(bucket), key: some(key) }
    }
}

/// The names and values of a query, decoded.
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    pub(crate) fn of(query: &str) -> Self {
        let decoded = |text: &str| {
            let text = text.replace('+', " ");
            percent_decode_str(&text).decode_utf8_lossy().into_owned()
        };
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        Self(pairs.map(|(name, value)| (decoded(name), decoded(value))).collect())
    }

    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.value(name).is_some()
    }

    /// The operation of the first name in the table that the query has; `plain` where it has none.
    fn choose(
        &self,
        table: &[(&str, &'static str)],
        plain: Option<&'static str>,
    ) -> Option<&'static str> {
        let found = table.iter().find(|(name, _)| self.has(name));
        found.map_or(plain, |(_, operation)| Some(*operation))
    }
}

/// The operation that an S3 request asks for; `None` where there is none such.
pub fn s3_operation(parts: &RequestParts<'_>) -> Option<&'static str> {
    let query = Query::of(parts.query);
    let copies = parts.headers.contains_key("x-amz-copy-source");
    match Place::of(parts.path) {
        Place { bucket: None, .. } => (parts.method == "GET").then_some("ListBuckets"),
        Place { key: None, .. } => bucket_operation(parts.method, &query),
        Place { .. } => object_operation(parts.method, &query, copies),
    }
}

fn object_operation(method: &str, query: &Query, copies: bool) -> Option<&'static str> {
    match method {
        "GET" => query.choose(OBJECT_GET, Some("GetObject")),
        "HEAD" => Some("HeadObject"),
        "PUT" if query.has("partNumber") && query.has("uploadId") => {
            Some(if copies { "UploadPartCopy" } else { "UploadPart" })
        }
        "PUT" => query.choose(OBJECT_PUT, Some(if copies { "CopyObject" } else { "PutObject" })),
        "POST" => query.choose(OBJECT_POST, None),
        "DELETE" => query.choose(OBJECT_DELETE, Some("DeleteObject")),
        _ => None,
    }
}

fn bucket_operation(method: &str, query: &Query) -> Option<&'static str> {
    match method {
        "HEAD" => Some("HeadBucket"),
        "GET" if !query.has("id") => query.choose(BUCKET_LISTS, None).or_else(|| {
            let second = query.value("list-type") == Some("2");
            query.choose(BUCKET_GET, Some(if second { "ListObjectsV2" } else { "ListObjects" }))
        }),
        "GET" => query.choose(BUCKET_GET, Some("ListObjects")),
        "PUT" => query.choose(BUCKET_PUT, Some("CreateBucket")),
        "POST" => query.choose(&[("delete", "DeleteObjects")], None),
        "DELETE" => query.choose(BUCKET_DELETE, Some("DeleteBucket")),
        _ => None,
    }
}

// Where a query has several of these names, the first in its table counts, as it does for whoever
// serves the call.

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
    ("uploads", "CreateMultipartUpload"),
    ("uploadId", "CompleteMultipartUpload"),
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
    ("versioning", "GetBucketVersioning"),
    ("website", "GetBucketWebsite"),
    ("uploads", "ListMultipartUploads"),
    ("versions", "ListObjectVersions"),
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
    fn another_spelling_of_a_call_is_the_same_call() {
        check("DELETE /b%2Fk", Some("DeleteObject"));
        check("DELETE /%62/k?%75ploadId=1", Some("AbortMultipartUpload"));
        check("PUT /b?%6eotification", Some("PutBucketNotificationConfiguration"));
        check("GET /b?list%2Dtype=%32", Some("ListObjectsV2"));
        check("POST /b/k?uploadId=1&uploads", Some("CreateMultipartUpload"));
        check("GET /b?uploads&versioning", Some("GetBucketVersioning"));
        assert_eq!(Place::of("/b%2Fa%20b"), Place::of("/b/a%20b"));
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
