//! What is done with a message that was received: deleted, or hidden for another time.

use flow::{Fault, Tree};
use rusqlite::Transaction;

use crate::{
    attributes::VISIBILITY_SECONDS,
    batch::{self, required},
    error::Refusal,
    handle::Handle,
    queue::Queue,
    refusal,
    room::Inner,
    rows::{
        Gone,
        lease::{self, Hidden},
        queue::is_there,
    },
};

impl Inner {
    pub(crate) async fn delete_message(&self, input: &Tree) -> Result<Tree, Refusal> {
        let queue = self.by_url(required(input, "QueueUrl")?)?;
        let handle = self.handle(&queue, required(input, "ReceiptHandle")?)?;
        self.delete(&queue, vec![handle]).await?;
        Ok(Tree::Null)
    }

    pub(crate) async fn delete_message_batch(&self, input: &Tree) -> Result<Tree, Refusal> {
        let queue = self.by_url(required(input, "QueueUrl")?)?;
        let mut answers = batch::Answers::default();
        let mut handles = Vec::new();
        for (id, entry) in batch::entries(input, "DeleteMessageBatch")? {
            let text = entry.text("ReceiptHandle").unwrap_or_default();
            match self.handle(&queue, text) {
                Ok(handle) => {
                    handles.push(handle);
                    answers.succeeded(id, Vec::new());
                }
                Err(fault) => answers.failed(id, &fault),
            }
        }
        self.delete(&queue, handles).await?;
        Ok(answers.into_tree())
    }

    /// Deletes what was given; what is not there any more is no error.
    pub(crate) async fn delete(&self, queue: &Queue, handles: Vec<Handle>) -> Result<(), Refusal> {
        let id = queue.id;
        let work = move |db: &Transaction<'_>| {
            if !is_there(db, id)? {
                return Ok(Err(Gone));
            }
            for handle in &handles {
                lease::delete(db, handle)?;
            }
            Ok(Ok(()))
        };
        self.write(work).await
    }

    pub(crate) async fn change_message_visibility(&self, input: &Tree) -> Result<Tree, Refusal> {
        let queue = self.by_url(required(input, "QueueUrl")?)?;
        let text = required(input, "ReceiptHandle")?;
        let wish = (self.handle(&queue, text)?, seconds(input)?);
        let done = self.change(&queue, vec![wish]).await?;
        done.into_iter().try_for_each(|hidden| told(hidden, text, wish.1))?;
        Ok(Tree::Null)
    }

    pub(crate) async fn change_message_visibility_batch(
        &self,
        input: &Tree,
    ) -> Result<Tree, Refusal> {
        let queue = self.by_url(required(input, "QueueUrl")?)?;
        let mut answers = batch::Answers::default();
        let (mut named, mut wishes) = (Vec::new(), Vec::new());
        for (id, entry) in batch::entries(input, "ChangeMessageVisibilityBatch")? {
            let text = entry.text("ReceiptHandle").unwrap_or_default();
            let wish = self.handle(&queue, text).and_then(|handle| Ok((handle, seconds(entry)?)));
            match wish {
                Ok(wish) => {
                    named.push((id, text));
                    wishes.push(wish);
                }
                Err(fault) => answers.failed(id, &fault),
            }
        }
        let done = self.change(&queue, wishes.clone()).await?;
        for (((id, text), (_, seconds)), hidden) in named.into_iter().zip(wishes).zip(done) {
            match told(hidden, text, seconds) {
                Ok(()) => answers.succeeded(id, Vec::new()),
                Err(fault) => answers.failed(id, &fault),
            }
        }
        Ok(answers.into_tree())
    }

    /// Hides each message for that many seconds from now on.
    pub(crate) async fn change(
        &self,
        queue: &Queue,
        wishes: Vec<(Handle, u32)>,
    ) -> Result<Vec<Hidden>, Refusal> {
        let (id, now) = (queue.id, self.now());
        let work = move |db: &Transaction<'_>| {
            if !is_there(db, id)? {
                return Ok(Err(Gone));
            }
            let hide = |(handle, seconds): &(Handle, u32)| lease::hide(db, handle, *seconds, now);
            wishes.iter().map(hide).collect::<rusqlite::Result<Vec<_>>>().map(Ok)
        };
        let done = self.db.write_unsynced(work).await?;
        let done = done.map_err(|Gone| refusal::no_such_queue())?;
        queue.line.wake();
        Ok(done)
    }

    /// The handle of that text, which must be one of this queue.
    pub(crate) fn handle(&self, queue: &Queue, text: &str) -> Result<Handle, Fault> {
        let handle = self.handles.read(text).filter(|handle| handle.queue == queue.id);
        handle.ok_or_else(|| {
            Fault::new(
                "ReceiptHandleIsInvalid",
                format!(
                    "The input receipt handle \"{}\" is not a valid receipt handle.",
                    shown(text)
                ),
            )
        })
    }
}

fn shown(text: &str) -> &str {
    text.get(..text.len().min(100)).unwrap_or_default()
}

fn seconds(input: &Tree) -> Result<u32, Fault> {
    let given = input.int("VisibilityTimeout");
    let given = given.ok_or_else(|| refusal::missing("VisibilityTimeout"))?;
    let fits = u32::try_from(given).ok().filter(|seconds| VISIBILITY_SECONDS.contains(seconds));
    fits.ok_or_else(|| {
        let why = "VisibilityTimeout must be an integer between 0 and 43200";
        refusal::invalid(&given.to_string(), "VisibilityTimeout", why)
    })
}

/// What the caller is told of a wish.
pub(crate) fn told(hidden: Hidden, handle: &str, seconds: u32) -> Result<(), Fault> {
    match hidden {
        Hidden::Done => Ok(()),
        Hidden::Unavailable => Err(refusal::invalid(
            handle,
            "ReceiptHandle",
            "Message does not exist or is not available for visibility timeout change.",
        )),
        Hidden::NotInFlight => {
            Err(Fault::new("MessageNotInflight", "The specified message isn't in flight."))
        }
        Hidden::TooLong => Err(refusal::invalid(
            &seconds.to_string(),
            "VisibilityTimeout",
            "Total VisibilityTimeout for the message is beyond the limit [43200 seconds]",
        )),
    }
}
