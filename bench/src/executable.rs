//! The real executable, run as anybody would run it.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, bail, ensure};
use client::{Client, Credentials};
use flow::Secret;
use rustix::process::{Pid, Signal, kill_process};
use server::{Info, SystemClock};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, ChildStderr, Command},
    sync::mpsc,
    task::JoinSet,
    time::{Instant, timeout},
};

/// How long a start may take.
const READY_TIME_MAX: Duration = Duration::from_secs(60);
/// How long a stop may take.
const STOP_TIME_MAX: Duration = Duration::from_secs(60);
/// Any port of loopback that is free.
const FREE_PORT: &str = "[listen]\naddress = \"127.0.0.1:0\"\n";
/// Log lines that wait to be looked at.
const LINES_WAITING_MAX: usize = 65_536;

/// The executable beside this benchmark's own.
///
/// # Errors
/// It has not been built.
pub fn trailhound() -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe().context("the path of this benchmark is not known")?;
    let path = own.with_file_name("trailhound");
    ensure!(
        path.is_file(),
        "{} is not there: `cargo build --release -p cli -p bench` makes it",
        path.display()
    );
    Ok(path)
}

/// How long `program` takes from its start to its end.
///
/// # Errors
/// It cannot be run, or fails.
pub async fn bare_exit<S: AsRef<OsStr>>(program: S, args: &[&str]) -> anyhow::Result<Duration> {
    let begun = Instant::now();
    let status = Command::new(&program).args(args).stdout(Stdio::null()).status().await?;
    let took = begun.elapsed();
    ensure!(status.success(), "{} ended with {status}", program.as_ref().to_string_lossy());
    Ok(took)
}

/// A line that the server logged, and when it was read.
pub struct Line {
    /// When.
    pub at: Instant,
    /// What.
    pub text: String,
}

/// What the server logs.
pub struct Lines {
    lines: mpsc::Receiver<Line>,
    _reading: JoinSet<()>,
}

impl Lines {
    fn of(stderr: ChildStderr) -> Self {
        let (send, lines) = mpsc::channel(LINES_WAITING_MAX);
        let mut reading = JoinSet::new();
        reading.spawn(async move {
            let mut read = BufReader::new(stderr).lines();
            while let Ok(Some(text)) = read.next_line().await {
                let line = Line { at: Instant::now(), text };
                if send.send(line).await.is_err() {
                    return;
                }
            }
        });
        Self { lines, _reading: reading }
    }

    /// The next line; `None` once the server has ended.
    pub async fn next(&mut self) -> Option<Line> {
        self.lines.recv().await
    }
}

/// A running `trailhound up`.
pub struct Up {
    /// How to reach it.
    pub info: Info,
    /// From its start to its ready line.
    pub ready_after: Duration,
    child: Child,
}

impl Up {
    /// Starts a server in `dir`, on a free port and with `settings` beside that, and waits until it
    /// is ready. The file with its configuration stands beside `dir`.
    ///
    /// # Errors
    /// It ends before it is ready, or says something else.
    pub async fn start(dir: &Path, settings: &str, log: &str) -> anyhow::Result<(Self, Lines)> {
        let config = dir.with_extension("toml");
        std::fs::write(&config, format!("{FREE_PORT}{settings}"))?;
        let mut command = Command::new(trailhound()?);
        command.arg("up").arg("--json").arg("--dir").arg(dir).arg("--config").arg(config);
        command.arg("--log").arg(log).env("NO_COLOR", "1").kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let begun = Instant::now();
        let mut child = command.spawn()?;
        let stdout = child.stdout.take().context("standard output is piped")?;
        let stderr = child.stderr.take().context("standard error is piped")?;
        let mut lines = Lines::of(stderr);
        let mut ready = BufReader::new(stdout).lines();
        let line = timeout(READY_TIME_MAX, ready.next_line()).await.context("not ready in time")?;
        let ready_after = begun.elapsed();
        let Some(line) = line? else {
            let mut said = Vec::new();
            while let Some(line) = lines.next().await {
                said.push(line.text);
            }
            bail!("`trailhound up` ended before it was ready: {}", said.join("\n"));
        };
        let info = serde_json::from_str(&line).with_context(|| format!("no ready line: {line}"))?;
        Ok((Self { info, ready_after, child }, lines))
    }

    /// A client with the keys of the account's root.
    ///
    /// # Errors
    /// The machine's TLS cannot be set up.
    pub fn client(&self) -> anyhow::Result<Client> {
        let info = &self.info;
        let root = Credentials {
            access_key_id: info.access_key_id.clone(),
            secret: Secret::new(info.secret_access_key.clone()),
            session_token: None,
        };
        Ok(Client::of(&info.endpoint, &info.region, root, Arc::new(SystemClock))?)
    }

    /// Asks the server to stop and waits until it has; how long that took.
    ///
    /// # Errors
    /// It does not stop in time, or not with success.
    pub async fn stop(mut self) -> anyhow::Result<Duration> {
        let begun = Instant::now();
        let id = self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        kill_process(id.context("the server has ended by itself")?, Signal::TERM)?;
        let status: ExitStatus =
            timeout(STOP_TIME_MAX, self.child.wait()).await.context("it does not stop")??;
        ensure!(status.success(), "`trailhound up` ended with {status}");
        Ok(begun.elapsed())
    }
}
