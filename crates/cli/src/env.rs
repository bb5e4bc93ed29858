//! `trailhound env`: what a shell needs so that AWS's clients find the server.

use std::process::ExitCode;

use anyhow::bail;

use crate::{admin, args::Place, output};

pub(crate) fn run(place: &Place) -> anyhow::Result<ExitCode> {
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
