//! What a trail was made with.

use flow::{AccountId, Region, Resource, Timestamp};

use crate::{key, name::TrailName};

/// The server's own trail also takes the data events of S3, others only management events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) enum Scope {
    /// All management events, as AWS's default selector says.
    Management,
    /// And the data events of all buckets that no trail delivers to.
    ManagementAndS3Data,
}

/// What a trail was made with; never changes while it lives.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Settings {
    /// Tells it from an earlier trail of the same name.
    pub(crate) id: String,
    pub(crate) name: TrailName,
    /// The region it was made in.
    pub(crate) home: Region,
    /// Where its log files go.
    pub(crate) bucket: String,
    /// What their keys begin with; may be empty.
    pub(crate) prefix: String,
    /// Whether it takes the events of global services.
    pub(crate) global_events: bool,
    /// Whether it takes the events of all regions.
    pub(crate) multi_region: bool,
    pub(crate) scope: Scope,
    pub(crate) created: Timestamp,
}

impl Settings {
    pub(crate) fn arn(&self, account: &AccountId) -> String {
        self.name.arn(&self.home, account)
    }

    /// The trail as records list it.
    pub(crate) fn resource(&self, account: &AccountId) -> Resource {
        Resource {
            account_id: Some(account.clone()),
            kind: "AWS::CloudTrail::Trail".to_owned(),
            arn: self.arn(account),
        }
    }

    /// What the ARNs of all objects that it delivers begin with.
    pub(crate) fn destination(&self, account: &AccountId) -> String {
        format!("arn:aws:s3:::{}/{}", self.bucket, key::folder(&self.prefix, account))
    }
}
