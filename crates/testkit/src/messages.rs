//! What was said to queues and heard of them: all that is due comes, and nothing that was done with
//! comes again.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use flow::Tree;
use tokio::time::Instant;

use crate::hand::{Hand, Ledger};

/// What a token is between: no encoding on any way to a queue changes it.
const TOKEN_BEGIN: &str = "_m-";
const TOKEN_END: char = '_';

/// How long a queue of a test hides what was received, in seconds.
pub(crate) const HIDDEN_SECONDS: u32 = 10;
/// How long a message may be held for its deletion to count: well before it is seen again.
const HELD_MAX: Duration = Duration::from_secs(5);
/// Messages of one receive.
const RECEIVED_MAX: i64 = 10;
/// How long a receive waits while a queue is emptied, in seconds.
const EMPTYING_WAIT_SECONDS: i64 = 2;

/// What a message is told by, however often it is wrapped on its way: of `name`.
pub fn token(name: &str) -> String {
    format!("{TOKEN_BEGIN}{name}{TOKEN_END}")
}

/// The token in a text.
fn token_in(text: &str) -> Option<&str> {
    let (begin, rest) = (text.find(TOKEN_BEGIN)?, text.split_once(TOKEN_BEGIN)?.1);
    text.get(begin..begin + TOKEN_BEGIN.len() + rest.find(TOKEN_END)? + TOKEN_END.len_utf8())
}

/// Something that happened to a message of a queue.
#[derive(Clone, Debug)]
pub(crate) enum Said {
    /// It may come from now on, once or in several messages.
    Begun { queue: String, token: String, several: bool },
    /// It must come; under that id, where whoever said it was told one.
    Due { queue: String, token: String, id: Option<String> },
    /// It came, to somebody who asked when this many things had happened.
    Heard { queue: String, token: String, id: String, asked: usize },
    /// Its deletion was answered in time.
    Deleted { queue: String, id: String },
}

/// A message in the hands of whoever received it.
#[derive(Clone, Debug)]
pub struct Received {
    queue: String,
    id: String,
    handle: String,
    since: Instant,
}

/// A message that will be in a queue once somebody has been answered.
#[derive(Debug)]
pub struct Announced {
    ledger: Ledger,
    queue: String,
    token: String,
}

impl Announced {
    /// It was answered: the message must come.
    pub fn due(self) {
        self.due_as(None);
    }

    fn due_as(self, id: Option<String>) {
        let Self { ledger, queue, token } = self;
        ledger.say(Said::Due { queue, token, id });
    }
}

impl Ledger {
    /// Notes, before it is said, that a message with this token may come in the queue.
    #[must_use]
    pub fn announce(&self, queue: &str, token: &str) -> Announced {
        self.begin_message(queue, token, false)
    }

    /// The same where whoever sends it may do so several times, as a function that is tried again.
    #[must_use]
    pub fn announce_at_least_once(&self, queue: &str, token: &str) -> Announced {
        self.begin_message(queue, token, true)
    }

    fn begin_message(&self, queue: &str, token: &str, several: bool) -> Announced {
        let (queue, token) = (queue.to_owned(), token.to_owned());
        self.say(Said::Begun { queue: queue.clone(), token: token.clone(), several });
        Announced { ledger: self.clone(), queue, token }
    }

    /// How many messages were due, and how many came.
    pub fn message_counts(&self) -> (usize, usize) {
        let said = self.said();
        let count = |is: fn(&Said) -> bool| said.iter().filter(|said| is(said)).count();
        (
            count(|said| matches!(said, Said::Due { .. })),
            count(|said| matches!(said, Said::Heard { .. })),
        )
    }
}

impl Hand {
    /// Sends a message to the queue of that name.
    ///
    /// # Errors
    /// As [`client::Client::call`].
    pub async fn send(&self, queue: &str, token: &str) -> Result<(), client::Error> {
        let announced = self.ledger().announce(queue, token);
        let input = [("QueueUrl", &*self.queue_url(queue)), ("MessageBody", token)];
        let sent = self.call("sqs", "SendMessage", &input).await?;
        announced.due_as(sent.text("MessageId").map(str::to_owned));
        Ok(())
    }

    /// Receives messages of the queue of that name, waiting for them so many seconds.
    ///
    /// # Errors
    /// As [`client::Client::call`].
    pub async fn receive(&self, queue: &str, wait: i64) -> Result<Vec<Received>, client::Error> {
        let asked = self.ledger().said_count();
        let since = Instant::now();
        let input = Tree::map([
            ("QueueUrl", Tree::from(self.queue_url(queue))),
            ("MaxNumberOfMessages", Tree::from(RECEIVED_MAX)),
            ("WaitTimeSeconds", Tree::from(wait)),
        ]);
        let answer = self.call_tree("sqs", "ReceiveMessage", &input).await?;
        let received = answer.list("Messages").iter().map(|message| {
            let text = |name| message.text(name).unwrap_or_default().to_owned();
            let (id, body) = (text("MessageId"), text("Body"));
            // What has no token, such as a bucket's test event, nobody waits for.
            if let Some(token) = token_in(&body) {
                let (queue, token) = (queue.to_owned(), token.to_owned());
                self.ledger().say(Said::Heard { queue, token, id: id.clone(), asked });
            }
            Received { queue: queue.to_owned(), id, handle: text("ReceiptHandle"), since }
        });
        Ok(received.collect())
    }

    /// Deletes what was received.
    ///
    /// # Errors
    /// As [`client::Client::call`].
    pub async fn delete(&self, received: Received) -> Result<(), client::Error> {
        let Received { queue, id, handle, since } = received;
        let input = [("QueueUrl", &*self.queue_url(&queue)), ("ReceiptHandle", &*handle)];
        self.call("sqs", "DeleteMessage", &input).await?;
        if since.elapsed() < HELD_MAX {
            self.ledger().say(Said::Deleted { queue, id });
        }
        Ok(())
    }

    /// Receives and deletes until the queue is empty.
    ///
    /// # Errors
    /// As [`client::Client::call`].
    pub async fn empty(&self, queue: &str) -> Result<(), client::Error> {
        loop {
            let received = self.receive(queue, EMPTYING_WAIT_SECONDS).await?;
            let nothing = received.is_empty();
            for message in received {
                self.delete(message).await?;
            }
            if nothing && self.messages_in(queue).await? == 0 {
                return Ok(());
            }
        }
    }

    /// How many messages the queue has, whoever may see them.
    ///
    /// # Errors
    /// As [`client::Client::call`].
    pub async fn messages_in(&self, queue: &str) -> Result<u64, client::Error> {
        let input = Tree::map([
            ("QueueUrl", Tree::from(self.queue_url(queue))),
            ("AttributeNames", Tree::List(vec!["All".into()])),
        ]);
        let answer = self.call_tree("sqs", "GetQueueAttributes", &input).await?;
        let attributes = answer.get("Attributes").map(Tree::members).unwrap_or_default();
        let counts = attributes
            .iter()
            .filter(|(name, _)| name.starts_with("ApproximateNumberOfMessages"))
            .filter_map(|(_, count)| count.as_text()?.parse::<u64>().ok());
        Ok(counts.sum())
    }
}

/// What of `said` does not agree, once every queue has been emptied.
pub(crate) fn compare(said: &[Said], problems: &mut Vec<String>) {
    let (mut begun, mut deleted) = (BTreeMap::new(), BTreeMap::new());
    let mut heard: BTreeMap<(&str, &str), BTreeSet<&str>> = BTreeMap::new();
    for (at, said) in said.iter().enumerate() {
        match said {
            Said::Begun { queue, token, several } => {
                begun.insert((&**queue, &**token), *several);
            }
            Said::Deleted { queue, id } => {
                deleted.entry((&**queue, &**id)).or_insert(at);
            }
            Said::Heard { queue, token, id, asked } => {
                if !begun.contains_key(&(&**queue, &**token)) {
                    problems.push(format!("came in `{queue}`, never sent: {token} ({id})"));
                }
                if deleted.get(&(&**queue, &**id)).is_some_and(|at| at < asked) {
                    problems.push(format!("deleted in `{queue}`, came again: {token} ({id})"));
                }
                heard.entry((queue, token)).or_default().insert(id);
            }
            Said::Due { .. } => {}
        }
    }
    for said in said {
        let Said::Due { queue, token, id } = said else { continue };
        match heard.get(&(&**queue, &**token)) {
            None => problems.push(format!("due in `{queue}`, never came: {token}")),
            Some(ids) if id.as_ref().is_some_and(|id| !ids.contains(&**id)) => {
                problems.push(format!("came in `{queue}` under other ids than its own: {token}"));
            }
            Some(_) => {}
        }
    }
    for (which, ids) in heard.iter().filter(|(_, ids)| ids.len() > 1) {
        if begun.get(which) != Some(&true) {
            let (queue, token) = which;
            problems.push(format!("one message of `{queue}` under several ids: {token} {ids:?}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(said: &[Said], expected: &[&str]) {
        let mut problems = Vec::new();
        compare(said, &mut problems);
        assert_eq!(problems.len(), expected.len(), "{problems:?}");
        for (problem, expected) in problems.iter().zip(expected) {
            assert!(problem.starts_with(expected), "{problem}");
        }
    }

    fn begun() -> Said {
        Said::Begun { queue: "q".into(), token: "t".into(), several: false }
    }

    fn due(id: Option<&str>) -> Said {
        Said::Due { queue: "q".into(), token: "t".into(), id: id.map(str::to_owned) }
    }

    fn heard(id: &str, asked: usize) -> Said {
        Said::Heard { queue: "q".into(), token: "t".into(), id: id.into(), asked }
    }

    fn deleted(id: &str) -> Said {
        Said::Deleted { queue: "q".into(), id: id.into() }
    }

    #[test]
    fn a_token_is_found_in_whatever_it_is_wrapped() {
        let wrapped = format!(r#"{{"key":"f/{}.txt"}}"#, token("kill-1"));
        assert_eq!(token_in(&wrapped), Some("_m-kill-1_"));
        for none in ["", "_m-", "_m-open", "other_text_"] {
            assert_eq!(token_in(none), None, "{none}");
        }
    }

    #[test]
    fn a_message_comes_once_or_more_under_its_one_id() {
        check(&[begun(), due(Some("a")), heard("a", 2), heard("a", 3), deleted("a")], &[]);
        check(&[begun()], &[]);
        check(&[begun(), heard("a", 1)], &[]);
        check(&[begun(), due(None)], &["due in `q`, never came: t"]);
        check(&[begun(), due(Some("a")), heard("b", 2)], &["came in `q` under other ids"]);
        check(&[begun(), heard("a", 1), heard("b", 1)], &["one message of `q` under several ids"]);
        let several = Said::Begun { queue: "q".into(), token: "t".into(), several: true };
        check(&[several, heard("a", 1), heard("b", 1)], &[]);
        check(&[heard("a", 0)], &["came in `q`, never sent"]);
    }

    #[test]
    fn a_deleted_message_comes_again_only_to_whoever_had_asked_before() {
        check(&[begun(), heard("a", 1), deleted("a"), heard("a", 2)], &[]);
        check(
            &[begun(), heard("a", 1), deleted("a"), heard("a", 3)],
            &["deleted in `q`, came again"],
        );
    }
}
