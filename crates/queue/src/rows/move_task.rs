//! Rows of tasks that move messages out of dead-letter queues.

use std::collections::BTreeMap;

use flow::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row};

use super::{Gone, count, message, queue};

/// Tasks of one queue that are remembered and told (API_ListMessageMoveTasks).
pub(crate) const TASKS_MAX: u32 = 10;

pub(crate) const RUNNING: &str = "RUNNING";
pub(crate) const COMPLETED: &str = "COMPLETED";
pub(crate) const CANCELLED: &str = "CANCELLED";
pub(crate) const FAILED: &str = "FAILED";

/// A task as its row has it.
#[derive(Clone, Debug)]
pub(crate) struct Task {
    pub(crate) handle: String,
    /// The ARN of the queue that messages leave.
    pub(crate) source: String,
    /// The ARN of the queue that they go to; where there is none, each goes where it came from.
    pub(crate) destination: Option<String>,
    pub(crate) per_second: Option<u32>,
    pub(crate) status: String,
    pub(crate) started: Timestamp,
    /// The last message that concerns it.
    pub(crate) last: i64,
    pub(crate) moved: u64,
    pub(crate) to_move: u64,
    pub(crate) failure: Option<String>,
}

const COLUMNS: &str =
    "handle, source, destination, per_second, status, started, last, moved, to_move, failure";

fn task(row: &Row<'_>) -> rusqlite::Result<Task> {
    Ok(Task {
        handle: row.get(0)?,
        source: row.get(1)?,
        destination: row.get(2)?,
        per_second: row.get(3)?,
        status: row.get(4)?,
        started: row.get(5).map(Timestamp::from_millis)?,
        last: row.get(6)?,
        moved: row.get(7).map(count)?,
        to_move: row.get(8).map(count)?,
        failure: row.get(9)?,
    })
}

/// Begins a task, unless one runs for that queue already.
pub(crate) fn begin(
    db: &Connection,
    queue_id: i64,
    now: Timestamp,
    task: &Task,
) -> rusqlite::Result<Result<bool, Gone>> {
    if !queue::is_there(db, queue_id)? {
        return Ok(Err(Gone));
    }
    let busy = db
        .prepare("SELECT 1 FROM moves WHERE source = ?1 AND status = ?2")?
        .exists((&task.source, RUNNING))?;
    if busy {
        return Ok(Ok(false));
    }
    let counts = message::counts(db, queue_id, now)?;
    db.execute(
        "INSERT INTO moves (handle, source, destination, per_second, status, started, last, to_move)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        (
            &task.handle,
            &task.source,
            &task.destination,
            task.per_second,
            RUNNING,
            now.as_millis(),
            message::last(db)?,
            i64::try_from(counts.visible).unwrap_or(i64::MAX),
        ),
    )?;
    db.execute(
        "DELETE FROM moves WHERE source = ?1 AND handle NOT IN (
             SELECT handle FROM moves WHERE source = ?1 ORDER BY started DESC LIMIT ?2
         )",
        (&task.source, TASKS_MAX),
    )?;
    Ok(Ok(true))
}

/// The latest tasks of a queue, the latest first.
pub(crate) fn list(db: &Connection, source: &str, most: u32) -> rusqlite::Result<Vec<Task>> {
    db.prepare(&format!(
        "SELECT {COLUMNS} FROM moves WHERE source = ?1 ORDER BY started DESC LIMIT ?2"
    ))?
    .query_map((source, most), task)?
    .collect()
}

pub(crate) fn find(db: &Connection, handle: &str) -> rusqlite::Result<Option<Task>> {
    db.prepare(&format!("SELECT {COLUMNS} FROM moves WHERE handle = ?1"))?
        .query_row([handle], task)
        .optional()
}

/// The tasks that run.
pub(crate) fn running(db: &Connection) -> rusqlite::Result<Vec<Task>> {
    db.prepare(&format!("SELECT {COLUMNS} FROM moves WHERE status = ?1"))?
        .query_map([RUNNING], task)?
        .collect()
}

/// Ends a task that runs; `false` where it does not.
pub(crate) fn end(
    db: &Connection,
    handle: &str,
    status: &str,
    failure: Option<&str>,
) -> rusqlite::Result<bool> {
    let rows = db.execute(
        "UPDATE moves SET status = ?2, failure = ?3 WHERE handle = ?1 AND status = ?4",
        (handle, status, failure, RUNNING),
    )?;
    Ok(rows > 0)
}

/// One step of a task.
pub(crate) struct Step {
    pub(crate) task: Task,
    pub(crate) queue: i64,
    pub(crate) now: Timestamp,
    /// The queues that there are, by their ARNs.
    pub(crate) queues: BTreeMap<String, i64>,
    /// One for each message that may move: a moved message is a new one.
    pub(crate) message_ids: Vec<String>,
}

/// What a step did.
#[derive(Debug, Default)]
pub(crate) struct Stepped {
    /// The ARNs of the queues that messages went to.
    pub(crate) to: Vec<String>,
    /// Whether the task runs on.
    pub(crate) goes_on: bool,
}

/// Moves as many messages as there are ids.
pub(crate) fn step(db: &Connection, step: &Step) -> rusqlite::Result<Stepped> {
    let Step { task, .. } = step;
    let mut stepped = Stepped::default();
    if find(db, &task.handle)?.is_none_or(|task| task.status != RUNNING) {
        return Ok(stepped);
    }
    if !queue::is_there(db, step.queue)? {
        end(db, &task.handle, FAILED, Some("The source queue does not exist."))?;
        return Ok(stepped);
    }
    let rows = due(db, step)?;
    for ((id, source), message_id) in rows.iter().zip(&step.message_ids) {
        let arn = task.destination.as_ref().or(source.as_ref());
        let target = arn.and_then(|arn| Some((arn, *step.queues.get(arn)?)));
        let Some((arn, target)) = target.filter(|(_, id)| *id != step.queue) else {
            let why = match arn {
                Some(arn) => format!("The queue {arn} does not exist."),
                None => "CouldNotDetermineMessageSource".to_owned(),
            };
            end(db, &task.handle, FAILED, Some(&why))?;
            return Ok(stepped);
        };
        send(db, *id, target, step.now, message_id)?;
        db.execute("UPDATE moves SET moved = moved + 1 WHERE handle = ?1", [&task.handle])?;
        if !stepped.to.contains(arn) {
            stepped.to.push(arn.clone());
        }
    }
    stepped.goes_on = rows.len() == step.message_ids.len();
    if !stepped.goes_on {
        end(db, &task.handle, COMPLETED, None)?;
    }
    Ok(stepped)
}

fn due(db: &Connection, step: &Step) -> rusqlite::Result<Vec<(i64, Option<String>)>> {
    db.prepare_cached(
        "SELECT id, source FROM messages INDEXED BY messages_by_due
         WHERE queue = ?1 AND due <= ?2 AND id <= ?3 ORDER BY due LIMIT ?4",
    )?
    .query_map(
        (
            step.queue,
            step.now.as_millis(),
            step.task.last,
            i64::try_from(step.message_ids.len()).unwrap_or(i64::MAX),
        ),
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?
    .collect()
}

fn send(
    db: &Connection,
    id: i64,
    queue: i64,
    now: Timestamp,
    message_id: &str,
) -> rusqlite::Result<()> {
    db.prepare_cached(
        "UPDATE messages SET queue = ?2, due = ?3, taken = 0, sent = ?3, received = NULL,
             first_received = NULL, receives = 0, nonce = NULL, source = NULL
         WHERE id = ?1",
    )?
    .execute((id, queue, now.as_millis()))?;
    db.prepare_cached("UPDATE contents SET message_id = ?2 WHERE id = ?1")?
        .execute((id, message_id))
        .map(drop)
}
