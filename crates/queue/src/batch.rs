//! What all batches share: their bounds, and an answer for each entry.

use std::collections::BTreeSet;

use flow::{Fault, Tree};

use crate::refusal;

/// Entries of one batch.
const ENTRIES_MAX: usize = 10;

/// Characters of an entry's id.
const ID_CHARS_MAX: usize = 80;

/// The entries of a batch with their ids, which are distinct.
pub(crate) fn entries<'a>(
    input: &'a Tree,
    operation: &str,
) -> Result<Vec<(&'a str, &'a Tree)>, Fault> {
    let entries = input.list("Entries");
    if entries.is_empty() {
        let what = format!("There should be at least one {operation}RequestEntry in the request.");
        return Err(Fault::new("EmptyBatchRequest", what));
    }
    if entries.len() > ENTRIES_MAX {
        let count = entries.len();
        return Err(Fault::new(
            "TooManyEntriesInBatchRequest",
            format!("Maximum number of entries per request are 10. You have sent {count}."),
        ));
    }
    let mut seen = BTreeSet::new();
    let mut read = Vec::with_capacity(entries.len());
    for entry in entries {
        let id = entry.text("Id").unwrap_or_default();
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if id.is_empty() || id.len() > ID_CHARS_MAX || !id.bytes().all(allowed) {
            return Err(Fault::new(
                "InvalidBatchEntryId",
                "A batch entry id can only contain alphanumeric characters, hyphens and \
                 underscores. It can be at most 80 letters long.",
            ));
        }
        if !seen.insert(id) {
            return Err(Fault::new("BatchEntryIdsNotDistinct", format!("Id {id} repeated.")));
        }
        read.push((id, entry));
    }
    Ok(read)
}

/// The answers to the entries of a batch.
#[derive(Default)]
pub(crate) struct Answers {
    successful: Vec<Tree>,
    failed: Vec<Tree>,
}

impl Answers {
    pub(crate) fn succeeded(&mut self, id: &str, members: Vec<(String, Tree)>) {
        let mut entry = vec![("Id".to_owned(), Tree::from(id))];
        entry.extend(members);
        self.successful.push(Tree::Map(entry));
    }

    pub(crate) fn failed(&mut self, id: &str, fault: &Fault) {
        self.failed.push(Tree::map([
            ("Id", Tree::from(id)),
            ("SenderFault", Tree::from(fault.status < 500)),
            ("Code", Tree::from(fault.code.as_str())),
            ("Message", Tree::from(fault.message.as_str())),
        ]));
    }

    /// Lists without entries are left out, as AWS does.
    pub(crate) fn into_tree(self) -> Tree {
        let list = |items: Vec<Tree>| if items.is_empty() { Tree::Null } else { Tree::List(items) };
        let members = [("Successful", list(self.successful)), ("Failed", list(self.failed))];
        Tree::map(members.into_iter().filter(|(_, list)| !list.is_null()))
    }
}

/// The member `name`, which must be given.
pub(crate) fn required<'a>(input: &'a Tree, name: &str) -> Result<&'a str, Fault> {
    let text = input.text(name).filter(|text| !text.is_empty());
    text.ok_or_else(|| refusal::missing(name))
}
