//! One process that serves a function's invocations, one at a time, each with a deadline.

mod actor;
mod output;
mod report;

use std::{
    fs::{self, DirBuilder},
    io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use flow::{Chance, Clock, Timestamp};
use tokio::sync::{mpsc, oneshot};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::actor::Actor;
use crate::{
    Config, Error, Function, Isolation, Job, Wall,
    environment::{Place, environment},
    function::{Endpoint, RoleCredentials, Roles},
    invocation::Failure,
    launch::Limits,
    log::Log,
    process::{Enclosed, Opening, Order, Spawner},
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
    /// Every instance's task, for a stop to wait for.
    pub(crate) tasks: TaskTracker,
    /// As the last start found them.
    pub(crate) walls: Mutex<Vec<Wall>>,
}

/// A function and its log.
pub(crate) struct Hosted {
    pub(crate) function: Function,
    pub(crate) log: Log,
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
    done: oneshot::Sender<Ran>,
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
pub(crate) struct Running(oneshot::Receiver<Ran>);

impl Running {
    /// Waits for its end.
    pub(crate) async fn end(self) -> Ran {
        self.0.await.unwrap_or(Ran::NotTaken)
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
        let credentials = (host.roles)(&hosted.function.role);
        let mut opening = Opening::start(&host.spawner, &host.config.launcher).await?;
        let endpoint = opening.endpoint.take();
        let day = host.clock.now().to_day_path();
        let place = Place {
            runtime_api: opening.runtime_address.to_string(),
            endpoint: endpoint
                .as_ref()
                .map_or_else(|| host.config.endpoint.clone(), |(_, at)| format!("http://{at}")),
            log_stream: format!("{day}/[$LATEST]{id}"),
        };
        let order = order(host, &hosted.function, &credentials, &place, &folder);
        let (enclosed, runtime) = opening.enclose(order).await?;
        check_walls(host, &enclosed)?;
        let served = CancellationToken::new();
        if let Some((listener, _)) = endpoint {
            (host.endpoint)(listener, served.clone());
        }
        let (give, work) = mpsc::channel(1);
        let process = enclosed.go().await?;
        let (done, ran) = oneshot::channel();
        let mut actor = Actor::new(host, hosted, id, started, process, work);
        actor.take(Work { job, done });
        host.tasks.spawn(actor.run(runtime, folder, served.drop_guard()));
        let retire_at = retire_at(host, &credentials);
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
        scratch,
        root,
        limits: limits(&host.config),
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

fn order(
    host: &Host,
    function: &Function,
    credentials: &RoleCredentials,
    place: &Place,
    folder: &Folder,
) -> Order {
    let mut command = function.command.clone();
    if let Some(program) = command.first_mut()
        && let Ok(real) = fs::canonicalize(&*program)
    {
        // Where a link leads may not be in sight.
        *program = real.into();
    }
    let program = command.first().map(PathBuf::from);
    Order {
        command,
        env: environment(&host.config, function, credentials, place),
        readable: function.readable.iter().cloned().chain(program).collect(),
        scratch: folder.scratch(),
        root: folder.root(),
        limits: limits(&host.config),
    }
}

fn limits(config: &Config) -> Limits {
    Limits { memory_bytes: config.memory_bytes, cpu_seconds: CPU_SECONDS_MAX }
}

fn retire_at(host: &Host, credentials: &RoleCredentials) -> Timestamp {
    let old = host.clock.now().plus_millis(LIFE_MILLIS_MAX);
    // An invocation that starts just before still has credentials at its end.
    let expires = credentials.expires.map(|at| at.plus_millis(-host.config.timeout_millis));
    expires.map_or(old, |at| at.min(old))
}

/// Where instances' folders are.
pub(crate) fn folders(dir: &Path) -> PathBuf {
    dir.join("instances")
}

/// An instance's folder, gone with it.
struct Folder(PathBuf);

impl Folder {
    fn make(dir: &Path, id: &str) -> Result<Self, Error> {
        let folder = Self(folders(dir).join(id));
        for path in [folder.scratch(), folder.root()] {
            let made = DirBuilder::new().recursive(true).mode(0o700).create(&path);
            made.map_err(|source| Error::Disk { path, source })?;
        }
        Ok(folder)
    }

    /// What the function writes.
    fn scratch(&self) -> PathBuf {
        self.0.join("tmp")
    }

    /// Where its file system is put together; stays empty outside of it.
    fn root(&self) -> PathBuf {
        self.0.join("root")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        match fs::remove_dir_all(&self.0) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                let path = self.0.display();
                tracing::warn!(%error, "{path} stays until the next start: {error}");
            }
            Ok(()) | Err(_) => {}
        }
    }
}
