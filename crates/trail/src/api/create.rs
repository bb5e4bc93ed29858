//! `CreateTrail`.

use flow::{Answer, Fault, Request, Tree};
use tracing::warn;

use super::{internal, refuse_others};
use crate::{
    name::{TrailName, check_bucket, check_prefix},
    progress::Progress,
    settings::{Scope, Settings},
    trails::Inner,
};

/// Trails that one region may show, as AWS's quota says.
const TRAILS_MAX: usize = 5;

/// What has an effect.
const PARAMETERS: &[&str] =
    &["Name", "S3BucketName", "S3KeyPrefix", "IncludeGlobalServiceEvents", "IsMultiRegionTrail"];

pub(super) async fn create_trail(inner: &Inner, request: &Request) -> Result<Answer, Fault> {
    let settings = settings(inner, request)?;
    refuse_others(request, PARAMETERS)?;
    let making = inner.making.lock().await;
    check_room(inner, &settings).await?;
    check_owner(inner, &settings.bucket).await?;
    inner.add(settings.clone(), Progress::default()).await.map_err(|error| internal(&error))?;
    drop(making);
    let resources = vec![settings.resource(&inner.account)];
    Ok(Answer { output: output(inner, &settings), resources })
}

fn settings(inner: &Inner, request: &Request) -> Result<Settings, Fault> {
    let input = &request.input;
    let name: TrailName = input.text("Name").unwrap_or_default().parse()?;
    let bucket = input.text("S3BucketName").unwrap_or_default();
    check_bucket(bucket)?;
    let prefix = input.text("S3KeyPrefix").unwrap_or_default();
    check_prefix(prefix)?;
    let multi_region = input.bool("IsMultiRegionTrail").unwrap_or(false);
    let global_events = input.bool("IncludeGlobalServiceEvents").unwrap_or(true);
    if multi_region && !global_events {
        return Err(Fault::new(
            "InvalidParameterCombinationException",
            "Multi-Region trail must include global service events.",
        ));
    }
    Ok(Settings {
        id: inner.chance.uuid(),
        name,
        home: request.region.clone(),
        bucket: bucket.to_owned(),
        prefix: prefix.to_owned(),
        global_events,
        multi_region,
        scope: Scope::Management,
        created: request.time,
    })
}

/// Refuses a name that is taken and a trail that is one too many.
async fn check_room(inner: &Inner, settings: &Settings) -> Result<(), Fault> {
    let (account, home) = (&inner.account, &settings.home);
    let mut shown = 0;
    for trail in inner.living().await {
        let other = &trail.settings;
        if other.home == *home && other.name == settings.name {
            return Err(Fault::new(
                "TrailAlreadyExistsException",
                format!("Trail {} already exists for customer: {account}", settings.name),
            ));
        }
        if other.home == *home || other.multi_region {
            shown += 1;
        }
    }
    if shown >= TRAILS_MAX {
        return Err(Fault::new(
            "MaximumNumberOfTrailsExceededException",
            format!("User: {account} already has {shown} trails in {home}."),
        ));
    }
    Ok(())
}

/// Refuses a bucket that is not there or is not the account's own.
async fn check_owner(inner: &Inner, bucket: &str) -> Result<(), Fault> {
    match inner.deliver.bucket_owner(bucket).await {
        Ok(Some(owner)) if owner == inner.account => Ok(()),
        Ok(Some(_)) => Err(Fault::new(
            "InsufficientS3BucketPolicyException",
            format!("Incorrect S3 bucket policy is detected for bucket: {bucket}"),
        )),
        Ok(None) => Err(Fault::new(
            "S3BucketDoesNotExistException",
            format!("S3 bucket {bucket} does not exist!"),
        )),
        Err(error) => {
            warn!(bucket, %error, "The owner of bucket `{bucket}` is not known: {error}");
            Err(Fault::internal())
        }
    }
}

fn output(inner: &Inner, settings: &Settings) -> Tree {
    Tree::map([
        ("Name", Tree::from(settings.name.as_str())),
        ("S3BucketName", settings.bucket.as_str().into()),
        ("S3KeyPrefix", super::read::prefix(settings)),
        ("IncludeGlobalServiceEvents", settings.global_events.into()),
        ("IsMultiRegionTrail", settings.multi_region.into()),
        ("TrailARN", settings.arn(&inner.account).into()),
        ("LogFileValidationEnabled", false.into()),
        ("IsOrganizationTrail", false.into()),
    ])
}
