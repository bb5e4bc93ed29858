//! A mapping as callers give it: each member read and bounded, and those refused that this server
//! could not keep to.

use flow::{Fault, Tree};

use super::PARTIAL;
use crate::{
    api::{invalid, validation},
    source::{Filters, Mapping},
};

/// Messages of a batch that need no window.
const BATCH_WITHOUT_WINDOW_MAX: u16 = 10;
const BATCH: (i64, i64) = (1, 10_000);
const WINDOW_SECONDS: (i64, i64) = (0, 300);
const CONCURRENCY: (i64, i64) = (2, 1_000);
/// Patterns of a mapping; Lambda's limit, unless one asks for more.
const FILTERS_MAX: usize = 5;
/// The longest pattern, in characters; Lambda's limit.
const PATTERN_CHARS_MAX: usize = 4_096;

/// Members that other sources have.
const OF_OTHERS: [&str; 14] = [
    "StartingPosition",
    "StartingPositionTimestamp",
    "ParallelizationFactor",
    "DestinationConfig",
    "MaximumRecordAgeInSeconds",
    "BisectBatchOnFunctionError",
    "MaximumRetryAttempts",
    "TumblingWindowInSeconds",
    "Topics",
    "Queues",
    "SourceAccessConfigurations",
    "AmazonManagedKafkaEventSourceConfig",
    "SelfManagedKafkaEventSourceConfig",
    "DocumentDBEventSourceConfig",
];
/// Members that queues have with AWS.
const NOT_OFFERED: [&str; 4] =
    ["KMSKeyArn", "MetricsConfig", "LoggingConfig", "ProvisionedPollerConfig"];

/// What a call says of a mapping; `None` where it says nothing.
#[derive(Debug, Default)]
pub(super) struct Given {
    enabled: Option<bool>,
    batch_size: Option<u16>,
    window_seconds: Option<u16>,
    partial: Option<bool>,
    filters: Option<Vec<String>>,
    /// The inner one is `None` where there is to be no maximum.
    concurrency: Option<Option<u16>>,
}

impl Given {
    pub(super) fn read(input: &Tree, filters: &Filters) -> Result<Self, Fault> {
        refuse(input)?;
        let scaling = input.get("ScalingConfig").filter(|scaling| !scaling.is_null());
        let concurrency = scaling
            .map(|scaling| {
                within(
                    scaling,
                    "MaximumConcurrency",
                    "scalingConfig.maximumConcurrency",
                    CONCURRENCY,
                )
            })
            .transpose()?;
        Ok(Self {
            enabled: input.bool("Enabled"),
            batch_size: within(input, "BatchSize", "batchSize", BATCH)?,
            window_seconds: within(
                input,
                "MaximumBatchingWindowInSeconds",
                "maximumBatchingWindowInSeconds",
                WINDOW_SECONDS,
            )?,
            partial: input.get("FunctionResponseTypes").map(partial).transpose()?,
            filters: input
                .get("FilterCriteria")
                .filter(|criteria| !criteria.is_null())
                .map(|criteria| patterns(criteria, filters))
                .transpose()?,
            concurrency,
        })
    }

    /// Changes what the call names.
    pub(super) fn change(self, mut mapping: Mapping) -> Result<Mapping, Fault> {
        mapping.enabled = self.enabled.unwrap_or(mapping.enabled);
        mapping.batch_size = self.batch_size.unwrap_or(mapping.batch_size);
        mapping.window_seconds = self.window_seconds.unwrap_or(mapping.window_seconds);
        mapping.partial = self.partial.unwrap_or(mapping.partial);
        mapping.filters = self.filters.unwrap_or(mapping.filters);
        mapping.concurrency = self.concurrency.unwrap_or(mapping.concurrency);
        if mapping.batch_size > BATCH_WITHOUT_WINDOW_MAX && mapping.window_seconds == 0 {
            return Err(invalid(
                "Maximum batch window in seconds must be greater than 0 if maximum batch size is \
                 greater than 10",
            ));
        }
        Ok(mapping)
    }
}

/// The queue that the call names.
pub(super) fn source(input: &Tree) -> Result<String, Fault> {
    let arn = input.text("EventSourceArn").filter(|arn| !arn.is_empty());
    let Some(arn) = arn else { return Err(invalid("Unrecognized event source.")) };
    let parts: Vec<&str> = arn.split(':').collect();
    match parts.as_slice() {
        ["arn", _, "sqs", _, _, name] if name.ends_with(".fifo") => Err(invalid(format!(
            "EventSourceArn {arn}: queues of the kind FIFO are not offered by this server."
        ))),
        ["arn", _, "sqs", _, _, _] => Ok(arn.to_owned()),
        ["arn", _, service, ..] => Err(invalid(format!(
            "EventSourceArn {arn}: sources of the service {service} are not offered by this server: \
             give a queue of SQS."
        ))),
        _ => Err(invalid("Unrecognized event source.")),
    }
}

/// Members that ask for what is not there; empty ones ask for nothing.
fn refuse(input: &Tree) -> Result<(), Fault> {
    let empty = |tree: &Tree| {
        tree.is_null()
            || tree.as_text() == Some("")
            || *tree == Tree::Map(Vec::new())
            || *tree == Tree::List(Vec::new())
    };
    let given = |name: &&str| input.get(name).is_some_and(|tree| !empty(tree));
    if input.get("SelfManagedEventSource").is_some_and(|tree| !empty(tree)) {
        let why =
            "SelfManagedEventSource: Kafka is not offered by this server: give a queue of SQS.";
        return Err(invalid(why));
    }
    if let Some(name) = OF_OTHERS.iter().find(|name| given(name)) {
        return Err(invalid(format!(
            "Unsupported {name} parameter for given event source mapping type."
        )));
    }
    if let Some(name) = NOT_OFFERED.iter().find(|name| given(name)) {
        return Err(invalid(format!("{name}: it is not offered by this server.")));
    }
    Ok(())
}

fn within(
    input: &Tree,
    member: &str,
    shown: &str,
    (least, most): (i64, i64),
) -> Result<Option<u16>, Fault> {
    let Some(given) = input.int(member) else { return Ok(None) };
    let bound = if given < least {
        format!("greater than or equal to {least}")
    } else if given > most {
        format!("less than or equal to {most}")
    } else {
        return Ok(u16::try_from(given).ok());
    };
    Err(validation(&format!(
        "Value '{given}' at '{shown}' failed to satisfy constraint: Member must have value {bound}"
    )))
}

/// Whether the function names what it failed at.
fn partial(types: &Tree) -> Result<bool, Fault> {
    let Tree::List(types) = types else { return Ok(false) };
    match types.iter().find(|kind| kind.as_text() != Some(PARTIAL)) {
        None => Ok(!types.is_empty()),
        Some(other) => Err(validation(&format!(
            "Value '[{}]' at 'functionResponseTypes' failed to satisfy constraint: Member must \
             satisfy constraint: [Member must satisfy enum value set: [{PARTIAL}]]",
            other.as_text().unwrap_or_default()
        ))),
    }
}

fn patterns(criteria: &Tree, filters: &Filters) -> Result<Vec<String>, Fault> {
    let given = criteria.list("Filters");
    if given.len() > FILTERS_MAX {
        return Err(invalid(format!(
            "FilterCriteria: a mapping has at most {FILTERS_MAX} filters."
        )));
    }
    let read = |filter: &Tree| {
        let pattern = filter.text("Pattern").unwrap_or_default();
        let wrong = |why: String| invalid(format!("Invalid filter pattern definition. {why}"));
        if pattern.chars().count() > PATTERN_CHARS_MAX {
            return Err(wrong(format!("It has at most {PATTERN_CHARS_MAX} characters.")));
        }
        filters(pattern).map_err(wrong)?;
        Ok(pattern.to_owned())
    };
    given.iter().map(read).collect()
}
