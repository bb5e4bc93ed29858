//! What a crew promises: each row is worked on until it is settled, and lanes are apart.

use std::sync::{Arc, Mutex};

use flow::{Clock, ManualClock, Pending, Timestamp};
use tokio::{
    sync::{Semaphore, mpsc},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

use super::{BackOff, Crew, LANE_HELD_MAX, Verdict, Work};
use crate::{Database, Lease, Queue};

/// Says which row it works on; rows of the lane `slow` wait for the gate, `fails` fails twice,
/// `panics` panics.
struct Clerk {
    began: mpsc::Sender<String>,
    gate: Semaphore,
    clock: Arc<ManualClock>,
    seen: Mutex<Vec<String>>,
}

impl Work for Clerk {
    fn lane(&self, lease: &Lease) -> String {
        lease.id.split('/').next().unwrap().to_owned()
    }

    fn work<'a>(&'a self, lease: &'a Lease) -> Pending<'a, Verdict> {
        Box::pin(async move {
            self.seen.lock().unwrap().push(lease.id.clone());
            self.began.send(lease.id.clone()).await.unwrap();
            match self.lane(lease).as_str() {
                "slow" => {
                    self.gate.acquire().await.unwrap().forget();
                    Verdict::Done
                }
                "fails" if lease.attempts < 3 => {
                    let due = self.clock.now().plus_millis(100);
                    Verdict::Later { due, reason: "not yet".to_owned() }
                }
                "panics" => panic!("as asked"),
                "hopeless" => Verdict::Dead { reason: "never".into(), detail: "why".into() },
                _ => Verdict::Done,
            }
        })
    }
}

struct Office {
    queue: Queue,
    clerk: Arc<Clerk>,
    began: mpsc::Receiver<String>,
    clock: Arc<ManualClock>,
    stop: CancellationToken,
    crew: JoinHandle<()>,
    _folder: tempfile::TempDir,
}

async fn office(rows: &[&str]) -> Office {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::open(&folder.path().join("work.db"), "1").unwrap();
    let queue = database.queue("mail").await.unwrap();
    let clock = Arc::new(ManualClock::new(Timestamp::from_secs(1_000)));
    let rows = rows.iter().map(|id| ((*id).to_owned(), vec![])).collect();
    queue.put_all(rows, clock.now()).await.unwrap();
    let (sender, began) = mpsc::channel(1_000);
    let clerk = Arc::new(Clerk {
        began: sender,
        gate: Semaphore::new(0),
        clock: Arc::clone(&clock),
        seen: Mutex::default(),
    });
    let stop = CancellationToken::new();
    let crew = Crew {
        queue: queue.clone(),
        work: Arc::<Clerk>::clone(&clerk),
        clock: Arc::<ManualClock>::clone(&clock),
        at_once: 1,
        remember_millis: 1_000,
    };
    let crew = tokio_util::task::TaskTracker::new().spawn(crew.run(stop.clone()));
    Office { queue, clerk, began, clock, stop, crew, _folder: folder }
}

impl Office {
    /// Waits until the queue holds so many done and dead rows.
    async fn settled(&self, wanted: u64) {
        while {
            let counts = self.queue.counts().await.unwrap();
            counts.done + counts.dead < wanted
        } {
            tokio::task::yield_now().await;
        }
    }

    /// Waits until so many rows wait.
    async fn waiting(&self, wanted: u64) {
        while self.queue.counts().await.unwrap().waiting != wanted {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn a_slow_lane_delays_no_other() {
    let slow: Vec<String> = (0..LANE_HELD_MAX + 20).map(|n| format!("slow/{n}")).collect();
    let mut rows: Vec<&str> = slow.iter().map(String::as_str).collect();
    rows.push("quick/1");
    let office = office(&rows).await;
    office.settled(1).await;
    office.waiting(20).await;
    assert_eq!(*office.clerk.seen.lock().unwrap(), ["slow/0", "quick/1"]);
}

#[tokio::test]
async fn a_failed_row_is_tried_again_when_it_is_due() {
    let mut office = office(&["fails/1"]).await;
    for _ in 0..2 {
        office.began.recv().await.unwrap();
        office.waiting(1).await;
        office.clock.advance(99);
        assert!(office.began.try_recv().is_err());
        office.clock.advance(1);
    }
    office.settled(1).await;
    assert_eq!(office.clerk.seen.lock().unwrap().len(), 3);
}

#[tokio::test]
async fn a_hopeless_row_is_buried_with_its_reason() {
    let office = office(&["hopeless/1"]).await;
    office.settled(1).await;
    let dead = office.queue.dead(9).await.unwrap().remove(0);
    assert_eq!((dead.reason.as_str(), dead.detail.as_str()), ("never", Some("why")));
}

#[tokio::test]
async fn a_panic_buries_its_row_and_keeps_nothing_else_from_work() {
    let office = office(&["panics/1", "panics/2"]).await;
    office.settled(2).await;
    let counts = office.queue.counts().await.unwrap();
    assert_eq!((counts.dead, counts.leased), (2, 0));
}

#[tokio::test]
async fn a_row_that_is_put_later_wakes_the_crew() {
    let mut office = office(&[]).await;
    office.queue.put("quick/1", vec![], office.clock.now()).await.unwrap();
    assert_eq!(office.began.recv().await.unwrap(), "quick/1");
}

#[tokio::test]
async fn a_stop_finishes_what_is_begun_and_gives_back_the_rest() {
    let mut office = office(&["slow/1", "slow/2"]).await;
    assert_eq!(office.began.recv().await.unwrap(), "slow/1");
    office.stop.cancel();
    office.waiting(1).await;
    assert!(!office.crew.is_finished());
    office.clerk.gate.add_permits(1);
    office.crew.await.unwrap();
    let counts = office.queue.counts().await.unwrap();
    assert_eq!((counts.waiting, counts.leased, counts.done), (1, 0, 1));
}

#[tokio::test]
async fn old_ids_are_forgotten() {
    let office = office(&["quick/1"]).await;
    office.settled(1).await;
    office.clock.advance(super::FORGET_EVERY_MILLIS);
    while office.queue.counts().await.unwrap().done > 0 {
        tokio::task::yield_now().await;
    }
}

#[test]
fn waits_double_up_to_their_limit() {
    let back_off = BackOff { base_millis: 100, max_millis: 1_000 };
    let waits: Vec<i64> = [1, 2, 3, 4, 5, 6, u32::MAX].map(|n| back_off.wait_millis(n)).into();
    assert_eq!(waits, [100, 200, 400, 800, 1_000, 1_000, 1_000]);
}
