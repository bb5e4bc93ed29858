//! What the process is told by its environment, read once.

use std::{path::PathBuf, sync::Arc, time::Duration};

use anyhow::Context;
use object_store::{
    BackoffConfig, Certificate, ClientOptions, ObjectStore, RetryConfig, aws::AmazonS3Builder,
};

use crate::allowed::Allowed;

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

/// Where AWS is and who asks it, what may be read, where the rules are, and where alerts go.
#[derive(Clone, Debug, Default)]
pub(crate) struct Environment {
    /// Where S3 is, when it is not where the region has it.
    pub(crate) endpoint: Option<String>,
    /// Where other services are: for all, and by name for those that the function calls.
    pub(crate) endpoint_of_all: Option<String>,
    pub(crate) endpoints: Vec<(&'static str, String)>,
    pub(crate) region: String,
    pub(crate) access_key_id: Option<String>,
    pub(crate) secret_access_key: Option<flow::Secret>,
    pub(crate) session_token: Option<flow::Secret>,
    /// A file of certificates to trust besides the system's.
    pub(crate) ca_bundle: Option<PathBuf>,
    /// Where the package is unpacked.
    pub(crate) task_root: Option<PathBuf>,
    /// Where the rules are: a folder, `s3://BUCKET/PREFIX`, or `shipped`.
    pub(crate) rules: Option<String>,
    /// A question that is asked beside the rules.
    pub(crate) when: Option<String>,
    /// Which buckets may be read; none where nothing is said.
    pub(crate) buckets: Option<String>,
    /// Where alerts go, with spaces between; where nothing is said, findings are only answered.
    pub(crate) destinations: Option<String>,
    /// What webhooks are signed with, or where that stands.
    pub(crate) webhook_key: Option<flow::Secret>,
    /// Whether webhooks may be at loopback and private addresses.
    pub(crate) allow_private: bool,
}

/// The services that the function calls besides S3, and what names their endpoints.
const ENDPOINTS: [(&str, &str); 3] = [
    ("secretsmanager", "AWS_ENDPOINT_URL_SECRETS_MANAGER"),
    ("sns", "AWS_ENDPOINT_URL_SNS"),
    ("ssm", "AWS_ENDPOINT_URL_SSM"),
];

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
        let endpoints = ENDPOINTS
            .into_iter()
            .filter_map(|(service, name)| variable(name).map(|url| (service, url)));
        Ok(Self {
            endpoint: variable("AWS_ENDPOINT_URL_S3").or_else(|| variable("AWS_ENDPOINT_URL")),
            endpoint_of_all: variable("AWS_ENDPOINT_URL"),
            endpoints: endpoints.collect(),
            region: variable("AWS_REGION")
                .or_else(|| variable("AWS_DEFAULT_REGION"))
                .unwrap_or_else(|| REGION_DEFAULT.to_owned()),
            access_key_id: variable("AWS_ACCESS_KEY_ID"),
            secret_access_key: variable("AWS_SECRET_ACCESS_KEY").map(flow::Secret::new),
            session_token: variable("AWS_SESSION_TOKEN").map(flow::Secret::new),
            ca_bundle: variable("AWS_CA_BUNDLE").map(PathBuf::from),
            task_root: variable("LAMBDA_TASK_ROOT").map(PathBuf::from),
            rules: variable("TRAILHOUND_RULES"),
            when: variable("TRAILHOUND_WHEN"),
            buckets: variable("TRAILHOUND_BUCKETS"),
            destinations: variable("TRAILHOUND_DESTINATIONS"),
            webhook_key: variable("TRAILHOUND_WEBHOOK_KEY").map(flow::Secret::new),
            allow_private: truth("TRAILHOUND_ALLOW_PRIVATE")?,
        })
    }

    /// Which buckets may be read.
    ///
    /// # Errors
    /// What is said of them lists none.
    pub(crate) fn allowed(&self) -> anyhow::Result<Allowed> {
        match &self.buckets {
            Some(list) => list.parse().context("TRAILHOUND_BUCKETS"),
            None => Ok(Allowed::none()),
        }
    }

    /// Where `service` is called in `region`.
    pub(crate) fn endpoint_of(&self, service: &str, region: &str) -> String {
        let own = self.endpoints.iter().find(|(name, _)| *name == service).map(|(_, url)| url);
        own.or(self.endpoint_of_all.as_ref()).cloned().unwrap_or_else(|| {
            let suffix =
                if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
            format!("https://{service}.{region}.{suffix}")
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

fn truth(name: &str) -> anyhow::Result<bool> {
    match variable(name).as_deref() {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(other) => anyhow::bail!("{name} is `{other}`: give true or false"),
    }
}

#[expect(clippy::disallowed_methods, reason = "Lambda configures its functions by the environment")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;
    use crate::{Detect, Error, Response, handle};

    fn environment(endpoint: String) -> Environment {
        Environment {
            endpoint: Some(endpoint),
            region: "us-east-2".to_owned(),
            access_key_id: Some("ASIATEST".to_owned()),
            secret_access_key: Some(flow::Secret::new("secret")),
            session_token: Some(flow::Secret::new("token")),
            ..Environment::default()
        }
    }

    /// What the function makes of an S3 that gives every request this answer, and the last request.
    async fn asked(status: &str, body: &str) -> (Result<Response, Error>, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}/", listener.local_addr().unwrap());
        let detect =
            Detect::new(rule::RuleSet::shipped(), environment(endpoint).open_bucket().unwrap());
        let event = serde_json::json!({"Records": [{"eventSource": "aws:s3",
            "eventName": "ObjectCreated:Put",
            "s3": {"bucket": {"name": "a.bucket"}, "object": {"key": "x/y+z.json"}}}]});
        let last = Mutex::new(String::new());
        let answer = format!(
            "HTTP/1.1 {status}\r\nContent-Length: {}\r\nETag: \"e\"\r\n\
             Last-Modified: Sun, 22 Nov 2026 10:00:00 GMT\r\nConnection: close\r\n\r\n{body}",
            body.len()
        );
        let serve = async {
            loop {
                let (mut socket, _) = listener.accept().await.unwrap();
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(socket.read_u8().await.unwrap());
                }
                *last.lock().unwrap() = String::from_utf8(head).unwrap();
                socket.write_all(answer.as_bytes()).await.unwrap();
            }
        };
        let response = tokio::select! {
            () = serve => unreachable!("it serves for ever"),
            response = handle(&detect, event) => response,
        };
        (response, last.into_inner().unwrap())
    }

    #[tokio::test]
    async fn objects_are_asked_for_signed_with_the_bucket_in_the_path() {
        let log = r#"{"Records":[{"eventVersion":"1.11","eventSource":"sns.amazonaws.com","eventName":"CreateTopic"}]}"#;
        let (response, request) = asked("200 OK", log).await;
        assert_eq!(response.unwrap().findings.len(), 1);
        assert!(request.starts_with("GET /a.bucket/x/y%20z.json HTTP/1.1"), "{request}");
        let request = request.to_lowercase();
        assert!(
            request.contains("authorization: aws4-hmac-sha256 credential=asiatest/"),
            "{request}"
        );
        assert!(request.contains("us-east-2/s3/aws4_request"), "{request}");
        assert!(request.contains("x-amz-security-token: token"), "{request}");
    }

    #[tokio::test]
    async fn what_is_gone_is_rejected_and_what_is_busy_or_forbidden_is_tried_again() {
        let error = |code: &str| format!("<Error><Code>{code}</Code><Message>m</Message></Error>");
        for (code, said) in
            [("NoSuchKey", "the object is not there"), ("NoSuchBucket", "the bucket")]
        {
            let (response, _) = asked("404 Not Found", &error(code)).await;
            let rejected = response.unwrap().rejected;
            assert!(rejected[0].reason.contains(said), "{code}: {rejected:?}");
        }
        for (status, code) in [("503 Slow Down", "SlowDown"), ("403 Forbidden", "AccessDenied")] {
            let (response, _) = asked(status, &error(code)).await;
            assert!(matches!(response, Err(Error::Retry { .. })), "{code}: {response:?}");
        }
    }

    #[tokio::test]
    async fn a_store_that_does_not_answer_is_tried_again() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        drop(listener);
        let open = environment(endpoint).open_bucket().unwrap();
        let detect = Detect::new(rule::RuleSet::default(), open);
        let event = serde_json::json!({"Records": [{"eventSource": "aws:s3",
            "eventName": "ObjectCreated:Put",
            "s3": {"bucket": {"name": "b"}, "object": {"key": "k"}}}]});
        let response = handle(&detect, event).await;
        assert!(matches!(response, Err(Error::Retry { .. })), "nobody listens: {response:?}");
    }

    #[test]
    fn each_service_is_called_where_its_region_has_it_unless_told_otherwise() {
        let mut environment = Environment::default();
        let sns = |environment: &Environment, region: &str| environment.endpoint_of("sns", region);
        assert_eq!(sns(&environment, "us-east-2"), "https://sns.us-east-2.amazonaws.com");
        assert_eq!(sns(&environment, "cn-north-1"), "https://sns.cn-north-1.amazonaws.com.cn");
        environment.endpoint_of_all = Some("http://all".to_owned());
        assert_eq!(sns(&environment, "us-east-2"), "http://all");
        environment.endpoints = vec![("sns", "http://own".to_owned())];
        assert_eq!(sns(&environment, "us-east-2"), "http://own");
        assert_eq!(environment.endpoint_of("ssm", "us-east-2"), "http://all");
    }

    #[test]
    fn no_bucket_is_read_unless_it_is_named() {
        let mut environment = Environment::default();
        assert!(!environment.allowed().unwrap().holds("logs"));
        environment.buckets = Some("logs".to_owned());
        assert!(environment.allowed().unwrap().holds("logs"));
        environment.buckets = Some("s3://logs".to_owned());
        let error = format!("{:#}", environment.allowed().unwrap_err());
        assert!(error.contains("TRAILHOUND_BUCKETS: `s3://logs`"), "{error}");
    }

    #[test]
    fn outside_of_lambda_the_message_says_what_is_missing() {
        let error = Environment::read().unwrap_err().to_string();
        assert!(error.contains("AWS_LAMBDA_RUNTIME_API"), "{error}");
    }
}
