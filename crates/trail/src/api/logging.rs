//! The calls that start and end the logging of a trail.

use flow::{Answer, Fault, Request, Tree};

use super::{answer, internal, named_at_home, refuse_others};
use crate::trails::{Inner, Trail};

pub(super) async fn start_logging(inner: &Inner, request: &Request) -> Result<Answer, Fault> {
    refuse_others(request, &["Name"])?;
    let trail = named_at_home(inner, request).await?;
    let end = inner.journal.end().0;
    let now = inner.clock.now();
    inner
        .update(&trail, |progress| progress.start(end, now))
        .await
        .map_err(|error| internal(&error))?;
    inner.refresh().await;
    Ok(answer(inner, &trail, Tree::Null))
}

pub(super) async fn stop_logging(inner: &Inner, request: &Request) -> Result<Answer, Fault> {
    refuse_others(request, &["Name"])?;
    let trail = named_at_home(inner, request).await?;
    end(inner, request, &trail, false).await
}

/// The trail is gone for all who ask; what it took is still delivered.
pub(super) async fn delete_trail(inner: &Inner, request: &Request) -> Result<Answer, Fault> {
    refuse_others(request, &["Name"])?;
    let trail = named_at_home(inner, request).await?;
    end(inner, request, &trail, true).await
}

async fn end(
    inner: &Inner,
    request: &Request,
    trail: &Trail,
    deleted: bool,
) -> Result<Answer, Fault> {
    let end = inner.journal.end().0;
    let now = inner.clock.now();
    let noted = inner
        .update(trail, |progress| {
            let noted = progress.stop(end, &request.request_id, now);
            if noted && deleted {
                progress.deleted.get_or_insert(now);
            }
            noted
        })
        .await
        .map_err(|error| internal(&error))?;
    if !noted {
        return Err(Fault::new(
            "ThrottlingException",
            "The trail was stopped and started too often: wait until it has caught up.",
        ));
    }
    inner.refresh().await;
    Ok(answer(inner, trail, Tree::Null))
}
