//! `trailhound dead`: what gave up, why, and once more.

use std::process::ExitCode;

use anyhow::bail;
use server::{DeadLetter, ReplayRequest, Replayed};

use crate::{
    admin::Admin,
    args::{Dead, DeadCommand},
    output,
};

pub(crate) async fn run(args: &Dead) -> anyhow::Result<ExitCode> {
    match &args.command {
        DeadCommand::List { place, json } => {
            let letters: Vec<DeadLetter> = Admin::of(&place.dir)?.get("/dead").await?;
            list(&letters, *json);
        }
        DeadCommand::Show { place, id } => {
            let letters: Vec<DeadLetter> = Admin::of(&place.dir)?.get("/dead").await?;
            let Some(letter) = letters.iter().find(|letter| letter.id == *id) else {
                bail!("there is no dead letter `{id}`: `trailhound dead list` shows their ids");
            };
            let text = serde_json::to_string_pretty(letter)?;
            text.lines().for_each(|line| output::line(&output::safe(line)));
        }
        DeadCommand::Replay { place, ids, hop } => {
            let admin = Admin::of(&place.dir)?;
            let wanted: Vec<Option<String>> = match ids.as_slice() {
                [] => vec![None],
                ids => ids.iter().cloned().map(Some).collect(),
            };
            let mut replayed = 0;
            for id in wanted {
                let request = ReplayRequest { hop: hop.clone(), id: id.clone() };
                let answer: Replayed = admin.post("/dead/replay", &request).await?;
                if answer.replayed == 0
                    && let Some(id) = id
                {
                    output::error(&format!("there is no dead letter `{}`", output::safe(&id)));
                }
                replayed += answer.replayed;
            }
            output::line(&format!("Trying {replayed} once more."));
            if replayed == 0 && !ids.is_empty() {
                return Ok(ExitCode::from(1));
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// What `dead list --json` shows of a dead letter: all but its body.
#[derive(serde::Serialize)]
struct Listed<'a> {
    hop: &'a str,
    id: &'a str,
    bucket: &'a Option<String>,
    key: &'a Option<String>,
    offset: Option<u64>,
    reason: &'a str,
    attempts: u32,
    since: String,
}

fn list(letters: &[DeadLetter], json: bool) {
    if json {
        for letter in letters {
            output::json(&Listed {
                hop: &letter.hop,
                id: &letter.id,
                bucket: &letter.bucket,
                key: &letter.key,
                offset: letter.offset,
                reason: &letter.reason,
                attempts: letter.attempts,
                since: letter.since.to_string(),
            });
        }
    } else if letters.is_empty() {
        output::line("No dead letters.");
    } else {
        let rows: Vec<_> = letters
            .iter()
            .map(|letter| {
                vec![
                    letter.hop.clone(),
                    letter.since.to_string(),
                    letter.attempts.to_string(),
                    output::safe(&letter.id),
                    output::safe(&letter.reason),
                ]
            })
            .collect();
        output::table(&["HOP", "SINCE", "TRIES", "ID", "REASON"], &rows);
    }
}
