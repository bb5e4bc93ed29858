//! One launched process, from the server's side: started, told its order, watched, ended.

mod spawner;
mod talk;

use std::{ffi::OsString, net::SocketAddr, path::PathBuf, process::ExitStatus, time::Duration};

use nix::{
    sys::signal::{Signal, kill, killpg},
    unistd::Pid,
};
use tokio::{net::TcpListener, process::Child};

pub(crate) use self::spawner::Spawner;
use self::talk::Talk;
use crate::{
    Error, Wall,
    launch::{GO, Inside, Limits, Namespaces, Opened, Outside, Ready, SIGNAL_CODE, SWEEP},
    wall,
};

/// How long each turn of the launcher's talk may take.
const TURN_MAX: Duration = Duration::from_secs(10);
/// How long a process may take to end when asked to.
const GRACE: Duration = Duration::from_secs(2);

/// A process whose listeners stand and that waits for its order.
pub(crate) struct Opening {
    process: Process,
    talk: Talk,
    walls: Vec<Wall>,
    namespaces: Namespaces,
    /// The Runtime API's listener, inside the process's network.
    pub(crate) runtime: TcpListener,
    /// Where the process finds it.
    pub(crate) runtime_address: SocketAddr,
    /// The AWS endpoint's listener, where the process has a network of its own.
    pub(crate) endpoint: Option<(std::net::TcpListener, SocketAddr)>,
}

/// What a process is told to become.
pub(crate) struct Order {
    pub(crate) command: Vec<OsString>,
    pub(crate) env: Vec<(OsString, OsString)>,
    pub(crate) readable: Vec<PathBuf>,
    pub(crate) shown: Vec<(PathBuf, PathBuf)>,
    pub(crate) scratch: PathBuf,
    pub(crate) root: PathBuf,
    pub(crate) folder: Option<PathBuf>,
    pub(crate) limits: Limits,
    /// Where the AWS endpoint listens, for a process that shares our network.
    pub(crate) endpoint_port: Option<u16>,
}

/// A process behind all its walls that only waits for the word.
pub(crate) struct Enclosed {
    process: Process,
    talk: Talk,
    /// Every wall, standing or not.
    pub(crate) walls: Vec<Wall>,
    /// Whether only measuring bounds its scratch folder.
    pub(crate) scratch_is_unbounded: bool,
}

/// A process, its launcher in front of it. Dropping it kills all of it.
pub(crate) struct Process {
    pub(crate) child: Child,
    session: Option<Pid>,
    /// Whether the launcher has to look for what the function let go.
    sweeps: bool,
}

impl Opening {
    /// Starts the launcher and hears what it got.
    pub(crate) async fn start(spawner: &Spawner, launcher: &[OsString]) -> Result<Self, Error> {
        let (child, socket) = spawner.spawn(launcher).await.map_err(stuck("launcher"))?;
        let session = child.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw);
        let mut process = Process { child, session, sweeps: false };
        let mut talk = Talk::new(socket).map_err(stuck("socket"))?;
        let order = Outside { launcher: launcher.to_owned(), server: std::process::id() };
        let told = async {
            talk.say(&order).await?;
            talk.hear::<Opened>().await
        };
        let opened = match turn(told).await {
            Ok(opened) => opened,
            Err(error) => return Err(process.last_words("launcher", error).await),
        };
        let Opened { walls, namespaces, runtime: runtime_address, endpoint } = opened;
        let listener = |handed: Option<std::net::TcpListener>| {
            handed.ok_or_else(|| std::io::Error::other("the launcher handed no listener over"))
        };
        let runtime = listener(talk.listener()).map_err(stuck("listener"))?;
        runtime.set_nonblocking(true).map_err(stuck("listener"))?;
        let runtime = TcpListener::from_std(runtime).map_err(stuck("listener"))?;
        process.sweeps = !namespaces.processes;
        let endpoint = match endpoint {
            Some(address) => Some((listener(talk.listener()).map_err(stuck("listener"))?, address)),
            None => None,
        };
        Ok(Self { process, talk, walls, namespaces, runtime, runtime_address, endpoint })
    }

    /// Has the process raise the other walls.
    pub(crate) async fn enclose(self, order: Order) -> Result<(Enclosed, TcpListener), Error> {
        let Self { mut process, mut talk, walls, namespaces, runtime, .. } = self;
        let Order { command, env, readable, shown, scratch, root, folder, limits, endpoint_port } =
            order;
        let ports = endpoint_port.into_iter().chain([self.runtime_address.port()]).collect();
        let inside = Inside {
            command,
            env,
            readable,
            shown,
            scratch,
            root,
            folder,
            limits,
            namespaces,
            ports,
        };
        let told = async {
            talk.say(&inside).await?;
            talk.hear::<Ready>().await
        };
        match turn(told).await {
            Ok(Ready { walls: newer, scratch_is_unbounded }) => {
                let walls = wall::complete(&wall::renew(newer, walls));
                Ok((Enclosed { process, talk, walls, scratch_is_unbounded }, runtime))
            }
            Err(error) => Err(process.last_words("walls", error).await),
        }
    }
}

impl Enclosed {
    /// Gives the word: the process becomes the function.
    pub(crate) async fn go(mut self) -> Result<Process, Error> {
        turn(self.talk.say(&GO)).await.map_err(stuck("word"))?;
        Ok(self.process)
    }
}

impl Process {
    /// Asks the whole session to end, waits a little, then insists. Everything is gone after it.
    pub(crate) async fn stop(&mut self) -> Option<ExitStatus> {
        self.signal(Signal::SIGTERM);
        match tokio::time::timeout(GRACE, self.child.wait()).await {
            Ok(status) => status.ok(),
            Err(_) => self.kill().await,
        }
    }

    /// Kills the whole session.
    pub(crate) async fn kill(&mut self) -> Option<ExitStatus> {
        if self.sweep()
            && let Ok(ended) = tokio::time::timeout(GRACE, self.child.wait()).await
        {
            return ended.ok();
        }
        self.signal(Signal::SIGKILL);
        self.child.wait().await.ok()
    }

    /// Has the launcher end all that it finds, where it has to look; whether it was told.
    fn sweep(&self) -> bool {
        match (self.session, self.child.id()) {
            (Some(launcher), Some(_)) if self.sweeps => kill(launcher, SWEEP).is_ok(),
            _ => false,
        }
    }

    fn signal(&self, signal: Signal) {
        // Once waited for, the number may be another's.
        if let (Some(session), Some(_)) = (self.session, self.child.id())
            && let Err(error) = killpg(session, signal)
        {
            tracing::debug!(%error, "A function's session took no {signal}: {error}");
        }
    }

    /// The launcher explains itself on standard error before it gives up.
    async fn last_words(&mut self, step: &'static str, error: std::io::Error) -> Error {
        use tokio::io::AsyncReadExt;

        /// What is kept of an explanation, in bytes.
        const WORDS_BYTES_MAX: u64 = 2_048;

        self.signal(Signal::SIGKILL);
        let mut words = String::new();
        if let Some(stderr) = self.child.stderr.take() {
            let mut stderr = stderr.take(WORDS_BYTES_MAX);
            let read = stderr.read_to_string(&mut words);
            if !matches!(tokio::time::timeout(GRACE, read).await, Ok(Ok(_))) {
                words.clear();
            }
        }
        let source = match words.trim() {
            "" => error,
            words => std::io::Error::new(error.kind(), words.to_owned()),
        };
        Error::Start { step, source }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.signal(Signal::SIGKILL);
    }
}

/// How an exit is told in Lambda's words: `exit status 1`, `signal: killed`.
pub(crate) fn how(status: Option<ExitStatus>) -> String {
    match status.and_then(|status| status.code()) {
        Some(code) if code > SIGNAL_CODE => {
            let signal = Signal::try_from(code - SIGNAL_CODE);
            signal.map_or(format!("exit status {code}"), |signal| {
                let word = match signal {
                    Signal::SIGKILL => "killed".to_owned(),
                    Signal::SIGTERM => "terminated".to_owned(),
                    Signal::SIGSEGV => "segmentation fault".to_owned(),
                    Signal::SIGABRT => "aborted".to_owned(),
                    other => other.as_str().to_owned(),
                };
                format!("signal: {word}")
            })
        }
        Some(code) => format!("exit status {code}"),
        None => "signal: killed".to_owned(),
    }
}

async fn turn<T>(talk: impl Future<Output = std::io::Result<T>>) -> std::io::Result<T> {
    tokio::time::timeout(TURN_MAX, talk).await.unwrap_or_else(|_| {
        Err(std::io::Error::new(std::io::ErrorKind::TimedOut, "the launcher does not answer"))
    })
}

fn stuck(step: &'static str) -> impl FnOnce(std::io::Error) -> Error {
    move |source| Error::Start { step, source }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    #[test]
    fn an_exit_is_told_in_lambdas_words() {
        let told = |code: i32| how(Some(ExitStatus::from_raw(code << 8)));
        assert_eq!(told(0), "exit status 0");
        assert_eq!(told(1), "exit status 1");
        assert_eq!(told(137), "signal: killed");
        assert_eq!(told(139), "signal: segmentation fault");
        assert_eq!(told(255), "exit status 255");
        assert_eq!(how(Some(ExitStatus::from_raw(9))), "signal: killed");
    }
}
