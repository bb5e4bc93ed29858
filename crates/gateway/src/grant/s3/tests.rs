//! Calls as they arrive, and the actions that policies must allow for them.

use http::Request;
use protocol::RequestParts;

use super::*;
use crate::route::s3_operation;

const BUCKET: &str = "arn:aws:s3:::b";
const OBJECT: &str = "arn:aws:s3:::b/k";

fn asked(line: &str, headers: &[(&'static str, &str)]) -> Vec<(String, String)> {
    let (method, target) = line.split_once(' ').unwrap();
    let mut request = Request::builder().method(method).uri(target);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let (parts, ()) = request.body(()).unwrap().into_parts();
    let operation = s3_operation(&RequestParts {
        method,
        path: parts.uri.path(),
        query: parts.uri.query().unwrap_or_default(),
        headers: &parts.headers,
    });
    let accesses = accesses(&parts, operation.unwrap_or_else(|| panic!("{line} is no operation")));
    accesses.into_iter().map(|access| (access.action, access.resource)).collect()
}

fn check(line: &str, action: &str, resource: &str) {
    assert_eq!(asked(line, &[]), [(format!("s3:{action}"), resource.to_owned())], "{line}");
}

#[test]
fn a_bucket_is_asked_for_by_the_actions_of_policies() {
    check("GET /", "ListAllMyBuckets", "arn:aws:s3:::*");
    for (call, action) in [
        ("PUT /b", "CreateBucket"),
        ("DELETE /b", "DeleteBucket"),
        ("HEAD /b", "ListBucket"),
        ("GET /b", "ListBucket"),
        ("GET /b?list-type=2", "ListBucket"),
        ("GET /b?versions", "ListBucketVersions"),
        ("GET /b?uploads", "ListBucketMultipartUploads"),
        ("GET /b?location", "GetBucketLocation"),
        ("GET /b?notification", "GetBucketNotification"),
        ("PUT /b?notification", "PutBucketNotification"),
        ("GET /b?tagging", "GetBucketTagging"),
        ("PUT /b?tagging", "PutBucketTagging"),
        ("DELETE /b?tagging", "PutBucketTagging"),
        ("GET /b?policy", "GetBucketPolicy"),
        ("PUT /b?policy", "PutBucketPolicy"),
        ("DELETE /b?policy", "DeleteBucketPolicy"),
        ("GET /b?policyStatus", "GetBucketPolicyStatus"),
        ("GET /b?publicAccessBlock", "GetBucketPublicAccessBlock"),
        ("PUT /b?publicAccessBlock", "PutBucketPublicAccessBlock"),
        ("DELETE /b?publicAccessBlock", "PutBucketPublicAccessBlock"),
        ("GET /b?ownershipControls", "GetBucketOwnershipControls"),
        ("PUT /b?ownershipControls", "PutBucketOwnershipControls"),
        ("DELETE /b?ownershipControls", "PutBucketOwnershipControls"),
        ("GET /b?encryption", "GetEncryptionConfiguration"),
        ("PUT /b?encryption", "PutEncryptionConfiguration"),
        ("DELETE /b?encryption", "PutEncryptionConfiguration"),
        ("GET /b?acl", "GetBucketAcl"),
        ("PUT /b?acl", "PutBucketAcl"),
        ("GET /b?versioning", "GetBucketVersioning"),
        ("PUT /b?versioning", "PutBucketVersioning"),
        ("GET /b?cors", "GetBucketCORS"),
        ("GET /b?lifecycle", "GetLifecycleConfiguration"),
        ("PUT /b?lifecycle", "PutLifecycleConfiguration"),
        ("GET /b?replication", "GetReplicationConfiguration"),
        ("GET /b?website", "GetBucketWebsite"),
        ("GET /b?logging", "GetBucketLogging"),
        ("GET /b?accelerate", "GetAccelerateConfiguration"),
        ("GET /b?requestPayment", "GetBucketRequestPayment"),
        ("PUT /b?requestPayment", "PutBucketRequestPayment"),
        ("GET /b?object-lock", "GetBucketObjectLockConfiguration"),
    ] {
        check(call, action, BUCKET);
    }
}

#[test]
fn an_object_is_asked_for_by_the_actions_of_policies() {
    for (call, action) in [
        ("GET /b/k", "GetObject"),
        ("HEAD /b/k", "GetObject"),
        ("GET /b/k?versionId=null", "GetObjectVersion"),
        ("PUT /b/k", "PutObject"),
        ("DELETE /b/k", "DeleteObject"),
        ("DELETE /b/k?versionId=null", "DeleteObjectVersion"),
        ("GET /b/k?acl", "GetObjectAcl"),
        ("PUT /b/k?acl", "PutObjectAcl"),
        ("GET /b/k?tagging", "GetObjectTagging"),
        ("GET /b/k?tagging&versionId=null", "GetObjectVersionTagging"),
        ("PUT /b/k?tagging", "PutObjectTagging"),
        ("DELETE /b/k?tagging", "DeleteObjectTagging"),
        ("POST /b/k?uploads", "PutObject"),
        ("PUT /b/k?partNumber=1&uploadId=u", "PutObject"),
        ("POST /b/k?uploadId=u", "PutObject"),
        ("DELETE /b/k?uploadId=u", "AbortMultipartUpload"),
        ("GET /b/k?uploadId=u", "ListMultipartUploadParts"),
    ] {
        check(call, action, OBJECT);
    }
}

#[test]
fn what_headers_do_besides_is_asked_for_too() {
    let names = |line: &str, headers: &[(&'static str, &str)]| {
        asked(line, headers).into_iter().map(|(action, _)| action).collect::<Vec<_>>()
    };
    let acl = ("x-amz-acl", "private");
    assert_eq!(names("PUT /b", &[acl]), ["s3:CreateBucket", "s3:PutBucketAcl"]);
    assert_eq!(
        names("PUT /b", &[("x-amz-object-ownership", "BucketOwnerEnforced")]),
        ["s3:CreateBucket", "s3:PutBucketOwnershipControls"]
    );
    assert_eq!(
        names("PUT /b/k", &[acl, ("x-amz-tagging", "a=b")]),
        ["s3:PutObject", "s3:PutObjectAcl", "s3:PutObjectTagging"]
    );
    assert_eq!(
        names("PUT /b/k", &[("x-amz-grant-read", "id=1")]),
        ["s3:PutObject", "s3:PutObjectAcl"]
    );
    assert_eq!(names("GET /b/k?attributes", &[]), ["s3:GetObjectAttributes", "s3:GetObject"]);
    assert_eq!(
        names("GET /b/k?attributes&versionId=1", &[]),
        ["s3:GetObjectVersionAttributes", "s3:GetObjectVersion"]
    );
    let copied = asked("PUT /b/k", &[("x-amz-copy-source", "/c/a%20b?versionId=1")]);
    assert_eq!(copied[1], ("s3:GetObjectVersion".to_owned(), "arn:aws:s3:::c/a b".to_owned()));
}
