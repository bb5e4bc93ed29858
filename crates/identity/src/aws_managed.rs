//! The managed policies of AWS's own that set-ups attach: what they allow of the services that are
//! served here, in our own words (the managed policy reference).

/// A policy of AWS's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AwsManaged {
    pub(crate) name: &'static str,
    pub(crate) path: &'static str,
    pub(crate) document: &'static str,
}

impl AwsManaged {
    pub(crate) fn arn(&self) -> String {
        format!("arn:aws:iam::aws:policy{}{}", self.path, self.name)
    }
}

/// All of them, by name.
pub(crate) const ALL: &[AwsManaged] = &[
    of("AWSCloudTrail_FullAccess", "/", include_str!("aws_managed/cloudtrail_full.json")),
    of("AWSCloudTrail_ReadOnlyAccess", "/", include_str!("aws_managed/cloudtrail_read_only.json")),
    of(
        "AWSLambdaBasicExecutionRole",
        "/service-role/",
        include_str!("aws_managed/lambda_basic.json"),
    ),
    of("AWSLambdaRole", "/service-role/", include_str!("aws_managed/lambda_role.json")),
    of(
        "AWSLambdaSQSQueueExecutionRole",
        "/service-role/",
        include_str!("aws_managed/lambda_sqs.json"),
    ),
    of("AWSLambda_FullAccess", "/", include_str!("aws_managed/lambda_full.json")),
    of("AWSLambda_ReadOnlyAccess", "/", include_str!("aws_managed/lambda_read_only.json")),
    of("AdministratorAccess", "/", include_str!("aws_managed/administrator.json")),
    of("AmazonS3FullAccess", "/", include_str!("aws_managed/s3_full.json")),
    of("AmazonS3ReadOnlyAccess", "/", include_str!("aws_managed/s3_read_only.json")),
    of("AmazonSNSFullAccess", "/", include_str!("aws_managed/sns_full.json")),
    of("AmazonSNSReadOnlyAccess", "/", include_str!("aws_managed/sns_read_only.json")),
    of("AmazonSQSFullAccess", "/", include_str!("aws_managed/sqs_full.json")),
    of("AmazonSQSReadOnlyAccess", "/", include_str!("aws_managed/sqs_read_only.json")),
    of("IAMFullAccess", "/", include_str!("aws_managed/iam_full.json")),
    of("IAMReadOnlyAccess", "/", include_str!("aws_managed/iam_read_only.json")),
    of("PowerUserAccess", "/", include_str!("aws_managed/power_user.json")),
    of("ReadOnlyAccess", "/", include_str!("aws_managed/read_only.json")),
];

const fn of(name: &'static str, path: &'static str, document: &'static str) -> AwsManaged {
    AwsManaged { name, path, document }
}

/// The policy of that ARN.
pub(crate) fn find(arn: &str) -> Option<&'static AwsManaged> {
    let name = arn.strip_prefix("arn:aws:iam::aws:policy/")?.rsplit('/').next()?;
    ALL.iter().find(|policy| policy.name == name && policy.arn() == arn)
}

/// Their names, for those who ask for another.
pub(crate) fn names() -> String {
    ALL.iter().map(|policy| policy.name).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use policy::{Kind, Policy};

    use super::*;

    #[test]
    fn each_is_a_policy_under_its_arn() {
        for policy in ALL {
            let read = Policy::parse(policy.document, Kind::Identity);
            assert!(read.is_ok(), "{}: {:?}", policy.name, read.err());
            assert_eq!(find(&policy.arn()), Some(policy));
        }
        assert_eq!(find("arn:aws:iam::aws:policy/AWSLambdaBasicExecutionRole"), None);
        assert!(ALL.is_sorted_by_key(|policy| policy.name));
    }
}
