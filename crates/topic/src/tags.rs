//! Tags of topics.

use std::collections::BTreeMap;

use flow::{Fault, Tree};

use crate::{api::required, run::Inner, topic::invalid};

/// Tags of one topic (SNS's limit).
const TAGS_MAX: usize = 50;
/// Characters of a tag's key and of its value.
const KEY_CHARS_MAX: usize = 128;
const VALUE_CHARS_MAX: usize = 256;

/// Reads `Tags`.
pub(crate) fn read(given: &[Tree]) -> Result<BTreeMap<String, String>, Fault> {
    if given.len() > TAGS_MAX {
        return Err(too_many());
    }
    let mut tags = BTreeMap::new();
    for tag in given {
        let (key, value) =
            (tag.text("Key").unwrap_or_default(), tag.text("Value").unwrap_or_default());
        let length = key.chars().count();
        if length == 0 || length > KEY_CHARS_MAX || value.chars().count() > VALUE_CHARS_MAX {
            return Err(invalid("Tags", "a key has 1 to 128 characters, a value at most 256"));
        }
        if key.to_ascii_lowercase().starts_with("aws:") {
            return Err(invalid("Tags", "keys that begin with aws: are kept for AWS"));
        }
        if tags.insert(key.to_owned(), value.to_owned()).is_some() {
            return Err(invalid("Tags", "Duplicated keys are not allowed."));
        }
    }
    Ok(tags)
}

impl Inner {
    pub(crate) async fn tag(&self, input: &Tree) -> Result<Tree, Fault> {
        let given = read(input.list("Tags"))?;
        self.change_tags(input, |tags| tags.extend(given)).await
    }

    pub(crate) async fn untag(&self, input: &Tree) -> Result<Tree, Fault> {
        let keys: Vec<&str> = input.list("TagKeys").iter().filter_map(Tree::as_text).collect();
        self.change_tags(input, |tags| tags.retain(|key, _| !keys.contains(&key.as_str()))).await
    }

    async fn change_tags(
        &self,
        input: &Tree,
        change: impl FnOnce(&mut BTreeMap<String, String>),
    ) -> Result<Tree, Fault> {
        let _changing = self.changing.lock().await;
        let mut topic = self.topic(required(input, "ResourceArn")?).await.map_err(of_resource)?;
        change(&mut topic.tags);
        if topic.tags.len() > TAGS_MAX {
            return Err(too_many());
        }
        self.put_topic(&topic).await?;
        Ok(Tree::Null)
    }

    pub(crate) async fn list_tags(&self, input: &Tree) -> Result<Tree, Fault> {
        let topic = self.topic(required(input, "ResourceArn")?).await.map_err(of_resource)?;
        let tags = topic.tags.into_iter().map(|(key, value)| {
            Tree::map([("Key", Tree::from(key)), ("Value", Tree::from(value))])
        });
        Ok(Tree::map([("Tags", Tree::List(tags.collect()))]))
    }
}

fn too_many() -> Fault {
    let why = "Could not complete request: tag quota of per resource exceeded";
    Fault::new("TagLimitExceededException", why)
}

/// A topic that is missing, as the operations on tags word it.
fn of_resource(fault: Fault) -> Fault {
    match fault.status {
        404 => Fault::new("ResourceNotFoundException", "Resource does not exist").with_status(404),
        _ => fault,
    }
}
