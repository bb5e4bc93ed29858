//! What an S3 client's error means.

use std::error::Error as _;

/// Why S3 did not do what it was asked, as far as it decides what to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// S3 asks to be asked less often (503 `SlowDown`, 429).
    SlowDown,
    /// KMS asks to be asked less often.
    KmsSlowDown,
    /// A policy does not allow it.
    Denied,
    /// S3 would have allowed it, but KMS does not let the keys decrypt the object.
    KmsDenied,
    /// The keys are wrong, expired or missing.
    Keys,
    /// The bucket is elsewhere.
    WrongRegion,
    /// There is no such bucket.
    NoBucket,
    /// There is no such object, or no longer.
    NoObject,
    /// The object lies in an archive class and must be restored first.
    Archived,
    /// The server or the network failed: another try may help.
    Passing,
    /// Something else, which another try will not mend.
    Lasting,
}

impl Trouble {
    /// Reads an error of the S3 client.
    pub fn of(error: &object_store::Error) -> Self {
        let text = whole(error);
        let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
        // The code in the answer's body is exact; a HEAD has none, so that the status must do.
        let kms = says(&["kms:", "KMS", "<Code>Kms"]);
        if kms && says(&["ThrottlingException", "Rate exceeded", "KMS.Throttling", "SlowDown"]) {
            Self::KmsSlowDown
        } else if says(&["SlowDown", "RequestLimitExceeded", "429 Too Many", "TooManyRequests"]) {
            Self::SlowDown
        } else if says(&["<Code>ExpiredToken", "<Code>InvalidToken", "<Code>TokenRefreshRequired"])
            || says(&["<Code>InvalidAccessKeyId", "<Code>SignatureDoesNotMatch"])
            || says(&["<Code>RequestTimeTooSkewed"])
            || matches!(error, object_store::Error::Unauthenticated { .. })
        {
            Self::Keys
        } else if says(&["<Code>InvalidObjectState"]) {
            Self::Archived
        } else if says(&["<Code>NoSuchBucket"]) {
            Self::NoBucket
        } else if says(&["PermanentRedirect", "TemporaryRedirect", "redirect without LOCATION"])
            || says(&["AuthorizationHeaderMalformed", "IllegalLocationConstraint"])
            || says(&["301 Moved Permanently", "307 Temporary Redirect"])
        {
            Self::WrongRegion
        } else if kms && says(&["AccessDenied", "403 Forbidden", "KMS.Disabled", "KMSInvalidState"])
            || says(&["<Code>KMS."])
        {
            Self::KmsDenied
        } else if matches!(error, object_store::Error::PermissionDenied { .. })
            || says(&["<Code>AccessDenied", "403 Forbidden"])
        {
            Self::Denied
        } else if matches!(error, object_store::Error::NotFound { .. }) {
            Self::NoObject
        } else {
            Self::by_status(error, &text)
        }
    }

    fn by_status(error: &object_store::Error, text: &str) -> Self {
        let refused = ["status code: 4", "InvalidPath"].iter().any(|word| text.contains(word));
        match error {
            object_store::Error::Generic { .. } if !refused => Self::Passing,
            _ if text.contains("408 Request Timeout") || text.contains("<Code>RequestTimeout") => {
                Self::Passing
            }
            _ => Self::Lasting,
        }
    }

    /// Whether another try may help.
    pub fn passes(self) -> bool {
        matches!(self, Self::SlowDown | Self::KmsSlowDown | Self::Passing)
    }

    /// What helps, where something does that a person can do.
    pub fn remedy(self) -> Option<&'static str> {
        match self {
            Self::Keys => {
                Some("the keys are wrong or expired: log in anew, and is the clock right?")
            }
            Self::WrongRegion => Some("the bucket lies in another region than was given"),
            Self::Archived => Some("the object lies in an archive class: restore it first"),
            Self::NoBucket => Some("there is no such bucket"),
            _ => None,
        }
    }
}

/// What S3 said, as `Code: Message`; the innermost cause where it did not say anything.
pub fn said(error: &object_store::Error) -> String {
    let text = whole(error);
    let tag = |name: &str| {
        let (_, rest) = text.split_once(&format!("<{name}>"))?;
        Some(rest.split_once(&format!("</{name}>"))?.0.to_owned())
    };
    if let Some(code) = tag("Code") {
        return match tag("Message").filter(|message| !message.is_empty()) {
            Some(message) => format!("{code}: {message}"),
            None => code,
        };
    }
    let mut innermost: &dyn std::error::Error = error;
    while let Some(cause) = innermost.source() {
        innermost = cause;
    }
    innermost.to_string()
}

/// An error's words with those of its causes.
fn whole(error: &object_store::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push('\n');
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(text: &str) -> object_store::Error {
        object_store::Error::Generic { store: "S3", source: text.to_owned().into() }
    }

    fn denied(text: &str) -> object_store::Error {
        object_store::Error::PermissionDenied { path: "k".into(), source: text.to_owned().into() }
    }

    #[test]
    fn what_s3_said_decides_what_to_do_next() {
        let check = |error: object_store::Error, wanted| assert_eq!(Trouble::of(&error), wanted);
        let status = |status: &str, code: &str, message: &str| {
            format!(
                "Server returned non-2xx status code: {status}: <Error><Code>{code}</Code>\
                 <Message>{message}</Message></Error>"
            )
        };
        check(
            answered(&status("503 Service Unavailable", "SlowDown", "Please reduce your rate.")),
            Trouble::SlowDown,
        );
        check(answered(&status("429 Too Many Requests", "Busy", "")), Trouble::SlowDown);
        check(
            answered(&status(
                "400 Bad Request",
                "ThrottlingException",
                "You have exceeded the rate at which you may call KMS.",
            )),
            Trouble::KmsSlowDown,
        );
        check(denied(&status("403 Forbidden", "AccessDenied", "Access Denied")), Trouble::Denied);
        check(
            denied(&status(
                "403 Forbidden",
                "AccessDenied",
                "User: arn:aws:iam::111122223333:user/a is not authorized to perform: kms:Decrypt on \
                 resource: arn:aws:kms:eu-west-1:111122223333:key/1",
            )),
            Trouble::KmsDenied,
        );
        check(
            answered(&status("400 Bad Request", "KMS.DisabledException", "disabled")),
            Trouble::KmsDenied,
        );
        check(denied(&status("403 Forbidden", "InvalidAccessKeyId", "")), Trouble::Keys);
        check(answered(&status("400 Bad Request", "ExpiredToken", "")), Trouble::Keys);
        check(denied(&status("403 Forbidden", "InvalidObjectState", "")), Trouble::Archived);
        check(
            answered("Received redirect without LOCATION, this normally indicates …"),
            Trouble::WrongRegion,
        );
        check(
            answered(&status("400 Bad Request", "AuthorizationHeaderMalformed", "")),
            Trouble::WrongRegion,
        );
        check(
            answered(&status("500 Internal Server Error", "InternalError", "")),
            Trouble::Passing,
        );
        check(answered("connection reset"), Trouble::Passing);
        check(answered(&status("400 Bad Request", "InvalidRequest", "")), Trouble::Lasting);
    }

    #[test]
    fn what_was_said_is_code_and_message_or_the_innermost_cause() {
        let xml = "403: <Error><Code>AccessDenied</Code><Message>no</Message></Error>";
        assert_eq!(said(&denied(xml)), "AccessDenied: no");
        assert_eq!(said(&denied("<Code>SlowDown</Code>")), "SlowDown");
        assert_eq!(said(&answered("connection reset")), "connection reset");
    }

    #[test]
    fn only_what_may_pass_is_tried_again() {
        assert!(Trouble::SlowDown.passes() && Trouble::Passing.passes());
        assert!(!Trouble::Denied.passes() && !Trouble::KmsDenied.passes());
    }
}
