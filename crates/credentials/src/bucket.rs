//! An S3 client for a bucket.

use std::{sync::Arc, time::Duration};

use object_store::{
    Certificate, ClientOptions, RetryConfig,
    aws::{AmazonS3, AmazonS3Builder},
};
use reqwest::{Client, ClientBuilder, redirect};
use url::Url;

use crate::{
    access::{Access, Found, REGION_DEFAULT, Surroundings, service_setting},
    error::Error,
    keys::Keys,
    region,
};

/// How long an answer to what the S3 client is not asked may take.
const ANSWER_WAIT_MAX: Duration = Duration::from_secs(30);
/// The most characters of a bucket's name; old ones in us-east-1 are this long.
const BUCKET_NAME_CHARS_MAX: usize = 255;

/// A bucket with its S3 client, and a way to ask what that client cannot be asked.
#[derive(Clone, Debug)]
pub struct Bucket {
    pub(crate) store: Arc<AmazonS3>,
    pub(crate) client: Client,
    /// Its URL, without a slash at the end.
    pub(crate) url: String,
    pub(crate) region: String,
    pub(crate) keys: Option<Arc<Keys>>,
    pub(crate) requester_pays: bool,
}

impl Bucket {
    /// Its S3 client.
    pub fn store(&self) -> Arc<AmazonS3> {
        Arc::clone(&self.store)
    }
}

impl Access {
    /// A client for a bucket, which tries again by itself. It serves as `Arc<dyn ObjectStore>`, and
    /// page by page as `PaginatedListStore`.
    ///
    /// # Errors
    /// Those of [`Access::store_with`].
    pub async fn store(&self, bucket: &str) -> Result<Arc<AmazonS3>, Error> {
        self.store_with(bucket, RetryConfig::default()).await
    }

    /// A client for a bucket. Keys are fetched once before it returns, so that their lack is heard
    /// of at once.
    ///
    /// # Errors
    /// The settings contradict each other, there are no keys, or the bucket cannot be found.
    pub async fn store_with(
        &self,
        bucket: &str,
        retry: RetryConfig,
    ) -> Result<Arc<AmazonS3>, Error> {
        Ok(self.bucket(bucket, retry).await?.store)
    }

    /// A bucket. Keys are fetched once before it returns, so that their lack is heard of at once.
    ///
    /// # Errors
    /// Those of [`Access::store_with`].
    pub async fn bucket(&self, bucket: &str, retry: RetryConfig) -> Result<Bucket, Error> {
        self.bucket_in(bucket, retry, &Surroundings::default()).await
    }

    pub(crate) async fn bucket_in(
        &self,
        bucket: &str,
        retry: RetryConfig,
        around: &Surroundings,
    ) -> Result<Bucket, Error> {
        refuse_no_bucket_name(bucket)?;
        let found = self.find(around).await?;
        let place = self.place(bucket, &found).await?;
        let mut client = ClientOptions::new().with_allow_http(place.endpoint.starts_with("http:"));
        for certificate in certificates(&found)? {
            client = client.with_root_certificate(certificate);
        }
        let builder = AmazonS3Builder::new()
            .with_bucket_name(bucket)
            .with_region(&place.region)
            .with_endpoint(&place.endpoint)
            .with_virtual_hosted_style_request(place.name_in_host)
            .with_request_payer(self.requester_pays)
            .with_client_options(client)
            .with_retry(retry);
        let keys = Keys::of(self, &found.sdk).map(Arc::new);
        let builder = match &keys {
            None => builder.with_skip_signature(true),
            Some(keys) => {
                keys.get().await?;
                builder.with_credentials(Arc::clone(keys) as _)
            }
        };
        let failed = |source| Error::Client { bucket: bucket.to_owned(), source };
        let store = Arc::new(builder.build().map_err(|error| failed(error.into()))?);
        let client = http_client(&reqwest_certificates(&found)?);
        let client = client.map_err(|error| failed(error.into()))?;
        let url = match place.name_in_host {
            true => place.endpoint,
            false => format!("{}/{bucket}", place.endpoint),
        };
        let (region, requester_pays) = (place.region, self.requester_pays);
        Ok(Bucket { store, client, url, region, keys, requester_pays })
    }

    async fn place(&self, bucket: &str, found: &Found) -> Result<Place, Error> {
        let sdk = &found.sdk;
        let home = sdk.region().map_or(REGION_DEFAULT, AsRef::as_ref);
        let named = self.endpoint.clone().or_else(|| {
            service_setting(sdk, "s3", "AWS_ENDPOINT_URL", "endpoint_url")
                .or_else(|| sdk.endpoint_url().map(str::to_owned))
        });
        if let Some(endpoint) = named {
            let region = home.to_owned();
            let name_in_host = self.path_style == Some(false);
            let endpoint = checked(&endpoint, bucket, name_in_host)?;
            return Ok(Place { region, endpoint, name_in_host });
        }
        let (fips, dual_stack) =
            (sdk.use_fips().unwrap_or(false), sdk.use_dual_stack().unwrap_or(false));
        let region = match &self.region {
            Some(region) => region.clone(),
            None => {
                let endpoint = format!("https://{}", region::host(home, fips, dual_stack));
                let trusted = reqwest_certificates(found)?;
                match region::of_bucket(&endpoint, bucket, &trusted).await {
                    // A network without a way to that name may have one to the bucket.
                    Err(Error::Region { .. }) if found.region_is_known => home.to_owned(),
                    other => other?,
                }
            }
        };
        let host = region::host(&region, fips, dual_stack);
        let name_in_host = self.path_style != Some(true) && fits_a_host(bucket);
        let endpoint = match name_in_host {
            true => format!("https://{bucket}.{host}"),
            false => format!("https://{host}"),
        };
        Ok(Place { region, endpoint, name_in_host })
    }
}

/// Where a bucket answers.
#[derive(Debug, PartialEq, Eq)]
struct Place {
    region: String,
    endpoint: String,
    name_in_host: bool,
}

/// The endpoint that somebody wrote, as the client wants it.
fn checked(endpoint: &str, bucket: &str, name_in_host: bool) -> Result<String, Error> {
    let refuse = |why: &str| Error::Settings {
        why: format!("the endpoint `{}` {why}", endpoint.escape_default()),
    };
    let mut url = Url::parse(endpoint)
        .map_err(|error| refuse(&format!("is no URL ({error}): write https://HOST[:PORT]")))?;
    let Some(host) = url.host_str().filter(|_| ["http", "https"].contains(&url.scheme())) else {
        return Err(refuse("is no http:// or https:// URL of a host"));
    };
    if url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() {
        return Err(refuse("has more than a host and a path"));
    }
    if name_in_host {
        let host = format!("{bucket}.{host}");
        url.set_host(Some(&host)).map_err(|_| refuse("cannot bear the bucket's name"))?;
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

/// Whether a certificate for `*.s3.REGION.amazonaws.com` covers the bucket's host.
fn fits_a_host(bucket: &str) -> bool {
    bucket.len() <= 63
        && bucket.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

fn refuse_no_bucket_name(bucket: &str) -> Result<(), Error> {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b"-._".contains(&b);
    if (3..=BUCKET_NAME_CHARS_MAX).contains(&bucket.len()) && bucket.bytes().all(fits) {
        return Ok(());
    }
    let bucket = bucket.escape_default();
    Err(Error::Settings {
        why: format!("`{bucket}` is no bucket's name: write s3://BUCKET/PREFIX"),
    })
}

fn certificates(found: &Found) -> Result<Vec<Certificate>, Error> {
    let Some(bundle) = &found.ca_bundle else { return Ok(Vec::new()) };
    Certificate::from_pem_bundle(bundle).map_err(|error| Error::Settings { why: error.to_string() })
}

fn http_client(trusted: &[reqwest::Certificate]) -> reqwest::Result<Client> {
    // The answer to a wrong region is a redirect that leads nowhere.
    let client = Client::builder().redirect(redirect::Policy::none()).timeout(ANSWER_WAIT_MAX);
    let trust = |client: ClientBuilder, certificate: &reqwest::Certificate| {
        client.add_root_certificate(certificate.clone())
    };
    trusted.iter().fold(client, trust).build()
}

fn reqwest_certificates(found: &Found) -> Result<Vec<reqwest::Certificate>, Error> {
    let Some(bundle) = &found.ca_bundle else { return Ok(Vec::new()) };
    reqwest::Certificate::from_pem_bundle(bundle)
        .map_err(|error| Error::Settings { why: error.to_string() })
}

#[cfg(test)]
mod tests;
