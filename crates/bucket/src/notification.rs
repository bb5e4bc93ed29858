//! Notification configurations: taken with AWS's rules, given back in AWS's spelling.

use std::{collections::HashSet, sync::Arc};

use flow::{
    Arn, BucketEvent, Chance, Configuration, EventKind, Filter, NotificationConfiguration, Target,
    TargetKind,
};
use s3s::dto::{
    Event, FilterRule, FilterRuleName, GetBucketNotificationConfigurationInput,
    GetBucketNotificationConfigurationOutput, LambdaFunctionConfiguration,
    NotificationConfiguration as Wire, NotificationConfigurationFilter,
    PutBucketNotificationConfigurationInput, PutBucketNotificationConfigurationOutput,
    QueueConfiguration, S3KeyFilter, TopicConfiguration,
};

use crate::{
    index,
    refusal::Refusal,
    room::{Call, Change, Room},
};

/// Configurations of one bucket (S3's limit).
const CONFIGURATIONS_MAX: usize = 100;

/// Bytes of a filter rule's value (S3's limit).
const FILTER_BYTES_MAX: usize = 1_024;

/// Characters of a configuration's id.
const ID_CHARS_MAX: usize = 255;

/// The events that this server raises.
const EVENTS: [&str; 11] = [
    "s3:ObjectCreated:*",
    "s3:ObjectCreated:Put",
    "s3:ObjectCreated:Post",
    "s3:ObjectCreated:Copy",
    "s3:ObjectCreated:CompleteMultipartUpload",
    "s3:ObjectRemoved:*",
    "s3:ObjectRemoved:Delete",
    // No bucket is versioned, so none leaves a marker.
    "s3:ObjectRemoved:DeleteMarkerCreated",
    "s3:ObjectTagging:*",
    "s3:ObjectTagging:Put",
    "s3:ObjectTagging:Delete",
];

/// One configuration as it came, whatever its target.
struct Given {
    id: Option<String>,
    kind: TargetKind,
    arn: String,
    events: Vec<String>,
    filter: Option<NotificationConfigurationFilter>,
}

impl Room {
    pub(crate) async fn put_bucket_notification(
        self: &Arc<Self>,
        call: Call,
        input: PutBucketNotificationConfigurationInput,
    ) -> Result<PutBucketNotificationConfigurationOutput, Refusal> {
        self.bucket(&input.bucket).await?;
        let event_bridge = input.notification_configuration.event_bridge_configuration.is_some();
        let configuration = parse(input.notification_configuration, self.chance.as_ref())?;
        let skip = input.skip_destination_validation.unwrap_or(false);
        let mut unfit = Vec::new();
        if event_bridge {
            let why = "EventBridge is not offered as a destination".to_owned();
            unfit.push(("EventBridgeConfiguration".to_owned(), why));
        }
        if !skip {
            unfit.extend(configuration.configurations.iter().filter_map(|c| {
                let why = self.targets.check(&input.bucket, c.kind, &c.arn).err()?;
                let function = c.kind == TargetKind::Function;
                let name = if function { format!("{}, null", c.arn) } else { c.arn.clone() };
                Some((name, why))
            }));
        }
        if !unfit.is_empty() {
            return Err(unable(unfit));
        }
        let tested = if skip { Vec::new() } else { tested(&configuration) };
        let (bucket, origin, now) = (input.bucket, call.origin(), self.clock.now());
        self.commit(None, move |index| {
            if !index::bucket::set_notification(index, &bucket, &configuration)? {
                return Ok(Err(Refusal::no_such_bucket(&bucket)));
            }
            let announced = !tested.is_empty();
            if announced {
                let number = index::next_in_sequence(index, now)?;
                let at = (now, index::sequencer(number));
                let test = origin.event(BucketEvent::TEST, &bucket, at, tested);
                index::event::insert(index, &test)?;
            }
            Ok(Ok(Change { announced, ..Change::of(()) }))
        })
        .await?;
        Ok(PutBucketNotificationConfigurationOutput::default())
    }

    pub(crate) async fn get_bucket_notification(
        self: &Arc<Self>,
        _call: Call,
        input: GetBucketNotificationConfigurationInput,
    ) -> Result<GetBucketNotificationConfigurationOutput, Refusal> {
        let bucket = self.bucket(&input.bucket).await?;
        let all = bucket.notification.unwrap_or_default().configurations;
        let (mut functions, mut queues, mut topics) = (Vec::new(), Vec::new(), Vec::new());
        for Configuration { id, kind, arn, events, filter } in all {
            let events = events.into_iter().map(|event| Event::from(event.0)).collect();
            let (id, filter) = (Some(id), answered(filter));
            match kind {
                TargetKind::Function => functions.push(LambdaFunctionConfiguration {
                    id,
                    lambda_function_arn: arn,
                    events,
                    filter,
                }),
                TargetKind::Queue => {
                    queues.push(QueueConfiguration { id, queue_arn: arn, events, filter });
                }
                TargetKind::Topic => {
                    topics.push(TopicConfiguration { id, topic_arn: arn, events, filter });
                }
            }
        }
        Ok(GetBucketNotificationConfigurationOutput {
            lambda_function_configurations: Some(functions).filter(|all| !all.is_empty()),
            queue_configurations: Some(queues).filter(|all| !all.is_empty()),
            topic_configurations: Some(topics).filter(|all| !all.is_empty()),
            ..GetBucketNotificationConfigurationOutput::default()
        })
    }
}

/// Who gets the test event: each queue and topic once, but no function.
fn tested(all: &NotificationConfiguration) -> Vec<Target> {
    let mut known = HashSet::new();
    all.configurations
        .iter()
        .filter(|c| c.kind != TargetKind::Function && known.insert(c.arn.as_str()))
        .map(|c| Target { configuration_id: c.id.clone(), arn: c.arn.clone() })
        .collect()
}

/// What the wire form says, refused where AWS would refuse it.
pub(crate) fn parse(wire: Wire, chance: &dyn Chance) -> Result<NotificationConfiguration, Refusal> {
    let given = flattened(wire);
    if given.len() > CONFIGURATIONS_MAX {
        let message = "The number of configurations exceeds the limit of 100 per bucket";
        let count = given.len().to_string();
        return Err(Refusal::invalid_argument(message, "NotificationConfiguration", count));
    }
    // The last ARN that is none is the one that AWS tells of.
    if let Some(wrong) = given.iter().rev().find(|one| !is_arn_of(one.kind, &one.arn)) {
        let message = "The ARN could not be parsed";
        return Err(Refusal::invalid_argument(message, element(wrong.kind), wrong.arn.clone()));
    }
    let mut configurations = Vec::with_capacity(given.len());
    for one in given {
        configurations.push(Configuration {
            kind: one.kind,
            arn: one.arn,
            events: events(one.events)?,
            filter: filter(one.filter)?,
            id: id(one.id, chance)?,
        });
    }
    let mut ids = HashSet::new();
    if let Some(twice) = configurations.iter().find(|c| !ids.insert(c.id.as_str())) {
        let message = "Same ID used for multiple configurations. IDs must be unique";
        return Err(Refusal::invalid_argument(message, "Id", twice.id.clone()));
    }
    overlap(&configurations)?;
    Ok(NotificationConfiguration { configurations })
}

fn flattened(wire: Wire) -> Vec<Given> {
    let texts = |events: Vec<Event>| events.into_iter().map(|e| e.as_ref().to_owned()).collect();
    let functions = wire.lambda_function_configurations.unwrap_or_default().into_iter().map(|c| {
        let (id, arn, events) = (c.id, c.lambda_function_arn, texts(c.events));
        Given { id, kind: TargetKind::Function, arn, events, filter: c.filter }
    });
    let queues = wire.queue_configurations.unwrap_or_default().into_iter().map(|c| {
        let (id, arn, events) = (c.id, c.queue_arn, texts(c.events));
        Given { id, kind: TargetKind::Queue, arn, events, filter: c.filter }
    });
    let topics = wire.topic_configurations.unwrap_or_default().into_iter().map(|c| {
        let (id, arn, events) = (c.id, c.topic_arn, texts(c.events));
        Given { id, kind: TargetKind::Topic, arn, events, filter: c.filter }
    });
    functions.chain(queues).chain(topics).collect()
}

/// The element that carries the target's ARN.
fn element(kind: TargetKind) -> &'static str {
    match kind {
        TargetKind::Function => "CloudFunction",
        TargetKind::Queue => "Queue",
        TargetKind::Topic => "Topic",
    }
}

fn is_arn_of(kind: TargetKind, text: &str) -> bool {
    let Ok(arn) = text.parse::<Arn>() else { return false };
    let plain = !arn.region.is_empty()
        && arn.account.len() == 12
        && arn.account.bytes().all(|byte| byte.is_ascii_digit());
    plain
        && match kind {
            TargetKind::Function => {
                arn.service == "lambda" && arn.resource.starts_with("function:")
            }
            TargetKind::Queue => arn.service == "sqs",
            TargetKind::Topic => arn.service == "sns",
        }
}

fn events(given: Vec<String>) -> Result<Vec<EventKind>, Refusal> {
    if given.is_empty() {
        return Err(Refusal::malformed_xml());
    }
    if let Some(other) = given.iter().find(|event| !EVENTS.contains(&event.as_str())) {
        let message = format!(
            "The event '{other}' is not supported for notifications: this server raises \
             s3:ObjectCreated, s3:ObjectRemoved and s3:ObjectTagging events"
        );
        return Err(Refusal::invalid_argument(message, "Event", other.clone()));
    }
    Ok(given.into_iter().map(EventKind).collect())
}

fn filter(given: Option<NotificationConfigurationFilter>) -> Result<Filter, Refusal> {
    let rules = given.and_then(|given| given.key).and_then(|key| key.filter_rules);
    let mut filter = Filter::default();
    for rule in rules.unwrap_or_default() {
        let name = rule.name.as_ref().map_or("", FilterRuleName::as_str).to_ascii_lowercase();
        let value = rule.value.unwrap_or_default();
        if value.len() > FILTER_BYTES_MAX {
            let message = "Size of filter rule value cannot exceed 1024 bytes in UTF-8 \
                           representation";
            return Err(Refusal::invalid_argument(message, "FilterRule.Value", value));
        }
        let place = match name.as_str() {
            "prefix" => &mut filter.prefix,
            "suffix" => &mut filter.suffix,
            _ => {
                let message = "filter rule name must be either prefix or suffix";
                return Err(Refusal::invalid_argument(message, "FilterRule.Name", name));
            }
        };
        if place.replace(value).is_some() {
            let message = format!("Cannot specify more than one {name} rule in a filter.");
            return Err(Refusal::invalid_argument(message, "FilterRule.Name", name));
        }
    }
    Ok(filter)
}

fn id(given: Option<String>, chance: &dyn Chance) -> Result<String, Refusal> {
    match given.filter(|id| !id.is_empty()) {
        None => Ok(chance.uuid()),
        Some(id) if id.chars().count() > ID_CHARS_MAX => {
            let message = "The id of a configuration has at most 255 characters";
            Err(Refusal::invalid_argument(message, "Id", id))
        }
        Some(id) => Ok(id),
    }
}

/// Refuses two configurations that would both tell of one event of one key.
fn overlap(all: &[Configuration]) -> Result<(), Refusal> {
    for (at, one) in all.iter().enumerate() {
        for other in all.iter().skip(at + 1) {
            let shared = one.events.iter().any(|a| other.events.iter().any(|b| a.overlaps(b)));
            if !shared || !both(&one.filter, &other.filter) {
                continue;
            }
            let plain = Filter::default();
            let message = if one.filter == plain && other.filter == plain {
                "Configurations overlap. Configurations on the same bucket cannot share a common \
                 event type."
            } else {
                "Configuration is ambiguously defined. Cannot have overlapping suffixes in two \
                 rules if the prefixes are overlapping for the same event type."
            };
            return Err(Refusal::new("InvalidArgument", 400, message));
        }
    }
    Ok(())
}

/// Whether some key may pass both filters, as AWS judges it.
fn both(one: &Filter, other: &Filter) -> bool {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let (a, b) = (text(&one.prefix), text(&other.prefix));
    let (c, d) = (text(&one.suffix), text(&other.suffix));
    (a.starts_with(&b) || b.starts_with(&a)) && (c.ends_with(&d) || d.ends_with(&c))
}

fn unable(unfit: Vec<(String, String)>) -> Refusal {
    let message = "Unable to validate the following destination configurations";
    let mut refusal = Refusal::new("InvalidArgument", 400, message);
    for (at, (name, value)) in unfit.into_iter().enumerate() {
        let number = at + 1;
        refusal = refusal
            .with(format!("ArgumentName{number}"), name)
            .with(format!("ArgumentValue{number}"), value);
    }
    refusal
}

/// A filter in AWS's spelling; none where it has no rule.
fn answered(filter: Filter) -> Option<NotificationConfigurationFilter> {
    let rules: Vec<_> = [("Prefix", filter.prefix), ("Suffix", filter.suffix)]
        .into_iter()
        .filter(|(_, value)| value.is_some())
        .map(|(name, value)| FilterRule { name: Some(FilterRuleName::from_static(name)), value })
        .collect();
    (!rules.is_empty()).then(|| {
        let key = S3KeyFilter { filter_rules: Some(rules) };
        NotificationConfigurationFilter { key: Some(key) }
    })
}

#[cfg(test)]
mod tests;
