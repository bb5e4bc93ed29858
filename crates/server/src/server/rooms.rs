//! All rooms of one server, opened in the order in which they need each other.

use std::{collections::HashMap, sync::Arc};

use alert::Alerts;
use anyhow::Context;
use bucket::Buckets;
use flow::{Authorize, Clock, HttpService, Secret, Service};
use function::Functions;
use gateway::Gateway;
use identity::Identity;
use notification::Notifications;
use queue::Queues;
use store::{Database, Journal, Queue};
use topic::Topics;
use trail::Trails;

use crate::{
    config::Config,
    passage::Passages,
    server::{
        Options, functions,
        rules::{Keeper, Rules},
    },
    wiring::{
        authorization::Authorization,
        bucket_to_target::{Shipped, Targets},
        function_to_alert::Findings,
        function_to_bucket::Objects,
        function_to_gateway::InnerEndpoints,
        function_to_identity::ensure_detect_role,
        notification_to_function::Events,
        trail_to_bucket,
    },
};

/// The largest body of a call, in bytes: a function's code of 50 MiB in Base64, and what is around it.
const BODY_BYTES_MAX: usize = 70 * 1024 * 1024;
/// Letters of the key that signs webhooks.
const KEY_LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
/// Length of that key in characters.
const KEY_CHARS: usize = 48;

/// The rooms, and the databases below them.
pub(crate) struct Rooms {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) journal: Journal,
    pub(crate) identity: Arc<Identity>,
    pub(crate) authorization: Arc<Authorization>,
    pub(crate) topics: Topics,
    pub(crate) sqs: Queues,
    pub(crate) alerts: Alerts,
    pub(crate) functions: Functions,
    objects: Arc<Objects>,
    pub(crate) notifications: Notifications,
    pub(crate) buckets: Buckets,
    pub(crate) trails: Trails,
    pub(crate) gateway: Gateway,
    pub(crate) rules: Rules,
    pub(crate) passages: Passages,
    state: Database,
    work: Database,
}

impl Rooms {
    pub(crate) async fn open(
        options: &Options,
        endpoint: &str,
        inner: &InnerEndpoints,
    ) -> anyhow::Result<(Self, Keeper)> {
        let Options { config, dir, clock, chance, .. } = options;
        let path = dir.path();
        let boot = chance.uuid();
        let work = Database::open(&path.join("work.db"), &boot)?;
        let state = Database::open(&path.join("state.db"), &boot)?;
        let journal = Journal::open(&path.join("journal"), Arc::clone(clock))?;
        let identity = open_identity(options, &state).await?;
        let authorization = Arc::new(Authorization::new(Arc::clone(&identity), Arc::clone(clock)));
        // One for all: making it reads the machine's whole trust store.
        let client = outgoing(config)?;
        let topics = open_topics(options, &state, &work, client.clone(), endpoint).await?;
        let sqs = open_queues(options).await?;
        let alerts = open_alerts(options, &work, client, &topics).await?;
        let mut keeper = Keeper::open(config, dir)?;
        let passages = Passages::default();
        let findings = Findings { alerts: alerts.clone(), passages: passages.clone() };
        let objects = Arc::new(Objects::default());
        let who = (&identity, &authorization);
        let ports = functions::ports(options, inner, who, findings, &objects, (&sqs, &topics));
        let settings = functions::settings(options, endpoint);
        let functions = Functions::open(settings, &state, &work, ports).await?;
        authorization.add("lambda", Arc::new(functions.clone()));
        keeper.begin(functions::detect(options), &functions)?;
        let inside = Inside {
            authorization: Arc::clone(&authorization),
            functions: functions.clone(),
            queues: sqs.clone(),
            topics: topics.clone(),
        };
        let (notifications, buckets) = inside.open_buckets(options, &work, &passages).await?;
        authorization.add("sqs", Arc::new(sqs.clone()));
        authorization.add("sns", Arc::new(topics.clone()));
        authorization.add("s3", Arc::new(buckets.clone()));
        objects.open(buckets.clone());
        let trails = open_trails(options, &journal, &state, &buckets).await?;
        let gateway = open_gateway(
            options,
            &journal,
            &identity,
            &authorization,
            (&topics, &sqs, &functions),
            &trails,
            &buckets,
        )
        .await?;
        inner.open(gateway.clone());
        let rooms = Self {
            clock: Arc::clone(clock),
            journal,
            identity,
            authorization,
            topics,
            sqs,
            alerts,
            functions,
            objects,
            notifications,
            buckets,
            trails,
            gateway,
            rules: keeper.rules(),
            passages,
            state,
            work,
        };
        Ok((rooms, keeper))
    }

    /// Where topics deliver to inside.
    pub(crate) fn topic_reach(&self) -> topic::Reach {
        topic::Reach {
            queues: Arc::new(self.sqs.clone()),
            functions: Arc::new(self.functions.clone()),
            authorize: Arc::clone(&self.authorization) as Arc<dyn Authorize>,
        }
    }

    /// The queues of the road, in its order, under the names of their hops.
    pub(crate) fn queues(&self) -> [(&'static str, &Queue); 5] {
        [
            ("notification", self.notifications.queue()),
            ("function", self.functions.queue()),
            ("destination", self.functions.outcomes()),
            ("alert", self.alerts.queue()),
            ("topic", self.topics.queue()),
        ]
    }

    /// Closes what is below the rooms, once nothing runs.
    pub(crate) async fn close(&self) {
        self.authorization.close();
        self.objects.close();
        self.buckets.clone().close().await;
        self.sqs.close().await;
        self.journal.clone().close().await;
        self.work.clone().close().await;
        self.state.clone().close().await;
    }
}

async fn open_identity(options: &Options, state: &Database) -> anyhow::Result<Arc<Identity>> {
    let keys = identity::Config { account: options.config.account_id.clone() };
    let (clock, chance) = (Arc::clone(&options.clock), Arc::clone(&options.chance));
    let identity = Arc::new(Identity::open(state, keys, clock, chance).await?);
    ensure_detect_role(&identity).await?;
    Ok(identity)
}

/// The trails, the default one among them.
async fn open_trails(
    options: &Options,
    journal: &Journal,
    state: &Database,
    buckets: &Buckets,
) -> anyhow::Result<Trails> {
    let config = &options.config;
    let settings = trail::Config {
        account: config.account_id.clone(),
        region: config.region.clone(),
        wait_max_millis: config.trail.wait_max.millis(),
    };
    let (clock, chance) = (Arc::clone(&options.clock), Arc::clone(&options.chance));
    let deliver = Arc::new(buckets.clone());
    let trails = Trails::open(settings, journal.clone(), state, deliver, clock, chance).await?;
    let detect = functions::detect_arn(config);
    trail_to_bucket::stand_ready(config, &detect, buckets, &trails).await?;
    Ok(trails)
}

async fn open_topics(
    options: &Options,
    state: &Database,
    work: &Database,
    client: outgoing::Client,
    endpoint: &str,
) -> anyhow::Result<Topics> {
    let config = &options.config;
    let settings = topic::Config {
        account: config.account_id.clone(),
        region: config.region.clone(),
        smtp: smtp(config)?,
    };
    let (clock, chance) = (Arc::clone(&options.clock), Arc::clone(&options.chance));
    let topics = Topics::open(settings, state, work, client, clock, chance).await?;
    topics.set_endpoint(endpoint);
    Ok(topics)
}

/// The server that takes mail, where one is configured.
fn smtp(config: &Config) -> anyhow::Result<Option<topic::Smtp>> {
    let crate::config::Smtp { host, port, user, password_file, from, tls } = &config.smtp;
    if host.is_empty() {
        return Ok(None);
    }
    let credentials = if user.is_empty() {
        None
    } else {
        let password = std::fs::read_to_string(password_file)
            .with_context(|| format!("`smtp.password_file`: {password_file}"))?;
        Some((user.clone(), Secret::new(password.trim_end().to_owned())))
    };
    let (host, from) = (host.clone(), from.clone());
    Ok(Some(topic::Smtp { host, port: *port, credentials, from, tls: *tls }))
}

async fn open_queues(options: &Options) -> anyhow::Result<Queues> {
    let Options { config, dir, clock, chance, .. } = options;
    let settings =
        queue::Config { account: config.account_id.clone(), region: config.region.clone() };
    let path = dir.path().join("queue.db");
    Ok(Queues::open(settings, &path, Arc::clone(clock), Arc::clone(chance)).await?)
}

fn outgoing(config: &Config) -> anyhow::Result<outgoing::Client> {
    let allow_private = config.outgoing.allow_private || config.dev;
    Ok(outgoing::Client::with(outgoing::Policy { allow_private })?)
}

async fn open_alerts(
    options: &Options,
    work: &Database,
    client: outgoing::Client,
    topics: &Topics,
) -> anyhow::Result<Alerts> {
    let Options { config, dir, clock, chance, .. } = options;
    let mut destinations = Vec::new();
    for text in &config.alert.destinations {
        destinations.push(text.parse().with_context(|| "`alert.destinations`".to_owned())?);
        if let Some(name) = text.strip_prefix("sns:").filter(|name| !name.starts_with("arn:")) {
            let made = topics.ensure(name).await;
            made.map_err(|fault| {
                anyhow::anyhow!("`alert.destinations`: {text}: {}", fault.message)
            })?;
        }
    }
    let key = dir.private_text("webhook.key", || chance.text(KEY_LETTERS, KEY_CHARS))?;
    let (account, region) = (config.account_id.clone(), config.region.clone());
    let output = Arc::clone(&options.output);
    let settings = alert::Config::new(destinations, Secret::new(key), account, region, output);
    let publish = Arc::new(topics.clone());
    Ok(Alerts::open(settings, work, client, publish, Arc::clone(clock)).await?)
}

/// Whom buckets may tell of objects.
struct Inside {
    authorization: Arc<Authorization>,
    functions: Functions,
    queues: Queues,
    topics: Topics,
}

impl Inside {
    async fn open_buckets(
        self,
        options: &Options,
        work: &Database,
        passages: &Passages,
    ) -> anyhow::Result<(Notifications, Buckets)> {
        let Options { config, dir, clock, chance, .. } = options;
        let Self { authorization, functions, queues, topics } = self;
        let (account, region) = (config.account_id.clone(), config.region.clone());
        let detect = functions::detect_arn(config);
        let authorize: Arc<dyn Authorize> = Arc::new(Shipped { authorization, detect });
        let events = Events { functions: functions.clone(), passages: passages.clone() };
        let reach = notification::Reach {
            functions: Arc::new(events),
            queues: Arc::new(queues.clone()),
            topics: Arc::new(topics.clone()),
            authorize: Arc::clone(&authorize),
        };
        let mut settings = notification::Config::new(region.clone(), account.clone());
        settings.back_off.max_millis = config.notification.retry_wait_max.millis();
        settings.age_max_millis = config.notification.age_max.millis();
        let notifications = Notifications::open(settings, work, reach, Arc::clone(clock)).await?;
        let settings =
            bucket::Config { dir: dir.path().join("bucket"), account: account.clone(), region };
        let targets = Arc::new(Targets { account, functions, queues, topics, authorize });
        let (clock, chance) = (Arc::clone(clock), Arc::clone(chance));
        let buckets = Buckets::open(settings, targets, clock, chance).await?;
        Ok((notifications, buckets))
    }
}

async fn open_gateway(
    options: &Options,
    journal: &Journal,
    identity: &Arc<Identity>,
    authorization: &Arc<Authorization>,
    (topics, sqs, functions): (&Topics, &Queues, &Functions),
    trails: &Trails,
    buckets: &Buckets,
) -> anyhow::Result<Gateway> {
    let config = &options.config;
    let services: HashMap<String, Arc<dyn Service>> = HashMap::from([
        ("sns".to_owned(), Arc::new(topics.clone()) as Arc<dyn Service>),
        ("sqs".to_owned(), Arc::new(sqs.clone()) as Arc<dyn Service>),
        ("sts".to_owned(), Arc::clone(identity) as Arc<dyn Service>),
        ("iam".to_owned(), Arc::clone(identity) as Arc<dyn Service>),
        ("cloudtrail".to_owned(), Arc::new(trails.clone()) as Arc<dyn Service>),
        ("lambda".to_owned(), Arc::new(functions.clone()) as Arc<dyn Service>),
    ]);
    let (path, pem) = topics.certificate().await?;
    let page = gateway::Page {
        content_type: "application/x-pem-file".to_owned(),
        bytes: pem.into_bytes().into(),
    };
    let pages = HashMap::from([(path, page)]);
    Ok(Gateway::new(gateway::Parts {
        account: config.account_id.clone(),
        region: config.region.clone(),
        keys: Arc::clone(identity) as Arc<dyn flow::Keys>,
        authorize: Arc::clone(authorization) as Arc<dyn Authorize>,
        services,
        s3: Arc::new(buckets.clone()) as Arc<dyn HttpService>,
        upstream: None,
        journal: journal.clone(),
        union: trails.union(),
        clock: Arc::clone(&options.clock),
        chance: Arc::clone(&options.chance),
        limits: gateway::Limits { body_bytes: BODY_BYTES_MAX, ..gateway::Limits::default() },
        pages,
        downloads: functions::downloads(functions),
    }))
}
