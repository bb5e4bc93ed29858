//! The room's loop: every trail is followed on its own, so that none waits for another's bucket.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::{
    join, select,
    task::{Id, JoinSet},
    time::sleep,
};
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use crate::{
    Trails,
    cutter::Cutter,
    deliverer::Deliverer,
    progress::Phase,
    trails::{Inner, Trail},
};

/// How long a stop waits for the last deliveries.
const DRAIN_MAX: Duration = Duration::from_secs(10);
/// How often delivered files are forgotten and missing followers started again, in milliseconds.
const HOUSEKEEPING_MILLIS: i64 = 60 * 60 * 1000;
/// How long a follower that broke down is left alone, in milliseconds.
const RESTART_MILLIS: i64 = 1_000;

/// Cuts and delivers until `stop`, then cuts and delivers what waits, within ten seconds; what is
/// left then is delivered after the next start.
pub async fn run(trails: Trails, stop: CancellationToken) {
    let inner = &trails.0;
    let mut listed = inner.listed.subscribe();
    let mut followers = JoinSet::new();
    let mut followed: HashMap<String, Id> = HashMap::new();
    let mut housekeeping = inner.clock.now();
    loop {
        // Asked first: a trail that was made before the stop is followed, and so drained.
        let stopping = stop.is_cancelled();
        listed.mark_unchanged();
        for trail in inner.all() {
            followed.entry(trail.settings.id.clone()).or_insert_with(|| {
                let follower = follow(Arc::clone(inner), trail, stop.clone());
                followers.spawn(follower).id()
            });
        }
        if stopping {
            break;
        }
        if inner.clock.now() >= housekeeping {
            housekeeping = inner.clock.now().plus_millis(HOUSEKEEPING_MILLIS);
            // Beside the followers: an hour's rows take a while, and a new trail waits for nobody.
            followers.spawn(forget_delivered(Arc::clone(inner), stop.clone()));
        }
        select! {
            Ok(()) = listed.changed() => {}
            Some(ended) = followers.join_next_with_id() => {
                let id = match &ended {
                    Ok((id, ())) => *id,
                    Err(broken) => broken.id(),
                };
                followed.retain(|_, follower| *follower != id);
                if let Err(broken) = ended {
                    error!(error = %broken, "A trail broke down and is taken up again: {broken}");
                    select! {
                        () = inner.clock.sleep_millis(RESTART_MILLIS) => {}
                        () = stop.cancelled() => {}
                    }
                }
            }
            () = inner.clock.sleep_until(housekeeping) => {}
            () = stop.cancelled() => {}
        }
    }
    while let Some(ended) = followers.join_next().await {
        if let Err(broken) = ended {
            error!(error = %broken, "A trail broke down: {broken}");
        }
    }
}

/// Forgets the files that were delivered long ago, until `stop`; the next round takes up the rest.
async fn forget_delivered(inner: Arc<Inner>, stop: CancellationToken) {
    let forgotten = select! {
        forgotten = inner.shelf.forget_delivered(inner.clock.now()) => forgotten,
        () = stop.cancelled() => return,
    };
    if let Err(error) = forgotten {
        warn!(%error, "Delivered log files could not be forgotten: {error}");
    }
}

/// Cuts and delivers for one trail.
async fn follow(inner: Arc<Inner>, trail: Arc<Trail>, stop: CancellationToken) {
    let (cut_all, give_up) = (CancellationToken::new(), CancellationToken::new());
    let cutter = async {
        Cutter::new(&inner, &trail).run(&stop, &give_up).await;
        cut_all.cancel();
    };
    let deliverer = Deliverer { inner: &inner, trail: &trail };
    let work = async { join!(cutter, deliverer.run(&cut_all, &stop, &give_up)) };
    let name = &trail.settings.name;
    select! {
        _ = work => {}
        () = async { stop.cancelled().await; sleep(DRAIN_MAX).await } => {
            warn!(trail.name = %name, "Trail `{name}` keeps what it could not deliver for the next start");
            return;
        }
    }
    let progress = trail.progress.lock().await;
    let gone = progress.deleted.is_some() && progress.phase() == Phase::Off;
    let given_up = progress.cuts.len();
    drop(progress);
    if !gone || (stop.is_cancelled() && given_up > 0) {
        return;
    }
    if given_up > 0 {
        error!(trail.name = %name, files = given_up,
            "The deleted trail `{name}` gives up {given_up} log files that its bucket never took");
    }
    if let Err(error) = inner.remove(&trail).await {
        // It is still marked as deleted, and goes on the next start.
        warn!(trail.name = %name, %error, "The deleted trail `{name}` could not be forgotten: {error}");
        select! {
            () = inner.clock.sleep_millis(RESTART_MILLIS) => {}
            () = stop.cancelled() => {}
        }
    }
}
