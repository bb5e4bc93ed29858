//! What a queue promises: nothing is lost, nothing is handed out twice.

use std::{collections::BTreeMap, path::Path};

use flow::Timestamp;
use proptest::prelude::*;
use serde_json::json;

use crate::{Database, Lease, Put, Queue};

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

async fn open(folder: &Path, boot: &str) -> Queue {
    Database::open(&folder.join("work.db"), boot).unwrap().queue("mail").await.unwrap()
}

fn ids(leases: &[Lease]) -> Vec<&str> {
    leases.iter().map(|lease| lease.id.as_str()).collect()
}

#[tokio::test]
async fn rows_come_oldest_due_first_and_only_when_due() {
    let folder = tempfile::tempdir().unwrap();
    let queue = open(folder.path(), "1").await;
    for (id, due) in [("late", 30), ("b", 20), ("a", 10), ("c", 20)] {
        assert_eq!(queue.put(id, id.into(), at(due)).await.unwrap(), Put::Accepted);
    }
    assert_eq!(queue.next_due().await.unwrap(), Some(at(10)));
    assert_eq!(ids(&queue.lease(at(9), 9).await.unwrap()), Vec::<&str>::new());
    assert_eq!(ids(&queue.lease(at(20), 2).await.unwrap()), ["a", "b"]);
    assert_eq!(ids(&queue.lease(at(20), 9).await.unwrap()), ["c"]);
    assert_eq!(ids(&queue.lease(at(20), 9).await.unwrap()), Vec::<&str>::new());
    assert_eq!(queue.next_due().await.unwrap(), Some(at(30)));
}

#[tokio::test]
async fn an_id_stays_known_until_it_is_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let queue = open(folder.path(), "1").await;
    queue.put("a", vec![1], at(0)).await.unwrap();
    assert_eq!(queue.put("a", vec![2], at(0)).await.unwrap(), Put::Already);
    let leases = queue.lease(at(0), 9).await.unwrap();
    assert_eq!((leases[0].body.as_slice(), leases[0].attempts), ([1].as_slice(), 1));
    assert_eq!(queue.put("a", vec![2], at(0)).await.unwrap(), Put::Already);
    queue.ack("a", at(5)).await.unwrap();
    assert_eq!(queue.put("a", vec![2], at(0)).await.unwrap(), Put::Already);
    assert_eq!(queue.forget_done(at(5)).await.unwrap(), 0);
    assert_eq!(queue.forget_done(at(6)).await.unwrap(), 1);
    assert_eq!(queue.put("a", vec![2], at(0)).await.unwrap(), Put::Accepted);
}

#[tokio::test]
async fn a_lease_outlives_its_holder_but_not_the_boot() {
    let folder = tempfile::tempdir().unwrap();
    let queue = open(folder.path(), "1").await;
    queue.put("a", vec![], at(0)).await.unwrap();
    assert_eq!(queue.lease(at(0), 9).await.unwrap().len(), 1);
    drop(queue);
    let queue = open(folder.path(), "2").await;
    let again = queue.lease(at(0), 9).await.unwrap();
    assert_eq!(again[0].attempts, 2);
}

#[tokio::test]
async fn the_dead_say_why_and_come_back_fresh() {
    let folder = tempfile::tempdir().unwrap();
    let queue = open(folder.path(), "1").await;
    queue.put("a", b"body".to_vec(), at(0)).await.unwrap();
    queue.lease(at(0), 9).await.unwrap();
    queue.nack("a", at(10), "not yet").await.unwrap();
    assert_eq!(queue.lease(at(9), 9).await.unwrap().len(), 0);
    queue.lease(at(10), 9).await.unwrap();
    queue.bury("a", at(11), "never", json!({"bucket": "b", "key": "k"})).await.unwrap();
    assert_eq!(queue.put("a", vec![], at(0)).await.unwrap(), Put::Already);

    let dead = queue.dead(9).await.unwrap();
    assert_eq!(dead[0].body, b"body");
    assert_eq!((dead[0].reason.as_str(), dead[0].attempts, dead[0].since), ("never", 2, at(11)));
    assert_eq!(dead[0].detail["key"], "k");
    let counts = queue.counts().await.unwrap();
    assert_eq!((counts.waiting, counts.leased, counts.dead, counts.done), (0, 0, 1, 0));

    let mut changed = queue.changed();
    changed.mark_unchanged();
    assert!(queue.revive("a", at(20)).await.unwrap());
    assert!(!queue.revive("a", at(20)).await.unwrap());
    assert!(changed.has_changed().unwrap());
    let lease = queue.lease(at(20), 9).await.unwrap().remove(0);
    assert_eq!((lease.attempts, lease.put_at), (1, at(20)));
}

#[tokio::test]
async fn a_row_that_is_given_back_was_not_tried() {
    let folder = tempfile::tempdir().unwrap();
    let queue = open(folder.path(), "1").await;
    queue.put("a", vec![], at(0)).await.unwrap();
    queue.lease(at(0), 9).await.unwrap();
    queue.give_back("a", at(5)).await.unwrap();
    assert_eq!(queue.lease(at(4), 9).await.unwrap().len(), 0);
    assert_eq!(queue.lease(at(5), 9).await.unwrap()[0].attempts, 1);
}

#[tokio::test]
async fn several_rows_are_put_in_one_write() {
    let folder = tempfile::tempdir().unwrap();
    let queue = open(folder.path(), "1").await;
    let rows = |ids: &[&str]| ids.iter().map(|id| ((*id).to_owned(), vec![])).collect();
    queue.put_all(rows(&["a", "b"]), at(0)).await.unwrap();
    let puts = queue.put_all(rows(&["b", "c", "c"]), at(0)).await.unwrap();
    assert_eq!(puts, [Put::Already, Put::Accepted, Put::Already]);
    assert_eq!(ids(&queue.lease(at(0), 9).await.unwrap()), ["a", "b", "c"]);
}

#[tokio::test]
async fn clones_and_namesakes_hear_of_each_others_puts() {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::open(&folder.path().join("work.db"), "1").unwrap();
    let (one, two) = (database.queue("mail").await.unwrap(), database.queue("mail").await.unwrap());
    let other = database.queue("other").await.unwrap();
    let (heard, unheard) = (one.changed(), other.changed());
    two.put("a", vec![], at(0)).await.unwrap();
    assert!(heard.has_changed().unwrap());
    assert!(!unheard.has_changed().unwrap());
    assert_eq!(other.lease(at(0), 9).await.unwrap().len(), 0);
}

#[tokio::test]
async fn forgetting_takes_more_rows_than_one_write_deletes() {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::open(&folder.path().join("work.db"), "1").unwrap();
    let queue = database.queue("mail").await.unwrap();
    let fill = |t: &rusqlite::Transaction<'_>| {
        t.execute_batch(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500)
             INSERT INTO store_queue (queue, id, state, due, put_at, since, body)
             SELECT 'mail', i, 3, 0, 0, 0, x'' FROM n",
        )
    };
    database.write(fill).await.unwrap();
    assert_eq!(queue.forget_done(at(1)).await.unwrap(), 2500);
    assert_eq!(queue.counts().await.unwrap().done, 0);
}

#[derive(Clone, Debug)]
enum Step {
    Put(u8, i64),
    Lease(usize),
    Ack(usize),
    Nack(usize, i64),
    Bury(usize),
    Revive(u8),
    Wait(i64),
    Reboot,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0..12_u8, 0..20_i64).prop_map(|(id, wait)| Step::Put(id, wait)),
        4 => (1..4_usize).prop_map(Step::Lease),
        3 => any::<usize>().prop_map(Step::Ack),
        2 => (any::<usize>(), 0..20_i64).prop_map(|(which, wait)| Step::Nack(which, wait)),
        1 => any::<usize>().prop_map(Step::Bury),
        1 => (0..12_u8).prop_map(Step::Revive),
        3 => (0..10_i64).prop_map(Step::Wait),
        1 => Just(Step::Reboot),
    ];
    prop::collection::vec(step, 1..40)
}

/// What a row is, as the test sees it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Waiting(i64),
    Leased,
    Dead,
    Done,
}

/// Takes one of the leases that the test holds.
fn pick(held: &mut Vec<String>, which: usize) -> Option<String> {
    (!held.is_empty()).then(|| held.swap_remove(which % held.len()))
}

async fn play(folder: &Path, steps: Vec<Step>) {
    let (mut boot, mut now) = (0, 0);
    let mut queue = open(folder, "0").await;
    let mut rows: BTreeMap<String, State> = BTreeMap::new();
    let mut held: Vec<String> = Vec::new();
    for step in steps {
        match step {
            Step::Put(id, wait) => {
                let id = format!("row-{id}");
                let put = queue.put(&id, id.clone().into(), at(now + wait)).await.unwrap();
                assert_eq!(put == Put::Accepted, !rows.contains_key(&id), "{id}");
                rows.entry(id).or_insert(State::Waiting(now + wait));
            }
            Step::Lease(limit) => {
                let leases = queue.lease(at(now), limit).await.unwrap();
                let due = |state: &&State| matches!(state, State::Waiting(t) if *t <= now);
                assert_eq!(leases.len(), rows.values().filter(due).count().min(limit));
                for lease in leases {
                    let was = rows.insert(lease.id.clone(), State::Leased);
                    assert!(matches!(was, Some(State::Waiting(t)) if t <= now), "{was:?}");
                    assert_eq!(lease.body, lease.id.as_bytes());
                    held.push(lease.id);
                }
            }
            Step::Ack(which) => {
                let Some(id) = pick(&mut held, which) else { continue };
                queue.ack(&id, at(now)).await.unwrap();
                rows.insert(id, State::Done);
            }
            Step::Nack(which, wait) => {
                let Some(id) = pick(&mut held, which) else { continue };
                queue.nack(&id, at(now + wait), "later").await.unwrap();
                rows.insert(id, State::Waiting(now + wait));
            }
            Step::Bury(which) => {
                let Some(id) = pick(&mut held, which) else { continue };
                queue.bury(&id, at(now), "no", json!(null)).await.unwrap();
                rows.insert(id, State::Dead);
            }
            Step::Revive(id) => {
                let id = format!("row-{id}");
                let was_dead = rows.get(&id) == Some(&State::Dead);
                assert_eq!(queue.revive(&id, at(now)).await.unwrap(), was_dead);
                if was_dead {
                    rows.insert(id, State::Waiting(now));
                }
            }
            Step::Wait(millis) => now += millis,
            Step::Reboot => {
                boot += 1;
                drop(queue);
                queue = open(folder, &boot.to_string()).await;
                // What nobody settled was due when it was leased, and is due still.
                for id in held.drain(..) {
                    rows.insert(id, State::Waiting(now));
                }
            }
        }
        let counts = queue.counts().await.unwrap();
        let count = |wanted: fn(&State) -> bool| rows.values().filter(|s| wanted(s)).count() as u64;
        assert_eq!(counts.waiting, count(|state| matches!(state, State::Waiting(_))));
        assert_eq!(counts.leased, count(|state| *state == State::Leased));
        assert_eq!(counts.dead, count(|state| *state == State::Dead));
        assert_eq!(counts.done, count(|state| *state == State::Done));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn a_row_is_never_lost_and_never_held_twice(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let folder = tempfile::tempdir().unwrap();
        runtime.block_on(play(folder.path(), steps));
    }
}
