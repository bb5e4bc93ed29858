//! One process that serves a function's invocations, one at a time, each with a deadline.

mod actor;
mod door;
mod folder;
mod gauge;
mod output;
mod report;
mod share;

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use flow::{Chance, Clock, Timestamp};
use tokio::sync::{mpsc, oneshot};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub(crate) use self::folder::{folders, remove};
use self::{actor::Actor, folder::Folder, gauge::Gauge};
use crate::{
    Config, Error, Function, Isolation, Job, Resources, Wall,
    code::Code,
    environment::{Place, environment},
    function::{Endpoint, RoleCredentials, Roles},
    invocation::Failure,
    launch::Limits,
    log::{Log, Stream},
    process::{Enclosed, Opening, Order, Spawner},
    runtime::{self, BOOTSTRAP, Interpreters, Runtime, Start},
};

/// How long an instance lives at most, in milliseconds: what leaks, leaks no longer.
const LIFE_MILLIS_MAX: i64 = 60 * 60 * 1_000;
/// Processor time of an instance's process, in seconds: four cores for all of its life.
const CPU_SECONDS_MAX: u64 = 4 * 60 * 60;
/// Letters of an instance's id.
const HEX: &[u8] = b"0123456789abcdef";
/// Length of an instance's id, as in the names of Lambda's log streams.
const ID_LENGTH: usize = 32;

/// What every instance of every function needs.
pub(crate) struct Host {
    pub(crate) config: Config,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) chance: Arc<dyn Chance>,
    pub(crate) spawner: Spawner,
    pub(crate) roles: Roles,
    pub(crate) endpoint: Endpoint,
    pub(crate) interpreters: Interpreters,
    /// Where our bootstraps are.
    pub(crate) bootstraps: PathBuf,
    /// Every instance's task, for a stop to wait for.
    pub(crate) tasks: TaskTracker,
    /// As the last start found them.
    pub(crate) walls: Mutex<Vec<Wall>>,
}

/// A function, or one version of it, and its log.
pub(crate) struct Hosted {
    pub(crate) function: Function,
    /// `$LATEST`, or the number of what was published.
    pub(crate) version: String,
    /// All versions of a function have one.
    pub(crate) log: Arc<Log>,
    /// `None` where the function is one of ours, whose program lies elsewhere.
    pub(crate) deployed: Option<Deployed>,
}

/// What a user deployed.
pub(crate) struct Deployed {
    pub(crate) code: Arc<Code>,
    pub(crate) runtime: Runtime,
    pub(crate) handler: String,
    /// The ARN of the queue or topic that receives events which it fails at.
    pub(crate) dead_letters: Option<String>,
}

impl Hosted {
    /// What the function's configuration calls its handler.
    pub(crate) fn handler(&self) -> &str {
        self.deployed.as_ref().map_or(BOOTSTRAP, |deployed| &deployed.handler)
    }
}

/// A handle to an instance. Dropping it asks the instance to end.
pub(crate) struct Instance {
    work: mpsc::Sender<Work>,
    /// From when on it is given nothing more.
    pub(crate) retire_at: Timestamp,
    /// When it last finished something.
    pub(crate) idle_since: Timestamp,
}

/// One invocation and where its outcome goes.
struct Work {
    job: Job,
    done: oneshot::Sender<Ended>,
}

/// An invocation's outcome, and the last of what the log has of it.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) ran: Ran,
    pub(crate) log: String,
}

/// What became of an invocation.
#[derive(Debug)]
pub(crate) enum Ran {
    Answered(Bytes),
    Failed(Failure),
    /// The instance ended before it took the event: another may.
    NotTaken,
}

/// An event that an instance was given.
pub(crate) struct Running(oneshot::Receiver<Ended>);

impl Running {
    /// Waits for its end.
    pub(crate) async fn end(self) -> Ended {
        self.0.await.unwrap_or(Ended { ran: Ran::NotTaken, log: String::new() })
    }
}

impl Instance {
    /// Starts a process for `job` and gives it the word. The job is there from its first moment: a
    /// process that ends at once has failed it.
    pub(crate) async fn start(
        host: &Arc<Host>,
        hosted: &Arc<Hosted>,
        job: Job,
    ) -> Result<(Self, Running), Error> {
        let started = (host.clock.now(), tokio::time::Instant::now());
        let id = host.chance.text(HEX, ID_LENGTH);
        let folder = Folder::make(&host.config.dir, &id)?;
        let credentials = credentials(host, hosted)?;
        let begin = begin(host, hosted).await?;
        let mut opening = Opening::start(&host.spawner, &host.config.launcher).await?;
        let endpoint = opening.endpoint.take();
        let day = host.clock.now().to_day_path();
        let place = Place {
            runtime_api: opening.runtime_address.to_string(),
            endpoint: endpoint
                .as_ref()
                .map_or_else(|| host.config.endpoint.clone(), |(_, at)| format!("http://{at}")),
            log_stream: format!("{day}/[{}]{id}", hosted.version),
        };
        let told = begin.told.clone();
        let order = order(host, hosted, begin, &credentials, &place, &folder);
        let (enclosed, runtime) = opening.enclose(order).await?;
        check_walls(host, &enclosed)?;
        let served = CancellationToken::new();
        if let Some((listener, _)) = endpoint {
            (host.endpoint)(listener, served.clone());
        }
        let (give, work) = mpsc::channel(1);
        let scratch = enclosed.scratch_is_unbounded.then(|| folder.scratch());
        let gauge = Gauge::new(hosted.function.resources, scratch);
        let process = enclosed.go().await?;
        if let Some(line) = told {
            hosted.log.write(started.0, &id, None, Stream::Platform, &line);
        }
        let (done, ran) = oneshot::channel();
        let mut actor = Actor::new(host, hosted, id, started, (process, gauge), work);
        actor.take(Work { job, done });
        host.tasks.spawn(actor.run(runtime, folder, served.drop_guard()));
        let retire_at = retire_at(host, hosted, &credentials);
        Ok((Self { work: give, retire_at, idle_since: started.0 }, Running(ran)))
    }

    /// Gives it one more event.
    pub(crate) async fn run(&mut self, job: Job) -> Running {
        let (done, ran) = oneshot::channel();
        // Where it is gone, the other end goes too, and that says so.
        drop(self.work.send(Work { job, done }).await);
        Running(ran)
    }

    /// Whether it can take no more.
    pub(crate) fn is_gone(&self) -> bool {
        self.work.is_closed()
    }
}

/// Raises walls around nothing, to know which of them stand here.
pub(crate) async fn probe(host: &Host) -> Result<(), Error> {
    let id = host.chance.text(HEX, ID_LENGTH);
    let folder = Folder::make(&host.config.dir, &id)?;
    let opening = Opening::start(&host.spawner, &host.config.launcher).await?;
    let (scratch, root) = (folder.scratch(), folder.root());
    let order = Order {
        command: Vec::new(),
        env: Vec::new(),
        readable: Vec::new(),
        shown: Vec::new(),
        scratch,
        root,
        folder: None,
        limits: limits(&Resources::LARGE),
        endpoint_port: None,
    };
    let (enclosed, _) = opening.enclose(order).await?;
    check_walls(host, &enclosed)
}

fn check_walls(host: &Host, enclosed: &Enclosed) -> Result<(), Error> {
    *host.walls.lock().expect("no holder panics") = enclosed.walls.clone();
    let missing: Vec<Wall> = enclosed.walls.iter().filter(|wall| !wall.standing).cloned().collect();
    if host.config.isolation == Isolation::Required && !missing.is_empty() {
        return Err(Error::Exposed(missing));
    }
    Ok(())
}

/// The credentials that an instance's calls are signed with.
fn credentials(host: &Host, hosted: &Hosted) -> Result<RoleCredentials, Error> {
    let Function { role, name, .. } = &hosted.function;
    let made = (host.roles)(role, name);
    made.map_err(Error::Unfit)
}

/// How a process of the function begins.
async fn begin(host: &Host, hosted: &Hosted) -> Result<Start, Error> {
    let Some(deployed) = &hosted.deployed else {
        let command = hosted.function.command.clone();
        let nothing = (Vec::new(), Vec::new(), Vec::new());
        let (env, readable, shown) = nothing;
        return Ok(Start { command, env, readable, shown, told: None });
    };
    let with = match deployed.runtime.language {
        Some(language) => Some(host.interpreters.of(language).await.map_err(Error::Unfit)?),
        None => {
            check_bootstrap(&deployed.code.task().join(BOOTSTRAP))?;
            None
        }
    };
    let mut start = runtime::start(&host.bootstraps, with.as_deref());
    start.shown.push((deployed.code.task(), PathBuf::from(runtime::TASK)));
    Ok(start)
}

/// A program that is not there, or is none, fails in Lambda's words.
fn check_bootstrap(program: &Path) -> Result<(), Error> {
    let unfit = |why: &str| Err(Error::Unfit(why.to_owned()));
    match fs::metadata(program) {
        Ok(what) if !what.is_file() => unfit("/var/task/bootstrap is no file"),
        Ok(what) if what.permissions().mode() & 0o111 == 0 => {
            unfit("fork/exec /var/task/bootstrap: permission denied")
        }
        Ok(_) => Ok(()),
        Err(_) => unfit("Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]"),
    }
}

fn order(
    host: &Host,
    hosted: &Hosted,
    start: Start,
    credentials: &RoleCredentials,
    place: &Place,
    folder: &Folder,
) -> Order {
    let Start { mut command, env, readable, shown, .. } = start;
    if let Some(program) = command.first_mut()
        && let Ok(real) = fs::canonicalize(&*program)
    {
        // Where a link leads may not be in sight.
        *program = real.into();
    }
    let function = &hosted.function;
    // What the code brings along is in sight with it.
    let program = command.first().map(PathBuf::from).filter(|program| program.exists());
    Order {
        command,
        env: environment(&host.config, hosted, credentials, place, env),
        readable: function.readable.iter().cloned().chain(readable).chain(program).collect(),
        shown,
        scratch: folder.scratch(),
        root: folder.root(),
        folder: hosted.deployed.as_ref().map(|_| PathBuf::from(runtime::TASK)),
        limits: limits(&function.resources),
        endpoint_port: port(&place.endpoint),
    }
}

/// The port of `http://host:port`.
fn port(endpoint: &str) -> Option<u16> {
    endpoint.trim_end_matches('/').rsplit(':').next()?.parse().ok()
}

fn limits(resources: &Resources) -> Limits {
    Limits {
        memory_bytes: resources.memory_bytes,
        scratch_bytes: resources.scratch_bytes,
        cpu_seconds: CPU_SECONDS_MAX,
    }
}

fn retire_at(host: &Host, hosted: &Hosted, credentials: &RoleCredentials) -> Timestamp {
    let old = host.clock.now().plus_millis(LIFE_MILLIS_MAX);
    // An invocation that starts just before still has credentials at its end.
    let timeout = hosted.function.resources.timeout_millis;
    let expires = credentials.expires.map(|at| at.plus_millis(-timeout));
    expires.map_or(old, |at| at.min(old))
}
