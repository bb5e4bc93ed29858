//! What a journal promises: order, offsets for ever, days that go one by one.

use std::{fs, path::Path, sync::Arc};

use flow::{Clock, ManualClock, Timestamp};
use proptest::prelude::*;

use super::{ENTRY_BYTES_MAX, Journal, Kind, Offset, READ_BYTES_MAX};
use crate::Error;

const DAY_MILLIS: i64 = 86_400_000;

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new("2026-11-23T22:00:00Z".parse::<Timestamp>().unwrap()))
}

fn open(folder: &Path, clock: &Arc<ManualClock>) -> Journal {
    let clock = Arc::clone(clock);
    Journal::open(folder, clock).unwrap()
}

async fn append(journal: &Journal, text: &str) -> u64 {
    journal.append(Kind::Record, text.into()).await.unwrap().0
}

async fn texts(journal: &Journal, from: u64, limit: usize) -> Vec<String> {
    let entries = journal.read(Offset(from), limit).await.unwrap();
    assert!(entries.is_sorted_by_key(|entry| entry.offset));
    entries.iter().map(|entry| String::from_utf8(entry.body.to_vec()).unwrap()).collect()
}

fn files(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|found| found.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".db") && name != "cursors.db")
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn offsets_go_on_over_days_and_restarts() {
    let folder = tempfile::tempdir().unwrap();
    let clock = clock();
    let journal = open(folder.path(), &clock);
    assert_eq!(journal.end(), Offset(0));
    assert_eq!((append(&journal, "a").await, append(&journal, "b").await), (0, 1));
    clock.advance(DAY_MILLIS);
    assert_eq!(append(&journal, "c").await, 2);
    drop(journal);
    let journal = open(folder.path(), &clock);
    assert_eq!(journal.end(), Offset(3));
    clock.advance(DAY_MILLIS);
    assert_eq!(append(&journal, "d").await, 3);
    assert_eq!(files(folder.path()), ["2026-11-23.db", "2026-11-24.db", "2026-11-25.db"]);
    assert_eq!(texts(&journal, 0, 99).await, ["a", "b", "c", "d"]);
    assert_eq!(texts(&journal, 1, 2).await, ["b", "c"]);
    assert_eq!(texts(&journal, 4, 9).await, Vec::<String>::new());
}

#[tokio::test]
async fn an_entry_comes_back_as_it_was_appended() {
    let folder = tempfile::tempdir().unwrap();
    let clock = clock();
    let journal = open(folder.path(), &clock);
    for kind in [Kind::Intent, Kind::Outcome, Kind::Record] {
        journal.append(kind, vec![0, 255]).await.unwrap();
    }
    let entries = journal.read(Offset(0), 9).await.unwrap();
    let kinds: Vec<Kind> = entries.iter().map(|entry| entry.kind).collect();
    assert_eq!(kinds, [Kind::Intent, Kind::Outcome, Kind::Record]);
    assert!(entries.iter().all(|e| e.at == clock.now() && e.body.as_ref() == [0, 255]));
}

#[tokio::test]
async fn a_clock_set_back_stays_with_the_newest_day() {
    let folder = tempfile::tempdir().unwrap();
    let clock = clock();
    let journal = open(folder.path(), &clock);
    append(&journal, "a").await;
    clock.advance(-2 * DAY_MILLIS);
    append(&journal, "b").await;
    drop(journal);
    let journal = open(folder.path(), &clock);
    append(&journal, "c").await;
    assert_eq!(files(folder.path()), ["2026-11-23.db"]);
    assert_eq!(texts(&journal, 0, 9).await, ["a", "b", "c"]);
}

#[tokio::test]
async fn expiry_takes_whole_days_that_nobody_needs() {
    let folder = tempfile::tempdir().unwrap();
    let clock = clock();
    let journal = open(folder.path(), &clock);
    for text in ["a", "b", "c"] {
        append(&journal, text).await;
        clock.advance(DAY_MILLIS);
    }
    // It is the 26th now; the files are of the 23rd, 24th and 25th.
    let now = clock.now();
    journal.expire(now, Offset(0)).await.unwrap();
    assert_eq!(files(folder.path()).len(), 3, "a reader still needs offset 0");
    journal.expire(now.plus_millis(-3 * DAY_MILLIS), Offset(3)).await.unwrap();
    assert_eq!(files(folder.path()).len(), 3, "none of the days has ended by then");
    journal.expire(now, Offset(1)).await.unwrap();
    assert_eq!(files(folder.path()), ["2026-11-24.db", "2026-11-25.db"]);
    assert_eq!(texts(&journal, 0, 9).await, ["b", "c"]);
    journal.expire(now, Offset(99)).await.unwrap();
    assert_eq!(files(folder.path()), ["2026-11-25.db"], "the newest stays");
    drop(journal);
    let journal = open(folder.path(), &clock);
    assert_eq!(append(&journal, "d").await, 3);
}

#[tokio::test]
async fn a_cursor_stays_where_it_was_set() {
    let folder = tempfile::tempdir().unwrap();
    let clock = clock();
    let journal = open(folder.path(), &clock);
    assert_eq!(journal.cursor("trail").await.unwrap(), None);
    journal.set_cursor("trail", Offset(7)).await.unwrap();
    journal.clone().close().await;
    assert!(matches!(journal.append(Kind::Record, vec![]).await, Err(Error::Closed { .. })));
    drop(journal);
    let journal = open(folder.path(), &clock);
    assert_eq!(journal.cursor("trail").await.unwrap(), Some(Offset(7)));
    assert_eq!(journal.cursor("other").await.unwrap(), None);
}

#[tokio::test]
async fn a_disk_that_fails_is_told_of_and_the_next_append_takes_the_same_offset() {
    let folder = tempfile::tempdir().unwrap();
    let clock = clock();
    let journal = open(folder.path(), &clock);
    append(&journal, "a").await;
    clock.advance(DAY_MILLIS);
    let blocked = folder.path().join("2026-11-24.db");
    fs::create_dir(&blocked).unwrap();
    let failed = journal.append(Kind::Record, b"lost?".to_vec()).await;
    assert!(matches!(failed, Err(Error::Retry { .. })), "{failed:?}");
    assert_eq!(journal.end(), Offset(1));
    fs::remove_dir(&blocked).unwrap();
    assert_eq!(append(&journal, "b").await, 1);
    assert_eq!(texts(&journal, 0, 9).await, ["a", "b"]);
}

#[tokio::test]
async fn a_file_that_a_crash_left_empty_is_made_good() {
    let folder = tempfile::tempdir().unwrap();
    let clock = clock();
    let journal = open(folder.path(), &clock);
    append(&journal, "a").await;
    drop(journal);
    fs::write(folder.path().join("2026-11-24.db"), b"").unwrap();
    let journal = open(folder.path(), &clock);
    assert_eq!(append(&journal, "b").await, 1);
    clock.advance(DAY_MILLIS);
    assert_eq!(append(&journal, "c").await, 2);
    assert_eq!(texts(&journal, 0, 9).await, ["a", "b", "c"]);
}

#[tokio::test]
async fn sizes_are_bounded_and_a_read_makes_progress() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path(), &clock());
    let refused = journal.append(Kind::Record, vec![0; ENTRY_BYTES_MAX + 1]).await;
    assert!(matches!(refused, Err(Error::TooLarge { .. })), "{refused:?}");
    for _ in 0..3 {
        journal.append(Kind::Record, vec![0; READ_BYTES_MAX / 2]).await.unwrap();
    }
    assert_eq!(journal.read(Offset(0), 9).await.unwrap().len(), 2);
    assert_eq!(journal.read(Offset(2), 9).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn writers_share_commits_and_each_keeps_its_own_order() {
    const WRITERS: usize = 16;
    const ENTRIES: usize = 25;
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path(), &clock());
    let mut moves = journal.watch();
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..WRITERS {
        let journal = journal.clone();
        writers.spawn(async move {
            for entry in 0..ENTRIES {
                let text = format!("{writer}:{entry}");
                let offset = append(&journal, &text).await;
                // Acknowledged means readable, at that offset.
                assert_eq!(texts(&journal, offset, 1).await, [text]);
            }
        });
    }
    while writers.join_next().await.transpose().unwrap().is_some() {}
    assert_eq!(*moves.borrow_and_update(), Offset((WRITERS * ENTRIES) as u64));
    let mut next = [0; WRITERS];
    for text in texts(&journal, 0, usize::MAX).await {
        let (writer, entry) = text.split_once(':').unwrap();
        let next = &mut next[writer.parse::<usize>().unwrap()];
        assert_eq!(entry.parse::<usize>().unwrap(), *next);
        *next += 1;
    }
    assert_eq!(next, [ENTRIES; WRITERS]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn every_read_is_a_stretch_of_what_was_appended(
        hours in prop::collection::vec((0..40_i64, any::<bool>()), 1..24),
        from in 0..30_usize,
        limit in 0..30_usize,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let clock = clock();
        runtime.block_on(async {
            let mut journal = open(folder.path(), &clock);
            for (at, (hours, restart)) in hours.iter().enumerate() {
                clock.advance(hours * 3_600_000);
                if *restart {
                    drop(journal);
                    journal = open(folder.path(), &clock);
                }
                assert_eq!(append(&journal, &at.to_string()).await, at as u64);
            }
            let expected: Vec<String> =
                (0..hours.len()).map(|n| n.to_string()).skip(from).take(limit).collect();
            assert_eq!(texts(&journal, from as u64, limit).await, expected);
        });
    }
}
