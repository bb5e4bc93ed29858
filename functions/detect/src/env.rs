//! What the process is told by its environment, read once.

use std::{path::PathBuf, sync::Arc, time::Duration};

use anyhow::Context;
use object_store::{
    BackoffConfig, Certificate, ClientOptions, ObjectStore, RetryConfig, aws::AmazonS3Builder,
};

/// How long a connection may take to stand.
const CONNECT_WAIT_MAX: Duration = Duration::from_secs(5);
/// How long one request may take, body and all.
const REQUEST_WAIT_MAX: Duration = Duration::from_secs(60);
/// How often a request is tried again before the invocation fails; whoever invoked tries again then.
const RETRIES_MAX: usize = 2;
/// How long all tries of a request may take together.
const RETRIES_WAIT_MAX: Duration = Duration::from_secs(10);
/// The region where none is named.
const REGION_DEFAULT: &str = "us-east-1";

/// Where S3 is, who asks it, and where the rules are.
#[derive(Clone, Debug, Default)]
pub(crate) struct Environment {
    pub(crate) endpoint: Option<String>,
    pub(crate) region: String,
    pub(crate) access_key_id: Option<String>,
    pub(crate) secret_access_key: Option<flow::Secret>,
    pub(crate) session_token: Option<flow::Secret>,
    /// A file of certificates to trust besides the system's.
    pub(crate) ca_bundle: Option<PathBuf>,
    /// A folder of rules; the shipped ones where there is none.
    pub(crate) rules: Option<PathBuf>,
}

/// What Lambda always sets; its client ends the process without a word where they are missing.
const OF_LAMBDA: [&str; 4] = [
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
];

impl Environment {
    /// Reads the environment.
    ///
    /// # Errors
    /// This is not a function's process: what Lambda sets is missing.
    pub(crate) fn read() -> anyhow::Result<Self> {
        if let Some(missing) = OF_LAMBDA.iter().find(|name| variable(name).is_none()) {
            anyhow::bail!("this is the process of a Lambda function, and {missing} is not set");
        }
        Ok(Self {
            endpoint: variable("AWS_ENDPOINT_URL_S3").or_else(|| variable("AWS_ENDPOINT_URL")),
            region: variable("AWS_REGION")
                .or_else(|| variable("AWS_DEFAULT_REGION"))
                .unwrap_or_else(|| REGION_DEFAULT.to_owned()),
            access_key_id: variable("AWS_ACCESS_KEY_ID"),
            secret_access_key: variable("AWS_SECRET_ACCESS_KEY").map(flow::Secret::new),
            session_token: variable("AWS_SESSION_TOKEN").map(flow::Secret::new),
            ca_bundle: variable("AWS_CA_BUNDLE").map(PathBuf::from),
            rules: variable("TRAILHOUND_RULES").map(PathBuf::from),
        })
    }

    /// Opens buckets of this environment's S3.
    ///
    /// # Errors
    /// The file of certificates cannot be read.
    pub(crate) fn open_bucket(&self) -> anyhow::Result<crate::OpenBucket> {
        let mut client = ClientOptions::new()
            .with_connect_timeout(CONNECT_WAIT_MAX)
            .with_timeout(REQUEST_WAIT_MAX)
            .with_allow_http(
                self.endpoint.as_deref().is_some_and(|url| url.starts_with("http://")),
            );
        if let Some(file) = &self.ca_bundle {
            let pem = std::fs::read(file)
                .with_context(|| format!("AWS_CA_BUNDLE: cannot read {}", file.display()))?;
            let certificates = Certificate::from_pem_bundle(&pem)
                .with_context(|| format!("AWS_CA_BUNDLE: {} holds no PEM", file.display()))?;
            for certificate in certificates {
                client = client.with_root_certificate(certificate);
            }
        }
        let retries = RetryConfig {
            backoff: BackoffConfig::default(),
            max_retries: RETRIES_MAX,
            retry_timeout: RETRIES_WAIT_MAX,
        };
        // The bucket stands in the path: that works with every S3, and with any bucket's name.
        let mut any = AmazonS3Builder::new()
            .with_region(&self.region)
            .with_virtual_hosted_style_request(false)
            .with_client_options(client)
            .with_retry(retries);
        if let Some(endpoint) = &self.endpoint {
            any = any.with_endpoint(endpoint.trim_end_matches('/'));
        }
        if let (Some(id), Some(secret)) = (&self.access_key_id, &self.secret_access_key) {
            any = any.with_access_key_id(id).with_secret_access_key(secret.expose());
        }
        if let Some(token) = &self.session_token {
            any = any.with_token(token.expose());
        }
        Ok(Box::new(move |bucket| {
            let store = any.clone().with_bucket_name(bucket).build()?;
            Ok(Arc::new(store) as Arc<dyn ObjectStore>)
        }))
    }
}

#[expect(clippy::disallowed_methods, reason = "Lambda configures its functions by the environment")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_open_at_any_endpoint_without_asking_it() {
        let environment = Environment {
            endpoint: Some("http://127.0.0.1:9/".to_owned()),
            region: "us-east-2".to_owned(),
            access_key_id: Some("AKIATEST".to_owned()),
            secret_access_key: Some(flow::Secret::new("secret")),
            ..Environment::default()
        };
        let open = environment.open_bucket().unwrap();
        assert!(open("a-bucket").is_ok());
        assert!(open("a.dotted.bucket").is_ok());
    }

    #[test]
    fn outside_of_lambda_the_message_says_what_is_missing() {
        let error = Environment::read().unwrap_err().to_string();
        assert!(error.contains("AWS_LAMBDA_RUNTIME_API"), "{error}");
    }
}
