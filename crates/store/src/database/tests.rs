//! What a database promises to its writers.

use std::{os::unix::fs::PermissionsExt, path::Path};

use rusqlite::Transaction;

use crate::{Database, Error};

const STEPS: &[&str] = &["CREATE TABLE word (text TEXT PRIMARY KEY) STRICT"];
const STEPS_LATER: &[&str] = &[STEPS[0], "ALTER TABLE word ADD COLUMN size INTEGER"];
const STEPS_BROKEN: &[&str] = &[STEPS[0], "CREATE TABLE made (x)", "NOT SQL"];

fn open(folder: &Path) -> Database {
    Database::open(&folder.join("work.db"), "boot").unwrap()
}

async fn with_words(folder: &Path) -> Database {
    let database = open(folder);
    database.migrate("words", STEPS).await.unwrap();
    database
}

fn add(word: &'static str) -> impl FnOnce(&Transaction<'_>) -> rusqlite::Result<()> {
    move |t| t.execute("INSERT INTO word (text) VALUES (?1)", [word]).map(drop)
}

async fn words(database: &Database) -> Vec<String> {
    let read = |c: &rusqlite::Connection| {
        c.prepare("SELECT text FROM word ORDER BY text")?
            .query_map([], |row| row.get(0))?
            .collect::<rusqlite::Result<Vec<String>>>()
    };
    database.read(read).await.unwrap()
}

#[tokio::test]
async fn a_failed_write_fails_alone() {
    let folder = tempfile::tempdir().unwrap();
    let database = with_words(folder.path()).await;
    let half = |t: &Transaction<'_>| {
        t.execute("INSERT INTO word (text) VALUES ('half')", [])?;
        t.execute("INSERT INTO word (text) VALUES ('half')", []).map(drop)
    };
    let panics = |t: &Transaction<'_>| -> rusqlite::Result<()> {
        t.execute("INSERT INTO word (text) VALUES ('panic')", [])?;
        panic!("a closure's own fault");
    };
    let (a, failed, panicked, b) = tokio::join!(
        database.write(add("a")),
        database.write(half),
        database.write(panics),
        database.write(add("b")),
    );
    assert!(a.is_ok() && b.is_ok());
    assert!(matches!(failed, Err(Error::Reject { .. })), "{failed:?}");
    assert!(matches!(panicked, Err(Error::Reject { .. })), "{panicked:?}");
    assert_eq!(words(&database).await, ["a", "b"]);
}

#[tokio::test]
async fn a_full_disk_asks_to_try_again_and_loses_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let database = with_words(folder.path()).await;
    database.write(add("before")).await.unwrap();
    let limit = |pages: u32| {
        database.write(move |t| {
            t.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))
        })
    };
    limit(1).await.unwrap();
    let big = |t: &Transaction<'_>| {
        t.execute("INSERT INTO word (text) VALUES (?1)", ["x".repeat(1_000_000)]).map(drop)
    };
    let (full, small) = tokio::join!(database.write(big), database.write(add("beside")));
    assert!(matches!(full, Err(Error::Retry { .. })), "{full:?}");
    let stands = small.is_ok();
    limit(1_000_000).await.unwrap();
    let expected: &[&str] = if stands { &["before", "beside"] } else { &["before"] };
    assert_eq!(words(&database).await, expected);
    database.write(big).await.unwrap();
}

#[tokio::test]
async fn migrations_apply_once_and_a_newer_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let database = with_words(folder.path()).await;
    database.write(add("kept")).await.unwrap();
    database.migrate("words", STEPS_LATER).await.unwrap();
    database.migrate("words", STEPS_LATER).await.unwrap();
    let refused = database.migrate("words", STEPS).await.unwrap_err();
    assert!(matches!(refused, Error::Newer { found: 2, known: 1, .. }), "{refused:?}");
    let text = refused.to_string();
    assert!(text.contains("work.db") && text.contains("start the newer program"), "{text}");
    assert_eq!(words(&database).await, ["kept"]);
}

#[tokio::test]
async fn a_migration_that_fails_leaves_the_version_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let database = with_words(folder.path()).await;
    let broken = database.migrate("words", STEPS_BROKEN).await;
    assert!(matches!(broken, Err(Error::Reject { .. })), "{broken:?}");
    database.migrate("words", STEPS_LATER).await.unwrap();
    let made = database.read(|c| c.table_exists(None, "made")).await.unwrap();
    assert!(!made);
}

#[tokio::test]
async fn files_are_for_their_owner_alone() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("data");
    let database = with_words(&inner).await;
    database.write(add("a")).await.unwrap();
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&inner), 0o700);
    for name in ["work.db", "work.db-wal", "work.db-shm"] {
        assert_eq!(mode(&inner.join(name)), 0o600, "{name}");
    }
}

#[tokio::test]
async fn what_was_written_is_there_after_a_close_and_after_a_drop() {
    let folder = tempfile::tempdir().unwrap();
    let database = with_words(folder.path()).await;
    database.write(add("a")).await.unwrap();
    let other = database.clone();
    database.close().await;
    assert!(matches!(other.write(add("b")).await, Err(Error::Closed { .. })));
    drop(other);

    let database = with_words(folder.path()).await;
    database.write(add("b")).await.unwrap();
    drop(database);
    assert_eq!(words(&with_words(folder.path()).await).await, ["a", "b"]);
}

#[tokio::test]
async fn a_reader_cannot_write() {
    let folder = tempfile::tempdir().unwrap();
    let database = with_words(folder.path()).await;
    let written = database.read(|c| c.execute("DELETE FROM word", [])).await;
    assert!(written.is_err());
}

#[tokio::test]
async fn a_table_keeps_names_apart_and_sets_only_what_is_expected() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(folder.path());
    let table = database.table("trail").await.unwrap();
    let other = database.table("topic").await.unwrap();
    let bytes = |text: &str| Some(text.as_bytes().to_vec());

    assert!(table.compare_and_set("a/1", None, bytes("x")).await.unwrap());
    assert!(!table.compare_and_set("a/1", None, bytes("y")).await.unwrap());
    assert!(!table.compare_and_set("a/1", bytes("z"), bytes("y")).await.unwrap());
    assert!(table.compare_and_set("a/1", bytes("x"), bytes("y")).await.unwrap());
    table.put("a/2", b"2".to_vec()).await.unwrap();
    table.put("b", b"3".to_vec()).await.unwrap();
    assert_eq!(table.get("a/1").await.unwrap(), bytes("y"));
    assert_eq!(other.get("a/1").await.unwrap(), None);
    let keys = |rows: Vec<(String, Vec<u8>)>| rows.into_iter().map(|r| r.0).collect::<Vec<_>>();
    assert_eq!(keys(table.list("a/").await.unwrap()), ["a/1", "a/2"]);
    assert_eq!(keys(table.list("").await.unwrap()), ["a/1", "a/2", "b"]);
    assert!(table.compare_and_set("a/1", bytes("y"), None).await.unwrap());
    assert!(table.delete("a/2").await.unwrap());
    assert!(!table.delete("a/2").await.unwrap());
    assert_eq!(keys(table.list("").await.unwrap()), ["b"]);
}
