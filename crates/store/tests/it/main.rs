//! What was acknowledged is there after `kill -9`: this test runs itself as the victim.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{
    collections::BTreeMap,
    env,
    ffi::OsString,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
};

use flow::{Chance, ManualClock, SeededChance, Timestamp};
use store::{Database, Journal, Kind, Offset};
use tokio::task::JoinSet;

/// Where the victim writes; without it, it has nothing to do.
const FOLDER: &str = "STORE_VICTIM_FOLDER";
/// Which start this is.
const BOOT: &str = "STORE_VICTIM_BOOT";

const ROUNDS: u32 = 12;
const WRITERS: u32 = 8;
/// Acknowledgements after which the victim is killed at the latest.
const ACKNOWLEDGED_MAX: u8 = 150;

fn journal(folder: &Path) -> Journal {
    let noon = "2026-11-23T12:00:00Z".parse::<Timestamp>().unwrap();
    Journal::open(&folder.join("journal"), Arc::new(ManualClock::new(noon))).unwrap()
}

fn database(folder: &Path, boot: &str) -> Database {
    Database::open(&folder.join("work.db"), boot).unwrap()
}

/// Writes until it is killed, and says what was acknowledged.
#[test]
fn victim() {
    let Some(folder) = env::var_os(FOLDER) else { return };
    let boot = env::var_os(BOOT).and_then(|boot| boot.into_string().ok()).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().build().unwrap();
    runtime.block_on(write_for_ever(folder, boot));
}

async fn write_for_ever(folder: OsString, boot: String) {
    let folder = Path::new(&folder);
    let journal = journal(folder);
    let database = database(folder, &boot);
    let queue = database.queue("mail").await.unwrap();
    let table = database.table("state").await.unwrap();
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let (journal, queue, table) = (journal.clone(), queue.clone(), table.clone());
        let boot = boot.clone();
        writers.spawn(async move {
            let due = Timestamp::from_millis(0);
            for n in 0_u64.. {
                let id = format!("{boot}-{writer}-{n}");
                let offset = journal.append(Kind::Record, id.clone().into()).await.unwrap();
                say(&format!("journal {} {id}", offset.0));
                queue.put(&id, id.clone().into(), due).await.unwrap();
                say(&format!("queue 0 {id}"));
                table.put(&id, id.clone().into()).await.unwrap();
                say(&format!("table 0 {id}"));
                if n % 3 == 0 {
                    for lease in queue.lease(due, 1).await.unwrap() {
                        queue.ack(&lease.id, due).await.unwrap();
                        say(&format!("done 0 {}", lease.id));
                    }
                }
            }
        });
    }
    writers.join_all().await;
}

/// One line, whole, past the test harness's capture.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(format!("\n@{line}\n").as_bytes()).and_then(|()| out.flush()).unwrap();
}

/// Starts a victim, kills it after some acknowledgements, and returns all that it said.
fn kill_one(folder: &Path, boot: u32, after: u8) -> Vec<String> {
    let mut victim = Command::new(env::current_exe().unwrap())
        .args(["--exact", "victim", "--nocapture"])
        .env(FOLDER, folder)
        .env(BOOT, boot.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(victim.stdout.take().unwrap()).lines();
    let mut said = Vec::new();
    let mut kill = || victim.kill().unwrap();
    while let Some(line) = lines.next().transpose().unwrap() {
        if let Some(line) = line.strip_prefix('@') {
            said.push(line.to_owned());
            if said.len() == usize::from(after) {
                kill();
            }
        }
    }
    assert!(said.len() >= usize::from(after), "the victim ended by itself");
    victim.wait().unwrap();
    said
}

#[test]
fn what_was_acknowledged_survives_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let chance = SeededChance::new(23);
    let mut acknowledged = Vec::new();
    for boot in 0..ROUNDS {
        let mut after = [0];
        chance.fill(&mut after);
        acknowledged.extend(kill_one(folder.path(), boot, after[0] % ACKNOWLEDGED_MAX + 1));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(check(folder.path(), &acknowledged));
    }
}

async fn check(folder: &Path, acknowledged: &[String]) {
    let journal = journal(folder);
    let entries = journal.read(Offset(0), usize::MAX).await.unwrap();
    let entries: BTreeMap<u64, String> = entries
        .into_iter()
        .map(|entry| (entry.offset.0, String::from_utf8(entry.body.to_vec()).unwrap()))
        .collect();
    assert!(entries.keys().copied().eq(0..journal.end().0), "offsets leave no gap");
    let database = database(folder, "check");
    let queue = database.queue("mail").await.unwrap();
    let table = database.table("state").await.unwrap();
    let rows: BTreeMap<String, Vec<u8>> = table.list("").await.unwrap().into_iter().collect();
    let states = states(&database).await;
    for line in acknowledged {
        let mut words = line.split(' ');
        let (what, offset, id) =
            (words.next().unwrap(), words.next().unwrap(), words.next().unwrap());
        match what {
            "journal" => assert_eq!(entries.get(&offset.parse().unwrap()).unwrap(), id),
            "queue" => assert!(states.contains_key(id), "{id} is not in the queue"),
            "table" => assert_eq!(rows.get(id).unwrap(), id.as_bytes()),
            "done" => assert_eq!(states.get(id), Some(&3), "{id} is not done"),
            other => panic!("{other}"),
        }
    }
    assert_eq!(queue.counts().await.unwrap().leased, 0, "leases ended with their boot");
}

async fn states(database: &Database) -> BTreeMap<String, i64> {
    let read = |c: &rusqlite::Connection| {
        c.prepare("SELECT id, state FROM store_queue")?
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect()
    };
    database.read(read).await.unwrap()
}
