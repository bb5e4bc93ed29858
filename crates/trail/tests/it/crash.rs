//! Ends between any two steps: nothing is lost, nothing is doubled.

use std::{collections::BTreeMap, sync::Arc};

use flow::{Chance as _, SeededChance};

use crate::{
    bucket::{Buckets, Trouble, ids, text},
    world::{World, buckets},
};

const START: &str = "2026-11-22T10:02:03.500Z";
const LATER: &str = "2026-11-23T00:00:00Z";

/// One life of the process: nothing of it goes on when this returns, no read of a file either.
fn life<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

/// Ends while the first attempt meets `trouble`; the next start must finish the same file.
fn ends_during(trouble: Trouble) {
    let dir = tempfile::tempdir().unwrap();
    let buckets = buckets();
    let (key, bytes) = life(async {
        let world = World::open(dir.path(), &buckets, START).await;
        world.start_trail("one", "logs").await;
        world.record("a", "us-east-2").await;
        buckets.trouble("logs", &[trouble]);
        world.let_wait_max_pass("one").await;
        let first = |state: &crate::bucket::State| state.attempts.first().cloned();
        let (_, key, bytes) = buckets.until("an attempt", first).await;
        world.crash().await;
        (key, bytes)
    });
    life(async {
        let world = World::open(dir.path(), &buckets, LATER).await;
        world.until("one", "the delivery", |trail| trail.is_idle()).await;
        world.stop().await;
    });
    let state = buckets.state.lock().unwrap();
    assert_eq!(state.objects.len(), 1);
    assert_eq!(state.objects[&("logs".to_owned(), key)], bytes);
}

#[test]
fn a_file_that_was_cut_and_not_stored_is_stored_as_it_was_cut() {
    ends_during(Trouble::Hangs);
}

#[test]
fn a_file_that_was_stored_and_not_noted_is_not_stored_twice() {
    ends_during(Trouble::StoresThenHangs);
}

#[test]
fn records_that_waited_for_their_cut_are_cut_after_the_restart() {
    let dir = tempfile::tempdir().unwrap();
    let buckets = buckets();
    life(async {
        let world = World::open(dir.path(), &buckets, START).await;
        world.start_trail("one", "logs").await;
        world.record("a", "us-east-2").await;
        world.until("one", "a waits", |trail| trail.waiting_records == 1).await;
        world.crash().await;
    });
    life(async {
        let world = World::open(dir.path(), &buckets, LATER).await;
        world.let_wait_max_pass("one").await;
        assert_eq!(ids(&buckets.objects("logs", 1).await[0].1), ["a"]);
        world.stop().await;
    });
}

#[test]
fn what_a_stop_could_not_deliver_is_delivered_after_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    let buckets = buckets();
    life(async {
        let world = World::open(dir.path(), &buckets, START).await;
        world.start_trail("one", "logs").await;
        world.record("a", "us-east-2").await;
        buckets.exists("logs", false);
        world.stop().await;
    });
    assert!(buckets.state.lock().unwrap().objects.is_empty());
    buckets.exists("logs", true);
    life(async {
        let world = World::open(dir.path(), &buckets, LATER).await;
        assert_eq!(ids(&buckets.objects("logs", 1).await[0].1), ["a"]);
        world.until("one", "the delivery", |trail| trail.is_idle()).await;
        world.stop().await;
    });
}

/// What chance decides.
struct Dice(SeededChance);

impl Dice {
    fn below(&self, bound: usize) -> usize {
        let mut byte = [0];
        self.0.fill(&mut byte);
        usize::from(byte[0]) % bound
    }
}

/// Records, moves the clock and lets the room work, as chance will, then ends; when it ended.
async fn random_life(world: World, dice: &Dice, recorded: &mut Vec<String>) -> String {
    const REGIONS: [&str; 3] = ["us-east-2", "eu-west-1", "ap-south-1"];
    const TROUBLES: [Trouble; 4] =
        [Trouble::Fails, Trouble::StoresThenFails, Trouble::Hangs, Trouble::StoresThenHangs];
    let troubles: Vec<_> = (0..dice.below(3)).map(|_| TROUBLES[dice.below(4)]).collect();
    world.buckets.trouble("logs", &troubles);
    for _ in 0..dice.below(12) {
        let id = recorded.len().to_string();
        world.record(&id, REGIONS[dice.below(3)]).await;
        recorded.push(id);
        if dice.below(3) == 0 {
            world.clock.advance(700);
        }
        for _ in 0..dice.below(40) {
            tokio::task::yield_now().await;
        }
    }
    // A bucket that hangs would hold up a stop for its whole ten seconds.
    let hangs = troubles.iter().any(|t| matches!(t, Trouble::Hangs | Trouble::StoresThenHangs));
    let stops = !hangs && dice.below(2) == 0;
    if stops { world.stop().await } else { world.crash().await }.to_millis_text()
}

/// Ends at places that chance chooses, with a bucket that fails as chance will.
fn random_ends(seed: u64) {
    let dice = Dice(SeededChance::new(seed));
    let dir = tempfile::tempdir().unwrap();
    let buckets: Arc<Buckets> = buckets();
    let mut at = START.to_owned();
    let mut recorded: Vec<String> = Vec::new();
    for round in 0..8 {
        at = life(async {
            let world = World::open(dir.path(), &buckets, &at).await;
            if round == 0 {
                world.start_trail("one", "logs").await;
            }
            random_life(world, &dice, &mut recorded).await
        });
    }
    buckets.trouble("logs", &[]);
    life(async {
        let world = World::open(dir.path(), &buckets, LATER).await;
        world.let_wait_max_pass("one").await;
        world.until("one", "the last delivery", |trail| trail.is_idle()).await;
        world.stop().await;
    });

    let state = buckets.state.lock().unwrap();
    let mut seen: Vec<String> =
        state.objects.values().flat_map(|bytes| ids(&text(bytes))).collect();
    seen.sort_by_key(|id| id.parse::<usize>().unwrap());
    assert_eq!(seen, recorded, "seed {seed}");
    let mut by_key = BTreeMap::new();
    for (_, key, bytes) in &state.attempts {
        assert_eq!(by_key.entry(key).or_insert(bytes), &bytes, "one key, one file: seed {seed}");
    }
    assert_eq!(by_key.len(), state.objects.len(), "each cut is one object: seed {seed}");
}

#[test]
fn wherever_it_ends_each_record_is_in_one_object_and_each_cut_is_one() {
    (0..12).for_each(random_ends);
}
