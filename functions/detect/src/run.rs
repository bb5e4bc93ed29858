//! The function's process: asks Lambda for events until it is stopped.

use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::Value;
use tracing::{info, warn};

use crate::{
    Allowed, Detect, Response, destinations, env::Environment, handle::handle, rules::rules,
};

/// Serves invocations until the process ends.
///
/// # Errors
/// The environment is no function's, the rules cannot be read or none of them can be honoured, a
/// destination is none or refers to a secret that cannot be read, or Lambda cannot be asked.
pub async fn run() -> anyhow::Result<()> {
    let environment = Environment::read()?;
    let rules = rules(&environment).await?;
    let count = rules.rules().len();
    let allowed = environment.allowed()?;
    if allowed == Allowed::none() {
        warn!("TRAILHOUND_BUCKETS names no bucket: only records that come with an event are read");
    }
    let mut detect = Detect::new(rules, environment.open_bucket()?).reading(allowed);
    let mut destinations = Vec::new();
    if let Some(sender) = destinations::open(&environment).await? {
        destinations.extend(sender.destinations().map(str::to_owned));
        detect = detect.sending(sender);
    }
    info!(rules = count, destinations = ?destinations, "Detection is ready with {count} rules");
    let detect = &detect;
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Value>| async move {
        // Lambda's client says of an error that it happened.
        handle(detect, event.payload).await.inspect(report)
    }))
    .await
    .map_err(anyhow::Error::from_boxed)
}

fn report(response: &Response) {
    info!(
        objects = response.objects,
        records = response.records,
        findings = response.findings.len(),
        rejected = response.rejected.len(),
        skipped = response.skipped,
        sent = response.sent,
        unrecognised = response.unrecognised,
        failed_messages = response.batch_item_failures.as_ref().map(Vec::len),
        "Read {} records of {} objects: {} findings",
        response.records,
        response.objects,
        response.findings.len()
    );
}

/// Log lines to standard error, where Lambda gathers them; does nothing where lines go somewhere
/// already.
pub fn log_to_stderr() {
    let lines = tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(false);
    // Whoever was first decides.
    lines.try_init().ok();
}
