//! One alert to one destination, once.

mod file;

use std::{
    collections::BTreeMap,
    io::Write,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use flow::{AccountId, Clock, Finding, Publish, PublishError, Region, Secret};
use tokio::task::spawn_blocking;
use url::Url;

use self::file::AlertFile;
use crate::{
    Destination, Error,
    message::{json, message, slack, text},
    signature::sign,
};

/// The largest message that SNS takes, in bytes.
const TOPIC_BYTES_MAX: usize = 256 * 1024;

/// The largest body of a webhook and the longest line of a file, in bytes.
const LINE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// How long one sending may take, in milliseconds.
const SEND_MILLIS_MAX: i64 = 30_000;

/// Where text alerts are written: the program's standard output.
pub type Output = Arc<Mutex<dyn Write + Send>>;

/// Why an alert was not sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// Worth another try later.
    #[error("{0}")]
    Retry(String),
    /// No later try can succeed.
    #[error("{0}")]
    GiveUp(String),
}

/// What sending needs besides the destinations.
#[derive(Clone)]
pub struct Means {
    /// What webhooks are signed with.
    pub signing_key: Secret,
    /// The account and the region of topics that are given by name; without them, topics are
    /// given by ARN.
    pub home: Option<(AccountId, Region)>,
    /// What the destination `stdout` writes to.
    pub output: Output,
    /// What calls webhooks.
    pub client: outgoing::Client,
    /// What publishes to topics.
    pub publish: Arc<dyn Publish>,
    /// The time, for signatures and for how long a sending may take.
    pub clock: Arc<dyn Clock>,
}

/// Sends alerts at once, without an outbox. Knows all destinations by the names under which they
/// are shown.
pub struct Sender {
    ways: BTreeMap<String, Way>,
    means: Means,
}

/// A destination, ready to be sent to.
enum Way {
    Topic { arn: String },
    Webhook { url: Url },
    Slack { url: Url },
    File(AlertFile),
    Output(Output),
}

impl Sender {
    /// Readies each destination; the same one twice counts once.
    ///
    /// # Errors
    /// [`Error::Reject`] for a destination that can never be reached as it is given.
    pub fn new(destinations: Vec<Destination>, means: Means) -> Result<Self, Error> {
        let mut ways = BTreeMap::new();
        for destination in destinations {
            let name = destination.to_string();
            let way = Way::to(destination, &means)
                .map_err(|why| Error::Reject { destination: name.clone(), why })?;
            ways.insert(name, way);
        }
        Ok(Self { ways, means })
    }

    /// The names of all destinations, without what is secret of a URL.
    pub fn destinations(&self) -> impl Iterator<Item = &str> {
        self.ways.keys().map(String::as_str)
    }

    /// Sends `finding` to the destination of that name, once. A repeat carries the same id and says
    /// the same.
    ///
    /// # Errors
    /// It was not sent, or it is not known that it was.
    pub async fn send(&self, destination: &str, finding: &Finding) -> Result<(), Failure> {
        let Some(way) = self.ways.get(destination) else {
            let why = format!("{destination} is not among the configured destinations");
            return Err(Failure::GiveUp(why));
        };
        tokio::select! {
            sent = self.go(way, destination, finding) => sent,
            () = self.means.clock.sleep_millis(SEND_MILLIS_MAX) => {
                Err(Failure::Retry(format!("no answer within {SEND_MILLIS_MAX} ms")))
            }
        }
    }

    async fn go(&self, way: &Way, destination: &str, finding: &Finding) -> Result<(), Failure> {
        let message = message(finding);
        match way {
            Way::Topic { arn } => {
                let body = json::render(&message, finding, TOPIC_BYTES_MAX);
                let delivery_id = format!("{} {destination}", finding.id);
                let subject = text::subject(&message);
                match self.means.publish.publish(arn, &delivery_id, Some(&subject), &body).await {
                    Ok(_) => Ok(()),
                    // Whoever makes the topic later gets the alert.
                    Err(error @ (PublishError::NoSuchTopic(_) | PublishError::Retry(_))) => {
                        Err(Failure::Retry(error.to_string()))
                    }
                }
            }
            Way::Webhook { url } => {
                let body = json::render(&message, finding, LINE_BYTES_MAX);
                let (timestamp, signature) =
                    sign(&self.means.signing_key, self.means.clock.now(), body.as_bytes());
                let headers = [
                    ("content-type", "application/json"),
                    ("x-trailhound-alert-id", finding.id.as_str()),
                    ("x-trailhound-timestamp", timestamp.as_str()),
                    ("x-trailhound-signature", signature.as_str()),
                ];
                self.post(url, &headers, body).await
            }
            Way::Slack { url } => {
                let headers = [
                    ("content-type", "application/json"),
                    ("x-trailhound-alert-id", finding.id.as_str()),
                ];
                self.post(url, &headers, slack::render(&message)).await
            }
            Way::File(file) => {
                let line = json::render(&message, finding, LINE_BYTES_MAX);
                file.append(line).await.map_err(|error| Failure::Retry(error.to_string()))
            }
            Way::Output(output) => write(output, text::render(&message))
                .await
                .map_err(|error| Failure::Retry(error.to_string())),
        }
    }

    async fn post(&self, url: &Url, headers: &[(&str, &str)], body: String) -> Result<(), Failure> {
        match self.means.client.post(url, headers, Bytes::from(body)).await {
            Ok(answer) if answer.is_success() => Ok(()),
            Ok(answer) => Err(Failure::Retry(format!("it answered with status {}", answer.status))),
            // The client's own text names the URL, which for Slack is the secret.
            Err(outgoing::Error::Refused { why, .. }) => Err(Failure::GiveUp(why)),
            Err(outgoing::Error::Retry { source, .. } | outgoing::Error::Unusable(source)) => {
                Err(Failure::Retry(causes(&source)))
            }
        }
    }
}

impl Way {
    fn to(destination: Destination, means: &Means) -> Result<Self, String> {
        let callable = |url: &Url| match means.client.check(url) {
            Err(outgoing::Error::Refused { why, .. }) => Err(why),
            Ok(()) | Err(_) => Ok(()),
        };
        Ok(match destination {
            Destination::Sns(arn) if arn.starts_with("arn:") => Self::Topic { arn },
            Destination::Sns(name) => {
                let (account, region) =
                    means.home.as_ref().ok_or("give the ARN of the topic, not its name alone")?;
                Self::Topic { arn: format!("arn:aws:sns:{region}:{account}:{name}") }
            }
            Destination::Webhook(url) => callable(&url).map(|()| Self::Webhook { url })?,
            Destination::Slack(url) => callable(&url).map(|()| Self::Slack { url })?,
            Destination::File(path) => Self::File(AlertFile::new(path)),
            Destination::Stdout => Self::Output(Arc::clone(&means.output)),
        })
    }
}

async fn write(output: &Output, text: String) -> std::io::Result<()> {
    let output = Arc::clone(output);
    let task = spawn_blocking(move || {
        let mut output = output.lock().map_err(|_| std::io::Error::other("a writer panicked"))?;
        output.write_all(text.as_bytes())?;
        output.flush()
    });
    task.await.map_err(std::io::Error::other)?
}

/// An error with all that lies under it: reqwest's own text says only that a request failed.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}
