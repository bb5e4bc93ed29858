//! The few calls of AWS that the function makes besides S3's: they publish, and read what is secret.

use std::{sync::Arc, time::Duration};

use alert::PublishCall;
use anyhow::{Context, bail};
use bytes::Bytes;
use flow::{Accepted, Arn, Clock, Pending, Publish, PublishError};
use http::{HeaderValue, Request, header::CONTENT_TYPE};
use serde_json::{Value, json};
use sigv4::{Content, Credentials};
use tokio::sync::OnceCell;

use crate::{clock::MachineClock, env::Environment};

/// How long a connection may take to stand.
const CONNECT_WAIT_MAX: Duration = Duration::from_secs(5);
/// How long one call may take.
const CALL_WAIT_MAX: Duration = Duration::from_secs(20);
/// The longest answer that is read, in bytes: secrets have at most 64 KiB.
const ANSWER_BYTES_MAX: usize = 512 * 1024;
/// How much of an error's answer is told, in characters.
const SAID_CHARS_MAX: usize = 300;

/// Signed calls with the function's credentials. The three that there are do not need the model of
/// all services, which would be a fifth of the executable.
pub(crate) struct Services {
    environment: Environment,
    clock: Arc<dyn Clock>,
    /// Made when it is first needed.
    http: OnceCell<reqwest::Client>,
}

/// What goes to a service.
struct Call<'a> {
    service: &'static str,
    /// Where the resource of this ARN is; for what is no ARN, the function's own region.
    resource: &'a str,
    content_type: &'static str,
    target: Option<&'static str>,
    body: String,
}

impl Services {
    pub(crate) fn of(environment: Environment) -> Self {
        Self { environment, clock: Arc::new(MachineClock), http: OnceCell::new() }
    }

    /// The value of a parameter, decrypted.
    pub(crate) async fn parameter(&self, name: &str) -> anyhow::Result<String> {
        let input = json!({"Name": name, "WithDecryption": true});
        let answer = self.json("ssm", "AmazonSSM.GetParameter", name, &input).await?;
        let value = answer.pointer("/Parameter/Value").and_then(Value::as_str);
        Ok(value.context("the answer of ssm:GetParameter holds no text")?.to_owned())
    }

    /// The text of a secret.
    pub(crate) async fn secret(&self, id: &str) -> anyhow::Result<String> {
        let input = json!({"SecretId": id});
        let answer =
            self.json("secretsmanager", "secretsmanager.GetSecretValue", id, &input).await?;
        let value = answer.get("SecretString").and_then(Value::as_str);
        Ok(value.context("the secret holds bytes, and a text is needed")?.to_owned())
    }

    /// A call in AWS's JSON 1.1.
    async fn json(
        &self,
        service: &'static str,
        target: &'static str,
        resource: &str,
        input: &Value,
    ) -> anyhow::Result<Value> {
        let call = Call {
            service,
            resource,
            content_type: "application/x-amz-json-1.1",
            target: Some(target),
            body: input.to_string(),
        };
        let (status, body) = self.call(call).await?;
        let answer = serde_json::from_slice::<Value>(&body);
        if status != 200 {
            let answer = answer.unwrap_or_default();
            let told = |names: [&str; 2]| {
                let text = names.iter().find_map(|name| answer.get(name)?.as_str());
                text.map_or_else(String::new, |text| format!(": {}", said(text)))
            };
            let (code, why) = (told(["__type", "code"]), told(["message", "Message"]));
            bail!("{target} answered {status}{code}{why}");
        }
        answer.with_context(|| format!("{target} answered what is no JSON"))
    }

    /// Signs a call and sends it; the status and the answer.
    async fn call(&self, call: Call<'_>) -> anyhow::Result<(u16, Bytes)> {
        let Call { service, resource, content_type, target, body } = call;
        let region = match resource.parse::<Arn>() {
            Ok(arn) if !arn.region.is_empty() => arn.region,
            _ => self.environment.region.clone(),
        };
        let endpoint = self.environment.endpoint_of(service, &region);
        let body = Bytes::from(body);
        let mut request = Request::post(format!("{}/", endpoint.trim_end_matches('/')))
            .header(CONTENT_TYPE, content_type);
        if let Some(target) = target {
            request = request.header("x-amz-target", HeaderValue::from_static(target));
        }
        let (mut parts, ()) = request.body(()).context("the endpoint is no URL")?.into_parts();
        let credentials = self.credentials(service)?;
        let now = self.clock.now();
        sigv4::sign(&mut parts, &Content::Bytes(&body), &credentials, &region, service, now)?;
        let http = self.http.get_or_try_init(async || self.client()).await?;
        let sent = http.post(parts.uri.to_string()).headers(parts.headers).body(body).send().await;
        let mut answer = sent.with_context(|| format!("{service} cannot be called"))?;
        let status = answer.status().as_u16();
        let mut whole = Vec::new();
        while let Some(chunk) = answer.chunk().await? {
            if whole.len() + chunk.len() > ANSWER_BYTES_MAX {
                bail!("{service} answered more than {ANSWER_BYTES_MAX} bytes");
            }
            whole.extend_from_slice(&chunk);
        }
        Ok((status, whole.into()))
    }

    fn credentials(&self, service: &str) -> anyhow::Result<Credentials> {
        let environment = &self.environment;
        let (Some(id), Some(secret)) = (&environment.access_key_id, &environment.secret_access_key)
        else {
            bail!("there are no credentials in the environment to call {service} with");
        };
        Ok(Credentials {
            access_key_id: id.clone(),
            secret: secret.clone(),
            session_token: environment.session_token.clone(),
        })
    }

    fn client(&self) -> anyhow::Result<reqwest::Client> {
        let mut http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_WAIT_MAX)
            .timeout(CALL_WAIT_MAX);
        if let Some(file) = &self.environment.ca_bundle {
            let pem = std::fs::read(file)
                .with_context(|| format!("AWS_CA_BUNDLE: cannot read {}", file.display()))?;
            http = http.tls_certs_merge(reqwest::Certificate::from_pem_bundle(&pem)?);
        }
        Ok(http.build()?)
    }

    async fn publish_to(&self, publish: &PublishCall<'_>) -> Result<Accepted, PublishError> {
        let call = Call {
            service: "sns",
            resource: publish.topic_arn,
            content_type: PublishCall::CONTENT_TYPE,
            target: None,
            body: publish.form(),
        };
        let answered = self.call(call).await;
        let (status, body) = answered.map_err(|why| PublishError::Retry(format!("{why:#}")))?;
        publish.answered(status, &body)
    }
}

impl Publish for Services {
    fn publish<'a>(
        &'a self,
        topic_arn: &'a str,
        delivery_id: &'a str,
        subject: Option<&'a str>,
        message: &'a str,
    ) -> Pending<'a, Result<Accepted, PublishError>> {
        let call = PublishCall { topic_arn, delivery_id, subject, message };
        Box::pin(async move { self.publish_to(&call).await })
    }
}

/// Foreign text as a message may hold it.
fn said(text: &str) -> String {
    text.chars().take(SAID_CHARS_MAX).flat_map(char::escape_debug).collect()
}
