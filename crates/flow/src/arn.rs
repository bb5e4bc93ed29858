//! Amazon resource names, taken apart.

use std::{fmt, str::FromStr};

/// `arn:partition:service:region:account:resource`, each part as it was written.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Arn {
    /// `aws`, `aws-cn`, `aws-us-gov`.
    pub partition: String,
    /// The service's namespace, such as `sns`.
    pub service: String,
    /// The region, or nothing for global resources.
    pub region: String,
    /// The account, or nothing for S3 buckets.
    pub account: String,
    /// All that follows the fifth colon.
    pub resource: String,
}

/// The text is not an ARN.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not an ARN: give arn:partition:service:region:account:resource")]
pub struct InvalidArn(String);

impl FromStr for Arn {
    type Err = InvalidArn;

    fn from_str(text: &str) -> Result<Self, InvalidArn> {
        let mut parts = text.splitn(6, ':');
        let mut next = || parts.next().map(str::to_owned);
        match (next(), next(), next(), next(), next(), next()) {
            (
                Some(arn),
                Some(partition),
                Some(service),
                Some(region),
                Some(account),
                Some(resource),
            ) if arn == "arn"
                && !partition.is_empty()
                && !service.is_empty()
                && !resource.is_empty() =>
            {
                Ok(Self { partition, service, region, account, resource })
            }
            _ => Err(InvalidArn(text.to_owned())),
        }
    }
}

impl fmt::Display for Arn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { partition, service, region, account, resource } = self;
        write!(f, "arn:{partition}:{service}:{region}:{account}:{resource}")
    }
}
