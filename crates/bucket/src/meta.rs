//! What an object keeps beside its bytes: the headers that S3 gives back.

use std::collections::BTreeMap;

use s3s::dto::{Metadata, ServerSideEncryption};

use crate::refusal::Refusal;

/// The names and values of a client's own metadata, in bytes (S3's limit).
const USER_METADATA_BYTES_MAX: usize = 2 * 1024;

/// What S3 says of an object whose type nobody stated.
pub(crate) const CONTENT_TYPE_DEFAULT: &str = "binary/octet-stream";

/// The headers that an object keeps.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub(crate) struct Meta {
    pub(crate) content_type: Option<String>,
    pub(crate) content_encoding: Option<String>,
    pub(crate) content_language: Option<String>,
    pub(crate) content_disposition: Option<String>,
    pub(crate) cache_control: Option<String>,
    /// In milliseconds since the epoch.
    pub(crate) expires: Option<i64>,
    pub(crate) user: BTreeMap<String, String>,
    pub(crate) tags: Tags,
    /// The upload that an object of parts was completed by.
    pub(crate) upload: Option<String>,
}

/// Tags by their keys.
pub(crate) type Tags = BTreeMap<String, String>;

/// The headers that a request states, within S3's limits; inputs of several operations name them
/// alike.
macro_rules! stated {
    ($input:ident) => {
        $crate::meta::Meta {
            content_type: $input.content_type,
            content_encoding: $crate::meta::without_chunks($input.content_encoding),
            content_language: $input.content_language,
            content_disposition: $input.content_disposition,
            cache_control: $input.cache_control,
            expires: $input.expires.map(|at| $crate::moment::from_s3(at).as_millis()),
            ..$crate::meta::Meta::default()
        }
        .with_user($input.metadata)
    };
}
pub(crate) use stated;

impl Meta {
    /// Takes a client's own metadata, within S3's limit.
    pub(crate) fn with_user(mut self, metadata: Option<Metadata>) -> Result<Self, Refusal> {
        self.user = metadata.unwrap_or_default().into_iter().collect();
        let bytes: usize = self.user.iter().map(|(name, value)| name.len() + value.len()).sum();
        if bytes > USER_METADATA_BYTES_MAX {
            return Err(Refusal::new(
                "MetadataTooLarge",
                400,
                "Your metadata headers exceed the maximum allowed metadata size",
            )
            .with("Size", bytes.to_string())
            .with("MaxSizeAllowed", USER_METADATA_BYTES_MAX.to_string()));
        }
        Ok(self)
    }

    /// The client's own metadata as it is answered.
    pub(crate) fn metadata(&self) -> Option<Metadata> {
        (!self.user.is_empty()).then(|| self.user.clone().into_iter().collect())
    }
}

/// What S3 says of every object since 2023: it tells who asks for it and who does not.
pub(crate) fn encryption() -> Option<ServerSideEncryption> {
    Some(ServerSideEncryption::from_static(ServerSideEncryption::AES256))
}

/// What remains of Content-Encoding once the body is no longer in chunks.
pub(crate) fn without_chunks(content_encoding: Option<String>) -> Option<String> {
    let kept: Vec<&str> = content_encoding
        .as_deref()?
        .split(',')
        .map(str::trim)
        .filter(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case("aws-chunked"))
        .collect();
    (!kept.is_empty()).then(|| kept.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_no_encoding_of_the_object() {
        let check = |given: &str, expected: Option<&str>| {
            assert_eq!(without_chunks(Some(given.to_owned())).as_deref(), expected);
        };
        check("aws-chunked", None);
        check("aws-chunked, gzip", Some("gzip"));
        check("gzip,aws-chunked", Some("gzip"));
        check("gzip", Some("gzip"));
    }

    #[test]
    fn metadata_is_held_to_two_kilobytes() {
        let of = |bytes: usize| Some(Metadata::from([("a".to_owned(), "x".repeat(bytes - 1))]));
        assert!(Meta::default().with_user(of(2048)).is_ok());
        assert_eq!(Meta::default().with_user(of(2049)).unwrap_err().code, "MetadataTooLarge");
    }
}
