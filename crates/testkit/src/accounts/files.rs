//! Every recorded event that a trail selects is in one of its files; every cut is one object.

use std::collections::{BTreeMap, BTreeSet};

use record::{
    log_file,
    select::{DataResources, Selector},
};
use serde_json::Value;
use server::Config;
use sha2::{Digest, Sha256};

use super::evidence::{Evidence, Recorded, Trail};
use crate::hand::Sent;

pub(super) fn compare(
    evidence: &Evidence,
    config: &Config,
    sent: &[Sent],
    problems: &mut Vec<String>,
) {
    for trail in &evidence.trails {
        for cut in &trail.progress.cuts {
            problems.push(format!("cut, not delivered: {}", cut.key));
        }
        let logged = logged(evidence, trail, problems);
        for event in due(evidence, config, trail) {
            match logged.get(event.facts.event_id.as_str()) {
                Some(1) => {}
                None => problems.push(format!(
                    "recorded and selected by trail `{}`, in none of its files: {}",
                    trail.settings.name, event.json
                )),
                Some(times) => {
                    problems.push(format!("in {times} files of a trail: {}", event.json));
                }
            }
        }
    }
    unexplained(evidence, sent, problems);
}

/// How often each event is in the files that `trail` delivered.
fn logged(
    evidence: &Evidence,
    trail: &Trail,
    problems: &mut Vec<String>,
) -> BTreeMap<String, usize> {
    let (mut events, mut keys) = (BTreeMap::new(), BTreeSet::new());
    for file in evidence.delivered.iter().filter(|file| file.trail_id == trail.settings.id) {
        if !keys.insert(&file.key) {
            problems.push(format!("two cuts under one key: {}", file.key));
        }
        let Some(bytes) = evidence.objects.get(&(file.bucket.clone(), file.key.clone())) else {
            problems.push(format!("delivered, not in its bucket: {}", file.key));
            continue;
        };
        let Some(text) = log_file::text(bytes) else {
            problems.push(format!("delivered, and no log file: {}", file.key));
            continue;
        };
        let reading = log_file::Reader::new().whole(&file.key, bytes, &[], &mut |record| {
            let record: Value = serde_json::from_slice(record.json()).unwrap_or_default();
            let id = record.get("eventID").and_then(Value::as_str).unwrap_or_default();
            *events.entry(id.to_owned()).or_default() += 1;
        });
        if hex::encode(Sha256::digest(text)) != file.sha256
            || reading.records != file.records as u64
        {
            problems.push(format!("other bytes than its cut fixed: {}", file.key));
        }
    }
    events
}

/// The records that `trail` must have delivered.
fn due<'a>(
    evidence: &'a Evidence,
    config: &Config,
    trail: &'a Trail,
) -> impl Iterator<Item = &'a Recorded> {
    let begun = if trail.settings.name == config.trail.default_name {
        0
    } else {
        let begins = |record: &Recorded| is_call(record, "StartLogging", trail);
        evidence.records.iter().position(begins).unwrap_or(evidence.records.len())
    };
    let ends = |record: &Recorded| is_call(record, "StopLogging", trail);
    let ended = evidence.records.iter().skip(begun).position(ends);
    let arn = |bucket: &str| format!("arn:aws:s3:::{bucket}/");
    let selector = Selector {
        data: match trail.settings.scope.as_str() {
            "ManagementAndS3Data" => vec![DataResources::all("AWS::S3::Object")],
            _ => Vec::new(),
        },
        excluded_arn_prefixes: evidence.trails.iter().map(|t| arn(&t.settings.bucket)).collect(),
        ..Selector::default()
    };
    let records = evidence.records.iter().skip(begun).take(ended.unwrap_or(usize::MAX));
    records.filter(move |record| selector.selects(&record.facts))
}

/// Whether a record is of a call `operation` about this trail that succeeded.
fn is_call(record: &Recorded, operation: &str, trail: &Trail) -> bool {
    let name = record.json.pointer("/requestParameters/name").and_then(Value::as_str);
    let about = name.is_some_and(|name| name.rsplit('/').next() == Some(&trail.settings.name));
    record.facts.name == operation && record.facts.error_code.is_none() && about
}

/// Log objects in trails' buckets that no trail cut and nobody put there.
fn unexplained(evidence: &Evidence, sent: &[Sent], problems: &mut Vec<String>) {
    let cut: BTreeSet<_> =
        evidence.delivered.iter().map(|file| (file.bucket.as_str(), file.key.as_str())).collect();
    let put: BTreeSet<_> = sent.iter().map(|sent| sent.what.as_str()).collect();
    for trail in &evidence.trails {
        let own = evidence.objects.keys().filter(|(bucket, _)| *bucket == trail.settings.bucket);
        for (bucket, key) in own {
            let by_hand = put.contains(format!("s3:PUT /{bucket}/{key}").as_str());
            if !by_hand && !cut.contains(&(bucket.as_str(), key.as_str())) {
                problems.push(format!("an object without a cut: {bucket}/{key}"));
            }
        }
    }
}
