//! Whoever signs nothing: what such a request may be at all, before any policy is asked.

use flow::{Caller, Fault, Principal};
use http::{Method, header};
use protocol::RequestParts;

use crate::{
    gateway::Inner,
    identify::Identified,
    route::{Place, Query, is_lambda, s3_operation},
};

/// What an unsigned request may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asks {
    /// Somebody who got a link by mail answers it.
    Link,
    /// Somebody asks a bucket, whose policy may let everybody in.
    Bucket,
}

/// What people do who got a link by mail: they have no keys.
pub(crate) const OPEN_OPERATIONS: &[&str] = &["ConfirmSubscription", "Unsubscribe"];

/// Headers of other services than S3.
const FOREIGN_HEADERS: [&str; 2] = ["x-amz-target", "smithy-protocol"];

/// What an unsigned request asks for; `None` where only a signature could tell.
pub(crate) fn asks(parts: &RequestParts<'_>) -> Option<Asks> {
    if let Some((action, _)) = protocol::action(parts, b"") {
        let open = parts.method == Method::GET.as_str();
        return (open && OPEN_OPERATIONS.contains(&action.as_str())).then_some(Asks::Link);
    }
    let of_s3 = Place::of(parts.path).bucket.is_some()
        && s3_operation(parts).is_some()
        && !FOREIGN_HEADERS.iter().any(|name| parts.headers.contains_key(*name))
        && !is_lambda(parts);
    of_s3.then_some(Asks::Bucket)
}

/// The longest form of STS that is read without a signature, in bytes: an assertion of SAML has
/// 100,000 characters, some of which a form writes as three.
pub(crate) const FORM_BYTES_MAX: usize = 384 * 1024;

/// Calls of STS whose proof is not a signature.
const BY_OTHER_PROOF: [&str; 2] = ["AssumeRoleWithSAML", "AssumeRoleWithWebIdentity"];

/// Whether the body may be one of those calls.
pub(crate) fn may_be_sts(parts: &RequestParts<'_>) -> bool {
    parts.method == Method::POST.as_str()
        && parts.path == "/"
        && is_of_type(parts, "application/x-www-form-urlencoded")
}

fn is_of_type(parts: &RequestParts<'_>, wanted: &str) -> bool {
    let stated = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    stated.is_some_and(|stated| stated.to_ascii_lowercase().starts_with(wanted))
}

/// What is said to calls that come without a signature on AWS too, and are not offered.
pub(crate) fn not_offered(parts: &RequestParts<'_>, body: &[u8]) -> Option<Fault> {
    let action = protocol::action(parts, body).map(|(action, _)| action);
    if let Some(action) = action.filter(|action| BY_OTHER_PROOF.contains(&action.as_str())) {
        let message = format!(
            "This server does not offer the operation {action} of STS: it knows no identity \
             providers. Call AssumeRole with the keys of a user or a role."
        );
        return Some(Fault::new("UnsupportedOperation", message));
    }
    let form = parts.method == Method::POST.as_str() && is_of_type(parts, "multipart/form-data");
    form.then(|| {
        let message = "This server does not offer uploads by a browser's form: put the object with \
                       a presigned URL.";
        Fault::new("NotImplemented", message).with_status(501)
    })
}

/// Whoever signs nothing, calling that service.
pub(crate) fn nobody(inner: &Inner, signing_name: &str) -> Identified {
    Identified {
        caller: Caller {
            account: inner.account.clone(),
            principal: Principal::Anonymous,
            access_key_id: String::new(),
            session: None,
        },
        signing_name: signing_name.to_owned(),
        region: inner.region.clone(),
        presigned: false,
    }
}

/// What a bucket's policy can let everybody do: read, list, and write objects.
const OPEN_TO_POLICIES: &[&str] = &[
    "AbortMultipartUpload",
    "CompleteMultipartUpload",
    "DeleteObject",
    "DeleteObjectTagging",
    "DeleteObjects",
    "GetBucketLocation",
    "GetObject",
    "GetObjectAcl",
    "GetObjectAttributes",
    "GetObjectTagging",
    "HeadBucket",
    "HeadObject",
    "ListMultipartUploads",
    "ListObjectVersions",
    "ListObjects",
    "ListObjectsV2",
    "ListParts",
    "PutObject",
    "PutObjectTagging",
    "UploadPart",
];

/// What S3 tells whoever signs nothing, and no more.
pub(crate) fn denied() -> Fault {
    denied_as("Access Denied")
}

fn denied_as(why: &str) -> Fault {
    Fault::new("AccessDenied", why).with_status(403)
}

/// Why nobody may do this unsigned, whatever a policy allows: S3 wants to know who copies or begins
/// an upload, who reads or changes how a bucket is set up, and who chooses the headers of an answer.
pub(crate) fn forbidden(operation: &str, query: &str) -> Option<Fault> {
    match operation {
        "CreateMultipartUpload" => Some(denied_as(
            "Anonymous users cannot initiate multipart uploads.  Please authenticate.",
        )),
        "CopyObject" | "UploadPartCopy" => {
            Some(denied_as("Anonymous users cannot copy objects.  Please authenticate."))
        }
        other if !OPEN_TO_POLICIES.contains(&other) => Some(denied()),
        _ if Query::of(query).names().any(|name| name.starts_with("response-")) => {
            let message =
                "Request specific response headers cannot be used for anonymous GET requests.";
            Some(Fault::new("InvalidRequest", message))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, HeaderValue};

    use super::*;

    fn check(line: &str, headers: &[(&'static str, &'static str)], expected: Option<Asks>) {
        let (method, target) = line.split_once(' ').unwrap();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let headers: HeaderMap = headers
            .iter()
            .map(|(n, v)| (HeaderName::from_static(n), HeaderValue::from_static(v)))
            .collect();
        let found = asks(&RequestParts { method, path, query, headers: &headers });
        assert_eq!(found, expected, "{line} {headers:?}");
    }

    #[test]
    fn an_unsigned_request_for_a_bucket_is_s3_s_whatever_its_body_is_called() {
        let json = [("content-type", "application/json")];
        let form = [("content-type", "application/x-www-form-urlencoded")];
        check("GET /bucket/key", &[], Some(Asks::Bucket));
        check("HEAD /bucket/key", &[], Some(Asks::Bucket));
        check("GET /bucket?list-type=2&prefix=a", &[], Some(Asks::Bucket));
        check("PUT /bucket/key", &json, Some(Asks::Bucket));
        check("PUT /bucket/key", &form, Some(Asks::Bucket));
        check("POST /bucket?delete", &form, Some(Asks::Bucket));
        check("DELETE /bucket/key", &[], Some(Asks::Bucket));
    }

    #[test]
    fn an_unsigned_request_of_another_service_is_not_s3_s() {
        let target = [("x-amz-target", "AmazonSQS.ListQueues")];
        let form = [("content-type", "application/x-www-form-urlencoded")];
        check("POST /", &target, None);
        check("POST /123456789012/queue", &target, None);
        check("POST /123456789012/queue", &form, None);
        check("GET /123456789012/queue?Action=SendMessage&Version=2012-11-05", &[], None);
        check("GET /2015-03-31/functions/", &[], None);
        check("PUT /2015-03-31/functions/f/code", &[], None);
        check("POST /bucket/key", &[], None);
        check("GET /", &[], None);
        check("OPTIONS /bucket/key", &[], None);
        check("GET /?Action=ConfirmSubscription&Token=t", &[], Some(Asks::Link));
        check("POST /?Action=ConfirmSubscription&Token=t", &[], None);
    }

    #[test]
    fn every_operation_that_a_policy_can_open_is_one_of_the_model() {
        let model = model::service("s3").unwrap();
        for operation in OPEN_TO_POLICIES {
            assert!(model.operation(operation).is_some(), "{operation}");
            assert_eq!(forbidden(operation, "prefix=a"), None);
        }
        for operation in ["PutBucketPolicy", "DeleteBucket", "CreateBucket", "GetBucketPolicy"] {
            assert_eq!(forbidden(operation, ""), Some(denied()));
        }
        let chosen = forbidden("GetObject", "x-id=GetObject&response%2Dcontent-type=text/html");
        assert_eq!(chosen.unwrap().code, "InvalidRequest");
    }
}
