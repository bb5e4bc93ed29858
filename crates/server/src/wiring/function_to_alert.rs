//! function → alert: the findings that a function answers are in the outbox before its event
//! counts as done.

use alert::Alerts;
use bytes::Bytes;
use flow::Pending;
use function::{Function, Settle, Settled};
use tracing::info;

use crate::passage::{Passage, Passages};

/// Takes findings on to the outbox.
pub(crate) struct Findings {
    pub(crate) alerts: Alerts,
    pub(crate) passages: Passages,
}

impl Settle for Findings {
    fn settle<'a>(
        &'a self,
        function: &'a Function,
        request_id: &'a str,
        _event: &'a Bytes,
        response: &'a Bytes,
    ) -> Pending<'a, Result<Settled, String>> {
        Box::pin(async move {
            if !function.findings {
                return Ok(Settled::Done);
            }
            let answer: detect::Response = match serde_json::from_slice(response) {
                Ok(answer) => answer,
                Err(why) => {
                    let reason = format!("the function's answer holds no findings: {why}");
                    return Ok(Settled::Dead { reason, detail: serde_json::json!({}) });
                }
            };
            for finding in &answer.findings {
                // The function wrote these texts, whoever put the object its key: neither may forge
                // a line.
                info!(
                    request.id = request_id, rule.id = ?finding.rule.id, alert.id = ?finding.id,
                    "Rule {:?} holds for an event of {:?}", finding.rule.title, finding.object
                );
            }
            self.alerts.accept(&answer.findings).await.map_err(|why| why.to_string())?;
            self.passages.tell(|| Passage::Answered {
                function: function.name.clone(),
                request_id: request_id.to_owned(),
                findings: answer.findings.clone(),
            });
            Ok(match answer.rejected.first() {
                None => Settled::Done,
                Some(rejected) => Settled::Dead {
                    reason: format!(
                        "s3://{}/{}: {}",
                        rejected.bucket, rejected.key, rejected.reason
                    ),
                    detail: serde_json::to_value(rejected).unwrap_or_default(),
                },
            })
        })
    }
}
