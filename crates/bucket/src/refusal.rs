//! What S3 answers when it does not do what was asked.

use std::borrow::Cow;

use http::{HeaderName, HeaderValue};
use tracing::error;

/// A refused or failed call, in S3's words.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    /// S3's code, such as `NoSuchKey`.
    pub(crate) code: Cow<'static, str>,
    /// The HTTP status.
    pub(crate) status: u16,
    /// What the caller reads.
    pub(crate) message: Cow<'static, str>,
    /// Further elements of the error's document, in order.
    pub(crate) details: Vec<(Cow<'static, str>, String)>,
    /// Further headers of the answer.
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
}

impl Refusal {
    pub(crate) fn new(
        code: impl Into<Cow<'static, str>>,
        status: u16,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            code: code.into(),
            status,
            message: message.into(),
            details: Vec::new(),
            headers: Vec::new(),
        }
    }

    /// The same with a further element.
    #[must_use]
    pub(crate) fn with(
        mut self,
        name: impl Into<Cow<'static, str>>,
        value: impl Into<String>,
    ) -> Self {
        self.details.push((name.into(), value.into()));
        self
    }

    pub(crate) fn no_such_bucket(bucket: &str) -> Self {
        Self::new("NoSuchBucket", 404, "The specified bucket does not exist")
            .with("BucketName", bucket)
    }

    pub(crate) fn no_such_key(key: &str) -> Self {
        Self::new("NoSuchKey", 404, "The specified key does not exist.").with("Key", key)
    }

    pub(crate) fn no_such_upload(id: &str) -> Self {
        Self::new(
            "NoSuchUpload",
            404,
            "The specified upload does not exist. The upload ID may be invalid, or the upload may \
             have been aborted or completed.",
        )
        .with("UploadId", id)
    }

    /// `condition` is the header that did not hold.
    pub(crate) fn precondition_failed(condition: &'static str) -> Self {
        Self::new(
            "PreconditionFailed",
            412,
            "At least one of the pre-conditions you specified did not hold",
        )
        .with("Condition", condition)
    }

    pub(crate) fn invalid_argument(
        message: impl Into<Cow<'static, str>>,
        name: &'static str,
        value: impl Into<String>,
    ) -> Self {
        Self::new("InvalidArgument", 400, message)
            .with("ArgumentName", name)
            .with("ArgumentValue", value)
    }

    pub(crate) fn malformed_xml() -> Self {
        Self::new(
            "MalformedXML",
            400,
            "The XML you provided was not well-formed or did not validate against our published \
             schema",
        )
    }

    /// `what` is asked for and not offered.
    pub(crate) fn not_implemented(what: &str) -> Self {
        Self::new(
            "NotImplemented",
            501,
            format!(
                "A header or parameter you provided implies functionality that is not \
                 implemented: {what}"
            ),
        )
    }

    pub(crate) fn slow_down() -> Self {
        Self::new("SlowDown", 503, "Please reduce your request rate.")
    }

    /// Our own failure: the cause goes to the log, not to the caller.
    pub(crate) fn internal(what: &str, cause: &dyn std::fmt::Display) -> Self {
        error!(cause = %cause, "S3 failed while {what}: {cause}");
        Self::new("InternalError", 500, "We encountered an internal error. Please try again.")
    }

    /// The same as a fault, for the record of the call.
    pub(crate) fn fault(&self) -> flow::Fault {
        flow::Fault::new(self.code.clone(), self.message.clone()).with_status(self.status)
    }
}
