//! What receiving, deleting and hiding do to messages.

use flow::Timestamp;
use rusqlite::{Connection, OptionalExtension};

use super::{
    Gone,
    content::{self, Content},
    message, queue,
};
use crate::handle::{Handle, NONCE_BYTES};

/// Messages that one receive moves to the dead-letter queue at most; further ones wait for the
/// next.
const MOVED_MAX: usize = 1_000;

/// Messages that may be in flight at a time (the quota of standard queues).
pub(crate) const IN_FLIGHT_MAX: i64 = 120_000;

/// The longest time from a receive to the end of its visibility timeout, in seconds.
const VISIBILITY_SECONDS_MAX: i64 = 43_200;

/// One look for messages.
pub(crate) struct Look {
    pub(crate) queue: i64,
    pub(crate) now: Timestamp,
    /// Messages that were sent then or earlier are not there any more.
    pub(crate) expired: Timestamp,
    /// Until when those that are given are hidden.
    pub(crate) until: Timestamp,
    /// One for each message that may be given.
    pub(crate) nonces: Vec<[u8; NONCE_BYTES]>,
    pub(crate) dead: Option<Dead>,
    /// Whether to count what is in flight first.
    pub(crate) count: bool,
}

/// Where messages go that were given too often.
pub(crate) struct Dead {
    pub(crate) queue: i64,
    pub(crate) receives_max: u32,
    /// The ARN of the queue that they come from.
    pub(crate) source: String,
}

/// What a look found.
#[derive(Default)]
pub(crate) struct Found {
    pub(crate) given: Vec<Given>,
    /// How many went to the dead-letter queue.
    pub(crate) moved: usize,
    /// When the next message will be there, where none is and one is known.
    pub(crate) next: Option<Timestamp>,
    /// How many more may be in flight, where that was counted.
    pub(crate) headroom: Option<i64>,
}

/// A message that was given.
pub(crate) struct Given {
    pub(crate) handle: Handle,
    pub(crate) content: Content,
    pub(crate) sent: Timestamp,
    pub(crate) first_received: Timestamp,
    pub(crate) receives: i64,
    pub(crate) source: Option<String>,
}

struct Row {
    id: i64,
    sent: i64,
    first_received: Option<i64>,
    receives: i64,
    source: Option<String>,
}

/// Gives messages that are due, the longest due first.
pub(crate) fn look(db: &Connection, look: &Look) -> rusqlite::Result<Result<Found, Gone>> {
    if !queue::is_there(db, look.queue)? {
        return Ok(Err(Gone));
    }
    message::expire(db, look.queue, look.expired)?;
    let mut found = Found::default();
    if look.count {
        let taken = message::in_flight(db, look.queue, look.now, IN_FLIGHT_MAX)?;
        found.headroom = Some(IN_FLIGHT_MAX - taken);
        if taken >= IN_FLIGHT_MAX {
            return Ok(Ok(found));
        }
    }
    let dead = match &look.dead {
        // A dead-letter queue that is gone takes nothing: its messages go on being given.
        Some(dead) if !queue::is_there(db, dead.queue)? => None,
        dead => dead.as_ref(),
    };
    let mut nonces = look.nonces.iter();
    let mut given: Vec<i64> = Vec::new();
    while nonces.len() > 0 && found.moved < MOVED_MAX {
        let mut progress = false;
        // Those that this receive gave are due still where it hides them for no time at all.
        for row in due(db, look, nonces.len() + given.len())? {
            if given.contains(&row.id) {
                continue;
            }
            progress = true;
            if let Some(dead) = dead.filter(|dead| row.receives >= i64::from(dead.receives_max)) {
                bury(db, row.id, dead, look.now)?;
                found.moved += 1;
            } else if let Some(nonce) = nonces.next() {
                given.push(row.id);
                found.given.extend(give(db, look, row, *nonce)?);
            }
        }
        if !progress {
            break;
        }
    }
    if found.given.is_empty() {
        found.next = next(db, look)?;
    }
    Ok(Ok(found))
}

fn due(db: &Connection, look: &Look, most: usize) -> rusqlite::Result<Vec<Row>> {
    db.prepare_cached(
        "SELECT id, sent, first_received, receives, source
         FROM messages INDEXED BY messages_by_due
         WHERE queue = ?1 AND due <= ?2 AND sent > ?3 ORDER BY due LIMIT ?4",
    )?
    .query_map(
        (
            look.queue,
            look.now.as_millis(),
            look.expired.as_millis(),
            i64::try_from(most).unwrap_or(i64::MAX),
        ),
        |row| {
            Ok(Row {
                id: row.get(0)?,
                sent: row.get(1)?,
                first_received: row.get(2)?,
                receives: row.get(3)?,
                source: row.get(4)?,
            })
        },
    )?
    .collect()
}

fn next(db: &Connection, look: &Look) -> rusqlite::Result<Option<Timestamp>> {
    let next: Option<i64> = db
        .prepare_cached("SELECT min(due) FROM messages WHERE queue = ?1 AND due > ?2")?
        .query_row((look.queue, look.now.as_millis()), |row| row.get(0))?;
    Ok(next.map(Timestamp::from_millis))
}

fn bury(db: &Connection, id: i64, dead: &Dead, now: Timestamp) -> rusqlite::Result<()> {
    db.prepare_cached(
        "UPDATE messages SET queue = ?2, due = ?3, taken = 0, nonce = NULL, source = ?4
         WHERE id = ?1",
    )?
    .execute((id, dead.queue, now.as_millis(), &dead.source))
    .map(drop)
}

fn give(
    db: &Connection,
    look: &Look,
    row: Row,
    nonce: [u8; NONCE_BYTES],
) -> rusqlite::Result<Option<Given>> {
    db.prepare_cached(
        "UPDATE messages SET due = ?2, taken = 1, received = ?3, receives = receives + 1,
             first_received = coalesce(first_received, ?3), nonce = ?4
         WHERE id = ?1",
    )?
    .execute((row.id, look.until.as_millis(), look.now.as_millis(), nonce))?;
    let Some(content) = content::find(db, row.id)? else { return Ok(None) };
    Ok(Some(Given {
        handle: Handle { queue: look.queue, message: row.id, nonce },
        content,
        sent: Timestamp::from_millis(row.sent),
        first_received: row.first_received.map_or(look.now, Timestamp::from_millis),
        receives: row.receives + 1,
        source: row.source,
    }))
}

/// Deletes the message that the handle stands for, whoever it was given to since.
///
/// AWS says that a message may be deleted although another consumer holds it, and that by an older
/// handle of it the call succeeds and the message "might not be deleted"; what it does on standard
/// queues is to delete it. A message that came into the queue otherwise than by being sent, out of
/// its dead letters, is a new one: handles from before have no hold on it until it is given again.
pub(crate) fn delete(db: &Connection, handle: &Handle) -> rusqlite::Result<bool> {
    let rows = db
        .prepare_cached("DELETE FROM messages WHERE id = ?1 AND queue = ?2 AND nonce IS NOT NULL")?
        .execute((handle.message, handle.queue))?;
    Ok(rows > 0)
}

/// What became of a wish to hide a message for another time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hidden {
    Done,
    /// It is not there any more.
    Unavailable,
    /// It is visible already.
    NotInFlight,
    /// It would be hidden for longer than a message may be.
    TooLong,
}

/// Hides a message for `seconds` from now on; 0 shows it at once. As with [`delete`] an older handle
/// of it does as well.
pub(crate) fn hide(
    db: &Connection,
    handle: &Handle,
    seconds: u32,
    now: Timestamp,
) -> rusqlite::Result<Hidden> {
    let row: Option<(i64, i64)> = db
        .prepare_cached(
            "SELECT due, coalesce(received, 0) FROM messages
             WHERE id = ?1 AND queue = ?2 AND nonce IS NOT NULL",
        )?
        .query_row((handle.message, handle.queue), |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((due, received)) = row else { return Ok(Hidden::Unavailable) };
    if due <= now.as_millis() {
        return Ok(Hidden::NotInFlight);
    }
    let held = now.millis_since(Timestamp::from_millis(received)) / 1000;
    if held + i64::from(seconds) > VISIBILITY_SECONDS_MAX {
        return Ok(Hidden::TooLong);
    }
    let due = now.plus_millis(i64::from(seconds) * 1000);
    db.prepare_cached("UPDATE messages SET due = ?2 WHERE id = ?1")?
        .execute((handle.message, due.as_millis()))?;
    Ok(Hidden::Done)
}
