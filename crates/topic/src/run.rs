//! The room: what it holds, and the loop that delivers.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, OnceLock, RwLock},
};

use flow::{AccountId, Authorize, Chance, Clock, Enqueue, Fault, Invoke, Region, ResourcePolicies};
use store::{Database, Queue, Table};
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use crate::{
    delivery,
    error::Error,
    mail::{Mailer, Smtp},
    signing::Signing,
    subscription::Subscription,
    topic::{self, Attributes, Topic},
};

/// Topics at a time (SNS's quota of standard ones).
const TOPICS_MAX: usize = 100_000;

/// Whose topics these are.
#[derive(Clone, Debug)]
pub struct Config {
    /// The account that owns every topic.
    pub account: AccountId,
    /// The region that every ARN names.
    pub region: Region,
    /// The server that takes mail; without one, subscriptions by mail are refused.
    pub smtp: Option<Smtp>,
}

/// Where deliveries inside the process go, and who says whether they may.
#[derive(Clone)]
pub struct Reach {
    /// Queues that have subscribed, and those of dead letters.
    pub queues: Arc<dyn Enqueue>,
    /// Functions that have subscribed.
    pub functions: Arc<dyn Invoke>,
    /// Asks their policies.
    pub authorize: Arc<dyn Authorize>,
}

/// The SNS service. Clones share everything.
#[derive(Clone)]
pub struct Topics {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) config: Config,
    pub(crate) topics: Table,
    /// Keys are `TOPIC/UUID`.
    pub(crate) subscriptions: Table,
    pub(crate) deliveries: Queue,
    pub(crate) signing: Signing,
    pub(crate) outgoing: outgoing::Client,
    pub(crate) mailer: Option<Mailer>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) chance: Arc<dyn Chance>,
    /// Held from reading a row to writing it back.
    pub(crate) changing: Mutex<()>,
    endpoint: OnceLock<String>,
    /// The policies of all topics, by ARN: whoever asks for one does not wait.
    policies: RwLock<HashMap<String, Option<Arc<str>>>>,
}

impl Topics {
    /// Opens topics and subscriptions in `state`, deliveries in `work`. The first start begins to
    /// make the signing key, which is then kept; whatever signs waits for it.
    ///
    /// # Errors
    /// [`Error`] where the store fails or the kept key cannot be read.
    pub async fn open(
        config: Config,
        state: &Database,
        work: &Database,
        outgoing: outgoing::Client,
        clock: Arc<dyn Clock>,
        chance: Arc<dyn Chance>,
    ) -> Result<Self, Error> {
        let signing = Signing::open(state.table("topic_signing").await?).await?;
        let mailer = config.smtp.as_ref().map(Mailer::to).transpose()?;
        let topics = state.table("topics").await?;
        let mut policies = HashMap::new();
        for (key, bytes) in topics.list("").await? {
            let topic: Topic = read_row(&key, &bytes)?;
            policies.insert(topic.arn.clone(), topic.asked_policy(&config.account));
        }
        let inner = Inner {
            config,
            topics,
            subscriptions: state.table("subscriptions").await?,
            deliveries: work.queue("topic").await?,
            signing,
            outgoing,
            mailer,
            clock,
            chance,
            changing: Mutex::new(()),
            endpoint: OnceLock::new(),
            policies: RwLock::new(policies),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Tells under which URL the server is reached, such as `http://127.0.0.1:4580`: messages name
    /// it for confirming, for unsubscribing and for the certificate. The first call counts.
    pub fn set_endpoint(&self, url: &str) {
        self.inner.endpoint.get_or_init(|| url.trim_end_matches('/').to_owned());
    }

    /// The path and the PEM text of the certificate that messages name. Waits, on the very first
    /// start, until its key is made.
    ///
    /// # Errors
    /// [`Error`] where the key cannot be made or kept; the next call tries again.
    pub async fn certificate(&self) -> Result<(String, String), Error> {
        let signer = self.inner.signing.signer().await?;
        Ok((signer.certificate_path(), signer.certificate_pem().to_owned()))
    }

    /// The ARN of the topic `name`, which is made unless it exists.
    ///
    /// # Errors
    /// The [`Fault`] that `CreateTopic` would answer.
    pub async fn ensure(&self, name: &str) -> Result<String, Fault> {
        self.inner.create(name, None, BTreeMap::new()).await.map(|topic| topic.arn)
    }

    /// Whether there is a topic of that ARN. Answers from memory.
    pub fn exists(&self, arn: &str) -> bool {
        self.inner.policies.read().expect("no holder panics").contains_key(arn)
    }

    /// The deliveries under way, for status and dead letters.
    pub fn queue(&self) -> &Queue {
        &self.inner.deliveries
    }
}

impl ResourcePolicies for Topics {
    fn policy_of(&self, arn: &str) -> Option<Arc<str>> {
        self.inner.policies.read().expect("no holder panics").get(arn)?.clone()
    }
}

pub(crate) fn read_row<T: serde::de::DeserializeOwned>(
    row: &str,
    bytes: &[u8],
) -> Result<T, Error> {
    serde_json::from_slice(bytes)
        .map_err(|why| Error::Corrupt { row: row.to_owned(), why: why.to_string() })
}

pub(crate) fn write_row<T: serde::Serialize>(value: &T) -> Vec<u8> {
    serde_json::to_vec(value).expect("rows are plain structures")
}

impl Inner {
    /// The endpoint, or what stands for it until the server listens.
    pub(crate) fn endpoint(&self) -> &str {
        self.endpoint.get().map_or("http://127.0.0.1", String::as_str)
    }

    /// The topic that `arn` names.
    pub(crate) async fn topic(&self, arn: &str) -> Result<Topic, Fault> {
        let name = topic::name_in_arn(&self.config.account, &self.config.region, arn)?;
        match self.topics.get(name).await.map_err(Error::from)? {
            Some(bytes) => Ok(read_row(name, &bytes)?),
            None => Err(topic::not_found("Topic")),
        }
    }

    pub(crate) async fn put_topic(&self, topic: &Topic) -> Result<(), Error> {
        self.topics.put(&topic.name, write_row(topic)).await?;
        let policy = topic.asked_policy(&self.config.account);
        let mut policies = self.policies.write().expect("no holder panics");
        policies.insert(topic.arn.clone(), policy);
        Ok(())
    }

    pub(crate) fn forget_policy(&self, arn: &str) {
        self.policies.write().expect("no holder panics").remove(arn);
    }

    /// `CreateTopic`: the same name and attributes again give the same topic.
    pub(crate) async fn create(
        &self,
        name: &str,
        attributes: Option<&flow::Tree>,
        tags: BTreeMap<String, String>,
    ) -> Result<Topic, Fault> {
        topic::check_name(name)?;
        let given = Attributes::from_tree(attributes)?;
        let _changing = self.changing.lock().await;
        if let Some(bytes) = self.topics.get(name).await.map_err(Error::from)? {
            let topic: Topic = read_row(name, &bytes)?;
            if !tags.is_empty() && tags != topic.tags {
                let why = "Topic already exists with different tags";
                return Err(topic::invalid("Tags", why));
            }
            return if attributes.is_none_or(|a| a.members().is_empty()) || topic.attributes == given
            {
                Ok(topic)
            } else {
                Err(topic::invalid("Attributes", "Topic already exists with different attributes"))
            };
        }
        if self.policies.read().expect("no holder panics").len() >= TOPICS_MAX {
            let what = format!("There are {TOPICS_MAX} topics already.");
            return Err(Fault::new("TopicLimitExceededException", what).with_status(403));
        }
        let arn = topic::arn(&self.config.account, &self.config.region, name);
        let topic = Topic { attributes: given, tags, ..Topic::new(arn, name.to_owned()) };
        self.put_topic(&topic).await?;
        Ok(topic)
    }

    /// The subscriptions whose keys begin with `prefix`: of one topic (`NAME/`) or of all (``).
    pub(crate) async fn subscriptions(&self, prefix: &str) -> Result<Vec<Subscription>, Error> {
        let rows = self.subscriptions.list(prefix).await?;
        rows.iter().map(|(key, bytes)| read_row(key, bytes)).collect()
    }

    pub(crate) async fn put_subscription(&self, row: &Subscription) -> Result<(), Error> {
        Ok(self.subscriptions.put(&row_key(&row.arn), write_row(row)).await?)
    }
}

/// `TOPIC/UUID` of the subscription `arn`, which is `…:TOPIC:UUID`.
pub(crate) fn row_key(arn: &str) -> String {
    let mut parts = arn.rsplitn(3, ':');
    let id = parts.next().unwrap_or_default();
    let topic = parts.next().unwrap_or_default();
    format!("{topic}/{id}")
}

/// Delivers what is due until `stop`, then finishes what it has begun.
pub async fn run(topics: Topics, reach: Reach, stop: CancellationToken) {
    delivery::run(Arc::clone(&topics.inner), reach, stop).await;
}
