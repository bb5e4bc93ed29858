//! Log lines on standard error.

use anyhow::Context;
use tracing_subscriber::EnvFilter;

/// Sets up logging with `filter`, such as `warn` or `info,trail=debug`.
pub(crate) fn start(filter: &str) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(filter)
        .with_context(|| format!("--log: `{filter}` is not a filter: give such as info"))?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(anstream::stderr)
        .try_init()
        .map_err(|why| anyhow::anyhow!("logging cannot be set up: {why}"))
}
