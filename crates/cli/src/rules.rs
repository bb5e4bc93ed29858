//! `trailhound rules`: list, check and test Sigma rules.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context;
use rule::{TestOutcome, Verdict};

use crate::{
    args::{Rules, RulesCommand},
    output,
};

/// A file's path and text.
type Source = (String, String);

pub(crate) fn run(args: &Rules) -> anyhow::Result<ExitCode> {
    match &args.command {
        RulesCommand::List { rules, json } => list(rules, *json),
        RulesCommand::Check { paths } => check(paths),
        RulesCommand::Test { paths, json } => test(paths, *json),
    }
}

fn list(paths: &[PathBuf], json: bool) -> anyhow::Result<ExitCode> {
    let loaded = rule::RuleSet::load(sources(paths)?.into_iter());
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
    let sources = sources(paths)?;
    let files = sources.len();
    let problems = rule::check(sources.into_iter());
    if problems.is_empty() {
        output::line(&format!("{files} files, nothing wrong."));
    }
    Ok(report(&problems))
}

fn report(problems: &[rule::Problem]) -> ExitCode {
    for problem in problems {
        output::error(&output::safe(&problem.to_string()));
    }
    if problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(2) }
}

fn test(paths: &[PathBuf], json: bool) -> anyhow::Result<ExitCode> {
    let sources = sources(paths)?;
    let problems = rule::check(sources.iter().cloned());
    let outcomes = rule::test(sources.into_iter());
    let mut wrong = 0;
    for outcome in &outcomes {
        let passed = outcome.verdict == Verdict::Passed;
        wrong += usize::from(!passed);
        if json {
            output::json(outcome);
        } else if !passed {
            let TestOutcome { file, title, record, verdict, .. } = outcome;
            let text = format!("{file}: `{title}`, {record}: {}", said(verdict));
            output::line(&output::safe(&text));
        }
    }
    if !json {
        output::line(&format!("{} passed, {wrong} failed", outcomes.len() - wrong));
    }
    let refused = report(&problems);
    Ok(if wrong > 0 { ExitCode::from(1) } else { refused })
}

fn said(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Passed => "judged as it must be",
        Verdict::Missed => "must match and does not",
        Verdict::Matched => "must not match and does",
        Verdict::Untested => "has no records of this kind to be tested with",
    }
}

/// The texts of all rule and test files at `paths`; the shipped ones where no path is given.
fn sources(paths: &[PathBuf]) -> anyhow::Result<Vec<Source>> {
    if paths.is_empty() {
        let own = rule::shipped_sources().map(|(name, text)| (name.to_owned(), text.to_owned()));
        return Ok(own.collect());
    }
    let mut found = Vec::new();
    for path in paths {
        for (path, bytes) in gather(path).with_context(|| path.display().to_string())? {
            let name = path.display().to_string();
            let text = String::from_utf8(bytes).with_context(|| format!("{name} is not text"))?;
            found.push((name, text));
        }
    }
    Ok(found)
}

/// A file as it is given, or the rule and test files of a folder.
fn gather(path: &Path) -> anyhow::Result<Vec<(PathBuf, Vec<u8>)>> {
    if fs::metadata(path)?.is_dir() {
        return detect::files(path, |name| rule::is_rule_file(name) || rule::is_test_file(name));
    }
    Ok(vec![(path.to_owned(), fs::read(path)?)])
}
