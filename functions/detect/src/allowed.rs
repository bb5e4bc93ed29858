//! Which buckets may be read.

use std::{collections::BTreeSet, str::FromStr};

/// The buckets that a function was told to read. A message may name any bucket, whoever wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Allowed {
    /// Whatever the credentials may read.
    Any,
    /// These and no other.
    Only(BTreeSet<String>),
}

/// The text lists no buckets.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not the name of a bucket: give names with spaces between them, or * for any")]
pub struct InvalidBucket(String);

impl Allowed {
    /// None at all.
    pub fn none() -> Self {
        Self::Only(BTreeSet::new())
    }

    /// Whether `bucket` may be read.
    pub fn holds(&self, bucket: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Only(names) => names.contains(bucket),
        }
    }
}

impl FromStr for Allowed {
    type Err = InvalidBucket;

    /// Names with spaces or commas between them; a lone `*` is [`Allowed::Any`].
    fn from_str(text: &str) -> Result<Self, InvalidBucket> {
        let words = text.split(|c: char| c.is_whitespace() || c == ',');
        let names: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
        if names == ["*"] {
            return Ok(Self::Any);
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
        match names.iter().find(|name| !name.chars().all(plain)) {
            Some(wrong) => Err(InvalidBucket((*wrong).to_owned())),
            None => Ok(Self::Only(names.into_iter().map(str::to_owned).collect())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_listed_buckets_are_read_unless_any_may_be() {
        let read = |list: &str, bucket: &str| list.parse::<Allowed>().unwrap().holds(bucket);
        assert!(read("logs", "logs") && read(" a,logs\nb ", "logs") && read("*", "logs"));
        assert!(!read("", "logs") && !read("logs-2 log", "logs") && !read("LOGS", "logs"));
        assert!(!Allowed::none().holds(""));
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for text in ["s3://logs", "arn:aws:s3:::logs", "logs *", "lo*"] {
            assert!(text.parse::<Allowed>().is_err(), "{text}");
        }
    }
}
