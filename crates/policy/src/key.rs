//! The condition keys whose values this server can tell, or can tell that there are none.

/// AWS's global keys (the user guide's "global condition context keys") of which a request here says
/// what it would say there. Some never have a value here, as for a call on AWS that comes from no
/// organization and through no VPC endpoint.
const GLOBAL: &[&str] = &[
    "aws:calledvia",
    "aws:calledviafirst",
    "aws:calledvialast",
    "aws:currenttime",
    "aws:epochtime",
    "aws:federatedprovider",
    "aws:multifactorauthage",
    "aws:multifactorauthpresent",
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalisawsservice",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:principalservicename",
    "aws:principaltype",
    "aws:referer",
    "aws:requestedregion",
    "aws:securetransport",
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourceip",
    "aws:sourceorgid",
    "aws:sourceorgpaths",
    "aws:sourceowner",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:tokenissuetime",
    "aws:useragent",
    "aws:userid",
    "aws:username",
    "aws:viaawsservice",
    "aws:vpcsourceip",
];

/// Keys of the embedded services.
const OF_SERVICES: &[&str] = &[
    "iam:associatedresourcearn",
    "iam:passedtoservice",
    "iam:permissionsboundary",
    "iam:policyarn",
    "lambda:functionarn",
    "lambda:principal",
    "s3:delimiter",
    "s3:max-keys",
    "s3:prefix",
    "s3:versionid",
    "s3:x-amz-acl",
    "s3:x-amz-copy-source",
    "s3:x-amz-metadata-directive",
    "s3:x-amz-server-side-encryption",
    "s3:x-amz-storage-class",
    "sns:endpoint",
    "sns:protocol",
    "sts:externalid",
    "sts:rolesessionname",
];

/// The key in lower case.
///
/// # Errors
/// Why a policy may not ask for it.
pub(crate) fn known(key: &str) -> Result<String, String> {
    let lower = key.to_ascii_lowercase();
    if GLOBAL.contains(&lower.as_str()) || OF_SERVICES.contains(&lower.as_str()) {
        return Ok(lower);
    }
    let why = if lower.contains("tag/") || lower.ends_with("tagkeys") {
        "permissions by tags are not offered"
    } else {
        "this server cannot tell its value"
    };
    Err(format!("the condition key `{key}` cannot be honoured: {why}"))
}
