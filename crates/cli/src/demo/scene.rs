//! The demo's server and client: everything is made by signed HTTP requests, as anybody would.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use anyhow::{Context, bail};
use client::{Client, Credentials};
use flow::{Secret, Tree};
use server::{Config, DataDir, Options, Server, SystemChance, SystemClock};

use crate::{
    demo::{listener::Listener, show::Show},
    runtime,
};

/// The account and region of the example log.
const ACCOUNT: &str = "123456789012";
const REGION: &str = "us-east-2";
/// What the demo makes.
pub(crate) const BUCKET: &str = "trailhound-demo-logs";
const TRAIL: &str = "demo";
const ALERTS: &str = "alerts";

/// A running server with a road on it.
pub(crate) struct Scene {
    pub(crate) server: Server,
    pub(crate) client: Client,
    pub(crate) listener: Listener,
    /// Deletes the data when it goes.
    _temporary: Option<tempfile::TempDir>,
}

impl Scene {
    pub(crate) async fn set(dir: Option<&Path>, show: &Show) -> anyhow::Result<Self> {
        let (path, temporary) = place(dir)?;
        let server = start(&path).await?;
        let info = server.info();
        show.opening(&info.account_id, &info.region, &info.endpoint);
        let client = signed_in(&server).await?;
        let listener = Listener::open().await?;
        let scene = Self { server, client, listener, _temporary: temporary };
        show.heading("Setting up, by signed requests");
        scene.make_log_bucket(show).await?;
        scene.make_trail(show).await?;
        scene.notify_detect(show).await?;
        scene.subscribe(show).await?;
        Ok(scene)
    }

    async fn make_log_bucket(&self, show: &Show) -> anyhow::Result<()> {
        let body = format!(
            "<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
             <LocationConstraint>{REGION}</LocationConstraint></CreateBucketConfiguration>"
        );
        self.client.s3("PUT", &format!("/{BUCKET}"), &[], body).await?;
        show.call("s3:CreateBucket", BUCKET, "a bucket for log files");
        Ok(())
    }

    async fn make_trail(&self, show: &Show) -> anyhow::Result<()> {
        let input = Tree::map([("Name", TRAIL.into()), ("S3BucketName", Tree::from(BUCKET))]);
        let trail = self.client.call("cloudtrail", "CreateTrail", &input).await?;
        let arn = trail.text("TrailARN").unwrap_or_default();
        show.call("cloudtrail:CreateTrail", &format!("{TRAIL} → s3://{BUCKET}"), arn);
        let input = Tree::map([("Name", Tree::from(TRAIL))]);
        self.client.call("cloudtrail", "StartLogging", &input).await?;
        show.call("cloudtrail:StartLogging", TRAIL, "records are taken from now on");
        Ok(())
    }

    async fn notify_detect(&self, show: &Show) -> anyhow::Result<()> {
        let body = format!(
            "<NotificationConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
             <CloudFunctionConfiguration><Id>logs</Id>\
             <CloudFunction>arn:aws:lambda:{REGION}:{ACCOUNT}:function:detect</CloudFunction>\
             <Event>s3:ObjectCreated:*</Event><Filter><S3Key><FilterRule><Name>prefix</Name>\
             <Value>AWSLogs/{ACCOUNT}/CloudTrail/</Value></FilterRule></S3Key></Filter>\
             </CloudFunctionConfiguration></NotificationConfiguration>"
        );
        self.client.s3("PUT", &format!("/{BUCKET}?notification"), &[], body).await?;
        show.call(
            "s3:PutBucketNotificationConfiguration",
            "s3:ObjectCreated:*",
            "wakes the function detect",
        );
        Ok(())
    }

    async fn subscribe(&self, show: &Show) -> anyhow::Result<()> {
        let topic = format!("arn:aws:sns:{REGION}:{ACCOUNT}:{ALERTS}");
        let input = Tree::map([
            ("TopicArn", Tree::from(topic)),
            ("Protocol", "http".into()),
            ("Endpoint", self.listener.url().into()),
        ]);
        self.client.call("sns", "Subscribe", &input).await?;
        self.listener.confirmed().await.context("the subscription was not confirmed")?;
        show.call("sns:Subscribe", ALERTS, &format!("{}, confirmed", self.listener.url()));
        Ok(())
    }

    pub(crate) async fn create_topic(&self, name: &str) -> anyhow::Result<String> {
        let input = Tree::map([("Name", Tree::from(name))]);
        let made = self.client.call("sns", "CreateTopic", &input).await?;
        Ok(made.text("TopicArn").context("CreateTopic answered no ARN")?.to_owned())
    }

    pub(crate) async fn get_topic_attributes(&self, arn: &str) -> anyhow::Result<()> {
        let input = Tree::map([("TopicArn", Tree::from(arn))]);
        self.client.call("sns", "GetTopicAttributes", &input).await?;
        Ok(())
    }

    pub(crate) async fn clear(self) {
        self.server.stop().await;
    }
}

/// The data directory: the given one, which must be new, or a temporary one.
fn place(dir: Option<&Path>) -> anyhow::Result<(PathBuf, Option<tempfile::TempDir>)> {
    let Some(dir) = dir else {
        let temporary = tempfile::Builder::new().prefix("trailhound-demo-").tempdir()?;
        return Ok((temporary.path().join("data"), Some(temporary)));
    };
    if dir.read_dir().is_ok_and(|mut entries| entries.next().is_some()) {
        bail!("--dir {}: the demo wants a new or empty folder", dir.display());
    }
    Ok((dir.to_owned(), None))
}

async fn start(dir: &Path) -> anyhow::Result<Server> {
    let (account_id, region) = (ACCOUNT.parse()?, REGION.parse()?);
    let mut config = Config { account_id, region, ..Config::default() };
    config.listen.address.set_port(0);
    config.trail.default = false;
    config.alert.destinations = vec![format!("sns:{ALERTS}")];
    // The demo's own listener is on this machine.
    config.outgoing.allow_private = true;
    let (launcher, detect) = runtime::commands()?;
    Server::start(Options {
        config,
        dir: DataDir::open(dir)?,
        clock: Arc::new(SystemClock),
        chance: Arc::new(SystemChance),
        launcher,
        detect,
        output: Arc::new(Mutex::new(std::io::sink())),
        insecure_plaintext: false,
    })
    .await
}

/// A client with a session of the account's root, as somebody at the console has.
async fn signed_in(server: &Server) -> anyhow::Result<Client> {
    let info = server.info();
    let root = Credentials {
        access_key_id: info.access_key_id.clone(),
        secret: Secret::new(info.secret_access_key.clone()),
        session_token: None,
    };
    let root = Client::of(&info.endpoint, &info.region, root, Arc::new(SystemClock))?;
    let answer = root.call("sts", "GetSessionToken", &Tree::map::<&str>([])).await?;
    let issued = answer.get("Credentials").context("GetSessionToken answered no credentials")?;
    let text = |name: &str| issued.text(name).with_context(|| format!("no {name}"));
    Ok(root.with_credentials(Credentials {
        access_key_id: text("AccessKeyId")?.to_owned(),
        secret: Secret::new(text("SecretAccessKey")?),
        session_token: Some(Secret::new(text("SessionToken")?)),
    }))
}
