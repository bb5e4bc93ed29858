//! What is set beside code and configuration: reserved instances, tries of events, tags.

use std::collections::BTreeMap;

use flow::{Fault, Tree};

use super::{
    broken,
    destination::{Sides, side_tree},
    fault, invalid,
    listing::{CONCURRENCY, UNRESERVED_MIN, page},
    name::Named,
    not_found, required, validation,
};
use crate::{
    Functions,
    kept::{EventSettings, Row},
    version::LATEST,
};

/// Tags of a function.
const TAGS_MAX: usize = 50;
/// The longest key of a tag, in characters.
const TAG_KEY_CHARS_MAX: usize = 128;
/// The longest value of a tag, in characters.
const TAG_VALUE_CHARS_MAX: usize = 256;

impl Functions {
    pub(super) async fn put_concurrency(&self, input: &Tree) -> Result<Tree, Fault> {
        let wanted = input.int("ReservedConcurrentExecutions");
        let wanted = wanted.and_then(|count| u32::try_from(count).ok());
        let count = wanted.ok_or_else(|| {
            invalid("ReservedConcurrentExecutions must be a whole number from 0 on.")
        })?;
        let _changing = self.0.changing.lock().await;
        let (named, mut row) = self.known(input)?;
        let others = self.names().into_iter().filter(|name| *name != named.name);
        let reserved: u32 = others.filter_map(|name| self.row(&name)?.reserved).sum();
        if count.saturating_add(reserved).saturating_add(UNRESERVED_MIN) > CONCURRENCY {
            return Err(invalid(format!(
                "Specified ReservedConcurrentExecutions for function decreases account's \
                 UnreservedConcurrentExecution below its minimum value of [{UNRESERVED_MIN}]."
            )));
        }
        row.reserved = Some(count);
        self.keep(&named, row).await?;
        self.0.replaced.notify_one();
        Ok(reserved_tree(count))
    }

    pub(super) fn get_concurrency(&self, input: &Tree) -> Result<Tree, Fault> {
        let (_, row) = self.known(input)?;
        Ok(row.reserved.map_or_else(|| Tree::Map(Vec::new()), reserved_tree))
    }

    pub(super) async fn delete_concurrency(&self, input: &Tree) -> Result<Tree, Fault> {
        let _changing = self.0.changing.lock().await;
        let (named, mut row) = self.known(input)?;
        row.reserved = None;
        self.keep(&named, row).await?;
        self.0.replaced.notify_one();
        Ok(Tree::Null)
    }

    /// `PutFunctionEventInvokeConfig` begins anew, `Update…` changes what is given.
    pub(super) async fn put_events(&self, input: &Tree, anew: bool) -> Result<Tree, Fault> {
        let given = event_settings(input)?;
        let sides = Sides::read(input);
        if given.retries.is_none() && given.age_seconds.is_none() && sides.is_none() {
            let why = "You must specify at least one of error handling or destination setting.";
            return Err(invalid(why));
        }
        let _changing = self.0.changing.lock().await;
        let (named, mut row) = self.qualified(input)?;
        let qualifier = named.qualifier.as_deref();
        if let Some(sides) = &sides {
            self.check_sides(&named, sides)?;
        }
        let before = match (anew, row.events(qualifier).cloned()) {
            (true, _) => EventSettings::default(),
            (false, Some(before)) => before,
            (false, None) => return Err(self.no_events(&named)),
        };
        let Sides { on_success, on_failure } =
            sides.unwrap_or(Sides { on_success: before.on_success, on_failure: before.on_failure });
        let settings = EventSettings {
            modified: self.0.host.clock.now(),
            retries: given.retries.or(before.retries),
            age_seconds: given.age_seconds.or(before.age_seconds),
            on_success,
            on_failure,
        };
        let told = self.events_tree(&self.events_arn(&named), &settings);
        row.set_events(qualifier, Some(settings));
        self.keep(&named, row).await?;
        Ok(told)
    }

    pub(super) fn get_events(&self, input: &Tree) -> Result<Tree, Fault> {
        let (named, row) = self.qualified(input)?;
        let settings = row.events(named.qualifier.as_deref());
        let settings = settings.ok_or_else(|| self.no_events(&named))?;
        Ok(self.events_tree(&self.events_arn(&named), settings))
    }

    pub(super) fn list_events(&self, input: &Tree) -> Result<Tree, Fault> {
        let (named, row) = self.known(input)?;
        let beside =
            row.beside.iter().filter_map(|(name, it)| Some((name.as_str(), it.events.as_ref()?)));
        let all = row.events.iter().map(|it| (LATEST, it)).chain(beside);
        let rows = all.map(|(qualifier, settings)| {
            let arn = format!("{}:{qualifier}", self.arn_of(&named.name));
            (qualifier.to_owned(), self.events_tree(&arn, settings))
        });
        Ok(page(input, "FunctionEventInvokeConfigs", rows.collect()))
    }

    pub(super) async fn delete_events(&self, input: &Tree) -> Result<Tree, Fault> {
        let _changing = self.0.changing.lock().await;
        let (named, mut row) = self.qualified(input)?;
        let qualifier = named.qualifier.as_deref();
        row.events(qualifier).ok_or_else(|| self.no_events(&named))?;
        row.set_events(qualifier, None);
        self.keep(&named, row).await?;
        Ok(Tree::Null)
    }

    fn no_events(&self, named: &Named) -> Fault {
        let arn = self.events_arn(named);
        let message = format!("The function {arn} doesn't have an EventInvokeConfig");
        fault("ResourceNotFoundException", message).with_status(404)
    }

    /// Settings are always told of as a version's or an alias's.
    fn events_arn(&self, named: &Named) -> String {
        let qualifier = named.qualifier.as_deref().unwrap_or(LATEST);
        format!("{}:{qualifier}", self.arn_of(&named.name))
    }

    fn events_tree(&self, arn: &str, settings: &EventSettings) -> Tree {
        let number = |value: u32| Tree::from(i64::from(value));
        let mut members =
            vec![("LastModified", Tree::Time(settings.modified)), ("FunctionArn", Tree::from(arn))];
        let retries = settings.retries.map(|count| number(u32::from(count)));
        members.extend(retries.map(|count| ("MaximumRetryAttempts", count)));
        let age = settings.age_seconds.map(number);
        members.extend(age.map(|age| ("MaximumEventAgeInSeconds", age)));
        let destinations = Tree::map([
            ("OnSuccess", side_tree(settings.on_success.as_ref())),
            ("OnFailure", side_tree(settings.on_failure.as_ref())),
        ]);
        members.push(("DestinationConfig", destinations));
        Tree::map(members)
    }

    pub(super) fn list_tags(&self, input: &Tree) -> Result<Tree, Fault> {
        if let Some(found) = self.tagged_mapping(required(input, "Resource")?) {
            return found.map(|(_, mapping)| Self::mapping_tags(&mapping));
        }
        let (_, row) = self.tagged(input)?;
        Ok(Tree::map([("Tags", super::answer::texts(row.tags.iter()))]))
    }

    pub(super) async fn tag(&self, input: &Tree) -> Result<Tree, Fault> {
        let _changing = self.0.changing.lock().await;
        if let Some(found) = self.tagged_mapping(required(input, "Resource")?) {
            let (id, mapping) = found?;
            let mut all = mapping.tags.clone();
            all.extend(tags(input)?);
            check_tags(&all)?;
            return self.retag_mapping(&id, mapping, all).await;
        }
        let (named, mut row) = self.tagged(input)?;
        row.tags.extend(tags(input)?);
        check_tags(&row.tags)?;
        self.keep(&named, row).await?;
        Ok(Tree::Null)
    }

    pub(super) async fn untag(&self, input: &Tree) -> Result<Tree, Fault> {
        let _changing = self.0.changing.lock().await;
        if let Some(found) = self.tagged_mapping(required(input, "Resource")?) {
            let (id, mapping) = found?;
            let mut all = mapping.tags.clone();
            let gone = input.list("TagKeys").iter().filter_map(Tree::as_text);
            gone.for_each(|key| drop(all.remove(key)));
            return self.retag_mapping(&id, mapping, all).await;
        }
        let (named, mut row) = self.tagged(input)?;
        for key in input.list("TagKeys").iter().filter_map(Tree::as_text) {
            row.tags.remove(key);
        }
        self.keep(&named, row).await?;
        Ok(Tree::Null)
    }

    fn tagged(&self, input: &Tree) -> Result<(Named, Row), Fault> {
        let named = self.named(required(input, "Resource")?, None)?;
        if named.qualifier.is_some() {
            return Err(invalid(
                "Tags on function aliases and versions are not supported. Please specify either a \
                 function ARN or an event source mapping ARN.",
            ));
        }
        let row = self.row(&named.name).filter(|_| named.is_latest() && named.is_here);
        let row = row.ok_or_else(|| not_found(&named.arn()))?;
        Ok((named, row))
    }

    async fn keep(&self, named: &Named, row: Row) -> Result<(), Fault> {
        self.put_row(&named.name, row).await.map_err(|error| broken(&error))
    }
}

fn reserved_tree(count: u32) -> Tree {
    Tree::map([("ReservedConcurrentExecutions", Tree::from(i64::from(count)))])
}

fn event_settings(input: &Tree) -> Result<EventSettings, Fault> {
    let within = |member: &str, shown: &str, least: i64, most: i64| {
        let Some(value) = input.int(member) else { return Ok(None) };
        let bound = if value < least {
            format!("greater than or equal to {least}")
        } else if value > most {
            format!("less than or equal to {most}")
        } else {
            return Ok(Some(value));
        };
        Err(validation(&format!(
            "Value '{value}' at '{shown}' failed to satisfy constraint: Member must have value \
             {bound}"
        )))
    };
    let retries = within("MaximumRetryAttempts", "maximumRetryAttempts", 0, 2)?;
    let age = within("MaximumEventAgeInSeconds", "maximumEventAgeInSeconds", 60, 21_600)?;
    Ok(EventSettings {
        retries: retries.and_then(|count| u8::try_from(count).ok()),
        age_seconds: age.and_then(|seconds| u32::try_from(seconds).ok()),
        ..EventSettings::default()
    })
}

/// The tags that a call gives, within their bounds.
pub(super) fn tags(input: &Tree) -> Result<BTreeMap<String, String>, Fault> {
    let given = input.get("Tags").map(Tree::members).unwrap_or_default();
    let pairs = given.iter().filter_map(|(key, value)| Some((key.clone(), value.as_text()?)));
    let tags = pairs.map(|(key, value)| (key, value.to_owned())).collect();
    check_tags(&tags)?;
    Ok(tags)
}

fn check_tags(tags: &BTreeMap<String, String>) -> Result<(), Fault> {
    if tags.len() > TAGS_MAX {
        return Err(invalid(format!("A function has at most {TAGS_MAX} tags.")));
    }
    for (key, value) in tags {
        let (keys, values) = (key.chars().count(), value.chars().count());
        if keys == 0 || keys > TAG_KEY_CHARS_MAX || values > TAG_VALUE_CHARS_MAX {
            return Err(invalid(format!(
                "The tag {key:?}: keys are 1 to {TAG_KEY_CHARS_MAX} characters, values at most \
                 {TAG_VALUE_CHARS_MAX}."
            )));
        }
        if key.starts_with("aws:") {
            return Err(invalid(format!(
                "The tag {key:?}: keys that begin with aws: are reserved."
            )));
        }
    }
    Ok(())
}
