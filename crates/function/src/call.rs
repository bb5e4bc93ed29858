//! An invocation whose caller waits for the answer.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};

use crate::{
    Job,
    instance::{Ended, Hosted, Ran},
};

/// Calls that wait to be looked at.
pub(crate) const CALLS_MAX: usize = 256;

/// A call on its way to an instance.
pub(crate) struct Call {
    pub(crate) hosted: Arc<Hosted>,
    pub(crate) job: Job,
    pub(crate) done: oneshot::Sender<Called>,
}

/// What became of it.
#[derive(Debug)]
pub(crate) enum Called {
    Ended(Ended),
    /// All of the function's instances are busy; whether those are what was reserved for it.
    Throttled {
        reserved: bool,
    },
    /// We could not begin it, or are about to stop.
    Broken(String),
}

/// What a caller receives.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) payload: Bytes,
    /// Whether it describes a failure.
    pub(crate) failed: bool,
    pub(crate) log: String,
}

/// Sends a call and waits for its end.
pub(crate) async fn call(
    calls: &mpsc::Sender<Call>,
    hosted: Arc<Hosted>,
    job: Job,
) -> Result<Reply, Called> {
    let stopping = || Called::Broken("the server is about to stop".to_owned());
    let (done, called) = oneshot::channel();
    calls.send(Call { hosted, job, done }).await.map_err(|_| stopping())?;
    match called.await.map_err(|_| stopping())? {
        Called::Ended(Ended { ran: Ran::Answered(payload), log }) => {
            Ok(Reply { payload, failed: false, log })
        }
        Called::Ended(Ended { ran: Ran::Failed(failure), log }) => {
            Ok(Reply { payload: failure.payload(), failed: true, log })
        }
        Called::Ended(Ended { ran: Ran::NotTaken, .. }) => Err(stopping()),
        refused => Err(refused),
    }
}
