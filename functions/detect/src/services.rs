//! The few AWS services that the function calls besides S3: SNS, Systems Manager, Secrets Manager.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use anyhow::Context;
use client::{Client, Credentials};
use flow::{Accepted, Arn, Pending, Publish, PublishError, Tree};

use crate::{clock::MachineClock, env::Environment};

/// How long a connection may take to stand.
const CONNECT_WAIT_MAX: Duration = Duration::from_secs(5);
/// How long one call may take.
const CALL_WAIT_MAX: Duration = Duration::from_secs(20);

/// Signed clients of services, each made when it is first needed.
pub(crate) struct Services {
    environment: Environment,
    /// By service and region.
    clients: Mutex<HashMap<(&'static str, String), Client>>,
}

impl Services {
    pub(crate) fn of(environment: Environment) -> Self {
        Self { environment, clients: Mutex::default() }
    }

    /// A client of `service` where the resource of this ARN is; of the function's own region for
    /// what is no ARN.
    fn near(&self, service: &'static str, resource: &str) -> anyhow::Result<Client> {
        let region = match resource.parse::<Arn>() {
            Ok(arn) if !arn.region.is_empty() => arn.region,
            _ => self.environment.region.clone(),
        };
        let known = (service, region.clone());
        if let Some(client) = self.clients.lock().expect("no holder panics").get(&known) {
            return Ok(client.clone());
        }
        let client = self.client(service, &region)?;
        self.clients.lock().expect("no holder panics").insert(known, client.clone());
        Ok(client)
    }

    fn client(&self, service: &str, region: &str) -> anyhow::Result<Client> {
        let environment = &self.environment;
        let (Some(id), Some(secret)) = (&environment.access_key_id, &environment.secret_access_key)
        else {
            anyhow::bail!("there are no credentials in the environment to call {service} with");
        };
        let credentials = Credentials {
            access_key_id: id.clone(),
            secret: secret.clone(),
            session_token: environment.session_token.clone(),
        };
        let endpoint = environment.endpoint_of(service, region);
        let client = Client::of(&endpoint, region, credentials, Arc::new(MachineClock))?;
        let mut http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_WAIT_MAX)
            .timeout(CALL_WAIT_MAX);
        if let Some(file) = &environment.ca_bundle {
            let pem = std::fs::read(file)
                .with_context(|| format!("AWS_CA_BUNDLE: cannot read {}", file.display()))?;
            http = http.tls_certs_merge(reqwest::Certificate::from_pem_bundle(&pem)?);
        }
        Ok(client.with_http(http.build()?))
    }

    /// The value of a parameter, decrypted.
    pub(crate) async fn parameter(&self, name: &str) -> anyhow::Result<String> {
        let input = Tree::map([("Name", Tree::from(name)), ("WithDecryption", Tree::from(true))]);
        let answer = self.near("ssm", name)?.call("ssm", "GetParameter", &input).await?;
        let value = answer.get("Parameter").and_then(|parameter| parameter.text("Value"));
        Ok(value.context("the answer of ssm:GetParameter holds no text")?.to_owned())
    }

    /// The text of a secret.
    pub(crate) async fn secret(&self, id: &str) -> anyhow::Result<String> {
        let input = Tree::map([("SecretId", Tree::from(id))]);
        let client = self.near("secretsmanager", id)?;
        let answer = client.call("secretsmanager", "GetSecretValue", &input).await?;
        let value = answer.text("SecretString");
        Ok(value.context("the secret holds bytes, and a text is needed")?.to_owned())
    }

    async fn publish_to(
        &self,
        arn: &str,
        delivery_id: &str,
        subject: Option<&str>,
        message: &str,
    ) -> Result<Accepted, PublishError> {
        let mut input = vec![
            ("TopicArn", Tree::from(arn)),
            ("Subject", Tree::from(subject)),
            ("Message", Tree::from(message)),
        ];
        if arn.ends_with(".fifo") {
            // The id is the alert's, a space, and the destination, which may be too long.
            let alert = delivery_id.split(' ').next().unwrap_or(delivery_id);
            input.push(("MessageGroupId", Tree::from("trailhound")));
            input.push(("MessageDeduplicationId", Tree::from(alert)));
        }
        let retry = |why: String| PublishError::Retry(why);
        let client = self.near("sns", arn).map_err(|why| retry(format!("{why:#}")))?;
        match client.call("sns", "Publish", &Tree::map(input)).await {
            Ok(answer) => Ok(Accepted(answer.text("MessageId").unwrap_or_default().to_owned())),
            Err(client::Error::Fault { fault, .. }) if fault.code == "NotFound" => {
                Err(PublishError::NoSuchTopic(arn.to_owned()))
            }
            Err(error) => Err(retry(format!("{:#}", anyhow::Error::new(error)))),
        }
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
        Box::pin(self.publish_to(topic_arn, delivery_id, subject, message))
    }
}
