//! For each object, the targets that were fixed for it = acknowledged + dead + waiting.

use std::collections::BTreeSet;

use server::Config;

use super::{Targets, evidence::Evidence};

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
        Targets::DefaultTrail => {
            let own = config.default_bucket();
            for (bucket, key) in evidence.objects.keys().filter(|(bucket, _)| *bucket == own) {
                let name = format!("{bucket}/{key}/");
                if !rows.iter().any(|row| row.starts_with(&name)) {
                    problems.push(format!("stored, never announced: {bucket}/{key}"));
                }
            }
        }
    }
}
