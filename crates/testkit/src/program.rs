//! The real executable: run to its end, or as a server that is stopped, or killed.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use server::{Info, SystemClock};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, ChildStdout, Command},
    time::{sleep, timeout},
};

use crate::{
    admin::Admin,
    family::Family,
    hand::{Hand, Ledger},
};

/// How long any command may take, and a server to start or stop.
const TIME_MAX: Duration = Duration::from_secs(90);

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
        let (program, dir) = (self.path.clone(), dir.to_owned());
        Ok(Running { child, info, program, dir, _stdout: stdout })
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
        let family = id.map(Family::of).unwrap_or_default();
        child.kill().await?;
        family.gone(&self.path, dir).await
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
    program: PathBuf,
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
        let family = Family::of(pid.as_raw_nonzero().get());
        kill_process(pid, Signal::TERM)?;
        let status = timeout(TIME_MAX, self.child.wait()).await.context("it does not stop")??;
        family.gone(&self.program, &self.dir).await?;
        Ok(status.code())
    }

    /// Kills it at once (SIGKILL), and waits until it and all that it started are gone.
    ///
    /// # Errors
    /// Processes are left behind.
    pub async fn kill(mut self) -> Result<()> {
        let family = Family::of(self.pid()?.as_raw_nonzero().get());
        self.child.kill().await?;
        family.gone(&self.program, &self.dir).await
    }

    fn pid(&self) -> Result<Pid> {
        let id = self.child.id().and_then(|id| i32::try_from(id).ok());
        id.and_then(Pid::from_raw).context("it has ended by itself")
    }
}
