//! `PublishBatch`: up to ten messages, each accepted or refused for itself.

use std::collections::HashSet;

use flow::{Fault, Tree};

use crate::{
    api::required,
    publish::draft::{Draft, MESSAGE_BYTES_MAX},
    run::Inner,
};

/// Messages of one batch (API_PublishBatch).
const ENTRIES_MAX: usize = 10;
/// The longest id of an entry, in characters (API_PublishBatch).
const ID_CHARS_MAX: usize = 80;

impl Inner {
    pub(crate) async fn publish_batch(&self, input: &Tree) -> Result<Tree, Fault> {
        let topic = self.topic(required(input, "TopicArn")?).await?;
        let entries = input.list("PublishBatchRequestEntries");
        let ids = ids(entries)?;
        let drafts: Vec<_> = entries.iter().map(Draft::from_tree).collect();
        let bytes: usize = drafts.iter().flatten().map(|draft| draft.bytes).sum();
        if bytes > MESSAGE_BYTES_MAX {
            return Err(Fault::new(
                "BatchRequestTooLongException",
                "The length of all the batch messages put together is more than the limit.",
            ));
        }
        let (mut successful, mut failed) = (Vec::new(), Vec::new());
        for (id, draft) in ids.into_iter().zip(drafts) {
            let message_id = self.chance.uuid();
            let done = match draft {
                Ok(draft) => self.publish(&topic, &message_id, &draft).await.map_err(Fault::from),
                Err(fault) => Err(fault),
            };
            match done {
                Ok(()) => successful.push(Tree::map([
                    ("Id", Tree::from(id)),
                    ("MessageId", Tree::from(message_id)),
                ])),
                Err(fault) => failed.push(Tree::map([
                    ("Id", Tree::from(id)),
                    ("Code", code(&fault).into()),
                    ("Message", fault.message.as_str().into()),
                    ("SenderFault", Tree::Bool(fault.status < 500)),
                ])),
            }
        }
        Ok(Tree::map([("Successful", Tree::List(successful)), ("Failed", Tree::List(failed))]))
    }
}

/// The code as it stands on the wire.
fn code(fault: &Fault) -> &str {
    fault.code.strip_suffix("Exception").unwrap_or(&fault.code)
}

/// The ids of a batch's entries.
fn ids(entries: &[Tree]) -> Result<Vec<&str>, Fault> {
    let refused = |code: &str, message: &str| Err(Fault::new(code, message));
    if entries.is_empty() {
        return refused(
            "EmptyBatchRequestException",
            "The batch request doesn't contain any entries.",
        );
    }
    if entries.len() > ENTRIES_MAX {
        return refused(
            "TooManyEntriesInBatchRequestException",
            "The batch request contains more entries than permissible.",
        );
    }
    let ids: Vec<&str> = entries.iter().map(|entry| entry.text("Id").unwrap_or_default()).collect();
    let plain = |id: &&str| {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
        !id.is_empty() && id.len() <= ID_CHARS_MAX && id.bytes().all(allowed)
    };
    if !ids.iter().all(plain) {
        return refused(
            "InvalidBatchEntryIdException",
            "The Id of a batch entry in a batch request doesn't abide by the specification.",
        );
    }
    let mut known = HashSet::new();
    if !ids.iter().all(|id| known.insert(*id)) {
        return refused(
            "BatchEntryIdsNotDistinctException",
            "Two or more batch entries in the request have the same Id.",
        );
    }
    Ok(ids)
}
