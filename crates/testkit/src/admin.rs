//! The admin API of a running server, and waiting until its road is empty.

use std::{path::Path, time::Duration};

use anyhow::{Context, ensure};
use serde::de::DeserializeOwned;
use server::{DeadLetter, Info, Report, SERVER_FILE};
use tokio::time::{Instant, sleep};

/// How long an answer may take.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(90);
/// How long a road may take to become empty: what has failed often is put off for five minutes.
const DRAIN_TIME_MAX: Duration = Duration::from_secs(5 * 60 + 90);
/// How often to look.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// Looks at a row that must show an empty road.
const IDLE_LOOKS: usize = 3;

/// A client of one server's admin API.
pub struct Admin {
    info: Info,
    http: reqwest::Client,
}

impl Admin {
    /// Of the server that runs, or ran last, in `dir`.
    ///
    /// # Errors
    /// No server has run there.
    pub fn of(dir: &Path) -> anyhow::Result<Self> {
        let path = dir.join(SERVER_FILE);
        let text = std::fs::read(&path).with_context(|| path.display().to_string())?;
        let http = reqwest::Client::builder().no_proxy().timeout(ANSWER_TIME_MAX).build()?;
        Ok(Self { info: serde_json::from_slice(&text)?, http })
    }

    /// What waits and what is dead.
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn status(&self) -> anyhow::Result<Report> {
        self.get("/status").await
    }

    /// The dead letters.
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn dead(&self) -> anyhow::Result<Vec<DeadLetter>> {
        self.get("/dead").await
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        let url = format!("{}{path}", self.info.console);
        let token = self.info.admin_token.as_deref().unwrap_or_default();
        let answer = self.http.get(url).bearer_auth(token).send().await?;
        ensure!(answer.status().is_success(), "{path} answered {}", answer.status());
        Ok(serde_json::from_slice(&answer.bytes().await?)?)
    }
}

/// Ends once nothing waits at any hop. `still` is told how many looks in a row showed no change:
/// whoever owns the clock may move it then.
///
/// # Errors
/// The server does not answer, or something still waits after a minute and a half.
pub async fn drained(admin: &Admin, mut still: impl FnMut(u32)) -> anyhow::Result<()> {
    let deadline = Instant::now() + DRAIN_TIME_MAX;
    let (mut idle, mut unchanged, mut last) = (0, 0, Report::default());
    while idle < IDLE_LOOKS {
        let report = admin.status().await?;
        ensure!(Instant::now() < deadline, "the road is not empty: {report:#?}");
        idle = if report.hops.iter().all(|hop| hop.waiting == 0) { idle + 1 } else { 0 };
        unchanged = if report == last { unchanged + 1 } else { 0 };
        last = report;
        still(unchanged);
        sleep(LOOK_EVERY).await;
    }
    Ok(())
}
