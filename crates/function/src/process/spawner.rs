//! The thread that is every launcher's parent.
//!
//! The kernel tells a child of its parent's death when the *thread* that started it ends. Threads
//! of the runtime come and go; this one lives as long as the room, so the children do too.

use std::{
    ffi::OsString,
    io,
    os::{fd::OwnedFd, unix::net::UnixStream},
    process::Stdio,
    sync::mpsc::{SyncSender, TrySendError, sync_channel},
};

use tokio::{
    process::{Child, Command},
    runtime::Handle,
    sync::oneshot,
};

/// Starts that wait for the thread.
const STARTS_MAX: usize = 64;

struct Start {
    launcher: Vec<OsString>,
    control: OwnedFd,
    runtime: Handle,
    answer: oneshot::Sender<io::Result<Child>>,
}

/// Starts launchers from one thread; when it is dropped, they are killed.
pub(crate) struct Spawner(SyncSender<Start>);

impl Spawner {
    pub(crate) fn new() -> io::Result<Self> {
        let (give, take) = sync_channel::<Start>(STARTS_MAX);
        std::thread::Builder::new().name("launchers".to_owned()).spawn(move || {
            for Start { launcher, control, runtime, answer } in take {
                // Whoever no longer wants the child drops it, which kills it.
                drop(answer.send(start(&launcher, control, &runtime)));
            }
        })?;
        Ok(Self(give))
    }

    /// Starts a launcher; what remains is our end of its standard input.
    pub(crate) async fn spawn(&self, launcher: &[OsString]) -> io::Result<(Child, UnixStream)> {
        let (ours, theirs) = UnixStream::pair()?;
        let (answer, answered) = oneshot::channel();
        let start = Start {
            launcher: launcher.to_owned(),
            control: theirs.into(),
            runtime: Handle::current(),
            answer,
        };
        self.0.try_send(start).map_err(|error| match error {
            TrySendError::Full(_) => io::Error::from(io::ErrorKind::WouldBlock),
            TrySendError::Disconnected(_) => io::Error::other("the launchers' thread is gone"),
        })?;
        let child = answered.await.map_err(io::Error::other)??;
        Ok((child, ours))
    }
}

fn start(launcher: &[OsString], control: OwnedFd, runtime: &Handle) -> io::Result<Child> {
    let (program, args) =
        launcher.split_first().ok_or_else(|| io::Error::other("no launcher is configured"))?;
    let _entered = runtime.enter();
    Command::new(program)
        .args(args)
        .env_clear()
        .stdin(Stdio::from(control))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
}
