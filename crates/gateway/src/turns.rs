//! How many requests are worked on at once, and how many of those may be nobody's.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

/// How long a request waits for its turn, in seconds.
const TURN_SECONDS_MAX: u64 = 5;
/// Of so many requests at once, one may be unsigned: however many strangers come, those who have
/// keys are served.
const CALLS_PER_STRANGER: usize = 4;

/// The places of requests.
#[derive(Debug)]
pub(crate) struct Turns {
    calls: Arc<Semaphore>,
    strangers: Arc<Semaphore>,
}

/// A request's place, until it is dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    _stranger: Option<OwnedSemaphorePermit>,
    _call: OwnedSemaphorePermit,
}

impl Turns {
    pub(crate) fn new(calls: usize) -> Self {
        let strangers = (calls / CALLS_PER_STRANGER).max(1);
        Self {
            calls: Arc::new(Semaphore::new(calls)),
            strangers: Arc::new(Semaphore::new(strangers)),
        }
    }

    /// A place once there is one; `None` where that takes too long.
    pub(crate) async fn take(&self, is_stranger: bool) -> Option<Turn> {
        let place = |of: &Arc<Semaphore>| Arc::clone(of).acquire_owned();
        let wait = async {
            // A stranger that waits takes nobody's place.
            let stranger = if is_stranger { Some(place(&self.strangers).await) } else { None };
            Some(Turn {
                _stranger: stranger.transpose().ok()?,
                _call: place(&self.calls).await.ok()?,
            })
        };
        timeout(Duration::from_secs(TURN_SECONDS_MAX), wait).await.ok()?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn strangers_leave_places_to_those_who_have_keys() {
        let turns = Turns::new(8);
        let strangers = [turns.take(true).await.unwrap(), turns.take(true).await.unwrap()];
        assert!(turns.take(true).await.is_none());
        let mut known = Vec::new();
        for _ in 0..6 {
            known.push(turns.take(false).await.unwrap());
        }
        assert!(turns.take(false).await.is_none());
        drop(strangers);
        assert!(turns.take(true).await.is_some());
    }
}
