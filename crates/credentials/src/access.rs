//! What an operator chose, and the settings of AWS's clients that follow from it.

use aws_config::{
    BehaviorVersion, ConfigLoader, Region, SdkConfig, meta::region::RegionProviderChain,
    profile::ProfileFileRegionProvider, sts::AssumeRoleProvider,
};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_runtime::env_config::file::EnvConfigFiles;
use aws_types::{
    os_shim_internal::Env, sdk_config::SharedHttpClient, service_config::ServiceConfigKey,
};
use serde::Deserialize;

use crate::{error::Error, keys, trust};

/// Where requests go that name no region of their own: the one that all of AWS's clients know.
pub(crate) const REGION_DEFAULT: &str = "us-east-1";
/// The name under which an assumed role's calls are recorded.
const ROLE_SESSION_NAME: &str = "trailhound";

/// Whose keys are used, and where requests go. The default is what AWS's own tools would find: the
/// environment, the shared configuration with its single sign-on, web identity, the container's
/// and the instance's metadata.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Access {
    /// A profile of the shared configuration; `AWS_PROFILE` where it is not given.
    pub profile: Option<String>,
    /// A role that is assumed with these keys.
    pub role_arn: Option<String>,
    /// What the role's trust policy asks for.
    pub external_id: Option<String>,
    /// Another server than AWS's, `http://` or `https://`; `AWS_ENDPOINT_URL` and its kin, or the
    /// profile's, where it is not given.
    pub endpoint: Option<String>,
    /// The bucket's or the queue's region. A bucket's is asked for where it is not given.
    pub region: Option<String>,
    /// Requests are not signed: for public buckets.
    pub anonymous: bool,
    /// The bucket's name stands in the path and not in the host's name. Where it is not given:
    /// always with an `endpoint`, and with names that cannot be part of a host's name.
    pub path_style: Option<bool>,
    /// Whoever reads pays for it: for buckets that insist.
    pub requester_pays: bool,
}

/// Where settings are looked for.
#[derive(Clone, Debug)]
pub(crate) struct Surroundings {
    pub(crate) env: Env,
    /// Others than the shared configuration's own.
    pub(crate) profile_files: Option<EnvConfigFiles>,
}

impl Default for Surroundings {
    fn default() -> Self {
        Self { env: Env::real(), profile_files: None }
    }
}

/// What was found: settings without an endpoint, and where a service's endpoint may be named.
pub(crate) struct Found {
    pub(crate) sdk: SdkConfig,
    pub(crate) ca_bundle: Option<Vec<u8>>,
    /// Whether a region was named anywhere.
    pub(crate) region_is_known: bool,
}

impl Access {
    /// The settings for a client of AWS. The region is [`Access::region`], the environment's, the
    /// profile's, or `us-east-1`; an endpoint is set only where [`Access::endpoint`] is: the others
    /// are found by the client itself.
    ///
    /// # Errors
    /// Settings contradict each other, or the bundle of certificates cannot be read. Keys are not
    /// fetched yet.
    pub async fn sdk_config(&self) -> Result<SdkConfig, Error> {
        let sdk = self.find(&Surroundings::default()).await?.sdk;
        let mut builder = sdk.into_builder();
        if let Some(endpoint) = &self.endpoint {
            builder.set_endpoint_url(Some(endpoint.clone()));
        }
        Ok(builder.build())
    }

    /// Fetches the keys once, so that an operator hears at once that there are none.
    ///
    /// # Errors
    /// There are no keys: what was tried, and what helps.
    pub async fn check(&self, sdk: &SdkConfig) -> Result<(), Error> {
        match sdk.credentials_provider() {
            Some(provider) => keys::fetch(self, &provider).await.map(|_| ()),
            None => Ok(()),
        }
    }

    pub(crate) async fn find(&self, around: &Surroundings) -> Result<Found, Error> {
        self.refuse_contradictions()?;
        let mut sdk = self.load(around, None).await;
        // The bundle is named where the settings are, and the clients that fetch keys need it too.
        let ca_bundle = trust::ca_bundle(&sdk)?;
        if let Some(bundle) = &ca_bundle {
            sdk = self.load(around, Some(trust::http_client(bundle)?)).await;
        }
        let region_is_known = sdk.region().is_some();
        if !region_is_known {
            let fallback = Region::from_static(REGION_DEFAULT);
            sdk = self.assume(sdk.into_builder().region(fallback).build()).await;
        } else {
            sdk = self.assume(sdk).await;
        }
        Ok(Found { sdk, ca_bundle, region_is_known })
    }

    /// Everything but the role.
    async fn load(&self, around: &Surroundings, http: Option<SharedHttpClient>) -> SdkConfig {
        let mut profile_region = ProfileFileRegionProvider::builder();
        let mut loader: ConfigLoader = aws_config::defaults(BehaviorVersion::v2026_01_12());
        if let Some(profile) = &self.profile {
            profile_region = profile_region.profile_name(profile);
            loader = loader.profile_name(profile);
        }
        if let Some(files) = &around.profile_files {
            profile_region = profile_region.profile_files(files.clone());
            loader = loader.profile_files(files.clone());
        }
        if let Some(http) = http {
            loader = loader.http_client(http);
        }
        if self.anonymous {
            loader = loader.no_credentials();
        }
        #[cfg(test)]
        {
            loader = loader.env(around.env.clone());
        }
        let from_env = ["AWS_REGION", "AWS_DEFAULT_REGION"]
            .into_iter()
            .find_map(|name| around.env.get(name).ok().filter(|region| !region.is_empty()));
        // Not the instance's metadata: where there are none, they are seconds of waiting.
        let region =
            RegionProviderChain::first_try(self.region.clone().or(from_env).map(Region::new))
                .or_else(profile_region.build());
        loader.region(region).load().await
    }

    /// The role's keys in place of those that may assume it.
    async fn assume(&self, sdk: SdkConfig) -> SdkConfig {
        let Some(role) = &self.role_arn else { return sdk };
        let mut builder =
            AssumeRoleProvider::builder(role).session_name(ROLE_SESSION_NAME).configure(&sdk);
        if let Some(id) = &self.external_id {
            builder = builder.external_id(id);
        }
        let role = SharedCredentialsProvider::new(builder.build().await);
        sdk.into_builder().credentials_provider(role).build()
    }

    fn refuse_contradictions(&self) -> Result<(), Error> {
        let refuse = |why: &str| Err(Error::Settings { why: why.to_owned() });
        if self.external_id.is_some() && self.role_arn.is_none() {
            return refuse("an external id is for a role: give the role's ARN with it");
        }
        if self.anonymous && (self.profile.is_some() || self.role_arn.is_some()) {
            return refuse("anonymous requests have no keys: leave out the profile and the role");
        }
        match &self.role_arn {
            Some(arn) if !arn.starts_with("arn:") => Err(Error::Settings {
                why: format!(
                    "`{}` is no role's ARN: write arn:aws:iam::ACCOUNT:role/NAME",
                    arn.escape_default()
                ),
            }),
            _ => Ok(()),
        }
    }
}

/// What a service's part of the environment or the profile says, as `AWS_ENDPOINT_URL_S3` does.
pub(crate) fn service_setting(
    sdk: &SdkConfig,
    service: &str,
    env: &str,
    profile: &str,
) -> Option<String> {
    let key = ServiceConfigKey::builder().service_id(service).env(env).profile(profile).build();
    sdk.service_config()?.load_config(key.expect("all three are given")).filter(|v| !v.is_empty())
}
