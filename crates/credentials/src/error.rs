//! Why there is no way to a bucket, and what helps.

use std::path::PathBuf;

use aws_credential_types::provider::error::CredentialsError;

use crate::access::Access;

/// Why there is no way to a bucket or a queue.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The settings contradict each other or name what cannot be: mend them.
    #[error("{why}")]
    Settings {
        /// What is wrong with them.
        why: String,
    },
    /// Nobody gave keys: log in, or name a profile.
    #[error("{tried}")]
    NoKeys {
        /// What was asked, and what helps.
        tried: String,
        /// What it said.
        source: Box<CredentialsError>,
    },
    /// The bundle of certificates that `AWS_CA_BUNDLE` or the profile's `ca_bundle` names.
    #[error(
        "cannot use the certificates of {path}, which AWS_CA_BUNDLE or the profile's ca_bundle names"
    )]
    CaBundle {
        /// The file.
        path: PathBuf,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// S3 knows no such bucket.
    #[error(
        "there is no bucket `{bucket}`: is its name right, and the partition of AWS that the region names?"
    )]
    NoBucket {
        /// Its name.
        bucket: String,
    },
    /// The bucket's region is not known: give it.
    #[error("cannot find out the region of bucket `{bucket}`: give its region, or set AWS_REGION")]
    Region {
        /// The bucket's name.
        bucket: String,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The client cannot be made.
    #[error("cannot make a client for bucket `{bucket}`")]
    Client {
        /// The bucket's name.
        bucket: String,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Error {
    pub(crate) fn no_keys(access: &Access, source: CredentialsError) -> Self {
        let profile = access.profile.as_deref().map(str::escape_default);
        let tried = match (&access.role_arn, profile) {
            (Some(role), _) => {
                let with = match &access.external_id {
                    Some(_) => "with the given external id",
                    None => "without an external id",
                };
                let on = profile_or_default(access);
                format!(
                    "cannot assume {} {with}, {on}: does its trust policy allow these keys to, and \
                     do they allow sts:AssumeRole on it?",
                    role.escape_default()
                )
            }
            (None, Some(profile)) => format!(
                "no credentials from profile `{profile}`: is it in ~/.aws/config or \
                 ~/.aws/credentials? For single sign-on run `aws sso login --profile {profile}`"
            ),
            (None, None) => {
                "no credentials: tried AWS_ACCESS_KEY_ID with AWS_SECRET_ACCESS_KEY, the \
                 default profile of ~/.aws/config and ~/.aws/credentials, \
                 AWS_WEB_IDENTITY_TOKEN_FILE, the container's and the instance's metadata; set \
                 AWS_PROFILE (after `aws sso login` where it uses single sign-on), or the two keys"
                    .to_owned()
            }
        };
        Self::NoKeys { tried, source: Box::new(source) }
    }
}

fn profile_or_default(access: &Access) -> String {
    match &access.profile {
        Some(profile) => format!("with the keys of profile `{}`", profile.escape_default()),
        None => "with the keys that AWS's own tools would find here".to_owned(),
    }
}
