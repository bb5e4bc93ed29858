//! `trailhound rules test`: rules tried on the records beside them.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context;
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use rule::{Problem, TestOutcome, Verdict};

use crate::{
    output,
    rules::{report, source::Sources},
};

pub(super) fn run(paths: &[PathBuf], json: bool, junit: Option<&Path>) -> anyhow::Result<ExitCode> {
    let sources = Sources::at(paths)?;
    let problems = sources.check();
    let outcomes = rule::test(sources.given());
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
    if let Some(path) = junit {
        fs::write(path, as_junit(&outcomes, &problems)?)
            .with_context(|| format!("cannot write {}", path.display()))?;
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

/// A suite for each rule, a case for each record; what cannot be read is an error of a suite of its
/// own.
fn as_junit(outcomes: &[TestOutcome], problems: &[Problem]) -> anyhow::Result<String> {
    let mut suites: Vec<TestSuite> = Vec::new();
    for of_rule in outcomes.chunk_by(|a, b| a.file == b.file && a.rule == b.rule) {
        let Some(first) = of_rule.first() else { continue };
        let mut suite = TestSuite::new(&first.title);
        for outcome in of_rule {
            let status = match outcome.verdict {
                Verdict::Passed => TestCaseStatus::success(),
                _ => failed(NonSuccessKind::Failure, said(&outcome.verdict)),
            };
            let mut case = TestCase::new(&outcome.record, status);
            case.set_classname(&outcome.file);
            suite.add_test_case(case);
        }
        suites.push(suite);
    }
    if !problems.is_empty() {
        let mut suite = TestSuite::new("refused");
        for problem in problems {
            let status = failed(NonSuccessKind::Error, &problem.reason);
            let name = format!("{}:{}", problem.file, problem.line);
            let mut case = TestCase::new(name, status);
            case.set_classname(&problem.file);
            suite.add_test_case(case);
        }
        suites.push(suite);
    }
    let mut report = Report::new("trailhound rules");
    report.add_test_suites(suites);
    report.to_string().context("cannot write the results as JUnit's XML")
}

fn failed(kind: NonSuccessKind, why: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(kind);
    status.set_message(why);
    status
}
