//! A signed client that notes every call it makes, so that nothing recorded goes unexplained.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use client::{Client, Credentials};
use flow::{Clock, Secret, Tree};
use server::Info;

use crate::messages::Said;

/// What begins the User-Agent of every noted call.
const AGENT: &str = "trailhound-test/";
/// Codes of calls whose caller was never identified: these give no record.
const UNIDENTIFIED: &[&str] = &[
    "SignatureDoesNotMatch",
    "InvalidSignatureException",
    "IncompleteSignature",
    "IncompleteSignatureException",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "InvalidClientTokenId",
    "UnrecognizedClientException",
    "InvalidAccessKeyId",
    "RequestTimeTooSkewed",
    "RequestExpired",
    "ExpiredToken",
    "ExpiredTokenException",
];

/// All calls that were made, and what was said to queues by them. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Ledger(Arc<Mutex<Pages>>);

#[derive(Debug, Default)]
struct Pages {
    sent: Vec<Sent>,
    said: Vec<Said>,
}

/// One call that was made.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    /// Its User-Agent, which no other call has.
    pub(crate) agent: String,
    /// Such as `sns:CreateTopic`.
    pub(crate) what: String,
    /// Whether it was answered by somebody who knew the caller.
    pub(crate) answered: bool,
}

impl Ledger {
    /// Notes a call before it is made; the User-Agent that it must carry.
    pub(crate) fn begin(&self, what: &str) -> String {
        let sent = &mut self.pages().sent;
        let agent = format!("{AGENT}{}", sent.len());
        sent.push(Sent { agent: agent.clone(), what: what.to_owned(), answered: false });
        agent
    }

    /// Notes that a call was answered.
    pub(crate) fn answered(&self, agent: &str) {
        let number = agent.strip_prefix(AGENT).and_then(|number| number.parse::<usize>().ok());
        if let Some(sent) = self.pages().sent.get_mut(number.expect("it was made by `begin`")) {
            sent.answered = true;
        }
    }

    pub(crate) fn sent(&self) -> Vec<Sent> {
        self.pages().sent.clone()
    }

    /// Notes what was said to a queue, or heard of it.
    pub(crate) fn say(&self, said: Said) {
        self.pages().said.push(said);
    }

    pub(crate) fn said(&self) -> Vec<Said> {
        self.pages().said.clone()
    }

    pub(crate) fn said_count(&self) -> usize {
        self.pages().said.len()
    }

    /// How many calls were made, and how many of them were answered.
    pub fn counts(&self) -> (usize, usize) {
        let sent = &self.pages().sent;
        (sent.len(), sent.iter().filter(|sent| sent.answered).count())
    }

    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A signed client whose calls are noted.
#[derive(Clone)]
pub struct Hand {
    client: Client,
    ledger: Ledger,
    /// What the URLs of the account's queues begin with.
    queues: String,
}

impl Hand {
    /// The root of the account that the server `info` tells of.
    ///
    /// # Errors
    /// The machine's TLS cannot be set up.
    pub fn root(info: &Info, ledger: &Ledger, clock: Arc<dyn Clock>) -> anyhow::Result<Self> {
        let credentials = Credentials {
            access_key_id: info.access_key_id.clone(),
            secret: Secret::new(info.secret_access_key.clone()),
            session_token: None,
        };
        let client = Client::of(&info.endpoint, &info.region, credentials, clock)?;
        let queues = format!("{}/{}", info.endpoint, info.account_id);
        Ok(Self { client, ledger: ledger.clone(), queues })
    }

    pub(crate) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The URL of the queue of that name.
    pub fn queue_url(&self, name: &str) -> String {
        format!("{}/{name}", self.queues)
    }

    /// The same with other credentials.
    #[must_use]
    pub fn with_credentials(&self, credentials: Credentials) -> Self {
        Self { client: self.client.with_credentials(credentials), ..self.clone() }
    }

    /// The same over another HTTP client.
    #[must_use]
    pub fn with_http(&self, http: reqwest::Client) -> Self {
        Self { client: self.client.with_http(http), ..self.clone() }
    }

    /// Calls `operation` of `service` with members that are texts.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub async fn call(
        &self,
        service: &str,
        operation: &str,
        input: &[(&str, &str)],
    ) -> Result<Tree, client::Error> {
        let input = Tree::map(input.iter().map(|(name, value)| (*name, Tree::from(*value))));
        self.call_tree(service, operation, &input).await
    }

    /// Calls `operation` of `service`.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub async fn call_tree(
        &self,
        service: &str,
        operation: &str,
        input: &Tree,
    ) -> Result<Tree, client::Error> {
        let agent = self.ledger.begin(&format!("{service}:{operation}"));
        let answer = self.client.with_user_agent(&agent)?.call(service, operation, input).await;
        self.note(&agent, answer)
    }

    /// Calls S3.
    ///
    /// # Errors
    /// As [`Client::s3`].
    pub async fn s3(
        &self,
        method: &str,
        path: &str,
        body: impl Into<Bytes>,
    ) -> Result<client::Answer, client::Error> {
        let agent = self.ledger.begin(&format!("s3:{method} {path}"));
        let answer = self.client.with_user_agent(&agent)?.s3(method, path, &[], body).await;
        self.note(&agent, answer)
    }

    /// Makes a topic; its ARN.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub async fn create_topic(&self, name: &str) -> Result<String, client::Error> {
        let made = self.call("sns", "CreateTopic", &[("Name", name)]).await?;
        Ok(made.text("TopicArn").unwrap_or_default().to_owned())
    }

    fn note<T>(&self, agent: &str, answer: Result<T, client::Error>) -> Result<T, client::Error> {
        let identified = match &answer {
            Ok(_) => true,
            Err(client::Error::Fault { fault, .. }) => !UNIDENTIFIED.contains(&fault.code.as_str()),
            Err(client::Error::Status { body, .. }) => {
                !UNIDENTIFIED.iter().any(|code| body.contains(&format!("<Code>{code}</Code>")))
            }
            Err(client::Error::Request { .. } | client::Error::Http { .. }) => false,
        };
        if identified {
            self.ledger.answered(agent);
        }
        answer
    }
}

/// Whether a record's `userAgent` is that of a noted call; S3's records put it in brackets.
pub(crate) fn agent_of(record: &serde_json::Value) -> Option<&str> {
    let agent = record.get("userAgent")?.as_str()?;
    let bare = agent.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(agent);
    bare.starts_with(AGENT).then_some(bare)
}
