//! Finds a running server by its data directory and asks its admin API.

use std::{io, path::Path, time::Duration};

use anyhow::{Context, bail};
use server::{Info, SERVER_FILE};

/// How long the server may take to answer.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(30);

/// What the server in `dir` wrote of itself.
pub(crate) fn info(dir: &Path) -> anyhow::Result<Info> {
    let path = dir.join(SERVER_FILE);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => bail!(
            "no server has run in {}: start one with `trailhound up`, or give its --dir",
            dir.display()
        ),
        Err(error) => return Err(error).with_context(|| path.display().to_string()),
    };
    serde_json::from_str(&text)
        .with_context(|| format!("{} is not what `trailhound up` writes", path.display()))
}

/// The admin API of one server.
pub(crate) struct Admin {
    info: Info,
    http: reqwest::Client,
}

impl Admin {
    pub(crate) fn of(dir: &Path) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder().no_proxy().timeout(ANSWER_TIME_MAX).build()?;
        Ok(Self { info: info(dir)?, http })
    }

    pub(crate) async fn get<T: serde::de::DeserializeOwned>(
        &self,
        path: &str,
    ) -> anyhow::Result<T> {
        let request = self.http.get(format!("{}{path}", self.info.console));
        self.ask(request).await
    }

    pub(crate) async fn post<T: serde::de::DeserializeOwned>(
        &self,
        path: &str,
        body: &impl serde::Serialize,
    ) -> anyhow::Result<T> {
        let request = self
            .http
            .post(format!("{}{path}", self.info.console))
            .header("Content-Type", "application/json")
            .body(serde_json::to_vec(body)?);
        self.ask(request).await
    }

    async fn ask<T: serde::de::DeserializeOwned>(
        &self,
        request: reqwest::RequestBuilder,
    ) -> anyhow::Result<T> {
        let token = self.info.admin_token.as_deref().unwrap_or_default();
        let answer = request.bearer_auth(token).send().await.with_context(|| {
            format!("the server in {} does not answer: is it running?", self.info.dir)
        })?;
        let status = answer.status();
        let body = answer.bytes().await?;
        if !status.is_success() {
            bail!("the server answered {status}: {}", String::from_utf8_lossy(&body).trim());
        }
        serde_json::from_slice(&body).context("the server answered something unexpected")
    }
}
