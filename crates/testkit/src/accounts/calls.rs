//! Answered and selected calls ⊆ recorded ⊆ sent calls.

use std::collections::{BTreeMap, BTreeSet};

use model::facts::{self, Category};
use serde_json::Value;
use server::Config;

use super::evidence::{Evidence, Recorded};
use crate::hand::{Sent, agent_of};

/// The role of the shipped function, which calls for itself.
const DETECT_ROLE: &str = "trailhound-detect";

pub(super) fn compare(
    evidence: &Evidence,
    config: &Config,
    sent: &[Sent],
    problems: &mut Vec<String>,
) {
    let mut events = BTreeSet::new();
    let mut recorded: BTreeMap<&str, &Recorded> = BTreeMap::new();
    let known: BTreeSet<&str> = sent.iter().map(|sent| sent.agent.as_str()).collect();
    for record in &evidence.records {
        if !events.insert(record.facts.event_id.as_str()) {
            problems.push(format!("two records with one eventID: {}", record.json));
        }
        match agent_of(&record.json) {
            Some(agent) if known.contains(agent) => {
                if let Some(other) = recorded.insert(agent, record) {
                    problems.push(format!("two records of one call: {}", other.json));
                }
            }
            _ if by_detect(&record.json) => {}
            _ => problems.push(format!("recorded, never called: {}", record.json)),
        }
    }
    let destinations: BTreeSet<&str> =
        evidence.trails.iter().map(|trail| trail.settings.bucket.as_str()).collect();
    for sent in sent {
        let record = recorded.get(sent.agent.as_str());
        match (selected(&sent.what, config, &destinations), record) {
            (Some(true), None) if sent.answered => {
                problems.push(format!("answered, not recorded: {} ({})", sent.what, sent.agent));
            }
            (Some(false), Some(record)) => {
                problems.push(format!("recorded, though no trail selects it: {}", record.json));
            }
            _ => {}
        }
    }
}

fn by_detect(record: &Value) -> bool {
    let role = record.pointer("/userIdentity/sessionContext/sessionIssuer/userName");
    role.and_then(Value::as_str) == Some(DETECT_ROLE)
}

/// Whether a call is to be recorded; `None` where that depends on more than is known here.
fn selected(what: &str, config: &Config, destinations: &BTreeSet<&str>) -> Option<bool> {
    let Some(request) = what.strip_prefix("s3:") else {
        let (service, operation) = what.split_once(':')?;
        let service = model::service(service)?;
        // No trail of a test takes data events of others than S3.
        return Some(facts::category(&service, operation) == Category::Management);
    };
    let (method, path) = request.split_once(' ')?;
    let path = path.split('?').next()?.trim_start_matches('/');
    match path.split_once('/') {
        Some((bucket, _)) if destinations.contains(bucket) => Some(false),
        // The default trail takes data events; one that is made by a call does not.
        Some(_) => Some(config.trail.default),
        // Listings are data events, all else about a bucket is management.
        None if method == "GET" || method == "HEAD" => None,
        None => Some(true),
    }
}
