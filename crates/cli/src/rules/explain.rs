//! `trailhound rules explain`: why a rule holds for a record, or does not.

use std::{
    fs::File,
    io::{Read, stdin},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, bail};
use detect::Examiner;
use rule::{Explanation, Rule, RuleSet, Step};
use serde_json::Value;

use crate::{args::Explain, output, rules::source::Sources};

/// The largest file that records are taken from, in bytes.
const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// How many ids an error names.
const IDS_MAX: usize = 5;
/// What every record answers with yes.
const EVERY_RECORD: &str = "eventName=null or eventName!=null";

pub(super) fn run(asked: &Explain) -> anyhow::Result<ExitCode> {
    let rule = find(asked)?;
    let record = record(asked)?;
    let explained = rule.explain(&record);
    if asked.json {
        output::json(&explained);
    } else {
        show(&explained);
    }
    Ok(ExitCode::SUCCESS)
}

/// The rule of that file, id or title.
fn find(asked: &Explain) -> anyhow::Result<Rule> {
    let name = asked.rule.as_str();
    let file = [PathBuf::from(name)];
    let is_file = file.iter().all(|path| path.is_file());
    let loaded = Sources::at(if is_file { &file } else { &asked.rules })?.load();
    let same = |rule: &&Rule| {
        let stem = Path::new(rule.file()).file_stem().and_then(|stem| stem.to_str());
        is_file
            || rule.id() == name
            || rule.title().eq_ignore_ascii_case(name)
            || stem == Some(name)
    };
    let found: Vec<&Rule> = loaded.rules.rules().filter(same).collect();
    match found.as_slice() {
        [only] => Ok((*only).clone()),
        [] => {
            // It may be one of those that were refused.
            super::report(&loaded.problems);
            bail!("no rule is called `{}`: `trailhound rules list` names them", output::safe(name))
        }
        several => bail!(
            "`{}` holds {} rules: give the file with --rules, and the id of one of them",
            output::safe(name),
            several.len()
        ),
    }
}

/// The one record that is meant.
fn record(asked: &Explain) -> anyhow::Result<Value> {
    let from = asked.record.display().to_string();
    let bytes = read(&asked.record).with_context(|| format!("cannot read {from}"))?;
    let mut records = records(&from, &bytes)?;
    let of = |record: &Value| record.get("eventID").and_then(Value::as_str).map(str::to_owned);
    if let Some(wanted) = &asked.event_id {
        let count = records.len();
        records.retain(|record| of(record).as_ref() == Some(wanted));
        // A record that was delivered twice is the same twice.
        return records.into_iter().next().with_context(|| {
            format!(
                "none of the {count} records of {from} has the eventID {}",
                output::safe(wanted)
            )
        });
    }
    if records.len() > 1 {
        let ids: Vec<String> = records.iter().filter_map(of).take(IDS_MAX).collect();
        let ids = output::safe(&ids.join(", "));
        bail!("{from} holds {} records: name one with --event-id, such as {ids}", records.len());
    }
    records.pop().with_context(|| format!("{from} holds no record"))
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut source: Box<dyn Read> = match path.to_str() {
        Some("-") => Box::new(stdin().lock()),
        _ => Box::new(File::open(path)?),
    };
    source.by_ref().take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > FILE_BYTES_MAX) {
        bail!("it is larger than {} MiB", FILE_BYTES_MAX / 1024 / 1024);
    }
    Ok(bytes)
}

/// A record by itself, or those of whatever a log object may be.
fn records(from: &str, bytes: &[u8]) -> anyhow::Result<Vec<Value>> {
    if let Ok(record) = serde_json::from_slice::<Value>(bytes)
        && record.get("eventName").is_some()
    {
        return Ok(vec![record]);
    }
    let every = rule::when(EVERY_RECORD).context("this expression is sound")?;
    let every = RuleSet::from_rules(vec![every]);
    let mut records = Vec::new();
    let examined = Examiner::new().whole(&every, from, bytes, &mut |found| {
        records.extend(serde_json::from_slice::<Value>(found.record));
    });
    match examined.damage.first() {
        Some(damage) if records.is_empty() => {
            bail!("{from}: {}", output::safe(&damage.to_string()))
        }
        _ => Ok(records),
    }
}

fn show(explained: &Explanation) {
    let verdict = if explained.holds { "holds" } else { "does not hold" };
    let title = output::safe(&explained.rule.title);
    output::line(&output::bold(&format!("{title} [{}] {verdict}.", explained.rule.level)));
    show_step(&explained.condition, 1);
}

fn show_step(step: &Step, depth: usize) {
    let indent = "  ".repeat(depth);
    let asks = output::safe(&step.asks);
    output::line(&match step.holds {
        true => format!("{indent}{} {asks}", output::good("✓")),
        false => format!("{indent}✗ {asks}"),
    });
    for found in &step.found {
        let value = found.value.as_deref().unwrap_or("nothing");
        let mut text = format!("{indent}    {} = {value}", found.path);
        if !found.passes.is_empty()
            && asks != format!("{} is {}", found.path, found.passes.join(""))
        {
            text.push_str(&format!("  ← {}", found.passes.join(", ")));
        }
        output::line(&output::dim(&output::safe(&text)));
    }
    if step.more > 0 {
        output::line(&output::dim(&format!("{indent}    and {} more", step.more)));
    }
    for part in &step.parts {
        show_step(part, depth + 1);
    }
}
