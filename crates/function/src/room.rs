//! The room's door: which functions there are, and events accepted for them.

use std::{
    collections::HashMap,
    fs,
    path::PathBuf,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use flow::{Accepted, Chance, Clock, Invoke, InvokeError, Pending};
use store::{Database, Queue};
use tokio::sync::watch;
use tokio_util::task::TaskTracker;

use crate::{
    Config, Error, Function, Settle, Wall,
    function::{Endpoint, Roles},
    instance::{self, Host, Hosted},
    invocation::{EVENT_BYTES_MAX, Job},
    log::Log,
    process::Spawner,
};

/// The queue's name, and the hop's in `status` and `dead`.
const QUEUE: &str = "function";

/// All functions of a server; clones share them.
#[derive(Clone)]
pub struct Functions(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) host: Arc<Host>,
    pub(crate) queue: Queue,
    pub(crate) settle: Arc<dyn Settle>,
    /// By ARN.
    hosted: Mutex<HashMap<String, Arc<Hosted>>>,
    ended: watch::Sender<u64>,
}

impl Functions {
    /// Takes up the queue in `database`, and raises walls once to know which of them stand here.
    /// `credentials` are asked for once an instance; `endpoint` serves the AWS endpoint inside
    /// instances' networks.
    pub async fn open(
        config: Config,
        database: &Database,
        credentials: Roles,
        settle: Arc<dyn Settle>,
        endpoint: Endpoint,
        clock: Arc<dyn Clock>,
        chance: Arc<dyn Chance>,
    ) -> Result<Self, Error> {
        let disk = |path: PathBuf| move |source| Error::Disk { path, source };
        let folders = instance::folders(&config.dir);
        if folders.exists() {
            // Left by a server that was killed, as its processes were.
            fs::remove_dir_all(&folders).map_err(disk(folders))?;
        }
        let stuck = |source| Error::Start { step: "launchers' thread", source };
        let host = Host {
            config,
            clock,
            chance,
            spawner: Spawner::new().map_err(stuck)?,
            roles: credentials,
            endpoint,
            tasks: TaskTracker::new(),
            walls: Mutex::default(),
        };
        instance::probe(&host).await?;
        Ok(Self(Arc::new(Inner {
            host: Arc::new(host),
            queue: database.queue(QUEUE).await?,
            settle,
            hosted: Mutex::default(),
            ended: watch::Sender::new(0),
        })))
    }

    /// Makes a function known; one of the same ARN is replaced for instances that start from now on.
    pub fn add(&self, function: Function) -> Result<(), Error> {
        function.check()?;
        let path = self.path(&function.name);
        let log = Log::open(path.clone()).map_err(|source| Error::Disk { path, source })?;
        let arn = function.arn.clone();
        let hosted = Arc::new(Hosted { function, log });
        self.0.hosted.lock().expect("no holder panics").insert(arn, hosted);
        Ok(())
    }

    /// Whether there is a function of that ARN.
    pub fn exists(&self, arn: &str) -> bool {
        self.hosted(arn).is_some()
    }

    /// What stands between functions and everything else, as the last start found it.
    pub fn walls(&self) -> Vec<Wall> {
        self.0.host.walls.lock().expect("no holder panics").clone()
    }

    /// The log file of the function of that name; `None` where there is no such function.
    pub fn log_path(&self, name: &str) -> Option<PathBuf> {
        let hosted = self.0.hosted.lock().expect("no holder panics");
        let found = hosted.values().find(|hosted| hosted.function.name == name);
        found.map(|hosted| hosted.log.path().to_owned())
    }

    /// What waits, runs and is dead. Rows' bodies are [`Job`]s.
    pub fn queue(&self) -> &Queue {
        &self.0.queue
    }

    /// Ticks whenever a try has ended, after its row was settled.
    pub fn ended(&self) -> watch::Receiver<u64> {
        self.0.ended.subscribe()
    }

    pub(crate) fn tick(&self) {
        self.0.ended.send_modify(|ticks| *ticks = ticks.wrapping_add(1));
    }

    pub(crate) fn hosted(&self, arn: &str) -> Option<Arc<Hosted>> {
        self.0.hosted.lock().expect("no holder panics").get(arn).cloned()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.host.config.dir.join("logs").join(format!("{name}.log"))
    }

    async fn accept(
        &self,
        arn: &str,
        delivery_id: &str,
        event: Bytes,
    ) -> Result<Accepted, InvokeError> {
        let plain = arn.strip_suffix(":$LATEST").unwrap_or(arn);
        if self.hosted(plain).is_none() {
            return Err(InvokeError::NoSuchFunction(arn.to_owned()));
        }
        if event.len() > EVENT_BYTES_MAX {
            let bytes = event.len();
            return Err(InvokeError::Retry(format!(
                "an event of {bytes} bytes is larger than {EVENT_BYTES_MAX} bytes"
            )));
        }
        let job = Job::new(plain, delivery_id, event);
        let put = self.0.queue.put(delivery_id, job.to_bytes(), self.0.host.clock.now()).await;
        put.map_err(|error| InvokeError::Retry(error.to_string()))?;
        Ok(Accepted(job.request_id))
    }
}

impl Invoke for Functions {
    fn invoke<'a>(
        &'a self,
        arn: &'a str,
        delivery_id: &'a str,
        event: Bytes,
    ) -> Pending<'a, Result<Accepted, InvokeError>> {
        Box::pin(self.accept(arn, delivery_id, event))
    }
}
