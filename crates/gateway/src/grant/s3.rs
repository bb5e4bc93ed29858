//! What S3's calls ask for: the route and the headers say it all.

use flow::Access;
use http::request;
use percent_encoding::percent_decode_str;

use crate::route::{Place, Query};

/// Headers that policies may ask about, as `s3:` and their name.
const HEADERS: &[&str] = &[
    "x-amz-acl",
    "x-amz-copy-source",
    "x-amz-metadata-directive",
    "x-amz-server-side-encryption",
    "x-amz-storage-class",
];
/// Parameters that policies may ask about, as `s3:` and their name.
const PARAMETERS: &[&str] = &["prefix", "delimiter", "max-keys", "versionId"];

pub(super) fn accesses(parts: &request::Parts, operation: &str) -> Vec<Access> {
    let query = Query::of(parts.uri.query().unwrap_or_default());
    let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let Place { bucket, key } = Place::of(parts.uri.path());
    let arn = match (&bucket, &key) {
        (None, _) => "arn:aws:s3:::*".to_owned(),
        (Some(bucket), None) => format!("arn:aws:s3:::{bucket}"),
        (Some(bucket), Some(key)) => format!("arn:aws:s3:::{bucket}/{key}"),
    };
    let version = key.is_some() && query.has("versionId");
    let versioned = |action| if version { of_version(action) } else { action };
    let with_facts = |access: Access| {
        let access = HEADERS.iter().fold(access, |access, name| match header(name) {
            Some(value) => access.with(format!("s3:{name}"), value),
            None => access,
        });
        PARAMETERS.iter().fold(access, |access, name| match query.value(name) {
            Some(value) => access.with(format!("s3:{name}"), value),
            None => access,
        })
    };
    let ask = |action: &str, arn: &str| with_facts(Access::new(format!("s3:{action}"), arn));
    // Which objects are to go, the body says.
    if operation == "DeleteObjects" {
        return Vec::new();
    }
    let mut accesses = vec![ask(versioned(action(operation)), &arn)];
    let named = |name: &str| parts.headers.keys().any(|key| key.as_str().starts_with(name));
    for action in along(operation, &named) {
        accesses.push(ask(versioned(action), &arn));
    }
    // A copy reads its source.
    if let Some(source) = header("x-amz-copy-source") {
        accesses.push(copied(source, &ask));
    }
    accesses
}

/// What else an operation does to what it names, as its headers say.
fn along(operation: &str, named: &dyn Fn(&str) -> bool) -> Vec<&'static str> {
    let lists = named("x-amz-acl") || named("x-amz-grant-");
    let tags = named("x-amz-tagging") && !named("x-amz-tagging-directive");
    let table: &[(bool, &'static str)] = match operation {
        "CreateBucket" => &[
            (lists, "PutBucketAcl"),
            (named("x-amz-object-ownership"), "PutBucketOwnershipControls"),
        ],
        "CopyObject" | "CreateMultipartUpload" | "PutObject" => {
            &[(lists, "PutObjectAcl"), (tags, "PutObjectTagging")]
        }
        "GetObjectAttributes" => &[(true, "GetObject")],
        _ => &[],
    };
    table.iter().filter(|(asked, _)| *asked).map(|(_, action)| *action).collect()
}

/// What reading a copy's source asks for.
fn copied(source: &str, ask: &dyn Fn(&str, &str) -> Access) -> Access {
    let (path, query) = source.split_once('?').unwrap_or((source, ""));
    let path = percent_decode_str(path).decode_utf8_lossy();
    let path = path.strip_prefix('/').unwrap_or(&path);
    let action = if query.starts_with("versionId=") { "GetObjectVersion" } else { "GetObject" };
    ask(action, &format!("arn:aws:s3:::{path}"))
}

/// What deleting these objects of the bucket in a path at once asks for: keys with the versions that
/// are meant.
pub(crate) fn deletions<'k>(
    path: &str,
    keys: impl Iterator<Item = (&'k str, Option<&'k str>)>,
) -> Vec<Access> {
    let bucket = Place::of(path).bucket.unwrap_or_default();
    keys.map(|(key, version)| {
        let arn = format!("arn:aws:s3:::{bucket}/{key}");
        match version {
            Some(version) => {
                Access::new("s3:DeleteObjectVersion", arn).with("s3:versionId", version)
            }
            None => Access::new("s3:DeleteObject", arn),
        }
    })
    .collect()
}

/// A version of an object has actions of its own.
fn of_version(action: &str) -> &str {
    match action {
        "DeleteObject" => "DeleteObjectVersion",
        "DeleteObjectTagging" => "DeleteObjectVersionTagging",
        "GetObject" => "GetObjectVersion",
        "GetObjectAcl" => "GetObjectVersionAcl",
        "GetObjectAttributes" => "GetObjectVersionAttributes",
        "GetObjectTagging" => "GetObjectVersionTagging",
        "PutObjectAcl" => "PutObjectVersionAcl",
        "PutObjectTagging" => "PutObjectVersionTagging",
        same => same,
    }
}

/// S3's permissions are older than its operations' names (the service authorization reference).
fn action(operation: &str) -> &str {
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
mod tests;
