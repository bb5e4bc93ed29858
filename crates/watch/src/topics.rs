//! SNS topics of a real account, as alerts' destinations: each with keys of its own.

use std::{collections::HashMap, sync::Arc};

use alert::{Destination, PublishCall};
use aws_sdk_sqs::config::{Credentials as Keys, ProvideCredentials, SharedCredentialsProvider};
use bytes::Bytes;
use credentials::Access;
use flow::{Accepted, Arn, Clock, Pending, Publish, PublishError, Secret, Timestamp};
use http::{Request, header};
use tokio::sync::Mutex;
use url::Url;

use crate::Error;

/// Keys that expire within this time are fetched anew, in milliseconds.
const EXPIRES_SOON_MILLIS: i64 = 5 * 60_000;
/// Keys that do not say when they expire are used for so long, in milliseconds.
const KEEP_MILLIS: i64 = 15 * 60_000;

/// The topics among the destinations, by their ARNs.
pub(crate) struct Topics {
    topics: HashMap<String, Topic>,
    client: outgoing::Client,
    clock: Arc<dyn Clock>,
}

struct Topic {
    endpoint: Url,
    region: String,
    provider: Option<SharedCredentialsProvider>,
    /// The keys, and until when they are used.
    keys: Mutex<Option<(Keys, Timestamp)>>,
}

impl Topics {
    pub(crate) async fn open(
        destinations: &[(Destination, Access)],
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, Error> {
        let mut topics = HashMap::new();
        for (destination, access) in destinations {
            if let Destination::Sns(arn) = destination {
                topics.insert(arn.clone(), Topic::open(arn, access).await?);
            }
        }
        // The operator names these endpoints, and private networks have private ones.
        let client = outgoing::Client::with(outgoing::Policy { allow_private: true })?;
        Ok(Self { topics, client, clock: Arc::clone(clock) })
    }

    async fn post(&self, topic: &Topic, call: &PublishCall<'_>) -> Result<Accepted, PublishError> {
        let retry = |why: String| PublishError::Retry(why);
        let now = self.clock.now();
        let keys = topic.keys(now).await.map_err(retry)?;
        let mut request = Request::post(topic.endpoint.as_str())
            .header(header::CONTENT_TYPE, PublishCall::CONTENT_TYPE)
            .body(())
            .map_err(|error| retry(error.to_string()))?
            .into_parts()
            .0;
        let signer = sigv4::Credentials {
            access_key_id: keys.access_key_id().to_owned(),
            secret: Secret::new(keys.secret_access_key()),
            session_token: keys.session_token().map(Secret::new),
        };
        let form = call.form();
        let content = sigv4::Content::Bytes(form.as_bytes());
        sigv4::sign(&mut request, &content, &signer, &topic.region, "sns", now)
            .map_err(|error| retry(error.to_string()))?;
        let headers: Vec<(&str, &str)> = request
            .headers
            .iter()
            .filter(|(name, _)| *name != header::HOST)
            .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)))
            .collect();
        let answer = self.client.post(&topic.endpoint, &headers, Bytes::from(form)).await;
        let answer = answer.map_err(|error| retry(error.to_string()))?;
        call.answered(answer.status, &answer.body)
    }
}

impl Topic {
    async fn open(arn: &str, access: &Access) -> Result<Self, Error> {
        let region = arn.split(':').nth(3).unwrap_or_default().to_owned();
        let access = Access { region: Some(region.clone()), ..access.clone() };
        let failed = |source| Error::Access { what: format!("the topic {arn}"), source };
        let sdk = access.sdk_config().await.map_err(failed)?;
        access.check(&sdk).await.map_err(failed)?;
        let suffix = if arn.starts_with("arn:aws-cn:") { ".cn" } else { "" };
        let own = format!("https://sns.{region}.amazonaws.com{suffix}/");
        let endpoint = sdk.endpoint_url().unwrap_or(&own);
        let endpoint = Url::parse(endpoint).map_err(|error| {
            Error::Settings(format!("destination sns:{arn}: endpoint `{endpoint}`: {error}"))
        })?;
        Ok(Self { endpoint, region, provider: sdk.credentials_provider(), keys: Mutex::default() })
    }

    async fn keys(&self, now: Timestamp) -> Result<Keys, String> {
        let mut kept = self.keys.lock().await;
        if let Some((keys, until)) = &*kept
            && now < *until
        {
            return Ok(keys.clone());
        }
        let provider = self.provider.as_ref().ok_or("there are no keys")?;
        let keys = provider.provide_credentials().await;
        let keys = keys.map_err(|error| format!("there are no keys: {error:?}"))?;
        let expires = keys.expiry().and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
        let expires = expires.and_then(|at| i64::try_from(at.as_millis()).ok());
        let until = match expires {
            Some(at) => Timestamp::from_millis(at).plus_millis(-EXPIRES_SOON_MILLIS),
            None => now.plus_millis(KEEP_MILLIS),
        };
        *kept = Some((keys.clone(), until));
        Ok(keys)
    }
}

impl Publish for Topics {
    fn publish<'a>(
        &'a self,
        topic_arn: &'a str,
        delivery_id: &'a str,
        subject: Option<&'a str>,
        message: &'a str,
    ) -> Pending<'a, Result<Accepted, PublishError>> {
        Box::pin(async move {
            let topic = self.topics.get(topic_arn);
            let topic = topic.ok_or_else(|| PublishError::NoSuchTopic(topic_arn.to_owned()))?;
            self.post(topic, &PublishCall { topic_arn, delivery_id, subject, message }).await
        })
    }
}

/// Whether the text is a topic's ARN.
pub(crate) fn is_arn(text: &str) -> bool {
    text.parse::<Arn>().is_ok_and(|arn| arn.service == "sns")
}
