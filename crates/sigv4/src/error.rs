//! Why a request is refused, and what AWS's services call that.

use flow::Timestamp;

/// Why a request is refused. The text is for the caller; it never holds a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Nothing signs the request.
    #[error("The request carries no signature.")]
    MissingToken,
    /// A part of the signature is missing.
    #[error("The signature lacks `{0}`.")]
    Incomplete(&'static str),
    /// A part of the signature cannot be read.
    #[error("The signature is malformed: {0}.")]
    Malformed(&'static str),
    /// The credential is for another service, region or day.
    #[error("Credential should be scoped to a valid {part}: expected `{expected}`.")]
    WrongScope {
        /// `service`, `region`, `date`.
        part: &'static str,
        /// What should stand there.
        expected: String,
    },
    /// Nobody has that key. The caller of this crate finds out, as it owns the keys.
    #[error("The security token included in the request is invalid: no such access key.")]
    UnknownKey,
    /// The session token is missing, superfluous or another one.
    #[error("The security token included in the request is invalid.")]
    WrongToken,
    /// The temporary credentials have ended.
    #[error("The security token included in the request is expired.")]
    ExpiredToken,
    /// The request was signed at another time than now.
    #[error(
        "The difference between the request time ({request}) and the server's time ({server}) is too large.",
        request = request.to_basic_text(), server = server.to_basic_text()
    )]
    SkewedTime {
        /// When the client says that it signed.
        request: Timestamp,
        /// Now.
        server: Timestamp,
    },
    /// A presigned request came too late.
    #[error("Request has expired.")]
    ExpiredRequest,
    /// Headers that must be signed are not.
    #[error("There were headers present in the request which were not signed: {0}.")]
    UnsignedHeaders(String),
    /// A header that the signature needs is missing.
    #[error("Missing required header for this request: {0}.")]
    MissingHeader(&'static str),
    /// The signature is another one.
    #[error(
        "The request signature we calculated does not match the signature you provided. Check your key and signing method."
    )]
    SignatureMismatch,
    /// The body is another one.
    #[error("The provided `x-amz-content-sha256` does not match what was computed.")]
    PayloadMismatch,
    /// A way of signing that is not offered.
    #[error("{0} is not supported. Use AWS4-HMAC-SHA256.")]
    Unsupported(&'static str),
    /// The way of signing before this one, which boto3 still presigns URLs by in regions that are as
    /// old, where nobody tells it otherwise.
    #[error(
        "Signature Version 2 is not supported. Use AWS4-HMAC-SHA256: boto3 presigns so with \
         Config(signature_version=\"s3v4\"), or after `aws configure set default.s3.signature_version s3v4`."
    )]
    Version2,
    /// More than a verifier is willing to read.
    #[error("The request's {0} exceed the limit.")]
    TooLarge(&'static str),
    /// An `aws-chunked` body is not one.
    #[error("The chunked body is malformed: {0}.")]
    BadChunk(&'static str),
    /// The trailers of an `aws-chunked` body are not the announced ones.
    #[error("The trailers of the chunked body are malformed: {0}.")]
    BadTrailer(&'static str),
    /// The body ends before, or goes on past, its announced length.
    #[error("The body does not have the length that `x-amz-decoded-content-length` states.")]
    IncompleteBody,
}

/// The families of services that name the same refusal differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// S3 and S3 Control.
    S3,
    /// awsJson and CBOR.
    Json,
    /// restJson.
    RestJson,
    /// awsQuery, and REST-XML beyond S3.
    Query,
    /// EC2.
    Ec2,
}

/// What a client reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// AWS's code.
    pub code: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// The sentence.
    pub message: String,
}

impl Error {
    /// The code, status and message that the services of `family` answer with; `presigned` tells
    /// whether the signature stood in the query, which S3 names differently.
    pub fn reply(&self, family: Family, presigned: bool) -> Reply {
        let (code, status) = match family {
            Family::S3 => self.s3(presigned),
            Family::Json => (self.json(), 400),
            Family::RestJson => (self.json(), 403),
            Family::Query => self.query(),
            Family::Ec2 => self.ec2(),
        };
        Reply { code, status, message: self.to_string() }
    }

    fn s3(&self, presigned: bool) -> (&'static str, u16) {
        match self {
            Self::MissingToken | Self::ExpiredRequest | Self::UnsignedHeaders(_) => {
                ("AccessDenied", 403)
            }
            Self::Incomplete(_) | Self::Malformed(_) | Self::WrongScope { .. } if presigned => {
                ("AuthorizationQueryParametersError", 400)
            }
            Self::Incomplete(_) | Self::Malformed(_) | Self::WrongScope { .. } => {
                ("AuthorizationHeaderMalformed", 400)
            }
            Self::UnknownKey => ("InvalidAccessKeyId", 403),
            Self::WrongToken => ("InvalidToken", 400),
            Self::ExpiredToken => ("ExpiredToken", 400),
            Self::SkewedTime { .. } => ("RequestTimeTooSkewed", 403),
            Self::MissingHeader(name) if name.ends_with("content-length") => {
                ("MissingContentLength", 411)
            }
            Self::MissingHeader(_) | Self::Unsupported(_) | Self::Version2 => {
                ("InvalidRequest", 400)
            }
            Self::SignatureMismatch => ("SignatureDoesNotMatch", 403),
            Self::PayloadMismatch => ("XAmzContentSHA256Mismatch", 400),
            Self::TooLarge(_) => ("RequestHeaderSectionTooLarge", 400),
            Self::BadChunk(_) => ("InvalidChunkSizeError", 400),
            Self::BadTrailer(_) => ("MalformedTrailerError", 400),
            Self::IncompleteBody => ("IncompleteBody", 400),
        }
    }

    fn json(&self) -> &'static str {
        match self {
            Self::MissingToken => "MissingAuthenticationTokenException",
            Self::UnknownKey | Self::WrongToken => "UnrecognizedClientException",
            Self::ExpiredToken => "ExpiredTokenException",
            Self::Incomplete(_)
            | Self::Malformed(_)
            | Self::Unsupported(_)
            | Self::Version2
            | Self::TooLarge(_) => "IncompleteSignatureException",
            _ => "InvalidSignatureException",
        }
    }

    fn query(&self) -> (&'static str, u16) {
        match self {
            Self::MissingToken => ("MissingAuthenticationToken", 403),
            Self::UnknownKey | Self::WrongToken => ("InvalidClientTokenId", 403),
            Self::ExpiredToken => ("ExpiredToken", 403),
            Self::ExpiredRequest => ("RequestExpired", 400),
            Self::Incomplete(_)
            | Self::Malformed(_)
            | Self::Unsupported(_)
            | Self::Version2
            | Self::TooLarge(_) => ("IncompleteSignature", 400),
            _ => ("SignatureDoesNotMatch", 403),
        }
    }

    fn ec2(&self) -> (&'static str, u16) {
        match self {
            Self::MissingToken => ("MissingAuthenticationToken", 403),
            Self::ExpiredToken | Self::ExpiredRequest | Self::SkewedTime { .. } => {
                ("RequestExpired", 400)
            }
            Self::Incomplete(_)
            | Self::Malformed(_)
            | Self::Unsupported(_)
            | Self::Version2
            | Self::TooLarge(_) => ("IncompleteSignature", 400),
            _ => ("AuthFailure", 401),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(error: &Error, s3: &str, json: &str, query: &str, ec2: &str) {
        let code = |family| error.reply(family, false).code;
        assert_eq!(code(Family::S3), s3);
        assert_eq!(code(Family::Json), json);
        assert_eq!(code(Family::RestJson), json);
        assert_eq!(code(Family::Query), query);
        assert_eq!(code(Family::Ec2), ec2);
    }

    #[test]
    fn each_family_names_a_refusal_in_its_own_words() {
        check(
            &Error::UnknownKey,
            "InvalidAccessKeyId",
            "UnrecognizedClientException",
            "InvalidClientTokenId",
            "AuthFailure",
        );
        check(
            &Error::SignatureMismatch,
            "SignatureDoesNotMatch",
            "InvalidSignatureException",
            "SignatureDoesNotMatch",
            "AuthFailure",
        );
        check(
            &Error::ExpiredToken,
            "ExpiredToken",
            "ExpiredTokenException",
            "ExpiredToken",
            "RequestExpired",
        );
    }
}
