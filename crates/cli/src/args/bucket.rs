//! Whose keys open a bucket, and how it is read.

use std::{
    num::{NonZeroU32, NonZeroUsize},
    path::PathBuf,
};

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Buckets")]
pub(crate) struct Bucket {
    /// Say what would be read of s3://BUCKET/PREFIX, by how many requests and at what cost; read nothing
    #[arg(long)]
    pub(crate) plan: bool,
    /// Keep in this file how far the scan got, and go on there; what was found before is not repeated
    #[arg(long, value_name = "FILE")]
    pub(crate) resume: Option<PathBuf>,
    /// How many requests of all kinds may begin in a second; as many as S3 bears where not given
    #[arg(long, value_name = "N")]
    pub(crate) requests_per_second: Option<NonZeroU32>,
    /// How many objects may be asked for at a time, at most; fewer are where more gain nothing
    #[arg(long, value_name = "N")]
    pub(crate) requests_at_a_time: Option<NonZeroUsize>,
    /// A profile of ~/.aws/config; AWS_PROFILE, or whatever AWS's own tools would find, where not given
    #[arg(long, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// A role to assume with those keys
    #[arg(long, value_name = "ARN")]
    pub(crate) role_arn: Option<String>,
    /// What the role's trust policy asks for
    #[arg(long, value_name = "ID", requires = "role_arn")]
    pub(crate) external_id: Option<String>,
    /// Another S3 than AWS's; AWS_ENDPOINT_URL_S3, or the profile's, where not given
    #[arg(long, value_name = "URL")]
    pub(crate) endpoint_url: Option<String>,
    /// Where the bucket lies; it is asked where not given
    #[arg(long, value_name = "REGION")]
    pub(crate) bucket_region: Option<String>,
    /// Do not sign requests: for public buckets
    #[arg(long, conflicts_with_all = ["profile", "role_arn"])]
    pub(crate) no_sign_request: bool,
    /// Pay for the requests: for buckets whose owners want that
    #[arg(long)]
    pub(crate) requester_pays: bool,
}
