//! One invocation to its end, whoever asked for it, on whichever instance takes it.

use std::{panic::AssertUnwindSafe, sync::Arc};

use futures_util::FutureExt;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::{carry::Carried, crew::Errand};
use crate::{
    Error, Functions, Job,
    call::Called,
    instance::{Ended, Hosted, Instance, Ran},
    invocation::Failure,
    log::Stream,
};

/// Instances that may end under one invocation before they take it.
const STARTS_MAX: usize = 8;

/// Finds an instance that takes `job`, and waits for its end; the instance, where it may take
/// another. An error is ours, and no try of the function.
pub(super) async fn fly(
    functions: &Functions,
    hosted: &Arc<Hosted>,
    job: &Job,
    mut idle: Option<Instance>,
    stop: &CancellationToken,
) -> Result<(Option<Instance>, Ended), Error> {
    let host = &functions.0.host;
    for _ in 0..STARTS_MAX {
        let (instance, running) = match idle.take() {
            Some(mut instance) => {
                let running = instance.run(job.clone()).await;
                (instance, running)
            }
            // Boxed: a start is long, and most invocations find an instance.
            None => match Box::pin(Instance::start(host, hosted, job.clone())).await {
                Ok(started) => started,
                Err(Error::Unfit(why)) => return Ok((None, unfit(functions, hosted, job, &why))),
                Err(error) => return Err(error),
            },
        };
        let ended = running.end().await;
        if !matches!(ended.ran, Ran::NotTaken) || stop.is_cancelled() {
            let alive = !instance.is_gone();
            return Ok((alive.then_some(instance), ended));
        }
    }
    let source = std::io::Error::other("its instances end before they take anything");
    Err(Error::Start { step: "invocation", source })
}

/// A function that cannot begin as it is configured has failed; its log says why.
fn unfit(functions: &Functions, hosted: &Hosted, job: &Job, why: &str) -> Ended {
    let failure = Failure::no_entry(&job.request_id, why);
    let now = functions.0.host.clock.now();
    let id = Some(job.request_id.as_str());
    hosted.log.write(now, "none", id, Stream::Platform, &failure.message);
    let log = format!("{}\n", failure.message);
    Ended { ran: Ran::Failed(failure), log }
}

/// Carries a call to its end, whether or not its caller still waits.
pub(super) async fn answer(
    functions: Functions,
    hosted: Arc<Hosted>,
    job: Job,
    instance: Option<Instance>,
    done: oneshot::Sender<Called>,
    stop: CancellationToken,
) -> Carried {
    let flight = fly(&functions, &hosted, &job, instance, &stop);
    // A panic must not keep the place.
    let (instance, called) = match AssertUnwindSafe(flight).catch_unwind().await {
        Ok(Ok((instance, ended))) => (instance, Called::Ended(ended)),
        Ok(Err(error)) => {
            let name = &hosted.function.name;
            tracing::warn!(function.name = %name, %error, "`{name}` was not begun: {error}");
            (None, Called::Broken(error.to_string()))
        }
        Err(_) => (None, Called::Broken("it panicked".to_owned())),
    };
    Carried { errand: Errand::Call, hosted, instance, answer: Some((done, called)) }
}
