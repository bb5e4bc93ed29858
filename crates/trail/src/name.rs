//! The names that a client gives: of trails, of buckets, of prefixes.

use std::{fmt, net::Ipv4Addr, str::FromStr};

use flow::{AccountId, Arn, Fault, Region};

/// Characters of a trail's name, at least and at most.
const NAME_MIN: usize = 3;
const NAME_MAX: usize = 128;
/// Characters of a bucket's name, at least and at most.
const BUCKET_MIN: usize = 3;
const BUCKET_MAX: usize = 63;
/// Characters of a key prefix at most.
const PREFIX_MAX: usize = 200;

/// A trail's name, by the rules that AWS documents for `CreateTrail`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub(crate) struct TrailName(String);

impl TrailName {
    /// The name.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The ARN of the trail of this name.
    pub(crate) fn arn(&self, region: &Region, account: &AccountId) -> String {
        format!("arn:{}:cloudtrail:{region}:{account}:trail/{self}", partition(region))
    }
}

/// Why `text` is not a trail's name, in CloudTrail's words; `None` where it is one.
pub fn name_fault(text: &str) -> Option<String> {
    text.parse::<TrailName>().err().map(|fault| fault.message)
}

impl fmt::Display for TrailName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for TrailName {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self, Fault> {
        let refuse = |message: String| Err(Fault::new("InvalidTrailNameException", message));
        let length = text.chars().count();
        let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
        let mark = |c: char| matches!(c, '.' | '_' | '-');
        if length < NAME_MIN {
            refuse(format!(
                "Trail name too short. Minimum allowed length: {NAME_MIN} characters. Specified name length: {length} characters."
            ))
        } else if length > NAME_MAX {
            refuse(format!(
                "Trail name too long. Maximum allowed length: {NAME_MAX} characters. Specified name length: {length} characters."
            ))
        } else if !edge(text.chars().next()) {
            refuse("Trail name must starts with a letter or number.".to_owned())
        } else if !edge(text.chars().next_back()) {
            refuse("Trail name must ends with a letter or number.".to_owned())
        } else if !text.chars().all(|c| c.is_ascii_alphanumeric() || mark(c)) {
            refuse("Trail name or ARN can only contain uppercase letters, lowercase letters, numbers, periods (.), hyphens (-), and underscores (_).".to_owned())
        } else if text.chars().zip(text.chars().skip(1)).any(|(a, b)| mark(a) && mark(b)) {
            refuse(
                "Trail name cannot have adjacent periods (.), hyphens (-), or underscores (_)."
                    .to_owned(),
            )
        } else if text.parse::<Ipv4Addr>().is_ok() {
            refuse("Trail name cannot be in IP address format.".to_owned())
        } else {
            Ok(Self(text.to_owned()))
        }
    }
}

/// How a client names a trail that it made before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Naming {
    /// By name: a trail of the region that is asked.
    Name(TrailName),
    /// By ARN: a trail of any region.
    Arn { region: String, account: String, name: TrailName },
}

impl FromStr for Naming {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self, Fault> {
        if !text.starts_with("arn:") {
            return text.parse().map(Self::Name);
        }
        let invalid = || {
            Fault::new(
                "CloudTrailARNInvalidException",
                format!(
                    "Trail ARN {text} is not valid: give arn:aws:cloudtrail:region:account:trail/name."
                ),
            )
        };
        let arn: Arn = text.parse().map_err(|_| invalid())?;
        let name = arn.resource.strip_prefix("trail/").ok_or_else(invalid)?;
        if arn.service != "cloudtrail" || arn.region.is_empty() || arn.account.is_empty() {
            return Err(invalid());
        }
        let name = name.parse().map_err(|_| invalid())?;
        Ok(Self::Arn { region: arn.region, account: arn.account, name })
    }
}

/// The partition that a region belongs to.
pub(crate) fn partition(region: &Region) -> &'static str {
    match region.as_str() {
        name if name.starts_with("cn-") => "aws-cn",
        name if name.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    }
}

/// Whether `name` can be a bucket's, by the rules of S3's general purpose buckets.
pub(crate) fn check_bucket(name: &str) -> Result<(), Fault> {
    let refuse = |message: &str| Err(Fault::new("InvalidS3BucketNameException", message));
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-');
    if !(BUCKET_MIN..=BUCKET_MAX).contains(&name.len()) {
        refuse("S3 bucket name must be between 3 and 63 characters long.")
    } else if !name.chars().all(allowed) {
        refuse(
            "S3 bucket name can only contain lowercase letters, numbers, periods (.), and hyphens (-).",
        )
    } else if !edge(name.chars().next()) || !edge(name.chars().next_back()) {
        refuse("S3 bucket name must start and end with a letter or number.")
    } else if name.contains("..") || name.parse::<Ipv4Addr>().is_ok() {
        refuse("S3 bucket name cannot have adjacent periods or be in IP address format.")
    } else {
        Ok(())
    }
}

/// Whether `prefix` can stand before the keys of log files.
pub(crate) fn check_prefix(prefix: &str) -> Result<(), Fault> {
    if prefix.chars().count() > PREFIX_MAX {
        return Err(Fault::new(
            "InvalidS3PrefixException",
            format!(
                "S3 prefix is longer than maximum length. Maximum allowed length: {PREFIX_MAX} characters."
            ),
        ));
    }
    if prefix.chars().any(char::is_control) {
        return Err(Fault::new(
            "InvalidS3PrefixException",
            "S3 prefix cannot contain control characters.",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, expected: Option<&str>) {
        let told = name.parse::<TrailName>().err().map(|fault| fault.message);
        match (&told, expected) {
            (None, None) => {}
            (Some(told), Some(part)) => assert!(told.contains(part), "{name}: {told}"),
            _ => panic!("{name}: {told:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn a_trails_name_keeps_the_rules_of_aws() {
        check("abc", None);
        check("My-trail_1.x", None);
        check(&"a".repeat(128), None);
        check("ab", Some("too short"));
        check("", Some("Specified name length: 0 characters."));
        check(&"a".repeat(129), Some("Specified name length: 129 characters."));
        check("-abc", Some("starts with"));
        check("abc.", Some("ends with"));
        check("ab cd", Some("can only contain"));
        check("trail/x", Some("can only contain"));
        check("ab..cd", Some("adjacent"));
        check("ab-_cd", Some("adjacent"));
        check("192.168.5.4", Some("IP address"));
    }

    #[test]
    fn a_trail_is_named_by_name_or_arn() {
        let name: TrailName = "one".parse().unwrap();
        let arn = name.arn(&"us-east-2".parse().unwrap(), &"123456789012".parse().unwrap());
        assert_eq!(arn, "arn:aws:cloudtrail:us-east-2:123456789012:trail/one");
        assert_eq!("one".parse::<Naming>().unwrap(), Naming::Name(name.clone()));
        let Naming::Arn { region, account, name: named } = arn.parse().unwrap() else { panic!() };
        assert_eq!((region.as_str(), account.as_str()), ("us-east-2", "123456789012"));
        assert_eq!(named, name);
        for wrong in [
            "arn:aws:s3:::bucket",
            "arn:aws:cloudtrail:us-east-2:123456789012:channel/one",
            "arn:aws:cloudtrail:us-east-2:123456789012:trail/x",
            "arn:aws:cloudtrail::123456789012:trail/one",
            "arn:",
        ] {
            assert_eq!(wrong.parse::<Naming>().unwrap_err().code, "CloudTrailARNInvalidException");
        }
    }

    #[test]
    fn a_buckets_name_keeps_the_rules_of_s3() {
        for right in ["logs", "my-logs.2", "123"] {
            assert!(check_bucket(right).is_ok(), "{right}");
        }
        for wrong in ["", "ab", "Logs", "my_logs", "-logs", "logs-", "a..b", "10.0.0.1"] {
            let fault = check_bucket(wrong).unwrap_err();
            assert_eq!(fault.code, "InvalidS3BucketNameException", "{wrong}");
        }
        assert!(check_bucket(&"a".repeat(64)).is_err());
    }

    #[test]
    fn a_prefix_has_at_most_200_characters() {
        assert!(check_prefix(&"p".repeat(200)).is_ok());
        assert!(check_prefix(&"p".repeat(201)).is_err());
        assert!(check_prefix("a\nb").is_err());
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_a_name_or_a_refusal(text in "(arn:aws:cloudtrail:[a-z1-9-]{0,9}:[0-9]{0,12}:)?(trail/)?.{0,130}") {
            if let Ok(naming) = text.parse::<Naming>() {
                let (Naming::Name(name) | Naming::Arn { name, .. }) = naming;
                proptest::prop_assert!(name.as_str().parse::<TrailName>().is_ok());
                proptest::prop_assert!(text.ends_with(name.as_str()));
            }
        }
    }
}
