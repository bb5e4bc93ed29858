//! For each object, the targets that were fixed for it = acknowledged + dead + waiting.

use std::collections::BTreeSet;

use server::Config;

use super::{Targets, evidence::Evidence};

/// How objects of tests come about.
const PUT: &str = "ObjectCreated:Put";
/// What the ARN of the shipped function ends in.
const DETECT: &str = ":function:detect";

pub(super) fn compare(
    evidence: &Evidence,
    config: &Config,
    targets: &Targets,
    problems: &mut Vec<String>,
) {
    if evidence.pending > 0 {
        problems.push(format!("{} objects were never announced", evidence.pending));
    }
    // A queue holds an id once, in one state: to be there at all is to be accounted for.
    let rows: BTreeSet<&str> = evidence.queue("notification").map(|row| row.id.as_str()).collect();
    match targets {
        Targets::Told(objects) => {
            for object in objects {
                for target in &object.targets {
                    let (bucket, key) = (&object.bucket, &object.key);
                    let id = format!("{bucket}/{key}/{}/{}", object.sequencer, target.arn);
                    if !rows.contains(id.as_str()) {
                        problems.push(format!("announced, not accounted for: {id}"));
                    }
                }
            }
        }
        Targets::Configured(configurations) => {
            let own = config.default_bucket();
            for (bucket, key) in evidence.objects.keys() {
                let mut due: Vec<String> = configurations
                    .iter()
                    .filter(|(name, _)| name == bucket)
                    .flat_map(|(_, configuration)| configuration.targets(PUT, key))
                    .map(|target| target.arn)
                    .collect();
                due.extend((*bucket == own).then(|| DETECT.to_owned()));
                let object = format!("{bucket}/{key}/");
                let told = rows.range(object.as_str()..).take_while(|r| r.starts_with(&object));
                for target in due {
                    if !told.clone().any(|row| row.ends_with(&target)) {
                        problems.push(format!("stored, never announced to {target}: {object}"));
                    }
                }
            }
        }
    }
}
