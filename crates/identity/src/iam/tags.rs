//! Tags of users, roles and policies.

use std::collections::BTreeMap;

use flow::{Fault, Request, Tree};

use super::{
    need_holder,
    page::page,
    wording::{invalid, limit, no_such},
};
use crate::Identity;

/// Tags of one thing, and the longest key and value in characters, as on AWS.
const TAGS_MAX: usize = 50;
const KEY_CHARS_MAX: usize = 128;
const VALUE_CHARS_MAX: usize = 256;

/// The tags that a request gives.
pub(super) fn given(request: &Request) -> Result<BTreeMap<String, String>, Fault> {
    let mut tags = BTreeMap::new();
    for tag in request.input.list("Tags") {
        let (key, value) = (tag.text("Key").unwrap_or(""), tag.text("Value").unwrap_or(""));
        let long = key.chars().count() > KEY_CHARS_MAX || value.chars().count() > VALUE_CHARS_MAX;
        if key.is_empty() || long || key.to_ascii_lowercase().starts_with("aws:") {
            return Err(invalid(format!("The tag `{key}` is invalid.")));
        }
        if tags.insert(key.to_owned(), value.to_owned()).is_some() {
            let why = "Duplicate tag keys found. Please note that Tag keys are case insensitive.";
            return Err(Fault::new("InvalidInputException", why));
        }
    }
    check(&tags)?;
    Ok(tags)
}

pub(super) fn check(tags: &BTreeMap<String, String>) -> Result<(), Fault> {
    if tags.len() > TAGS_MAX {
        return Err(limit(format!("The number of tags has reached the maximum limit: {TAGS_MAX}")));
    }
    Ok(())
}

pub(super) fn keys(request: &Request) -> Vec<String> {
    request.input.list("TagKeys").iter().filter_map(|k| k.as_text().map(str::to_owned)).collect()
}

/// The member of an answer.
pub(super) fn shown(tags: &BTreeMap<String, String>) -> Option<(&'static str, Tree)> {
    let listed = listed(tags).into_iter().map(|(_, tag)| tag).collect::<Vec<_>>();
    (!listed.is_empty()).then_some(("Tags", Tree::List(listed)))
}

pub(super) fn listed(tags: &BTreeMap<String, String>) -> Vec<(String, Tree)> {
    let tag = |(key, value): (&String, &String)| {
        let tree = [("Key", Tree::from(key.as_str())), ("Value", Tree::from(value.as_str()))];
        (key.clone(), Tree::map(tree))
    };
    tags.iter().map(tag).collect()
}

impl Identity {
    pub(super) async fn tag(&self, request: &Request) -> Result<Tree, Fault> {
        let more = given(request)?;
        self.edit(need_holder(request)?, |entity, _| {
            entity.tags.extend(more);
            check(&entity.tags)?;
            Ok(Tree::Null)
        })
        .await
    }

    pub(super) async fn untag(&self, request: &Request) -> Result<Tree, Fault> {
        let keys = keys(request);
        self.edit(need_holder(request)?, |entity, _| {
            entity.tags.retain(|key, _| !keys.contains(key));
            Ok(Tree::Null)
        })
        .await
    }

    pub(super) fn list_tags(&self, request: &Request) -> Result<Tree, Fault> {
        let holder = need_holder(request)?;
        let state = self.registry.read();
        let entity = state.entity(holder).ok_or_else(|| no_such(holder))?;
        Ok(page(request, "Tags", listed(&entity.tags)))
    }
}
