//! `trailhound scan`: which records of an archive the rules hold for.

mod archives;
mod bar;
mod ndjson;
mod signals;
mod stats;
mod summary;

use std::{
    fs,
    io::IsTerminal,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    thread,
};

use anyhow::{Context, bail};
use flow::Timestamp;
use rule::RuleSet;
use scan::{Progress, Report, Source, Window};

use crate::{
    args::{Format, Scan},
    output,
};

/// How many threads may read.
const THREADS_MAX: usize = 256;

pub(crate) fn run(args: &Scan) -> anyhow::Result<ExitCode> {
    let (rules, refused) = rules(args)?;
    let asked = scan::Scan {
        rules: &rules,
        sources: args.paths.iter().map(|word| Source::of(word)).collect(),
        window: window(args)?,
        archives: archives::archives(args)?,
        threads: threads(args)?,
        details: args.format == Format::Table,
    };
    let progress = Arc::new(Progress::new());
    let signals = signals::stop_on_signals(&progress)?;
    if args.bucket.plan {
        return archives::plan(args, &asked, &progress);
    }
    let started = tokio::time::Instant::now();
    let report = watched(args, &asked, &progress);
    let seconds = started.elapsed().as_secs_f64();
    if let Some(path) = &args.stats {
        stats::write(path, &report, seconds)
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    match args.format {
        Format::Table => summary::table(&report, seconds),
        Format::Ndjson => output::error(&summary::totals(&report, seconds)),
    }
    summary::failures(&report);
    if let Some(signal) = signals.received() {
        return Ok(ExitCode::from(signal));
    }
    let is_bad = refused || report.totals.failed > 0;
    let is_grave = args.fail_on.is_some_and(|level| report.gravest() >= Some(level));
    // A scan that is not whole may have missed anything: nobody may take it for a clean one.
    Ok(ExitCode::from(if is_bad { 2 } else { u8::from(is_grave) }))
}

/// Scans, with a bar on a terminal that shows how far.
fn watched(args: &Scan, asked: &scan::Scan<'_>, progress: &Progress) -> Report {
    let sink = || match args.format {
        Format::Table => ndjson::Findings::unseen(),
        Format::Ndjson => ndjson::Findings::on_stdout(),
    };
    let prints = args.format == Format::Ndjson && std::io::stdout().is_terminal();
    if prints || !std::io::stderr().is_terminal() {
        return scan::run(asked, progress, sink);
    }
    thread::scope(|scope| {
        let bar = bar::show(scope, asked, progress);
        let report = scan::run(asked, progress, sink);
        bar.end();
        report
    })
}

/// The rules to ask, and whether some were refused.
fn rules(args: &Scan) -> anyhow::Result<(RuleSet, bool)> {
    let question = match &args.when {
        Some(expression) => Some(rule::when(expression).context("--when cannot be read")?),
        None => None,
    };
    if args.rules.is_empty() {
        let alone = |question| RuleSet::from_rules(vec![question]);
        return Ok((question.map_or_else(RuleSet::shipped, alone), false));
    }
    let mut files = Vec::new();
    for path in &args.rules {
        files.extend(rule_files(path)?);
    }
    let loaded = detect::load_rule_files(files);
    for problem in &loaded.problems {
        output::error(&output::safe(&format!("refused a rule: {problem}")));
    }
    let rules = loaded.rules.with(question);
    if rules.rules().len() == 0 {
        bail!("there is no rule to ask: give --rules a folder that holds some");
    }
    Ok((rules, !loaded.problems.is_empty()))
}

/// A file as it is given, or the rules of a folder.
fn rule_files(path: &Path) -> anyhow::Result<Vec<(PathBuf, Vec<u8>)>> {
    let about = || format!("cannot read the rules in {}", path.display());
    if fs::metadata(path).with_context(about)?.is_dir() {
        return detect::rule_files(path);
    }
    Ok(vec![(path.to_owned(), fs::read(path).with_context(about)?)])
}

fn window(args: &Scan) -> anyhow::Result<Window> {
    let from = args.from.as_deref().map(|text| moment(text, "00:00:00Z")).transpose()?;
    let to = args.to.as_deref().map(|text| moment(text, "23:59:59.999Z")).transpose()?;
    if let (Some(from), Some(to)) = (from, to)
        && from > to
    {
        bail!("--from {from} is later than --to {to}");
    }
    Ok(Window::new(from, to, args.account.clone(), args.region.clone()))
}

/// A time, or a whole day: its first moment or its last.
pub(crate) fn moment(text: &str, of_day: &str) -> anyhow::Result<Timestamp> {
    let parse = |text: &str| text.parse::<Timestamp>();
    parse(text).or_else(|error| parse(&format!("{text}T{of_day}")).map_err(|_| error)).with_context(
        || format!("`{}` is neither a time nor a day such as 2026-11-22", output::safe(text)),
    )
}

fn threads(args: &Scan) -> anyhow::Result<NonZeroUsize> {
    match args.threads {
        Some(threads) if threads.get() > THREADS_MAX => {
            bail!("--threads {threads} is more than {THREADS_MAX}")
        }
        Some(threads) => Ok(threads),
        None => Ok(thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)),
    }
}
