//! Event source mappings: made, changed, told and taken away.

mod given;

use std::collections::BTreeMap;

use flow::{Fault, Tree};

use self::given::Given;
use super::{
    answer::texts, broken, conflict, fault, invalid, listing::page_of, required, settings::tags,
};
use crate::{
    Functions,
    source::{BATCH_SIZE, Mapping, Step, denied},
    version::name_in,
};

/// Mappings of a server: each waits on its queue.
const MAPPINGS_MAX: usize = 100;
/// Mappings in one page, as Lambda answers them.
const PAGE_MAX: usize = 100;
/// The function's answers may name what failed.
const PARTIAL: &str = "ReportBatchItemFailures";
/// What a mapping that has dealt with nothing yet answers.
const NOTHING_YET: &str = "No records processed";
/// Who changed a mapping: nothing but calls does.
const REASON: &str = "USER_INITIATED";

impl Functions {
    pub(super) async fn create_mapping(&self, input: &Tree) -> Result<Tree, Fault> {
        let given = Given::read(input, &self.sources().filters)?;
        let source = given::source(input)?;
        let tags = tags(input)?;
        let _changing = self.0.changing.lock().await;
        let mapping = Mapping {
            source,
            function: self.mapped(required(input, "FunctionName")?)?,
            enabled: true,
            batch_size: BATCH_SIZE,
            window_seconds: 0,
            partial: false,
            filters: Vec::new(),
            concurrency: None,
            tags,
            modified: self.0.host.clock.now(),
            revision: 0,
            step: Step::Creating,
        };
        let mapping = given.change(mapping)?;
        self.check_mapping(&mapping)?;
        let all = self.sources().all();
        let same = |other: &Mapping| {
            (&other.source, &other.function) == (&mapping.source, &mapping.function)
        };
        if let Some((id, _)) = all.iter().find(|(_, other)| same(other)) {
            return Err(taken(&mapping, id));
        }
        if all.len() >= MAPPINGS_MAX {
            return Err(invalid(format!(
                "This server has at most {MAPPINGS_MAX} event source mappings."
            )));
        }
        let id = self.0.host.chance.uuid();
        self.keep_mapping(&id, mapping).await
    }

    pub(super) async fn update_mapping(&self, input: &Tree) -> Result<Tree, Fault> {
        let id = required(input, "UUID")?;
        let given = Given::read(input, &self.sources().filters)?;
        let _changing = self.0.changing.lock().await;
        let before = self.sources().get(id).ok_or_else(no_such)?;
        in_use(&before, "update")?;
        let mut mapping = given.change(before.clone())?;
        if let Some(name) = input.text("FunctionName") {
            mapping.function = self.mapped(name)?;
        }
        self.check_mapping(&mapping)?;
        let same = |(other_id, other): &&(String, Mapping)| {
            *other_id != id
                && (&other.source, &other.function) == (&mapping.source, &mapping.function)
        };
        if let Some((id, _)) = self.sources().all().iter().find(same) {
            return Err(taken(&mapping, id));
        }
        mapping.step = match (before.enabled, mapping.enabled) {
            (false, true) => Step::Enabling,
            (true, false) => Step::Disabling,
            _ => Step::Updating,
        };
        mapping.revision = before.revision.wrapping_add(1);
        mapping.modified = self.0.host.clock.now();
        self.keep_mapping(id, mapping).await
    }

    pub(super) async fn delete_mapping(&self, input: &Tree) -> Result<Tree, Fault> {
        let id = required(input, "UUID")?;
        let _changing = self.0.changing.lock().await;
        let mut mapping = self.sources().get(id).ok_or_else(no_such)?;
        in_use(&mapping, "delete")?;
        mapping.step = Step::Deleting;
        mapping.modified = self.0.host.clock.now();
        self.keep_mapping(id, mapping).await
    }

    pub(super) fn get_mapping(&self, input: &Tree) -> Result<Tree, Fault> {
        let id = required(input, "UUID")?;
        let mapping = self.sources().get(id).ok_or_else(no_such)?;
        let state = mapping.state(self.sources().live(id));
        Ok(self.mapping_tree(id, &mapping, state))
    }

    pub(super) fn list_mappings(&self, input: &Tree) -> Result<Tree, Fault> {
        let function = match input.text("FunctionName") {
            Some(name) => Some(self.runs_as(&self.named(name, None)?)),
            None => None,
        };
        let source = input.text("EventSourceArn");
        let wanted = |(_, mapping): &(String, Mapping)| {
            function.as_ref().is_none_or(|function| mapping.function == *function)
                && source.is_none_or(|source| mapping.source == source)
        };
        let all = self.sources().all().into_iter().filter(wanted);
        let rows = all.map(|(id, mapping)| {
            let tree = self.mapping_tree(&id, &mapping, mapping.state(self.sources().live(&id)));
            (id, tree)
        });
        Ok(page_of(PAGE_MAX, input, "EventSourceMappings", rows.collect()))
    }

    /// The tags of the mapping of that ARN, to be read or changed; `None` where the ARN is none.
    pub(super) fn tagged_mapping(&self, arn: &str) -> Option<Result<(String, Mapping), Fault>> {
        let (_, id) = arn.split_once(":event-source-mapping:")?;
        let found = self.sources().get(id).filter(|_| arn == self.mapping_arn(id));
        Some(found.map(|mapping| (id.to_owned(), mapping)).ok_or_else(no_such))
    }

    /// Changes the tags of a mapping, which its poller need not know of.
    pub(super) async fn retag_mapping(
        &self,
        id: &str,
        mapping: Mapping,
        tags: BTreeMap<String, String>,
    ) -> Result<Tree, Fault> {
        let stored = self.sources().put(id, Mapping { tags, ..mapping }).await;
        stored.map_err(|error| broken(&error))?;
        Ok(Tree::Null)
    }

    /// Stores what a call asked for, and answers it in the state that begins with it.
    async fn keep_mapping(&self, id: &str, mapping: Mapping) -> Result<Tree, Fault> {
        let told = self.mapping_tree(id, &mapping, mapping.step.as_str());
        self.sources().put(id, mapping).await.map_err(|error| broken(&error))?;
        Ok(told)
    }

    /// The ARN of a function that a mapping may name.
    fn mapped(&self, given: &str) -> Result<String, Fault> {
        let named = self.named(given, None)?;
        let arn = self.runs_as(&named);
        if named.is_here && self.exists(&arn) {
            return Ok(arn);
        }
        Err(invalid("Function does not exist"))
    }

    /// Whether the function's role may work the queue off, and the queue suits the function.
    fn check_mapping(&self, mapping: &Mapping) -> Result<(), Fault> {
        let Mapping { source, function, .. } = mapping;
        let hosted = self.hosted(function).ok_or_else(|| invalid("Function does not exist"))?;
        if let Some(action) = denied(self, &hosted.function.role, source) {
            return Err(invalid(format!(
                "The provided execution role does not have permissions to call {action} on SQS"
            )));
        }
        let visibility = self.sources().port.visibility_seconds(source).ok_or_else(|| {
            invalid(
                "Error occurred while ReceiveMessage. SQS Error Code: \
                 AWS.SimpleQueueService.NonExistentQueue. SQS Error Message: The specified queue \
                 does not exist.",
            )
        })?;
        in_time(visibility, hosted.function.resources.timeout_millis / 1_000)
    }

    /// Whether the queues of a function's mappings hide messages for as long as it may take.
    pub(super) fn check_sources(&self, function: &str, seconds: i64) -> Result<(), Fault> {
        let all = self.sources().all();
        let own = all.iter().map(|(_, mapping)| mapping).filter(|it| it.function == function);
        let mut known = own.filter_map(|it| self.sources().port.visibility_seconds(&it.source));
        known.try_for_each(|visibility| in_time(visibility, seconds))
    }

    fn mapping_arn(&self, id: &str) -> String {
        let config = &self.0.host.config;
        format!("arn:aws:lambda:{}:{}:event-source-mapping:{id}", config.region, config.account)
    }

    fn mapping_tree(&self, id: &str, mapping: &Mapping, state: &str) -> Tree {
        let number = |value: u16| Tree::from(i64::from(value));
        let types = if mapping.partial { vec![Tree::from(PARTIAL)] } else { Vec::new() };
        let result = self.sources().result(id);
        let mut members = vec![
            ("UUID", Tree::from(id)),
            ("BatchSize", number(mapping.batch_size)),
            ("MaximumBatchingWindowInSeconds", number(mapping.window_seconds)),
            ("EventSourceArn", Tree::from(mapping.source.as_str())),
            ("FunctionArn", Tree::from(mapping.function.as_str())),
            ("LastModified", Tree::Time(mapping.modified)),
            ("LastProcessingResult", Tree::from(result.as_deref().unwrap_or(NOTHING_YET))),
            ("State", Tree::from(state)),
            ("StateTransitionReason", Tree::from(REASON)),
            ("FunctionResponseTypes", Tree::from(types)),
            ("EventSourceMappingArn", Tree::from(self.mapping_arn(id))),
        ];
        if !mapping.filters.is_empty() {
            let pattern = |text: &String| Tree::map([("Pattern", Tree::from(text.as_str()))]);
            let filters: Vec<Tree> = mapping.filters.iter().map(pattern).collect();
            members.push(("FilterCriteria", Tree::map([("Filters", Tree::from(filters))])));
        }
        if let Some(most) = mapping.concurrency {
            members.push(("ScalingConfig", Tree::map([("MaximumConcurrency", number(most))])));
        }
        Tree::map(members)
    }

    /// The tags of a mapping, as `ListTags` tells them.
    pub(super) fn mapping_tags(mapping: &Mapping) -> Tree {
        Tree::map([("Tags", texts(mapping.tags.iter()))])
    }
}

fn in_time(visibility: u32, timeout: i64) -> Result<(), Fault> {
    if i64::from(visibility) >= timeout {
        return Ok(());
    }
    Err(invalid(format!(
        "Queue visibility timeout: {visibility} seconds is less than Function timeout: {timeout} \
         seconds"
    )))
}

fn no_such() -> Fault {
    let message = "The resource you requested does not exist.";
    fault("ResourceNotFoundException", message).with_status(404)
}

/// A mapping that is about to go is not touched.
fn in_use(mapping: &Mapping, what: &str) -> Result<(), Fault> {
    if mapping.step != Step::Deleting {
        return Ok(());
    }
    let message = format!("Cannot {what} the event source mapping because it is in use.");
    Err(fault("ResourceInUseException", message))
}

fn taken(mapping: &Mapping, id: &str) -> Fault {
    let Mapping { source, function, .. } = mapping;
    let (name, _) = name_in(function);
    conflict(format!(
        "An event source mapping with SQS arn (\" {source} \") and function (\" {name} \") already \
         exists. Please update or delete the existing mapping with UUID {id}"
    ))
}
