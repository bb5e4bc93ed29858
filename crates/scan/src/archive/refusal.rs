//! What to tell a person of whom S3 wants nothing.

use credentials::Trouble;
use object_store::Error as S3Error;

/// Why something could not be listed.
pub(crate) fn of_listing(bucket: &str, prefix: &str, error: &S3Error) -> String {
    let trouble = Trouble::of(error);
    let said = credentials::said(error);
    match trouble {
        Trouble::Denied => format!(
            "not allowed: s3:ListBucket on arn:aws:s3:::{bucket}, for keys that begin with \
             `{prefix}` ({said})"
        ),
        trouble => other(trouble, &said),
    }
}

/// Why an object could not be read.
pub(crate) fn of_object(bucket: &str, key: &str, trouble: Trouble, error: &S3Error) -> String {
    let said = credentials::said(error);
    match trouble {
        Trouble::Denied => {
            format!("not allowed: s3:GetObject on arn:aws:s3:::{bucket}/{key} ({said})")
        }
        Trouble::KmsDenied => format!(
            "KMS refuses, not S3: kms:Decrypt on the key that arn:aws:s3:::{bucket}/{key} is \
             encrypted with ({said})"
        ),
        Trouble::NoObject => "it was listed and is no longer there".to_owned(),
        trouble => other(trouble, &said),
    }
}

fn other(trouble: Trouble, said: &str) -> String {
    match trouble.remedy() {
        Some(remedy) => format!("{remedy} ({said})"),
        None => said.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn denied(message: &str) -> S3Error {
        let text = format!(
            "Server returned non-2xx status code: 403 Forbidden: <?xml version=\"1.0\"?>\n<Error>\
             <Code>AccessDenied</Code><Message>{message}</Message></Error>"
        );
        S3Error::PermissionDenied { path: "a/k".into(), source: text.into() }
    }

    #[test]
    fn it_says_which_action_on_what() {
        let error = denied("Access Denied");
        assert_eq!(
            of_object("logs", "a/k", Trouble::of(&error), &error),
            "not allowed: s3:GetObject on arn:aws:s3:::logs/a/k (AccessDenied: Access Denied)"
        );
        assert_eq!(
            of_listing("logs", "a/", &error),
            "not allowed: s3:ListBucket on arn:aws:s3:::logs, for keys that begin with `a/` \
             (AccessDenied: Access Denied)"
        );
    }

    #[test]
    fn it_says_where_kms_refused_rather_than_s3() {
        let error = denied("not authorized to perform: kms:Decrypt on resource: arn:aws:kms:…");
        let reason = of_object("logs", "k", Trouble::of(&error), &error);
        assert!(reason.starts_with("KMS refuses, not S3: kms:Decrypt"), "{reason}");
    }
}
