//! What a message of the queue asks for.

use std::collections::{BTreeSet, HashSet};

use detect::{Notice, ObjectEvent, Reported};

/// What is to be done for a message.
#[derive(Debug, PartialEq)]
pub(crate) enum Plan {
    /// These are to be read; none of them where there is nothing to do.
    Read { objects: Vec<ObjectEvent>, records: Vec<Reported>, skipped: u64 },
    /// The message will never make sense.
    Poison { reason: String, bucket: Option<String>, key: Option<String> },
}

/// Makes a message's body into a plan. Only `buckets` are read.
pub(crate) fn plan(body: &str, buckets: &BTreeSet<String>) -> Plan {
    let notices = match detect::sniff_message(body) {
        Ok(notices) => notices,
        Err(error) => {
            return Plan::Poison { reason: error.to_string(), bucket: None, key: None };
        }
    };
    let (mut objects, mut records, mut skipped) = (Vec::new(), Vec::new(), 0);
    let mut met = HashSet::new();
    for notice in notices {
        match notice {
            Notice::Object(event) if !event.created => skipped += 1,
            Notice::Object(event) if !buckets.contains(&event.bucket) => {
                let named = event.bucket.escape_default();
                let reason = format!(
                    "bucket `{named}` is not among those that are watched: give --bucket {named}, \
                     or keep its notices out of the queue"
                );
                let (bucket, key) = (Some(event.bucket), Some(event.key));
                return Plan::Poison { reason, bucket, key };
            }
            // The same object named twice is read once.
            Notice::Object(event) => {
                if met.insert((event.bucket.clone(), event.key.clone())) {
                    objects.push(event);
                }
            }
            Notice::Record(reported) => records.push(reported),
            Notice::Nothing(nothing) => {
                tracing::info!(?nothing, "A message of the queue has nothing to read: {nothing:?}");
                skipped += 1;
            }
        }
    }
    Plan::Read { objects, records, skipped }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn s3(event: &str, bucket: &str, key: &str) -> serde_json::Value {
        json!({"eventSource": "aws:s3", "eventName": event,
            "s3": {"bucket": {"name": bucket}, "object": {"key": key}}})
    }

    fn check(body: &serde_json::Value) -> Plan {
        plan(&body.to_string(), &BTreeSet::from(["logs".to_owned()]))
    }

    #[test]
    fn created_objects_of_watched_buckets_are_read_once_each() {
        let body = json!({"Records": [
            s3("ObjectCreated:Put", "logs", "a+b%40c"),
            s3("ObjectCreated:Put", "logs", "a+b%40c"),
            s3("ObjectRemoved:Delete", "logs", "gone"),
        ]});
        let Plan::Read { objects, records, skipped } = check(&body) else { panic!() };
        let keys: Vec<_> = objects.iter().map(|event| event.key.as_str()).collect();
        assert_eq!((keys, records.len(), skipped), (vec!["a b@c"], 0, 1));
    }

    #[test]
    fn another_bucket_is_poison_that_names_it() {
        let Plan::Poison { reason, bucket, key } =
            check(&json!({"Records": [s3("ObjectCreated:Put", "other", "k")]}))
        else {
            panic!()
        };
        assert!(reason.contains("`other`") && reason.contains("--bucket"), "{reason}");
        assert_eq!((bucket.as_deref(), key.as_deref()), (Some("other"), Some("k")));
    }

    #[test]
    fn an_object_that_is_gone_is_skipped_whatever_its_bucket() {
        let body = json!({"Records": [s3("ObjectRemoved:Delete", "other", "k")]});
        let wanted = Plan::Read { objects: vec![], records: vec![], skipped: 1 };
        assert_eq!(check(&body), wanted);
    }

    #[test]
    fn a_test_event_has_nothing_to_read() {
        let body = json!({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "logs"});
        let wanted = Plan::Read { objects: vec![], records: vec![], skipped: 1 };
        assert_eq!(check(&body), wanted);
    }

    #[test]
    fn an_unknown_shape_is_poison() {
        for body in ["{\"a\": 1}", "no JSON", ""] {
            let plan = plan(body, &BTreeSet::new());
            assert!(matches!(plan, Plan::Poison { bucket: None, .. }), "{body}: {plan:?}");
        }
    }
}
