//! Log lines on standard error.

use anyhow::Context;
use tracing_subscriber::EnvFilter;

/// Sets up logging with `filter`, such as `warn` or `info,trail=debug`.
pub(crate) fn start(filter: &str) -> anyhow::Result<()> {
    EnvFilter::try_new(filter)
        .with_context(|| format!("--log: `{filter}` is not a filter: give such as info"))?;
    // S3 refusals are answers to a client, and are logged where they matter.
    let filter = EnvFilter::new(format!("{filter},s3s=off"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(anstream::stderr)
        .try_init()
        .map_err(|why| anyhow::anyhow!("logging cannot be set up: {why}"))
}
