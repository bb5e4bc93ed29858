//! Records of the journal, a page at a time: those of a kind, forwards as they come or backwards
//! from the newest.

mod kind;

use std::{collections::VecDeque, sync::Arc, time::Duration};

use axum::{Extension, Json, extract::State};
use flow::Timestamp;
use serde::{Deserialize, Serialize};
use store::{Entry, Journal, Kind, Offset};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use self::kind::Wanted;
use crate::admin::{
    Admin,
    road::{Refused, Road},
};

/// Entries of the journal that one page looks at.
const LOOKED_AT_MAX: u64 = 4_096;
/// Records that one page holds.
const RECORDS_MAX: usize = 1_000;
/// Bytes of records after which a page is full.
const PAGE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// How long an answer may wait for a record to come.
const WAIT_MAX: Duration = Duration::from_secs(20);

/// Which records, and from where on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventsQuery {
    /// Where to begin.
    pub from: From,
    /// Only those that an expression holds for, as `--when` takes it.
    #[serde(default)]
    pub when: Option<String>,
    /// Only those of this user: a name, a session's name, a role's, an ARN or an access key id.
    #[serde(default)]
    pub user: Option<String>,
    /// Only those of this source, with or without `.amazonaws.com`.
    #[serde(default)]
    pub source: Option<String>,
    /// Only those that ended in an error.
    #[serde(default)]
    pub errors: bool,
    /// How many at most.
    pub limit: usize,
    /// How long to wait where there is none yet, forwards; a server waits 20 seconds at most.
    #[serde(default)]
    pub wait_millis: u64,
}

/// Where a page begins, and which way it goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum From {
    /// Forwards from where the journal stood when the server started.
    #[default]
    Boot,
    /// Forwards from what was recorded then.
    Time(Timestamp),
    /// Forwards from this place of the journal.
    Place(u64),
    /// Backwards from the newest.
    Newest,
    /// Backwards from what stands before this place.
    Before(u64),
}

/// Some records, in the order in which they were recorded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventsPage {
    /// Each as it will stand, or stands, in its log file.
    pub records: Vec<String>,
    /// The place at which the next page begins, in the same direction.
    pub next: u64,
    /// Whether there may be more in that direction now.
    pub more: bool,
    /// Where the journal ended, or where a page backwards began.
    pub end: u64,
}

pub(super) async fn list(
    State(admin): State<Arc<Admin>>,
    Extension(stop): Extension<CancellationToken>,
    Json(query): Json<EventsQuery>,
) -> Result<Json<EventsPage>, Refused> {
    let road = admin.road.as_ref().ok_or_else(Refused::no_road)?;
    let mut wanted = Wanted::of(&query).map_err(Refused::bad)?;
    let limit = query.limit.clamp(1, RECORDS_MAX);
    let journal = &road.rooms.journal;
    let page = match query.from {
        From::Newest => backwards(journal, journal.end(), &mut wanted, limit).await?,
        From::Before(place) => backwards(journal, Offset(place), &mut wanted, limit).await?,
        From::Boot => waiting(road, road.boot, &mut wanted, limit, &query, stop).await?,
        From::Place(place) => {
            waiting(road, Offset(place), &mut wanted, limit, &query, stop).await?
        }
        From::Time(time) => {
            let from = first_since(journal, time).await?;
            waiting(road, from, &mut wanted, limit, &query, stop).await?
        }
    };
    Ok(Json(page))
}

/// A page forwards; where it would be empty, it waits for a record to come, within its bound.
async fn waiting(
    road: &Road,
    mut from: Offset,
    wanted: &mut Wanted,
    limit: usize,
    query: &EventsQuery,
    stop: CancellationToken,
) -> Result<EventsPage, store::Error> {
    let wait = Duration::from_millis(query.wait_millis).min(WAIT_MAX);
    let deadline = Instant::now() + wait;
    let journal = &road.rooms.journal;
    let mut moved = journal.watch();
    loop {
        // Marked before reading: what comes while it is read is seen at the next look.
        moved.borrow_and_update();
        let page = forwards(journal, from, wanted, limit).await?;
        if !page.records.is_empty() || page.more || wait.is_zero() {
            return Ok(page);
        }
        from = Offset(page.next);
        tokio::select! {
            woken = timeout_at(deadline, moved.changed()) => match woken {
                Ok(Ok(())) => {}
                _ => return Ok(page),
            },
            () = stop.cancelled() => return Ok(page),
        }
    }
}

/// Looks at the entries from `from` on, at most so many, until the page is full.
async fn forwards(
    journal: &Journal,
    from: Offset,
    wanted: &mut Wanted,
    limit: usize,
) -> Result<EventsPage, store::Error> {
    let end = journal.end();
    let mut page = EventsPage { next: from.0.min(end.0), end: end.0, ..EventsPage::default() };
    let (mut left, mut bytes) = (LOOKED_AT_MAX, 0);
    while left > 0 && page.next < end.0 {
        let entries = read(journal, page.next, left).await?;
        let Some(last) = entries.last() else {
            page.next = end.0;
            break;
        };
        let behind_last = last.offset.0 + 1;
        left = left.saturating_sub(entries.len() as u64);
        for entry in entries {
            if page.records.len() == limit || bytes >= PAGE_BYTES_MAX {
                page.more = true;
                return Ok(page);
            }
            page.next = entry.offset.0 + 1;
            if let Some(record) = taken(entry, wanted) {
                bytes += record.len();
                page.records.push(record);
            }
        }
        page.next = behind_last;
    }
    page.more = page.next < end.0;
    Ok(page)
}

/// Looks at the entries before `before`, at most so many, and keeps the newest.
async fn backwards(
    journal: &Journal,
    before: Offset,
    wanted: &mut Wanted,
    limit: usize,
) -> Result<EventsPage, store::Error> {
    let before = before.0.min(journal.end().0);
    let begin = before.saturating_sub(LOOKED_AT_MAX);
    let mut kept: VecDeque<(u64, String)> = VecDeque::new();
    let (mut bytes, mut at, mut next) = (0, begin, begin);
    while at < before {
        let entries = read(journal, at, before - at).await?;
        let Some(last) = entries.last() else { break };
        at = last.offset.0 + 1;
        for entry in entries.into_iter().take_while(|entry| entry.offset.0 < before) {
            let place = entry.offset.0;
            let Some(record) = taken(entry, wanted) else { continue };
            bytes += record.len();
            kept.push_back((place, record));
            while kept.len() > limit || bytes > PAGE_BYTES_MAX && kept.len() > 1 {
                let Some((_, dropped)) = kept.pop_front() else { break };
                bytes -= dropped.len();
                next = kept.front().map_or(next, |(place, _)| *place);
            }
        }
    }
    let first = read(journal, 0, 1).await?.first().map_or(before, |entry| entry.offset.0);
    let records = kept.into_iter().map(|(_, record)| record).collect();
    Ok(EventsPage { records, next, more: next > first, end: before })
}

/// The place of the first entry that was written at `time` or later.
async fn first_since(journal: &Journal, time: Timestamp) -> Result<Offset, store::Error> {
    let (mut low, mut high) = (0, journal.end().0);
    while low < high {
        let middle = low + (high - low) / 2;
        // Behind days that were let go, the first entry there is stands for all of them.
        match read(journal, middle, 1).await?.first() {
            Some(entry) if entry.at < time => low = entry.offset.0 + 1,
            _ => high = middle,
        }
    }
    Ok(Offset(low))
}

async fn read(journal: &Journal, from: u64, limit: u64) -> Result<Vec<Entry>, store::Error> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    journal.read(Offset(from), limit).await
}

/// The record of an entry, where it is one that is wanted.
fn taken(entry: Entry, wanted: &mut Wanted) -> Option<String> {
    if entry.kind != Kind::Record || !wanted.holds(&entry.body) {
        return None;
    }
    String::from_utf8(entry.body.into()).ok()
}

#[cfg(test)]
mod tests;
