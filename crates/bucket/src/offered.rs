//! What a request may ask for: everything else is refused by name, never ignored.

use http::{HeaderMap, Method, request::Parts};

use crate::refusal::Refusal;

/// What a request's path names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Service,
    Bucket,
    Object,
}

impl Place {
    fn of(path: &str) -> Self {
        // An encoded slash parts a bucket from a key as well.
        let path = percent_encoding::percent_decode_str(path).decode_utf8_lossy();
        match path.trim_start_matches('/').split_once('/') {
            None if path.trim_start_matches('/').is_empty() => Self::Service,
            None | Some((_, "")) => Self::Bucket,
            Some(_) => Self::Object,
        }
    }
}

/// The names and decoded values of a query, in order.
pub(crate) fn pairs(query: &str) -> impl Iterator<Item = (String, String)> {
    query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decoded(name), decoded(value))
    })
}

fn decoded(text: &str) -> String {
    let text = text.replace('+', " ");
    percent_encoding::percent_decode_str(&text).decode_utf8_lossy().into_owned()
}

/// Whether the body is an object's or a part's bytes. All other bodies are small documents.
pub(crate) fn is_data(parts: &Parts) -> bool {
    let tags = pairs(parts.uri.query().unwrap_or_default()).any(|(name, _)| name == "tagging");
    parts.method == Method::PUT && Place::of(parts.uri.path()) == Place::Object && !tags
}

/// Whether an object's attributes are asked for.
pub(crate) fn asks_attributes(parts: &Parts) -> bool {
    parts.method == Method::GET
        && Place::of(parts.uri.path()) == Place::Object
        && pairs(parts.uri.query().unwrap_or_default()).any(|(name, _)| name == "attributes")
}

/// Whether the checksum headers speak of an object instead of the body.
pub(crate) fn completes(parts: &Parts) -> bool {
    let query = parts.uri.query().unwrap_or_default();
    parts.method == Method::POST && pairs(query).any(|(name, _)| name == "uploadId")
}

/// Refuses what is not offered.
pub(crate) fn check(parts: &Parts, account: &str) -> Result<(), Refusal> {
    let place = Place::of(parts.uri.path());
    let mut names = Vec::new();
    for (name, value) in pairs(parts.uri.query().unwrap_or_default()) {
        if !knows(&parts.method, place, &name) {
            return Err(Refusal::not_implemented(&format!("the parameter {name}")));
        }
        if name == "versionId" && value != "null" {
            let message = "Invalid version id specified";
            return Err(Refusal::invalid_argument(message, "versionId", value));
        }
        names.push(name);
    }
    let has = |wanted: &str| names.iter().any(|name| name == wanted);
    if parts.method == Method::PUT && has("partNumber") != has("uploadId") {
        let message = "This operation does not accept partNumber or uploadId alone";
        return Err(Refusal::new("InvalidArgument", 400, message));
    }
    if parts.method == Method::POST && is_form(&parts.headers) {
        return Err(Refusal::not_implemented("uploads by a browser's form"));
    }
    headers(&parts.headers, account)
}

fn is_form(headers: &HeaderMap) -> bool {
    let value = headers.get(http::header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    value.is_some_and(|value| value.to_ascii_lowercase().starts_with("multipart/form-data"))
}

/// Parameters of a bucket's GET: of its listings, and what names another question.
const OF_BUCKETS: [&str; 33] = [
    "list-type",
    "prefix",
    "delimiter",
    "marker",
    "max-keys",
    "continuation-token",
    "start-after",
    "fetch-owner",
    "encoding-type",
    "location",
    "notification",
    "versioning",
    "uploads",
    "versions",
    "version-id-marker",
    "key-marker",
    "upload-id-marker",
    "max-uploads",
    "accelerate",
    "acl",
    "cors",
    "encryption",
    "lifecycle",
    "logging",
    "object-lock",
    "ownershipControls",
    "policy",
    "policyStatus",
    "publicAccessBlock",
    "replication",
    "requestPayment",
    "tagging",
    "website",
];

/// Whether a parameter means something here. An unknown one may choose another operation of S3:
/// ignored, it would turn a harmless call into a deletion.
fn knows(method: &Method, place: Place, name: &str) -> bool {
    let known: &[&str] = match (place, method.as_str()) {
        (Place::Service, "GET") => {
            &["max-buckets", "continuation-token", "prefix", "bucket-region"]
        }
        (Place::Bucket, "GET") => &OF_BUCKETS,
        (Place::Bucket, "PUT") => &[
            "notification",
            "acl",
            "encryption",
            "ownershipControls",
            "policy",
            "publicAccessBlock",
            "requestPayment",
            "tagging",
        ],
        (Place::Bucket, "DELETE") => {
            &["encryption", "ownershipControls", "policy", "publicAccessBlock", "tagging"]
        }
        (Place::Bucket, "POST") => &["delete"],
        (Place::Object, "GET" | "HEAD") => &[
            "partNumber",
            "versionId",
            "uploadId",
            "max-parts",
            "part-number-marker",
            "tagging",
            "acl",
            "attributes",
            "response-cache-control",
            "response-content-disposition",
            "response-content-encoding",
            "response-content-language",
            "response-content-type",
            "response-expires",
        ],
        (Place::Object, "PUT") => &["partNumber", "uploadId", "tagging", "versionId"],
        (Place::Object, "POST") => &["uploads", "uploadId"],
        (Place::Object, "DELETE") => &["uploadId", "versionId", "tagging"],
        _ => &[],
    };
    // `x-id` repeats the operation's name, and S3 lets clients add parameters of their own so.
    known.contains(&name) || name.starts_with("x-")
}

/// Headers that may have these values alone.
const ONLY: [(&str, &[&str]); 9] = [
    ("x-amz-acl", &["private", "bucket-owner-full-control"]),
    ("x-amz-storage-class", &["STANDARD"]),
    ("x-amz-server-side-encryption", &["AES256"]),
    ("x-amz-tagging-directive", &["COPY", "REPLACE"]),
    ("x-amz-object-ownership", &["BucketOwnerEnforced"]),
    ("x-amz-bucket-object-lock-enabled", &["false"]),
    // Nothing is retained that could be bypassed.
    ("x-amz-bypass-governance-retention", &["false", "true"]),
    ("x-amz-checksum-mode", &["ENABLED"]),
    ("x-amz-request-payer", &["requester"]),
];

/// Headers that are refused whatever they say.
const NEVER: [&str; 9] = [
    "x-amz-website-redirect-location",
    "x-amz-mfa",
    "x-amz-write-offset-bytes",
    "x-amz-if-match-last-modified-time",
    "x-amz-if-match-size",
    "x-amz-if-match-initiated-time",
    "x-amz-rename-source",
    "x-amz-annotation",
    "x-amz-bucket-namespace",
];

/// Beginnings of headers that are refused whatever they say.
const NEVER_PREFIXES: [&str; 4] = [
    "x-amz-server-side-encryption-",
    "x-amz-copy-source-server-side-encryption",
    "x-amz-object-lock-",
    "x-amz-grant-",
];

/// Checksum headers that are honoured.
const CHECKSUMS: [&str; 8] = [
    "x-amz-checksum-crc32",
    "x-amz-checksum-crc32c",
    "x-amz-checksum-crc64nvme",
    "x-amz-checksum-sha1",
    "x-amz-checksum-sha256",
    "x-amz-checksum-algorithm",
    "x-amz-checksum-mode",
    "x-amz-checksum-type",
];

fn headers(headers: &HeaderMap, account: &str) -> Result<(), Refusal> {
    for (name, value) in headers {
        let (name, value) = (name.as_str(), value.to_str().unwrap_or_default());
        let allowed = ONLY.iter().find(|(only, _)| *only == name).map(|(_, allowed)| *allowed);
        if allowed.is_some_and(|allowed| !allowed.contains(&value)) {
            return Err(Refusal::not_implemented(&format!("{name}: {value}")));
        }
        let unknown_sum = name.starts_with("x-amz-checksum-") && !CHECKSUMS.contains(&name);
        let never = NEVER.contains(&name) || NEVER_PREFIXES.iter().any(|p| name.starts_with(p));
        if never || unknown_sum {
            return Err(Refusal::not_implemented(name));
        }
        let owner = ["x-amz-expected-bucket-owner", "x-amz-source-expected-bucket-owner"];
        if owner.contains(&name) && value != account {
            return Err(Refusal::new("AccessDenied", 403, "Access Denied"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_request(method: &str, uri: &str, header: Option<(&str, &str)>, expected: &str) {
        let mut request = http::Request::builder().method(method).uri(uri);
        if let Some((name, value)) = header {
            request = request.header(name, value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let code = check(&parts, "123456789012").err().map(|refusal| refusal.code.into_owned());
        assert_eq!(code.unwrap_or("ok".into()), expected, "{method} {uri} {header:?}");
    }

    #[test]
    fn a_parameter_that_means_nothing_here_is_refused() {
        let check = |method: &str, uri: &str, expected: &str| {
            check_request(method, uri, None, expected);
        };
        check("GET", "/b?list-type=2&prefix=a%2Fb&x-id=ListObjectsV2", "ok");
        check("PUT", "/b/k?x-id=PutObject", "ok");
        check("GET", "/b?versions&key-marker=a&version-id-marker=null", "ok");
        check("DELETE", "/b?policy", "ok");
        check("DELETE", "/b?lifecycle", "NotImplemented");
        check("PUT", "/b?versioning", "NotImplemented");
        check("PUT", "/b/k?acl", "NotImplemented");
        check("DELETE", "/b?something-new", "NotImplemented");
        check("PUT", "/b/k?annotation&annotationName=a", "NotImplemented");
        check("PUT", "/b/?website", "NotImplemented");
        check("PUT", "/b/k?partNumber=1", "InvalidArgument");
        check("PUT", "/b/k?partNumber=1&uploadId=x", "ok");
        check("GET", "/b/k?versionId=abc", "InvalidArgument");
        check("GET", "/b/k?versionId=null", "ok");
        check("GET", "/b%2Fk?partNumber=1", "ok");
        check("GET", "/b/?partNumber=1", "NotImplemented");
    }

    #[test]
    fn a_header_that_is_not_honoured_is_refused() {
        let check = |name: &str, value: &str, expected: &str| {
            check_request("PUT", "/b/k", Some((name, value)), expected);
        };
        check("x-amz-acl", "private", "ok");
        check("x-amz-acl", "public-read", "NotImplemented");
        check("x-amz-storage-class", "STANDARD", "ok");
        check("x-amz-storage-class", "GLACIER", "NotImplemented");
        check("x-amz-server-side-encryption", "AES256", "ok");
        check("x-amz-server-side-encryption", "aws:kms", "NotImplemented");
        check("x-amz-server-side-encryption-aws-kms-key-id", "k", "NotImplemented");
        check("x-amz-server-side-encryption-customer-key", "k", "NotImplemented");
        check("x-amz-object-lock-mode", "GOVERNANCE", "NotImplemented");
        check("x-amz-grant-read", "id=1", "NotImplemented");
        check("x-amz-tagging", "a=b", "ok");
        check("x-amz-website-redirect-location", "/x", "NotImplemented");
        check("x-amz-checksum-sha512", "abc", "NotImplemented");
        check("x-amz-checksum-crc32", "abc", "ok");
        check("x-amz-expected-bucket-owner", "123456789012", "ok");
        check("x-amz-expected-bucket-owner", "210987654321", "AccessDenied");
        check("x-amz-meta-anything", "at all", "ok");
    }
}
