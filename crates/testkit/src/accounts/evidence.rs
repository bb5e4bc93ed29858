//! What a stopped server left in its data directory.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
};

use anyhow::{Context, Result};
use bucket::{Buckets, TargetCheck};
use bytes::Bytes;
use flow::{SeededChance, TargetKind};
use record::select::Facts;
use rusqlite::Connection;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use server::{Config, SystemClock};
use store::{Journal, Kind, Offset};

/// Entries that one read of the journal takes.
const ENTRIES_AT_ONCE: usize = 1_000;

/// Everything that the accounts are made of.
pub(super) struct Evidence {
    pub(super) records: Vec<Recorded>,
    pub(super) trails: Vec<Trail>,
    pub(super) delivered: Vec<Delivered>,
    pub(super) rows: Vec<Row>,
    /// By bucket and key.
    pub(super) objects: BTreeMap<(String, String), Bytes>,
    /// Events of objects that nobody took over.
    pub(super) pending: u64,
}

/// A record of the journal.
pub(super) struct Recorded {
    pub(super) json: Value,
    pub(super) facts: Facts,
}

/// A trail as its row has it.
#[derive(Deserialize)]
pub(super) struct Trail {
    pub(super) settings: Settings,
    pub(super) progress: Progress,
}

#[derive(Deserialize)]
pub(super) struct Settings {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) bucket: String,
    pub(super) scope: String,
}

#[derive(Deserialize)]
pub(super) struct Progress {
    pub(super) cuts: Vec<Cut>,
}

#[derive(Deserialize)]
pub(super) struct Cut {
    pub(super) key: String,
}

/// A log file that a trail delivered.
#[derive(Deserialize)]
pub(super) struct Delivered {
    pub(super) trail_id: String,
    pub(super) bucket: String,
    pub(super) key: String,
    pub(super) sha256: String,
    pub(super) records: usize,
}

/// A row of a queue.
pub(super) struct Row {
    pub(super) queue: String,
    pub(super) id: String,
    pub(super) state: State,
    pub(super) body: String,
    pub(super) detail: Value,
}

/// What became of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Waiting,
    Dead,
    Done,
}

struct AnyTarget;

impl TargetCheck for AnyTarget {
    fn check(&self, _bucket: &str, _kind: TargetKind, _arn: &str) -> Result<(), String> {
        Ok(())
    }
}

impl Evidence {
    pub(super) async fn read(dir: &Path, config: &Config) -> Result<Self> {
        let state = Connection::open(dir.join("state.db"))?;
        let trails: Vec<Trail> = table(&state, "trail")?;
        let delivered: Vec<Delivered> = table(&state, "trail.delivered")?;
        let rows = rows(&Connection::open(dir.join("work.db"))?)?;
        let records = records(dir).await.context("journal")?;
        let mut buckets: BTreeSet<&str> =
            trails.iter().map(|trail| trail.settings.bucket.as_str()).collect();
        let notified = rows.iter().filter(|row| row.queue == "notification");
        buckets.extend(notified.filter_map(|row| row.id.split('/').next()));
        let (objects, pending) = objects(dir, config, &buckets).await.context("bucket")?;
        Ok(Self { records, trails, delivered, rows, objects, pending })
    }

    pub(super) fn queue(&self, name: &str) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(move |row| row.queue == name)
    }
}

fn table<T: DeserializeOwned>(database: &Connection, name: &str) -> Result<Vec<T>> {
    let mut select = database.prepare("SELECT value FROM store_table WHERE name = ?1")?;
    let rows = select.query_map([name], |row| row.get::<_, Vec<u8>>(0))?;
    rows.map(|row| serde_json::from_slice(&row?).with_context(|| name.to_owned())).collect()
}

fn rows(database: &Connection) -> Result<Vec<Row>> {
    let mut select =
        database.prepare("SELECT queue, id, state, body, detail FROM store_queue ORDER BY seq")?;
    let rows = select.query_map([], |row| {
        let detail: Option<String> = row.get(4)?;
        Ok(Row {
            queue: row.get(0)?,
            id: row.get(1)?,
            state: match row.get(2)? {
                0 | 1 => State::Waiting,
                2 => State::Dead,
                _ => State::Done,
            },
            body: String::from_utf8_lossy(&row.get::<_, Vec<u8>>(3)?).into_owned(),
            detail: detail.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default(),
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

async fn records(dir: &Path) -> Result<Vec<Recorded>> {
    let journal = Journal::open(&dir.join("journal"), Arc::new(SystemClock))?;
    let (mut records, mut next) = (Vec::new(), Offset(0));
    loop {
        let entries = journal.read(next, ENTRIES_AT_ONCE).await?;
        let Some(last) = entries.last() else { break };
        next = Offset(last.offset.0 + 1);
        for entry in entries.iter().filter(|entry| entry.kind == Kind::Record) {
            let json = serde_json::from_slice(&entry.body)?;
            records.push(Recorded { json, facts: Facts::from_json(&entry.body)? });
        }
    }
    journal.close().await;
    Ok(records)
}

type Objects = BTreeMap<(String, String), Bytes>;

async fn objects(dir: &Path, config: &Config, names: &BTreeSet<&str>) -> Result<(Objects, u64)> {
    let config = bucket::Config {
        dir: dir.join("bucket"),
        account: config.account_id.clone(),
        region: config.region.clone(),
    };
    let (clock, chance) = (Arc::new(SystemClock), Arc::new(SeededChance::new(0)));
    let buckets = Buckets::open(config, Arc::new(AnyTarget), clock, chance).await?;
    let mut objects = BTreeMap::new();
    for name in names {
        for (key, ..) in buckets.objects(name).await? {
            let bytes = buckets.read(name, &key).await?;
            objects.insert(((*name).to_owned(), key), bytes);
        }
    }
    let pending = buckets.pending_count().await?;
    buckets.close().await;
    Ok((objects, pending))
}
