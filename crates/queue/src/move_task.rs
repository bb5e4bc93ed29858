//! Tasks that move messages out of a dead-letter queue, back to where they came from.

use std::collections::BTreeMap;

use flow::{Fault, Timestamp, Tree};
use rusqlite::Transaction;

use crate::{
    batch::required,
    error::Refusal,
    receive::number,
    refusal::{self, no_such_resource},
    room::Inner,
    rows::move_task::{self, CANCELLED, RUNNING, Step, TASKS_MAX, Task},
};

/// The highest rate of a task, in messages a second.
const PER_SECOND_MAX: u32 = 500;

/// Messages that one step of a task without a rate moves.
const STEP_MESSAGES: u32 = 200;

/// Tasks that run at a time in the account.
const RUNNING_MAX: usize = 100;

impl Inner {
    pub(crate) async fn start_message_move_task(&self, input: &Tree) -> Result<Tree, Refusal> {
        let source = required(input, "SourceArn")?;
        let queue = self.by_arn(source).ok_or_else(no_such_source)?;
        let is_dead = self.all().iter().any(|other| {
            other.attributes.redrive.as_ref().is_some_and(|redrive| redrive.target == source)
        });
        if !is_dead {
            let why = "Source queue must be configured as a Dead Letter Queue.";
            return Err(refusal::unfit(why).into());
        }
        let destination = input.text("DestinationArn").filter(|arn| !arn.is_empty());
        if let Some(arn) = destination {
            if arn == source {
                return Err(refusal::unfit(
                    "Source queue arn and destination queue arn cannot be the same.",
                )
                .into());
            }
            self.by_arn(arn).ok_or_else(|| {
                no_such_resource(
                    "The resource that you specified for the DestinationArn parameter doesn't exist.",
                )
            })?;
        }
        let running = self.db.read(move_task::running).await?;
        if running.len() >= RUNNING_MAX {
            return Err(refusal::over_limit("Too many tasks run at this time.").into());
        }
        let now = self.now();
        let task = Task {
            handle: self.chance.uuid(),
            source: source.to_owned(),
            destination: destination.map(str::to_owned),
            per_second: number(input, "MaxNumberOfMessagesPerSecond", 1, PER_SECOND_MAX)?,
            status: RUNNING.to_owned(),
            started: now,
            last: 0,
            moved: 0,
            to_move: 0,
            failure: None,
        };
        let (id, handle) = (queue.id, task.handle.clone());
        let begun = self.write(move |db| move_task::begin(db, id, now, &task)).await?;
        if !begun {
            let why = "There is already a task running. Only one active task is allowed for a source queue arn at a given time.";
            return Err(refusal::unfit(why).into());
        }
        self.untidy.notify_one();
        Ok(Tree::map([("TaskHandle", Tree::from(handle))]))
    }

    pub(crate) async fn list_message_move_tasks(&self, input: &Tree) -> Result<Tree, Refusal> {
        let source = required(input, "SourceArn")?.to_owned();
        self.by_arn(&source).ok_or_else(no_such_source)?;
        let most = number(input, "MaxResults", 1, TASKS_MAX)?.unwrap_or(1);
        let tasks = self.db.read(move |db| move_task::list(db, &source, most)).await?;
        let results: Vec<Tree> = tasks.into_iter().map(tree).collect();
        Ok(Tree::map([("Results", Tree::List(results))]))
    }

    pub(crate) async fn cancel_message_move_task(&self, input: &Tree) -> Result<Tree, Refusal> {
        let handle = required(input, "TaskHandle")?.to_owned();
        let cancel = move |db: &Transaction<'_>| {
            let Some(task) = move_task::find(db, &handle)? else { return Ok(None) };
            let ended = move_task::end(db, &handle, CANCELLED, None)?;
            Ok(Some((task.moved, ended)))
        };
        match self.db.write(cancel).await? {
            Some((moved, true)) => {
                let moved = i64::try_from(moved).unwrap_or(i64::MAX);
                Ok(Tree::map([("ApproximateNumberOfMessagesMoved", Tree::from(moved))]))
            }
            Some((_, false)) => Err(refusal::unfit("Only active tasks can be cancelled.").into()),
            None => Err(no_such_resource("Task does not exist.").into()),
        }
    }

    /// One step of each task that runs; how soon the next is due, in milliseconds.
    ///
    /// `stepped_at` keeps when those that have a rate made their last step.
    pub(crate) async fn move_messages(
        &self,
        stepped_at: &mut BTreeMap<String, Timestamp>,
    ) -> Result<Option<i64>, store::Error> {
        let tasks = self.db.read(move_task::running).await?;
        stepped_at.retain(|handle, _| tasks.iter().any(|task| task.handle == *handle));
        let mut soon: Option<i64> = None;
        for task in tasks {
            let queues: BTreeMap<String, i64> =
                self.all().iter().map(|queue| (queue.arn.clone(), queue.id)).collect();
            let messages = task.per_second.unwrap_or(STEP_MESSAGES);
            let pause = if task.per_second.is_some() { 1_000 } else { 0 };
            let now = self.now();
            let past = stepped_at.get(&task.handle).map_or(pause, |at| now.millis_since(*at));
            if past < pause {
                let left = pause - past;
                soon = Some(soon.map_or(left, |soon| soon.min(left)));
                continue;
            }
            stepped_at.insert(task.handle.clone(), now);
            let step = Step {
                queue: queues.get(&task.source).copied().unwrap_or_default(),
                now,
                queues,
                message_ids: (0..messages).map(|_| self.chance.uuid()).collect(),
                task,
            };
            let stepped = self.db.write(move |db| move_task::step(db, &step)).await?;
            for arn in &stepped.to {
                if let Some(queue) = self.by_arn(arn) {
                    queue.line.wake();
                }
            }
            if stepped.goes_on {
                soon = Some(soon.map_or(pause, |soon| soon.min(pause)));
            }
        }
        Ok(soon)
    }
}

fn no_such_source() -> Fault {
    no_such_resource("The resource that you specified for the SourceArn parameter doesn't exist.")
}

fn tree(task: Task) -> Tree {
    let number = |number: u64| Tree::from(i64::try_from(number).unwrap_or(i64::MAX));
    // Only a task that runs can still be named.
    let handle = (task.status == RUNNING).then_some(task.handle);
    let members = [
        ("TaskHandle", Tree::from(handle)),
        ("Status", Tree::from(task.status)),
        ("SourceArn", Tree::from(task.source)),
        ("DestinationArn", Tree::from(task.destination)),
        ("MaxNumberOfMessagesPerSecond", Tree::from(task.per_second.map(i64::from))),
        ("ApproximateNumberOfMessagesMoved", number(task.moved)),
        ("ApproximateNumberOfMessagesToMove", number(task.to_move)),
        ("FailureReason", Tree::from(task.failure)),
        ("StartedTimestamp", Tree::from(task.started.as_millis())),
    ];
    Tree::map(members.into_iter().filter(|(_, value)| !value.is_null()))
}
