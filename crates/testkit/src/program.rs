//! The real executable: run to its end, or as a server that is stopped, or killed.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use server::{Info, SystemClock};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, ChildStdout, Command},
    time::{Instant, sleep, timeout},
};

use crate::{
    admin::Admin,
    hand::{Hand, Ledger},
};

/// How long any command may take, and a server to start or stop.
const TIME_MAX: Duration = Duration::from_secs(90);
/// How often to look whether a process is gone.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// The executable.
#[derive(Clone, Debug)]
pub struct Program {
    path: PathBuf,
}

/// How a command ended.
#[derive(Clone, Debug)]
pub struct Ended {
    /// Its exit code; none where a signal ended it.
    pub code: Option<i32>,
    /// What it wrote.
    pub stdout: String,
    /// What it complained of.
    pub stderr: String,
}

impl Ended {
    /// Its output as JSON, one value a line.
    ///
    /// # Panics
    /// When a line is no JSON.
    pub fn json_lines(&self) -> Vec<serde_json::Value> {
        let parse = |line| serde_json::from_str(line).expect("each line is JSON");
        self.stdout.lines().map(parse).collect()
    }
}

impl Program {
    /// The executable at `path`.
    pub fn at(path: &str) -> Self {
        Self { path: path.into() }
    }

    /// Runs a command to its end, without a terminal.
    ///
    /// # Errors
    /// It cannot be run, or does not end in time.
    pub async fn run(&self, args: &[&str]) -> Result<Ended> {
        let output = timeout(TIME_MAX, self.command(args).output()).await;
        let output = output.with_context(|| format!("{args:?} does not end"))??;
        Ok(Ended {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }

    /// Starts `up --json` on a free port and waits until it is ready.
    ///
    /// # Errors
    /// It ends or is not ready in time; the error holds what it complained of.
    pub async fn up(&self, dir: &Path, more: &[&str]) -> Result<Running> {
        let dir_text = dir.to_str().context("a temporary directory's path is text")?;
        let mut args = vec!["up", "--json", "--dir", dir_text, "--listen", "127.0.0.1:0"];
        args.extend(more);
        let log = dir.with_extension("stderr");
        let stderr = fs::File::options().create(true).append(true).open(&log)?;
        let mut child = self.command(&args).stderr(stderr).spawn()?;
        let mut stdout = BufReader::new(child.stdout.take().context("it is piped")?);
        let mut line = String::new();
        timeout(TIME_MAX, stdout.read_line(&mut line)).await.context("it is not ready")??;
        let Ok(info) = serde_json::from_str(&line) else {
            let code = child.wait().await?;
            bail!("it did not start ({code}): {line} {}", fs::read_to_string(&log)?);
        };
        Ok(Running { child, info, dir: dir.to_owned(), _stdout: stdout })
    }

    /// Starts `up` and kills it `after` that, ready or not; waits until all that it started are
    /// gone.
    ///
    /// # Errors
    /// Processes are left behind.
    pub async fn interrupt(&self, dir: &Path, more: &[&str], after: Duration) -> Result<()> {
        let dir_text = dir.to_str().context("a temporary directory's path is text")?;
        let mut args = vec!["up", "--json", "--dir", dir_text, "--listen", "127.0.0.1:0"];
        args.extend(more);
        let mut child = self.command(&args).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        sleep(after).await;
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        let family = id.map(descendants).unwrap_or_default();
        child.kill().await?;
        gone(&family).await
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.path);
        command
            .args(args)
            .env_remove("TRAILHOUND_DIR")
            .env_remove("TRAILHOUND_LOG")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }
}

/// A running server.
pub struct Running {
    child: Child,
    info: Info,
    dir: PathBuf,
    _stdout: BufReader<ChildStdout>,
}

impl Running {
    /// What it printed when it was ready.
    pub fn info(&self) -> &Info {
        &self.info
    }

    /// A signed client of the account's root, which lives by the machine's clock.
    ///
    /// # Errors
    /// The machine's TLS cannot be set up.
    pub fn client(&self, ledger: &Ledger) -> Result<Hand> {
        Hand::root(&self.info, ledger, Arc::new(SystemClock))
    }

    /// Its admin API.
    ///
    /// # Errors
    /// It has not said where that is.
    pub fn admin(&self) -> Result<Admin> {
        Admin::of(&self.dir)
    }

    /// Asks it to stop (SIGTERM) and waits; its exit code.
    ///
    /// # Errors
    /// It does not end in time, or leaves processes behind.
    pub async fn terminate(mut self) -> Result<Option<i32>> {
        let pid = self.pid()?;
        let family = descendants(pid.as_raw_nonzero().get());
        kill_process(pid, Signal::TERM)?;
        let status = timeout(TIME_MAX, self.child.wait()).await.context("it does not stop")??;
        gone(&family).await?;
        Ok(status.code())
    }

    /// Kills it at once (SIGKILL), and waits until it and all that it started are gone.
    ///
    /// # Errors
    /// Processes are left behind.
    pub async fn kill(mut self) -> Result<()> {
        let family = descendants(self.pid()?.as_raw_nonzero().get());
        self.child.kill().await?;
        gone(&family).await
    }

    fn pid(&self) -> Result<Pid> {
        let id = self.child.id().and_then(|id| i32::try_from(id).ok());
        id.and_then(Pid::from_raw).context("it has ended by itself")
    }
}

/// A process: its id, and when it started, for ids are used again.
type Process = (i32, String);

/// All processes that `pid` started, directly or not.
fn descendants(pid: i32) -> Vec<Process> {
    let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
    let mut found = Vec::new();
    for task in tasks.flatten() {
        let children = fs::read_to_string(task.path().join("children")).unwrap_or_default();
        for child in children.split_whitespace().filter_map(|id| id.parse().ok()) {
            found.extend(started(child).map(|at| (child, at)));
            found.extend(descendants(child));
        }
    }
    found
}

/// When a process started; `None` where it is gone, or a corpse that nobody has buried yet.
fn started(pid: i32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // What follows the name begins with the state; the start is the twenty-second field in all.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let alive = !matches!(*fields.first()?, "Z" | "X");
    alive.then(|| fields.get(19).map(|at| (*at).to_owned()))?
}

/// Ends once none of the processes lives.
async fn gone(family: &[Process]) -> Result<()> {
    let deadline = Instant::now() + TIME_MAX;
    loop {
        let left: Vec<_> =
            family.iter().filter(|(pid, at)| started(*pid).as_ref() == Some(at)).collect();
        if left.is_empty() {
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "processes are left behind: {left:?}");
        sleep(LOOK_EVERY).await;
    }
}
