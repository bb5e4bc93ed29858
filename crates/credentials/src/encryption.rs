//! Whether reading an object means a call of KMS.

use http::HeaderMap;

use crate::bucket::Bucket;

/// How an object is encrypted, as far as it decides who is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// Not by a key of KMS: S3 decrypts it by itself.
    WithoutKms,
    /// By a key of KMS, which is asked for each object.
    Kms,
    /// By a key of KMS that the bucket keeps derived keys of: KMS is seldom asked.
    KmsBucketKey,
}

impl Bucket {
    /// Asks how an object is encrypted, by a HEAD request; none where that cannot be found out.
    pub async fn encryption(&self, key: &str) -> Option<Encryption> {
        // The S3 client keeps no headers of this kind.
        Some(of(&self.headers_of(key).await.ok()?))
    }
}

fn of(headers: &HeaderMap) -> Encryption {
    let is = |name: &str, wanted: &str| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|value| value.starts_with(wanted))
    };
    if !is("x-amz-server-side-encryption", "aws:kms") {
        Encryption::WithoutKms
    } else if is("x-amz-server-side-encryption-bucket-key-enabled", "true") {
        Encryption::KmsBucketKey
    } else {
        Encryption::Kms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_tell_whether_kms_is_asked() {
        let check = |lines: &[(&'static str, &str)], wanted| {
            let headers =
                lines.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
            assert_eq!(of(&headers.collect()), wanted, "{lines:?}");
        };
        const KIND: &str = "x-amz-server-side-encryption";
        const BUCKET_KEY: &str = "x-amz-server-side-encryption-bucket-key-enabled";
        check(&[], Encryption::WithoutKms);
        check(&[(KIND, "AES256")], Encryption::WithoutKms);
        check(&[(KIND, "aws:kms")], Encryption::Kms);
        check(&[(KIND, "aws:kms:dsse")], Encryption::Kms);
        check(&[(KIND, "aws:kms"), (BUCKET_KEY, "true")], Encryption::KmsBucketKey);
    }
}
