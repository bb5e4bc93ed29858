//! Findings become alerts at the destinations that the environment names, at once and without an
//! outbox: where one cannot be sent, the invocation fails, and whoever invoked tries again.

use std::{
    io,
    sync::{Arc, Mutex},
};

use alert::{Destination, Means, Sender};
use anyhow::{Context, bail, ensure};
use flow::{Finding, Secret};
use futures_util::{StreamExt, stream};
use outgoing::Policy;
use tracing::{info, warn};

use crate::{
    clock::MachineClock,
    env::Environment,
    error::Error,
    secret::{Reference, resolved},
    services::Services,
};

/// How many alerts are on their way at the same time.
const SENDS_AT_ONCE: usize = 8;
/// The most destinations.
const DESTINATIONS_MAX: usize = 32;

/// Sends each finding to each destination; how many alerts that were. One that fails keeps none of
/// the others back.
///
/// # Errors
/// [`Error::Send`] where not all were sent.
pub(crate) async fn send(sender: &Sender, findings: &[Finding]) -> Result<u64, Error> {
    let mut met = std::collections::HashSet::new();
    let findings: Vec<&Finding> =
        findings.iter().filter(|finding| met.insert(finding.id.as_str())).collect();
    let names: Vec<&str> = sender.destinations().collect();
    let alerts: Vec<(&Finding, &str)> = findings
        .iter()
        .flat_map(|finding| names.iter().map(move |name| (*finding, *name)))
        .collect();
    let mut sent = stream::iter(alerts)
        .map(|(finding, name)| async move { (finding, name, sender.send(name, finding).await) })
        .buffer_unordered(SENDS_AT_ONCE);
    let (mut count, mut failed) = (0, 0);
    let mut first = None;
    while let Some((finding, name, result)) = sent.next().await {
        match result {
            Ok(()) => {
                count += 1;
                info!(
                    alert.id = ?finding.id, alert.destination = name, rule.id = ?finding.rule.id,
                    alert.level = %finding.rule.level, "Sent an alert to {name}"
                );
            }
            Err(why) => {
                failed += 1;
                warn!(
                    alert.id = ?finding.id, alert.destination = name, why = %why,
                    "An alert could not be sent to {name}"
                );
                first.get_or_insert((finding.id.clone(), name.to_owned(), why));
            }
        }
    }
    match first {
        None => Ok(count),
        Some((id, destination, source)) => Err(Error::Send { id, destination, failed, source }),
    }
}

/// The destinations of the environment; `None` where it names none.
///
/// # Errors
/// One of them is none, cannot be used on Lambda, or refers to a secret that cannot be read.
pub(crate) async fn open(environment: &Environment) -> anyhow::Result<Option<Sender>> {
    let Some(list) = &environment.destinations else { return Ok(None) };
    let services = Arc::new(Services::of(environment.clone()));
    let mut destinations = Vec::new();
    for word in list.split_whitespace() {
        destinations.extend(
            parsed(word, &services).await.with_context(|| "TRAILHOUND_DESTINATIONS".to_owned())?,
        );
        ensure!(
            destinations.len() <= DESTINATIONS_MAX,
            "TRAILHOUND_DESTINATIONS: there are more than {DESTINATIONS_MAX}"
        );
    }
    ensure!(!destinations.is_empty(), "TRAILHOUND_DESTINATIONS names no destination");
    if let Some(file) = destinations.iter().find(|d| matches!(d, Destination::File(_))) {
        bail!("{file}: a function's files end with its instance; give sns, webhook or slack");
    }
    let webhooks = destinations.iter().any(|d| matches!(d, Destination::Webhook(_)));
    let signing_key = match &environment.webhook_key {
        _ if !webhooks => String::new(),
        Some(key) => resolved(key.expose(), &services).await.context("TRAILHOUND_WEBHOOK_KEY")?,
        None => {
            bail!("a webhook's alerts are signed: set TRAILHOUND_WEBHOOK_KEY, such as to ssm:NAME")
        }
    };
    let policy = Policy { allow_private: environment.allow_private };
    let means = Means {
        signing_key: Secret::new(signing_key),
        home: None,
        output: Arc::new(Mutex::new(io::stdout())),
        client: outgoing::Client::with(policy)?,
        publish: services,
        clock: Arc::new(MachineClock),
    };
    Ok(Some(Sender::new(destinations, means)?))
}

/// The destinations that one word names: itself, with a reference for its URL, or a reference to a
/// list of them.
async fn parsed(word: &str, services: &Services) -> anyhow::Result<Vec<Destination>> {
    let (kind, rest) = word.split_once(':').unwrap_or((word, ""));
    if matches!(kind, "webhook" | "slack")
        && let Some(reference) = Reference::parse(rest)?
    {
        let url = reference.value(services).await?;
        // The message of a wrong URL holds nothing of it.
        return Ok(vec![format!("{kind}:{}", url.trim()).parse()?]);
    }
    let Some(reference) = Reference::parse(word)? else { return Ok(vec![word.parse()?]) };
    let list = reference.value(services).await?;
    let read: Option<Vec<_>> = list.split_whitespace().map(|word| word.parse().ok()).collect();
    // What is wrong is not shown: it may be the secret.
    read.with_context(|| format!("what {word} holds is no list of destinations"))
}

#[cfg(test)]
mod tests;
