//! `trailhound env`: what a shell needs so that AWS's clients find the server.

use std::{process::ExitCode, time::Duration};

use anyhow::{Context, bail};
use server::Report;
use tokio::time::{Instant, sleep};

use crate::{
    admin::{self, Admin},
    args::{Env, Place},
    output,
};

/// How often to look whether the server answers.
const LOOK_EVERY: Duration = Duration::from_millis(50);

pub(crate) async fn run(args: &Env) -> anyhow::Result<ExitCode> {
    let place = &args.place;
    if let Some(wait) = args.wait {
        let deadline = Instant::now() + wait.duration();
        // A file of an earlier run may stand there: only an answer says that somebody serves.
        while let Err(error) = answers(place).await {
            if Instant::now() >= deadline {
                return Err(error).context("no server in time");
            }
            sleep(LOOK_EVERY).await;
        }
    }
    let info = admin::info(&place.dir)?;
    if info.endpoint.is_empty() {
        let dir = place.dir.display();
        bail!("what runs in {dir} is `trailhound watch`, which serves no AWS endpoint");
    }
    let lines = [
        ("AWS_ENDPOINT_URL", &info.endpoint),
        ("AWS_ACCESS_KEY_ID", &info.access_key_id),
        ("AWS_SECRET_ACCESS_KEY", &info.secret_access_key),
        ("AWS_REGION", &info.region),
        ("AWS_DEFAULT_REGION", &info.region),
    ];
    for (name, value) in lines {
        output::line(&format!("export {name}='{}'", value.replace('\'', r"'\''")));
    }
    // A token of another session would be sent along with these keys.
    output::line("unset AWS_SESSION_TOKEN AWS_PROFILE");
    Ok(ExitCode::SUCCESS)
}

async fn answers(place: &Place) -> anyhow::Result<()> {
    Admin::of(&place.dir)?.get::<Report>("/status").await.map(drop)
}
