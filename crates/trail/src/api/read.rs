//! The calls that tell of trails.

use std::sync::Arc;

use flow::{Answer, Fault, Request, Resource, Timestamp, Tree};

use super::{answer, find, named, refuse_others};
use crate::{
    name::Naming,
    settings::{Scope, Settings},
    trails::{Inner, Trail},
};

pub(super) async fn describe_trails(inner: &Inner, request: &Request) -> Result<Answer, Fault> {
    refuse_others(request, &["trailNameList", "includeShadowTrails"])?;
    let names = request.input.list("trailNameList");
    let mut trails: Vec<Arc<Trail>> = Vec::new();
    if names.is_empty() {
        let shadows = request.input.bool("includeShadowTrails").unwrap_or(true);
        trails = inner.living().await;
        trails.retain(|trail| {
            let home = trail.settings.home == request.region;
            home || (shadows && trail.settings.multi_region)
        });
    }
    for name in names {
        let naming: Naming = name.as_text().unwrap_or_default().parse()?;
        // Who is not there is not listed.
        if let Some(trail) = find(inner, request, &naming).await
            && !trails.iter().any(|listed| Arc::ptr_eq(listed, &trail))
        {
            trails.push(trail);
        }
    }
    let list = trails.iter().map(|trail| describe(inner, &trail.settings)).collect::<Vec<_>>();
    let output = Tree::map([("trailList", Tree::List(list))]);
    Ok(Answer { output, resources: resources(inner, &trails) })
}

pub(super) async fn get_trail(inner: &Inner, request: &Request) -> Result<Answer, Fault> {
    refuse_others(request, &["Name"])?;
    let trail = named(inner, request).await?;
    let output = Tree::map([("Trail", describe(inner, &trail.settings))]);
    Ok(answer(inner, &trail, output))
}

pub(super) async fn list_trails(inner: &Inner, request: &Request) -> Result<Answer, Fault> {
    // All trails are one page, so no token was ever given out.
    refuse_others(request, &[])?;
    let trails = inner.living().await;
    let list = trails.iter().map(|trail| {
        Tree::map([
            ("TrailARN", Tree::from(trail.settings.arn(&inner.account))),
            ("Name", trail.settings.name.as_str().into()),
            ("HomeRegion", trail.settings.home.as_str().into()),
        ])
    });
    Ok(Tree::map([("Trails", Tree::List(list.collect()))]).into())
}

pub(super) async fn get_trail_status(inner: &Inner, request: &Request) -> Result<Answer, Fault> {
    refuse_others(request, &["Name"])?;
    let trail = named(inner, request).await?;
    let progress = trail.progress.lock().await.clone();
    let deliveries = &progress.deliveries;
    let spelled =
        |at: Option<Timestamp>| Tree::from(at.map(Timestamp::to_seconds_text).unwrap_or_default());
    let output = Tree::map([
        ("IsLogging", Tree::from(progress.logging)),
        ("LatestDeliveryError", deliveries.error.clone().into()),
        ("LatestDeliveryTime", deliveries.succeeded.into()),
        ("StartLoggingTime", progress.started.into()),
        ("StopLoggingTime", progress.stopped.into()),
        ("LatestDeliveryAttemptTime", spelled(deliveries.attempted)),
        ("LatestNotificationAttemptTime", spelled(None)),
        ("LatestNotificationAttemptSucceeded", spelled(None)),
        ("LatestDeliveryAttemptSucceeded", spelled(deliveries.succeeded)),
        ("TimeLoggingStarted", spelled(progress.started)),
        ("TimeLoggingStopped", spelled(progress.stopped)),
    ]);
    Ok(answer(inner, &trail, output))
}

/// The key prefix, where there is one.
pub(super) fn prefix(settings: &Settings) -> Tree {
    Some(settings.prefix.as_str()).filter(|prefix| !prefix.is_empty()).into()
}

fn describe(inner: &Inner, settings: &Settings) -> Tree {
    Tree::map([
        ("Name", Tree::from(settings.name.as_str())),
        ("S3BucketName", settings.bucket.as_str().into()),
        ("S3KeyPrefix", prefix(settings)),
        ("IncludeGlobalServiceEvents", settings.global_events.into()),
        ("IsMultiRegionTrail", settings.multi_region.into()),
        ("HomeRegion", settings.home.as_str().into()),
        ("TrailARN", settings.arn(&inner.account).into()),
        ("LogFileValidationEnabled", false.into()),
        ("HasCustomEventSelectors", (settings.scope != Scope::Management).into()),
        ("HasInsightSelectors", false.into()),
        ("IsOrganizationTrail", false.into()),
    ])
}

fn resources(inner: &Inner, trails: &[Arc<Trail>]) -> Vec<Resource> {
    trails.iter().map(|trail| trail.settings.resource(&inner.account)).collect()
}
