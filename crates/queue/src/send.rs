//! `SendMessage` and its batch.

use flow::{Fault, Request, Tree};

use crate::{
    batch::{self, required},
    digest,
    error::Refusal,
    message::{Draft, trace_attributes},
    queue::Queue,
    room::Inner,
    rows::{content::Content, message, message::Fresh},
};

/// Bytes of all messages of one batch.
const BATCH_BYTES_MAX: usize = 1_048_576;

impl Inner {
    pub(crate) async fn send_message(&self, request: &Request) -> Result<Tree, Refusal> {
        let input = &request.input;
        let queue = self.by_url(required(input, "QueueUrl")?)?;
        let draft = Draft::of_tree(input)?;
        draft.fits(queue.attributes.message_bytes_max)?;
        let fresh = self.fresh(&queue, &draft, request.caller.principal_id());
        let answer = answer(&draft, &fresh);
        self.store(&queue, vec![fresh]).await?;
        Ok(Tree::Map(answer))
    }

    pub(crate) async fn send_message_batch(&self, request: &Request) -> Result<Tree, Refusal> {
        let input = &request.input;
        let queue = self.by_url(required(input, "QueueUrl")?)?;
        let entries = batch::entries(input, "SendMessageBatch")?;
        let bytes: usize = entries.iter().map(|(_, entry)| said_bytes(entry)).sum();
        if bytes > BATCH_BYTES_MAX {
            return Err(Fault::new(
                "BatchRequestTooLong",
                format!(
                    "Batch requests cannot be longer than {BATCH_BYTES_MAX} bytes. You have sent \
                     {bytes} bytes."
                ),
            )
            .into());
        }
        let mut answers = batch::Answers::default();
        let mut fresh = Vec::new();
        for (id, entry) in entries {
            let draft = Draft::of_tree(entry)
                .and_then(|draft| draft.fits(queue.attributes.message_bytes_max).map(|()| draft));
            match draft {
                Ok(draft) => {
                    let one = self.fresh(&queue, &draft, request.caller.principal_id());
                    answers.succeeded(id, answer(&draft, &one));
                    fresh.push(one);
                }
                Err(fault) => answers.failed(id, &fault),
            }
        }
        self.store(&queue, fresh).await?;
        Ok(answers.into_tree())
    }

    /// The message that `draft` becomes in the queue, now.
    pub(crate) fn fresh(&self, queue: &Queue, draft: &Draft, sender: String) -> Fresh {
        let delay = draft.delay_seconds.unwrap_or(queue.attributes.delay_seconds);
        Fresh {
            content: Content {
                message_id: self.chance.uuid(),
                sender,
                body: draft.body.clone(),
                attributes: draft.attributes.clone(),
                trace: draft.trace.clone(),
                group: draft.group.clone(),
            },
            due: self.now().plus_millis(i64::from(delay) * 1000),
        }
    }

    async fn store(&self, queue: &Queue, messages: Vec<Fresh>) -> Result<(), Refusal> {
        if messages.is_empty() {
            return Ok(());
        }
        let (id, now) = (queue.id, self.now());
        self.write(move |db| message::insert(db, id, now, &messages)).await?;
        queue.line.wake();
        Ok(())
    }
}

/// What an entry says, in bytes, whether or not it may be said.
fn said_bytes(entry: &Tree) -> usize {
    let attributes = entry.get("MessageAttributes").map(Tree::members).unwrap_or_default();
    let attributes = attributes.iter().map(|(name, attribute)| {
        let value = match attribute.get("BinaryValue") {
            Some(Tree::Blob(bytes)) => bytes.len(),
            _ => attribute.text("StringValue").map_or(0, str::len),
        };
        name.len() + attribute.text("DataType").map_or(0, str::len) + value
    });
    entry.text("MessageBody").map_or(0, str::len) + attributes.sum::<usize>()
}

fn answer(draft: &Draft, fresh: &Fresh) -> Vec<(String, Tree)> {
    let system = digest::of_attributes(&trace_attributes(draft.trace.as_deref()));
    let members = [
        ("MessageId", Tree::from(fresh.content.message_id.as_str())),
        ("MD5OfMessageBody", Tree::from(digest::of_body(&draft.body))),
        ("MD5OfMessageAttributes", Tree::from(digest::of_attributes(&draft.attributes))),
        ("MD5OfMessageSystemAttributes", Tree::from(system)),
    ];
    let given = members.into_iter().filter(|(_, value)| !value.is_null());
    given.map(|(name, value)| (name.to_owned(), value)).collect()
}
