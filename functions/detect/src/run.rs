//! The function's process: asks Lambda for events until it is stopped.

use lambda_runtime::{LambdaEvent, service_fn};
use rule::RuleSet;
use serde_json::Value;
use tracing::{info, warn};

use crate::{Detect, Response, env::Environment, folder, handle::handle};

/// Serves invocations until the process ends.
///
/// # Errors
/// The environment is no function's, the rules cannot be read or none of them can be honoured, or
/// Lambda cannot be asked.
pub async fn run() -> anyhow::Result<()> {
    let environment = Environment::read()?;
    let rules = rules(&environment)?;
    info!(rules = rules.rules().len(), "Detection is ready with {} rules", rules.rules().len());
    let detect = Detect::new(rules, environment.open_bucket()?);
    let detect = &detect;
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Value>| async move {
        // Lambda's client says of an error that it happened.
        handle(detect, event.payload).await.inspect(report)
    }))
    .await
    .map_err(anyhow::Error::from_boxed)
}

fn rules(environment: &Environment) -> anyhow::Result<RuleSet> {
    let Some(dir) = &environment.rules else { return Ok(RuleSet::shipped()) };
    let loaded = folder::load_rules(dir)?;
    for problem in &loaded.problems {
        warn!(rule.file = problem.file, rule.line = problem.line, "Refused a rule: {problem}");
    }
    anyhow::ensure!(loaded.rules.rules().len() > 0, "no rule in {} can be honoured", dir.display());
    Ok(loaded.rules)
}

fn report(response: &Response) {
    info!(
        objects = response.objects,
        records = response.records,
        findings = response.findings.len(),
        rejected = response.rejected.len(),
        skipped = response.skipped,
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
