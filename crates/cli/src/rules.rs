//! `trailhound rules`: list, export, check, test and explain Sigma rules.

mod explain;
mod export;
mod source;
mod trial;

use std::{path::PathBuf, process::ExitCode};

use crate::{
    args::{Rules, RulesCommand},
    output,
    rules::source::Sources,
};

pub(crate) fn run(args: &Rules) -> anyhow::Result<ExitCode> {
    match &args.command {
        RulesCommand::List { rules, json } => list(rules, *json),
        RulesCommand::Export { dir } => export::run(dir),
        RulesCommand::Check { paths } => check(paths),
        RulesCommand::Test { paths, json, junit } => trial::run(paths, *json, junit.as_deref()),
        RulesCommand::Explain(asked) => explain::run(asked),
    }
}

fn list(paths: &[PathBuf], json: bool) -> anyhow::Result<ExitCode> {
    let loaded = Sources::at(paths)?.load();
    let mut rows = Vec::new();
    for rule in loaded.rules.rules() {
        if json {
            output::json(&serde_json::json!({
                "id": rule.id(), "title": rule.title(), "level": rule.level(), "file": rule.file(),
            }));
        } else {
            let id = output::safe(rule.id());
            rows.push(vec![rule.level().to_string(), id, output::safe(rule.title())]);
        }
    }
    if !json {
        output::table(&["LEVEL", "ID", "TITLE"], &rows);
        output::line(&format!("{} rules.", rows.len()));
    }
    Ok(report(&loaded.problems))
}

fn check(paths: &[PathBuf]) -> anyhow::Result<ExitCode> {
    let sources = Sources::at(paths)?;
    let problems = sources.check();
    if problems.is_empty() {
        output::line(&format!("{} files, nothing wrong.", sources.texts.len()));
    }
    Ok(report(&problems))
}

/// Tells what is wrong, and what that makes of the exit code.
fn report(problems: &[rule::Problem]) -> ExitCode {
    for problem in problems {
        output::error(&output::safe(&problem.to_string()));
    }
    if problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(2) }
}
