//! trail → bucket: the default trail stands ready, its bucket notifies the shipped function.

use anyhow::Context;
use bucket::Buckets;
use flow::{Configuration, EventKind, Filter, TargetKind};
use trail::Trails;

use crate::config::Config;

/// Makes the default trail with its bucket, unless they are there or the configuration wants none.
/// What a user changes of them later stays changed.
pub(crate) async fn stand_ready(
    config: &Config,
    function_arn: &str,
    buckets: &Buckets,
    trails: &Trails,
) -> anyhow::Result<()> {
    let (bucket, name) = (config.default_bucket(), &config.trail.default_name);
    if !config.trail.default || trails.status().await.iter().any(|trail| trail.name == *name) {
        return Ok(());
    }
    let prefix = format!("AWSLogs/{}/CloudTrail/", config.account_id);
    let configuration = Configuration {
        id: "trailhound-detect".to_owned(),
        kind: TargetKind::Function,
        arn: function_arn.to_owned(),
        events: vec![EventKind("s3:ObjectCreated:*".to_owned())],
        filter: Filter { prefix: Some(prefix), suffix: None },
    };
    // The trail comes last: a crash before it begins anew, a crash after it finds all in place.
    buckets.ensure_bucket(&bucket).await.context("`trail.default_bucket`")?;
    buckets.ensure_notification(&bucket, configuration).await?;
    trails.ensure_default(name, &bucket).await.context("`trail.default_name`")
}
