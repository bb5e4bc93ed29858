//! Where findings go.

use alert::{Alerts, Output};
use flow::{Finding, Timestamp};

use crate::late::Late;

/// Where findings go.
pub(crate) enum Sink {
    /// Into the durable outbox; those whose event is older than `age_max_millis` into a file.
    Keep { alerts: Alerts, late: Late, age_max_millis: Option<i64> },
    /// To standard output, a line each.
    Print(Output),
}

impl Sink {
    /// Takes findings; how many of them were too old to alert. They are durable once this resolves.
    pub(crate) async fn take(&self, findings: Vec<Finding>, now: Timestamp) -> Result<u64, String> {
        match self {
            Self::Keep { alerts, late, age_max_millis } => {
                let old =
                    |finding: &Finding| age_max_millis.is_some_and(|max| age(finding, now) > max);
                let (old, fresh): (Vec<_>, Vec<_>) = findings.into_iter().partition(old);
                let count = u64::try_from(old.len()).unwrap_or(u64::MAX);
                if !fresh.is_empty() {
                    alerts.accept(&fresh).await.map_err(|error| error.to_string())?;
                }
                if !old.is_empty() {
                    let written = late.append(old, now).await;
                    written.map_err(|error| format!("late findings cannot be written: {error}"))?;
                }
                Ok(count)
            }
            Self::Print(output) => {
                print(output, &findings).map_err(|error| format!("standard output: {error}"))?;
                Ok(0)
            }
        }
    }
}

/// How long ago the event was, in milliseconds; one that does not say is new.
fn age(finding: &Finding, now: Timestamp) -> i64 {
    let at = finding.record.get("eventTime").and_then(serde_json::Value::as_str);
    let at = at.and_then(|text| text.parse::<Timestamp>().ok());
    at.map_or(0, |at| now.millis_since(at))
}

fn print(output: &Output, findings: &[Finding]) -> std::io::Result<()> {
    let mut output = output.lock().map_err(|_| std::io::Error::other("a writer panicked"))?;
    for finding in findings {
        serde_json::to_writer(&mut *output, finding)?;
        output.write_all(b"\n")?;
    }
    output.flush()
}
