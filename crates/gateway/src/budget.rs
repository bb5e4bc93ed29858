//! Memory for bodies, shared by all requests.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

/// How long a body waits for room, in seconds.
const ROOM_SECONDS_MAX: u64 = 5;
/// The unit in which room is given, in bytes.
const UNIT_BYTES: usize = 1024;

/// A number of bytes that all held bodies share.
#[derive(Clone, Debug)]
pub(crate) struct Budget(Arc<Semaphore>);

/// A part of the budget, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Share {
    budget: Budget,
    permits: Option<OwnedSemaphorePermit>,
    bytes: usize,
}

/// The budget is used up, and stayed so.
#[derive(Debug)]
pub(crate) struct Exhausted;

impl Budget {
    pub(crate) fn new(bytes: usize) -> Self {
        Self(Arc::new(Semaphore::new((bytes / UNIT_BYTES).min(Semaphore::MAX_PERMITS))))
    }

    /// A share of nothing, which may grow.
    pub(crate) fn share(&self) -> Share {
        Share { budget: self.clone(), permits: None, bytes: 0 }
    }
}

impl Share {
    /// Makes room for so many more bytes. Many growing shares may block each other; the wait ends
    /// with an error, so that one of them gives way.
    pub(crate) async fn grow(&mut self, bytes: usize) -> Result<(), Exhausted> {
        let held = self.permits.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        self.bytes = self.bytes.saturating_add(bytes);
        let more = self.bytes.div_ceil(UNIT_BYTES).saturating_sub(held);
        if more == 0 {
            return Ok(());
        }
        let more = u32::try_from(more).map_err(|_| Exhausted)?;
        let wait = Arc::clone(&self.budget.0).acquire_many_owned(more);
        let permits = timeout(Duration::from_secs(ROOM_SECONDS_MAX), wait)
            .await
            .map_err(|_| Exhausted)?
            .expect("the semaphore is never closed");
        match &mut self.permits {
            Some(held) => held.merge(permits),
            none => *none = Some(permits),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_share_is_given_back_and_a_wait_for_room_ends() {
        let budget = Budget::new(4 * UNIT_BYTES);
        let mut one = budget.share();
        one.grow(3 * UNIT_BYTES + 1).await.unwrap();
        one.grow(UNIT_BYTES - 1).await.unwrap();
        let mut other = budget.share();
        assert!(other.grow(1).await.is_err());
        drop(one);
        assert!(budget.share().grow(4 * UNIT_BYTES).await.is_ok());
    }
}
