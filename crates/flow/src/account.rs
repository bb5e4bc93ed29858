//! An AWS account and a region, checked once.

use std::{fmt, str::FromStr};

/// A 12-digit AWS account id.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AccountId(Box<str>);

/// The text is not a 12-digit account id.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not an account id: give 12 digits, such as 123456789012")]
pub struct InvalidAccountId(String);

impl AccountId {
    /// The 12 digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The ARN of the account's root, which in policies stands for the whole account.
    pub fn root_arn(&self) -> String {
        format!("arn:aws:iam::{self}:root")
    }
}

impl FromStr for AccountId {
    type Err = InvalidAccountId;

    fn from_str(text: &str) -> Result<Self, InvalidAccountId> {
        if text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit()) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidAccountId(text.to_owned()))
        }
    }
}

/// A region's name, such as `us-east-2`: lower-case letters, digits and dashes.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Region(Box<str>);

/// The text is not a region's name.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not a region: give a name such as us-east-2")]
pub struct InvalidRegion(String);

/// Longer than any region's name, in bytes.
const REGION_BYTES_MAX: usize = 32;

impl Region {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Region {
    type Err = InvalidRegion;

    fn from_str(text: &str) -> Result<Self, InvalidRegion> {
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if !text.is_empty() && text.len() <= REGION_BYTES_MAX && text.bytes().all(allowed) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidRegion(text.to_owned()))
        }
    }
}

macro_rules! as_text {
    ($type:ty) => {
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.serialize_str(&self.0)
            }
        }
        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = String::deserialize(d)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}
as_text!(AccountId);
as_text!(Region);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_id_is_twelve_digits() {
        assert!("123456789012".parse::<AccountId>().is_ok());
        for wrong in ["", "12345678901", "1234567890123", "12345678901x", "１23456789012"] {
            assert!(wrong.parse::<AccountId>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_region_is_a_short_plain_name() {
        assert!("us-east-2".parse::<Region>().is_ok());
        for wrong in ["", "US-EAST-2", "us_east_2", "../etc"] {
            assert!(wrong.parse::<Region>().is_err(), "{wrong}");
        }
    }
}
