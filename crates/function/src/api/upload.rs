//! The zip of a call: given with it, or lying in a bucket.

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use flow::{Access, Caller, Decision, Fault, FetchError, Tree, Who};
use sha2::{Digest, Sha256};

use super::{broken, fault, invalid, listing::ZIP_BYTES_MAX};
use crate::{
    Functions,
    code::{Code, Refused, Stored, UNPACKED_BYTES_MAX},
    runtime::{BOOTSTRAP, Runtime, program_fault},
};

/// Letters of what keeps apart uploads of the same bytes.
const UNIQUE_LETTERS: &[u8] = b"0123456789abcdef";
/// How many of them.
const UNIQUE_CHARS: usize = 12;

impl Functions {
    /// The zip that a call gives or names. `given` holds the members of the code.
    pub(super) async fn zip(&self, given: &Tree, caller: &Caller) -> Result<Bytes, Fault> {
        if given.get("ImageUri").is_some() {
            return Err(invalid("ImageUri: container images are not offered; give a zip."));
        }
        for member in ["S3ObjectVersion", "SourceKMSKeyArn"] {
            if given.get(member).is_some() {
                return Err(invalid(format!("{member} is not offered by this server.")));
            }
        }
        let object = (given.text("S3Bucket"), given.text("S3Key"));
        match (given.get("ZipFile"), object) {
            (Some(_), (Some(_), _) | (_, Some(_))) => Err(invalid(
                "Please do not provide other FunctionCode parameters when providing a ZipFile.",
            )),
            (Some(Tree::Blob(bytes)), _) if bytes.len() > ZIP_BYTES_MAX => {
                let message = format!(
                    "Request must be smaller than {ZIP_BYTES_MAX} bytes for a zip: put it into a bucket."
                );
                Err(fault("RequestEntityTooLargeException", message).with_status(413))
            }
            (Some(Tree::Blob(bytes)), _) => Ok(Bytes::from(bytes.clone())),
            (_, (Some(bucket), Some(key))) => self.fetched(bucket, key, caller).await,
            _ => Err(invalid("Please provide a source for function code.")),
        }
    }

    /// The zip of an object that the caller may read.
    async fn fetched(&self, bucket: &str, key: &str, caller: &Caller) -> Result<Bytes, Fault> {
        let object = format!("arn:aws:s3:::{bucket}/{key}");
        let access = Access::new("s3:GetObject", object);
        if let Decision::Denied(why) = self.0.authorize.decide(Who::Caller(caller), &access) {
            let message = format!(
                "Your access has been denied by S3, please make sure your request credentials have permission to GetObject for {bucket}/{key}. S3 Error Code: AccessDenied. S3 Error Message: {why}"
            );
            return Err(fault("AccessDeniedException", message).with_status(403));
        }
        match self.0.fetch.get(bucket, key, UNPACKED_BYTES_MAX).await {
            Ok(bytes) => Ok(bytes),
            Err(FetchError::Missing { .. }) => Err(invalid(format!(
                "Error occurred while GetObject. S3 Error Code: NoSuchKey. S3 Error Message: The object s3://{bucket}/{key} does not exist."
            ))),
            Err(FetchError::TooLarge(most)) => {
                Err(invalid(format!("Zipped size must be smaller than {most} bytes")))
            }
            Err(FetchError::Retry(why)) => {
                tracing::warn!(why, "Code was not fetched: {why}");
                Err(fault("ServiceException", "The code could not be read; try again.")
                    .with_status(500))
            }
        }
    }

    /// Stores and unpacks code that `runtime` is to run.
    pub(super) async fn unpacked(
        &self,
        zip: Bytes,
        runtime: &Runtime,
    ) -> Result<(Stored, Code), Fault> {
        let unique = self.0.host.chance.text(UNIQUE_LETTERS, UNIQUE_CHARS);
        let (stored, code) = match self.0.shelf.put(zip, &unique).await {
            Ok(put) => put,
            Err(Refused::Zip(hazard)) => return Err(invalid(hazard.to_string())),
            Err(Refused::Disk(error)) => return Err(broken(&error)),
        };
        let program = code.task().join(BOOTSTRAP);
        match program_fault(&program).filter(|_| runtime.language.is_none()) {
            None => Ok((stored, code)),
            Some(why) => {
                std::sync::Arc::new(code).replace();
                Err(invalid(why))
            }
        }
    }
}

/// What a zip is known by, for a call that only asks.
pub(super) fn digest(zip: &[u8]) -> String {
    BASE64_STANDARD.encode(Sha256::digest(zip))
}
