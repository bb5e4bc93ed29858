//! Every due alert has exactly one row per destination, and arrived unless it is dead or waits.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, anyhow};
use detect::RuleFolders;
use record::log_file::Reader;
use rule::RuleSet;
use server::Config;

use super::evidence::{Evidence, State};
use crate::sink::Sink;

pub(super) fn compare(
    evidence: &Evidence,
    config: &Config,
    sink: &Sink,
    problems: &mut Vec<String>,
) -> Result<()> {
    let due = due(evidence, &rules(config)?);
    let mut destinations = Vec::new();
    for text in &config.alert.destinations {
        let destination: alert::Destination = text.parse().map_err(|why| anyhow!("{why}"))?;
        destinations.push(destination.to_string());
    }
    let mut rows: BTreeMap<&str, State> =
        evidence.queue("alert").map(|row| (row.id.as_str(), row.state)).collect();
    let hooked: BTreeSet<_> = sink.hooked().into_iter().map(|arrival| arrival.id).collect();
    let subscribed: BTreeSet<_> = sink.subscribed().into_iter().map(|arrival| arrival.id).collect();
    let topics_settled = evidence.queue("topic").all(|row| row.state == State::Done);
    for (id, what) in &due {
        for destination in &destinations {
            let Some(state) = rows.remove(format!("{id} {destination}").as_str()) else {
                problems.push(format!("due, not in the outbox for {destination}: {what}"));
                continue;
            };
            let arrived = match destination.split(':').next() {
                Some("webhook") => hooked.contains(id),
                Some("sns") => subscribed.contains(id) || !sink.confirmed() || !topics_settled,
                _ => true,
            };
            if state == State::Done && !arrived {
                problems.push(format!("sent to {destination}, never arrived: {what}"));
            }
        }
    }
    problems.extend(rows.keys().map(|id| format!("in the outbox, not due: {id}")));
    let ids = hooked.union(&subscribed).filter(|id| !due.contains_key(*id));
    problems.extend(ids.map(|id| format!("arrived, not due: {id}")));
    Ok(())
}

/// The rules that a server with this configuration asks.
fn rules(config: &Config) -> Result<RuleSet> {
    let folders = &config.rule.dirs;
    let rules = if folders.is_empty() {
        RuleSet::shipped()
    } else {
        RuleFolders::open(folders.clone())?.1.loaded.rules
    };
    let asked = Some(config.rule.when.as_str()).filter(|text| !text.is_empty());
    Ok(rules.with(asked.map(rule::when).transpose()?))
}

/// The alerts that are due, with what each is about: the rules asked once more about every record
/// of every object that the function was told of.
fn due(evidence: &Evidence, rules: &RuleSet) -> BTreeMap<String, String> {
    let mut due = BTreeMap::new();
    let told: BTreeSet<(&str, &str)> = evidence
        .queue("notification")
        .filter(|row| row.state == State::Done && row.id.ends_with(":function:detect"))
        .filter_map(|row| row.id.rsplitn(3, '/').nth(2)?.split_once('/'))
        .collect();
    for ((bucket, key), bytes) in &evidence.objects {
        if !told.contains(&(bucket.as_str(), key.as_str())) || given_up(evidence, key) {
            continue;
        }
        let object = format!("s3://{bucket}/{key}");
        Reader::new().whole(key, bytes, &[], &mut |record| {
            for finding in rules.findings(record.json(), &object).unwrap_or_default() {
                let what = format!("{} by `{}` in {object}", finding.id, finding.rule.title);
                due.insert(finding.id, what);
            }
        });
    }
    due
}

/// Whether the function gave up on an object without an answer; one that it rejected in part it
/// has answered.
fn given_up(evidence: &Evidence, key: &str) -> bool {
    evidence.queue("function").any(|row| {
        let answered = row.detail.get("offset").is_some();
        row.state == State::Dead && !answered && row.body.contains(key)
    })
}
