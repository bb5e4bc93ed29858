//! The room's door: which functions there are, and events accepted for them.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    path::PathBuf,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use flow::{Accepted, Authorize, Fetch, Invoke, InvokeError, Pending};
use store::{Database, Queue, Table};
use tokio::sync::{Notify, mpsc, watch};
use tokio_util::task::TaskTracker;

use crate::{
    Config, Error, Function, Settle, Wall,
    api::Downloads,
    call::{CALLS_MAX, Call},
    code::{Code, Shelf},
    destination::Destinations,
    function::Ports,
    instance::{self, Deployed, Host, Hosted},
    invocation::{EVENT_BYTES_MAX, Job},
    kept::{Deployment, EventSettings, Row},
    log::Log,
    policy,
    process::Spawner,
    runtime::{self, Interpreters, Runtime},
    source::Sources,
    version::{LATEST, Versions, name_in, number},
};

/// The queue's name, and the hop's in `status` and `dead`.
const QUEUE: &str = "function";
/// The table's name.
const TABLE: &str = "function";

/// All functions of a server; clones share them.
#[derive(Clone)]
pub struct Functions(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) host: Arc<Host>,
    pub(crate) queue: Queue,
    pub(crate) table: Table,
    pub(crate) versions: Versions,
    pub(crate) shelf: Shelf,
    pub(crate) settle: Arc<dyn Settle>,
    pub(crate) destinations: Destinations,
    pub(crate) sources: Sources,
    pub(crate) authorize: Arc<dyn Authorize>,
    pub(crate) fetch: Arc<dyn Fetch>,
    /// What runs, by ARN.
    hosted: Mutex<HashMap<String, Arc<Hosted>>>,
    /// What is remembered, by name.
    rows: Mutex<BTreeMap<String, Row>>,
    /// Held by whoever changes a function, from its row to what runs.
    pub(crate) changing: tokio::sync::Mutex<()>,
    pub(crate) calls: mpsc::Sender<Call>,
    /// Taken by whoever runs the room.
    waiting: Mutex<Option<mpsc::Receiver<Call>>>,
    /// Told of functions that were replaced or are gone.
    pub(crate) replaced: Notify,
    /// Where code may be fetched from.
    pub(crate) downloads: Downloads,
    ended: watch::Sender<u64>,
}

impl Functions {
    /// Takes up the queue in `work` and the functions in `state`, and raises walls once to know
    /// which of them stand here.
    pub async fn open(
        config: Config,
        state: &Database,
        work: &Database,
        ports: Ports,
    ) -> Result<Self, Error> {
        let disk = |path: PathBuf| move |source| Error::Disk { path, source };
        let folders = instance::folders(&config.dir);
        if folders.exists() {
            // Left by a server that was killed, as its processes were.
            instance::remove(&folders).map_err(disk(folders))?;
        }
        let stuck = |source| Error::Start { step: "launchers' thread", source };
        let table = state.table(TABLE).await?;
        let rows = read_rows(&table).await?;
        let versions = Versions::open(state, &rows).await?;
        let published = rows.keys().flat_map(|name| versions.of(name));
        let published = published.map(|(_, version)| version.deployment.code.folder);
        let deployments = rows.values().filter_map(|row| row.deployment.as_ref());
        let latest = deployments.map(|made| made.code.folder.clone());
        let kept: HashSet<String> = latest.chain(published).collect();
        let shelf = Shelf::open(config.dir.join("code"), &kept)?;
        // The data directory is above ours.
        let private = config.dir.parent().unwrap_or(&config.dir);
        let host = Host {
            interpreters: Interpreters::new(&config.python, &config.node, private),
            bootstraps: runtime::lay_out(&config.dir)?,
            config,
            clock: ports.clock,
            chance: ports.chance,
            spawner: Spawner::new().map_err(stuck)?,
            roles: ports.roles,
            endpoint: ports.endpoint,
            tasks: TaskTracker::new(),
            walls: Mutex::default(),
        };
        instance::probe(&host).await?;
        let (calls, waiting) = mpsc::channel(CALLS_MAX);
        let functions = Self(Arc::new(Inner {
            host: Arc::new(host),
            queue: work.queue(QUEUE).await?,
            table,
            versions,
            shelf,
            settle: ports.settle,
            destinations: Destinations::open(work, ports.queues, ports.topics).await?,
            sources: Sources::open(state, ports.source, ports.filters).await?,
            authorize: ports.authorize,
            fetch: ports.fetch,
            hosted: Mutex::default(),
            rows: Mutex::default(),
            changing: tokio::sync::Mutex::default(),
            calls,
            waiting: Mutex::new(Some(waiting)),
            replaced: Notify::new(),
            downloads: Downloads::default(),
            ended: watch::Sender::new(0),
        }));
        for (name, row) in rows {
            functions.host_all(&name, &row)?;
            functions.0.rows.lock().expect("no holder panics").insert(name, row);
        }
        Ok(functions)
    }

    /// Makes a function of our own known; one of the same ARN is replaced for instances that start
    /// from now on. A user's function of that name stays away.
    pub fn add(&self, function: Function) -> Result<(), Error> {
        function.check()?;
        {
            let mut rows = self.0.rows.lock().expect("no holder panics");
            let row = rows.entry(function.name.clone()).or_insert_with(|| Row {
                revision: self.0.host.chance.uuid(),
                modified: self.0.host.clock.now(),
                policy: policy::of_own(&function.arn, &self.0.host.config.account),
                ..Row::default()
            });
            row.deployment = None;
        }
        self.put_hosted(function, LATEST, None)
    }

    /// Runs what was stored of a function: the version that changes, and those that were published.
    fn host_all(&self, name: &str, row: &Row) -> Result<(), Error> {
        // Versions share code.
        let mut codes: HashMap<String, Arc<Code>> = HashMap::new();
        let mut take = |deployment: &Deployment| {
            let new = || Arc::new(self.0.shelf.take(&deployment.code));
            Arc::clone(codes.entry(deployment.code.folder.clone()).or_insert_with(new))
        };
        if let Some(deployment) = &row.deployment {
            self.host_deployment(name, LATEST, deployment, take(deployment))?;
        }
        for (number, version) in self.0.versions.of(name) {
            let code = take(&version.deployment);
            self.host_deployment(name, &number.to_string(), &version.deployment, code)?;
        }
        Ok(())
    }

    /// Whether there is a function of that ARN, and the version or alias that it names.
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

    /// Ticks whenever a try of an event has ended, after its row was settled.
    pub fn ended(&self) -> watch::Receiver<u64> {
        self.0.ended.subscribe()
    }

    pub(crate) fn tick(&self) {
        self.0.ended.send_modify(|ticks| *ticks = ticks.wrapping_add(1));
    }

    /// The calls that wait; none where another already runs the room.
    pub(crate) fn take_calls(&self) -> mpsc::Receiver<Call> {
        let taken = self.0.waiting.lock().expect("no holder panics").take();
        taken.unwrap_or_else(|| mpsc::channel(1).1)
    }

    /// What runs under that ARN, whether or not it names a version or an alias.
    pub(crate) fn hosted(&self, arn: &str) -> Option<Arc<Hosted>> {
        let (name, qualifier) = name_in(arn);
        let get = |arn: &str| self.0.hosted.lock().expect("no holder panics").get(arn).cloned();
        let Some(qualifier) = qualifier else { return get(arn) };
        let plain = arn.strip_suffix(qualifier)?.strip_suffix(':')?;
        if qualifier == LATEST {
            return get(plain);
        }
        if number(qualifier).is_some() {
            return get(arn);
        }
        let version = {
            let rows = self.0.rows.lock().expect("no holder panics");
            rows.get(name)?.aliases.get(qualifier)?.version.clone()
        };
        if version == LATEST { get(plain) } else { get(&format!("{plain}:{version}")) }
    }

    /// What is remembered of the function of that name.
    pub(crate) fn row(&self, name: &str) -> Option<Row> {
        self.0.rows.lock().expect("no holder panics").get(name).cloned()
    }

    /// The document of the policy of a function, or of one of its versions or aliases.
    pub(crate) fn policy_document(&self, name: &str, qualifier: Option<&str>) -> Option<Arc<str>> {
        let rows = self.0.rows.lock().expect("no holder panics");
        rows.get(name)?.policy(qualifier)?.document().cloned()
    }

    /// The names of all functions, in order.
    pub(crate) fn names(&self) -> Vec<String> {
        self.0.rows.lock().expect("no holder panics").keys().cloned().collect()
    }

    /// Stores a row, then takes it for true.
    pub(crate) async fn put_row(&self, name: &str, row: Row) -> Result<(), Error> {
        self.0.table.put(name, row.to_bytes()).await?;
        self.0.rows.lock().expect("no holder panics").insert(name.to_owned(), row);
        Ok(())
    }

    /// Forgets a function of a user's, with all of its versions; its code goes with its last
    /// instance.
    pub(crate) async fn forget(&self, name: &str) -> Result<(), Error> {
        self.0.table.delete(name).await?;
        let row = self.0.rows.lock().expect("no holder panics").remove(name).unwrap_or_default();
        let gone: Vec<Arc<Hosted>> = {
            let mut hosted = self.0.hosted.lock().expect("no holder panics");
            hosted.extract_if(|_, hosted| hosted.function.name == name).map(|(_, it)| it).collect()
        };
        gone.iter().filter_map(|hosted| code(hosted)).for_each(|code| self.let_go(code));
        self.0.versions.forget(name, &row.born).await;
        self.0.replaced.notify_one();
        Ok(())
    }

    /// Ends one version; its code goes with the last who runs it.
    pub(crate) fn retire(&self, arn: &str) {
        let gone = self.0.hosted.lock().expect("no holder panics").remove(arn);
        if let Some(code) = gone.as_deref().and_then(code) {
            self.let_go(code);
        }
        self.0.replaced.notify_one();
    }

    /// Lets code go that was taken from a function, unless another version has it.
    fn let_go(&self, gone: Arc<Code>) {
        let kept = {
            let hosted = self.0.hosted.lock().expect("no holder panics");
            hosted.values().filter_map(|it| code(it)).any(|code| Arc::ptr_eq(&code, &gone))
        };
        if !kept {
            gone.replace();
        }
    }

    /// The ARN of the function of that name, there or not.
    pub(crate) fn arn_of(&self, name: &str) -> String {
        let Config { account, region, .. } = &self.0.host.config;
        format!("arn:aws:lambda:{region}:{account}:function:{name}")
    }

    /// Instances that the function may have at once.
    pub(crate) fn instances_max(&self, arn: &str) -> usize {
        let reserved = self.reserved(name_in(arn).0);
        let reserved = reserved.and_then(|count| usize::try_from(count).ok());
        reserved.unwrap_or(self.0.host.config.instances_max)
    }

    /// Whether that many were reserved.
    pub(crate) fn is_reserved(&self, name: &str) -> bool {
        self.reserved(name).is_some()
    }

    /// Asked for each event: nothing but the number leaves the row.
    fn reserved(&self, name: &str) -> Option<u32> {
        self.0.rows.lock().expect("no holder panics").get(name)?.reserved
    }

    /// What becomes of events for that ARN.
    pub(crate) fn event_settings(&self, arn: &str) -> EventSettings {
        let (name, qualifier) = name_in(arn);
        let rows = self.0.rows.lock().expect("no holder panics");
        rows.get(name).and_then(|row| row.events(qualifier)).cloned().unwrap_or_default()
    }

    /// Runs a version's deployment from now on; instances of the one before get no more work, and
    /// its code goes with the last of them.
    pub(crate) fn host_deployment(
        &self,
        name: &str,
        version: &str,
        deployment: &Deployment,
        code: Arc<Code>,
    ) -> Result<(), Error> {
        let unknown = Error::Reject { name: name.to_owned(), why: "its runtime is not offered" };
        let runtime = Runtime::of(&deployment.runtime).ok_or(unknown)?;
        let variables = deployment.variables.iter().flatten();
        let function = Function {
            name: name.to_owned(),
            arn: match version {
                LATEST => self.arn_of(name),
                number => format!("{}:{number}", self.arn_of(name)),
            },
            command: Vec::new(),
            env: variables.map(|(name, value)| (name.into(), value.into())).collect(),
            findings: false,
            role: deployment.role.clone(),
            readable: Vec::new(),
            resources: deployment.resources(),
        };
        let handler = deployment.handler.clone();
        let dead_letters = deployment.dead_letters.clone();
        self.put_hosted(function, version, Some(Deployed { code, runtime, handler, dead_letters }))
    }

    fn put_hosted(
        &self,
        function: Function,
        version: &str,
        deployed: Option<Deployed>,
    ) -> Result<(), Error> {
        let log = self.log(&function.name)?;
        let arn = function.arn.clone();
        let hosted = Arc::new(Hosted { function, version: version.to_owned(), log, deployed });
        let before = self.0.hosted.lock().expect("no holder panics").insert(arn, hosted);
        if let Some(old) = before.as_deref().and_then(code) {
            self.let_go(old);
        }
        self.0.replaced.notify_one();
        Ok(())
    }

    /// The log of a function: one for all of its versions, since each would begin it anew by itself.
    fn log(&self, name: &str) -> Result<Arc<Log>, Error> {
        let known = {
            let hosted = self.0.hosted.lock().expect("no holder panics");
            let own = hosted.values().find(|hosted| hosted.function.name == name);
            own.map(|hosted| Arc::clone(&hosted.log))
        };
        let open = || {
            let path = self.path(name);
            Log::open(path.clone()).map_err(|source| Error::Disk { path, source }).map(Arc::new)
        };
        known.map_or_else(open, Ok)
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
        let plain = arn.strip_suffix(LATEST).and_then(|arn| arn.strip_suffix(':')).unwrap_or(arn);
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
        self.enqueue(delivery_id, &job)
            .await
            .map_err(|error| InvokeError::Retry(error.to_string()))?;
        Ok(Accepted(job.request_id))
    }

    /// Puts an event into the queue, once for each id.
    pub(crate) async fn enqueue(&self, id: &str, job: &Job) -> Result<(), Error> {
        let now = self.0.host.clock.now();
        self.0.queue.put(id, job.to_bytes(), now).await?;
        Ok(())
    }
}

fn code(hosted: &Hosted) -> Option<Arc<Code>> {
    hosted.deployed.as_ref().map(|deployed| Arc::clone(&deployed.code))
}

async fn read_rows(table: &Table) -> Result<BTreeMap<String, Row>, Error> {
    let rows = table.list("").await?;
    rows.iter().map(|(name, bytes)| Ok((name.clone(), Row::from_bytes(name, bytes)?))).collect()
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
