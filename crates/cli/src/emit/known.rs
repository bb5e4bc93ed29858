//! What the model knows of a call, by the names that records have for it.

use std::{collections::BTreeSet, sync::Arc};

use anyhow::bail;
use model::{Operation, Service, facts};

use crate::output;

/// How many names are shown that are nearly the wanted one.
const NEAREST: usize = 5;
const SOURCE_ENDING: &str = ".amazonaws.com";

/// A call that the model knows.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) service: Arc<Service>,
    /// The place of the operation among the service's.
    at: usize,
    /// What records call it.
    pub(crate) event: String,
}

impl Known {
    pub(crate) fn operation(&self) -> &Operation {
        self.service.operations.get(self.at).expect("it was found there")
    }
}

/// The call `event` of `source`, both as records spell them; operations' own names do as well.
///
/// # Errors
/// The model knows no such source or event; the nearest names are told.
pub(crate) fn find(source: &str, event: &str) -> anyhow::Result<Known> {
    let services = services(source)?;
    let mut names = BTreeSet::new();
    let mut nearly = None;
    for service in services {
        for (at, operation) in service.operations.iter().enumerate() {
            let name = facts::event_name(&service, &operation.name);
            let is_it = name == event;
            if is_it || operation.name == event && nearly.is_none() {
                let found = Known { service: Arc::clone(&service), at, event: name.clone() };
                if is_it {
                    return Ok(found);
                }
                nearly = Some(found);
            }
            names.insert(name);
        }
    }
    if let Some(found) = nearly {
        return Ok(found);
    }
    bail!(
        "the model knows no event `{}` of {}{}",
        output::safe(event),
        output::safe(source),
        nearest(event, names.iter().map(String::as_str)),
    )
}

/// The services that write records under this source, which may be a service's other names.
fn services(source: &str) -> anyhow::Result<Vec<Arc<Service>>> {
    let short = source.strip_suffix(SOURCE_ENDING).unwrap_or(source);
    let full = format!("{short}{SOURCE_ENDING}");
    let named = [
        model::by_event_source(&full),
        model::by_signing_name(short),
        model::by_endpoint_prefix(short),
    ];
    let mut found: Vec<_> = named.into_iter().flatten().filter_map(|n| model::service(n)).collect();
    found.extend(model::service(short));
    if !found.is_empty() {
        return Ok(found);
    }
    let sources = model::names().filter_map(model::entry).map(model::Entry::event_source);
    let sources: BTreeSet<String> = sources
        .map(|source| source.strip_suffix(SOURCE_ENDING).unwrap_or(&source).to_owned())
        .collect();
    bail!(
        "the model knows no service whose records come from `{}`{}",
        output::safe(source),
        nearest(short, sources.iter().map(String::as_str)),
    )
}

/// `: do you mean a, b or c?` of the names that are nearest to `wanted`; nothing where none is near.
pub(crate) fn nearest<'a>(wanted: &str, names: impl Iterator<Item = &'a str>) -> String {
    let wanted = wanted.to_lowercase();
    let far = wanted.chars().count() / 2 + 1;
    let mut near: Vec<(usize, &str)> = names
        .filter_map(|name| {
            let lower = name.to_lowercase();
            let contained = !wanted.is_empty() && lower.contains(&wanted);
            let distance = distance(&wanted, &lower);
            (contained || distance <= far).then_some((if contained { 1 } else { distance }, name))
        })
        .collect();
    near.sort_unstable();
    near.truncate(NEAREST);
    let names: Vec<&str> = near.into_iter().map(|(_, name)| name).collect();
    match names.split_last() {
        None => String::new(),
        Some((one, [])) => format!(": do you mean {one}?"),
        Some((last, others)) => format!(": do you mean {} or {last}?", others.join(", ")),
    }
}

/// How many characters are to be changed, put in or taken out to make one of the other.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (at, character) in one.chars().enumerate() {
        let mut diagonal = at;
        let mut left = at + 1;
        for (to, place) in other.iter().zip(row.iter_mut().skip(1)) {
            let here = (diagonal + usize::from(*to != character)).min(left + 1).min(*place + 1);
            diagonal = std::mem::replace(place, here);
            left = here;
        }
        if let Some(first) = row.first_mut() {
            *first = at + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_found_by_what_records_call_it_and_by_its_own_name() {
        for (source, event, operation, name) in [
            ("sns.amazonaws.com", "CreateTopic", "CreateTopic", "CreateTopic"),
            ("sns", "CreateTopic", "CreateTopic", "CreateTopic"),
            ("lambda", "CreateFunction20150331", "CreateFunction", "CreateFunction20150331"),
            ("lambda", "CreateFunction", "CreateFunction", "CreateFunction20150331"),
            ("s3", "ListObjects", "ListObjects", "ListObjects"),
        ] {
            let known = find(source, event).unwrap();
            assert_eq!((known.operation().name.as_str(), known.event.as_str()), (operation, name));
        }
    }

    #[test]
    fn the_nearest_names_are_told() {
        let error = |source, event| find(source, event).unwrap_err().to_string();
        let told = error("sns", "CreateTopics");
        assert!(told.contains("of sns: do you mean CreateTopic, "), "{told}");
        assert!(error("sn", "CreateTopic").contains("sns"));
        assert!(error("iam", "createaccesskey").contains("CreateAccessKey"));
        assert!(error("iam", "\u{1b}").contains("\\u{1b}"));
    }

    #[test]
    fn distances_count_changes() {
        for (one, other, expected) in
            [("", "", 0), ("a", "", 1), ("", "ab", 2), ("kitten", "sitting", 3), ("ab", "ab", 0)]
        {
            assert_eq!(distance(one, other), expected, "{one} {other}");
        }
    }
}
