//! Where a bucket is, and what its server is called there.

use std::time::Duration;

use reqwest::{Client, StatusCode, redirect};

use crate::error::Error;

/// How long S3 may take to say where a bucket is.
const ANSWER_WAIT_MAX: Duration = Duration::from_secs(10);
const REGION_HEADER: &str = "x-amz-bucket-region";

/// Where S3 answers in a region, as AWS's partitions name it.
pub(crate) fn host(region: &str, fips: bool, dual_stack: bool) -> String {
    // https://docs.aws.amazon.com/general/latest/gr/s3.html
    let suffix = match region {
        region if region.starts_with("cn-") => "amazonaws.com.cn",
        region if region.starts_with("us-iso-") => "c2s.ic.gov",
        region if region.starts_with("us-isob-") => "sc2s.sgov.gov",
        region if region.starts_with("us-isof-") => "csp.hci.ic.gov",
        region if region.starts_with("eu-isoe-") => "cloud.adc-e.uk",
        region if region.starts_with("eusc-") => "amazonaws.eu",
        _ => "amazonaws.com",
    };
    let fips = if fips { "-fips" } else { "" };
    let dual_stack = if dual_stack { ".dualstack" } else { "" };
    format!("s3{fips}{dual_stack}.{region}.{suffix}")
}

/// Asks S3 at `endpoint` where a bucket is. It says so to anyone, with whatever status.
///
/// # Errors
/// There is no such bucket, or nobody answers.
pub(crate) async fn of_bucket(
    endpoint: &str,
    bucket: &str,
    certificates: &[reqwest::Certificate],
) -> Result<String, Error> {
    let failed = |source: Box<dyn std::error::Error + Send + Sync>| Error::Region {
        bucket: bucket.to_owned(),
        source,
    };
    // The answer to a wrong region is a redirect that leads nowhere.
    let client = Client::builder().redirect(redirect::Policy::none()).timeout(ANSWER_WAIT_MAX);
    let client = certificates
        .iter()
        .fold(client, |client, certificate| client.add_root_certificate(certificate.clone()));
    let client = client.build().map_err(|error| failed(error.into()))?;
    let asked = client.head(format!("{endpoint}/{bucket}")).send().await;
    let answer = asked.map_err(|error| failed(error.into()))?;
    let region = answer.headers().get(REGION_HEADER).and_then(|region| region.to_str().ok());
    match region {
        Some(region) => Ok(region.to_owned()),
        None if answer.status() == StatusCode::NOT_FOUND => {
            Err(Error::NoBucket { bucket: bucket.to_owned() })
        }
        None => Err(failed(format!("{endpoint} answers {} without it", answer.status()).into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_partition_has_its_own_name() {
        let check = |region, wanted| assert_eq!(host(region, false, false), wanted);
        check("eu-central-1", "s3.eu-central-1.amazonaws.com");
        check("us-gov-west-1", "s3.us-gov-west-1.amazonaws.com");
        check("cn-north-1", "s3.cn-north-1.amazonaws.com.cn");
        check("us-isob-east-1", "s3.us-isob-east-1.sc2s.sgov.gov");
        check("eusc-de-east-1", "s3.eusc-de-east-1.amazonaws.eu");
        let both = host("us-gov-east-1", true, true);
        assert_eq!(both, "s3-fips.dualstack.us-gov-east-1.amazonaws.com");
    }
}
