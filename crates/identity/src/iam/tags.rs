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

/// The tags that a request gives. Keys of users and roles are the same in either case, those of
/// policies are not.
pub(super) fn given(request: &Request) -> Result<BTreeMap<String, String>, Fault> {
    let either_case = !request.operation.contains("Policy");
    let listed = request.input.list("Tags");
    check_count("tags", listed.len())?;
    let mut tags = BTreeMap::new();
    for (at, tag) in listed.iter().enumerate() {
        let (key, value) = (tag.text("Key").unwrap_or(""), tag.text("Value").unwrap_or(""));
        check_key(&format!("tags.{}.member.key", at + 1), key)?;
        check_text(&format!("tags.{}.member.value", at + 1), value, VALUE_CHARS_MAX, "*")?;
        let same = |one: &String| one == key || (either_case && alike(one, key));
        if tags.keys().any(same) {
            let why = "Duplicate tag keys found. Please note that Tag keys are case insensitive.";
            return Err(Fault::new("InvalidInputException", why));
        }
        tags.insert(key.to_owned(), value.to_owned());
    }
    Ok(tags)
}

fn alike(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

fn constraint(place: &str, value: &str, must: &str) -> Fault {
    invalid(format!(
        "1 validation error detected: Value '{value}' at '{place}' failed to satisfy constraint: \
         Member must {must}"
    ))
}

fn check_count(place: &str, count: usize) -> Result<(), Fault> {
    if count > TAGS_MAX {
        let must = format!("have length less than or equal to {TAGS_MAX}.");
        return Err(constraint(place, &format!("{count} items"), &must));
    }
    Ok(())
}

fn check_key(place: &str, key: &str) -> Result<(), Fault> {
    if key.is_empty() {
        return Err(constraint(place, key, "have length greater than or equal to 1."));
    }
    check_text(place, key, KEY_CHARS_MAX, "+")?;
    if key.get(..4).is_some_and(|head| head.eq_ignore_ascii_case("aws:")) {
        return Err(constraint(place, key, "not begin with aws:, which AWS keeps for itself."));
    }
    Ok(())
}

fn check_text(place: &str, text: &str, chars_max: usize, times: &str) -> Result<(), Fault> {
    if text.chars().count() > chars_max {
        let must = format!("have length less than or equal to {chars_max}.");
        return Err(constraint(place, text, &must));
    }
    let plain = |c: char| {
        c.is_alphanumeric() || (c.is_whitespace() && !c.is_control()) || "_.:/=+-@".contains(c)
    };
    if !text.chars().all(plain) {
        let must = format!(
            "satisfy regular expression pattern: [\\p{{L}}\\p{{Z}}\\p{{N}}_.:/=+\\-@]{times}"
        );
        return Err(constraint(place, text, &must));
    }
    Ok(())
}

pub(super) fn check(tags: &BTreeMap<String, String>) -> Result<(), Fault> {
    if tags.len() > TAGS_MAX {
        return Err(limit(format!("The number of tags has reached the maximum limit: {TAGS_MAX}")));
    }
    Ok(())
}

/// The keys that a request takes away.
pub(super) fn keys(request: &Request) -> Result<Vec<String>, Fault> {
    let listed = request.input.list("TagKeys");
    check_count("tagKeys", listed.len())?;
    let keys: Vec<_> = listed.iter().filter_map(|k| k.as_text().map(str::to_owned)).collect();
    keys.iter().try_for_each(|key| check_key("tagKeys", key))?;
    Ok(keys)
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
            entity.tags.retain(|key, _| !more.keys().any(|new| alike(new, key)));
            entity.tags.extend(more);
            check(&entity.tags)?;
            Ok(Tree::Null)
        })
        .await
    }

    pub(super) async fn untag(&self, request: &Request) -> Result<Tree, Fault> {
        let keys = keys(request)?;
        self.edit(need_holder(request)?, |entity, _| {
            entity.tags.retain(|key, _| !keys.iter().any(|gone| alike(gone, key)));
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
