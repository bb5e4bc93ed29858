//! The same for Prometheus.

use std::{future::IntoFuture, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use flow::{Clock, Timestamp};
use tokio::{net::TcpListener, time::sleep};
use tokio_util::sync::CancellationToken;

use crate::{
    counts::{Counts, told},
    status::{Hop, Status},
};

/// How long requests may go on after a stop.
const DRAIN_MAX: Duration = Duration::from_secs(1);

/// Serves `/metrics` until `stop`.
pub(crate) async fn serve(
    status: Status,
    clock: Arc<dyn Clock>,
    listener: TcpListener,
    stop: CancellationToken,
) {
    let router = Router::new().route("/metrics", get(metrics)).with_state((status, clock));
    let stopped = stop.clone();
    let served = axum::serve(listener, router)
        .with_graceful_shutdown(async move { stopped.cancelled().await })
        .into_future();
    tokio::select! {
        ended = served => if let Err(error) = ended {
            tracing::warn!(%error, "The metrics are not served any more: {error}");
        },
        () = async { stop.cancelled().await; sleep(DRAIN_MAX).await } => {}
    }
}

async fn metrics(State((status, clock)): State<(Status, Arc<dyn Clock>)>) -> Response {
    match status.metrics(clock.now()).await {
        Ok(text) => ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "The metrics cannot be read: {error}");
            (StatusCode::INTERNAL_SERVER_ERROR, "the log says why\n").into_response()
        }
    }
}

impl Status {
    /// Everything in Prometheus's text exposition format 0.0.4.
    ///
    /// # Errors
    /// The data directory cannot be read.
    pub async fn metrics(&self, now: Timestamp) -> Result<String, store::Error> {
        let hops = self.hops().await?;
        Ok(render(&self.counts, self.rules(), &hops, now))
    }
}

fn render(counts: &Counts, rules: usize, hops: &[Hop], now: Timestamp) -> String {
    let mut text = Text::default();
    counters(&mut text, counts);
    lag(&mut text, counts);
    text.family("trailhound_rules", "gauge", "Rules that run.", &[("", as_f64(rules as u64))]);
    let stale = f64::from(u8::from(told(&counts.rules_error).is_some()));
    let help = "1 while changed rules are refused and those from before still run.";
    text.family("trailhound_rules_stale", "gauge", help, &[("", stale)]);
    let down = f64::from(u8::from(told(&counts.queue_error).is_some()));
    text.family(
        "trailhound_watch_queue_down",
        "gauge",
        "1 while the queue does not answer.",
        &[("", down)],
    );
    let of_hops = |value: &dyn Fn(&Hop) -> f64| -> Vec<(String, f64)> {
        let local = hops.iter().filter(|hop| !matches!(hop.name, "queue" | "rules"));
        local.map(|hop| (format!("hop=\"{}\"", hop.name), value(hop))).collect()
    };
    let age = |hop: &Hop| {
        let millis = hop.oldest.map_or(0, |oldest| now.millis_since(oldest).max(0));
        as_f64(millis.unsigned_abs()) / 1_000.0
    };
    text.family(
        "trailhound_hop_waiting",
        "gauge",
        "What waits at a hop of the road.",
        &of_hops(&|hop| as_f64(hop.waiting)),
    );
    let help = "How long the oldest of these has waited.";
    text.family("trailhound_hop_oldest_seconds", "gauge", help, &of_hops(&age));
    text.family("trailhound_hop_dead", "gauge", "Dead letters.", &of_hops(&|hop| as_f64(hop.dead)));
    text.0
}

fn counters(text: &mut Text, counts: &Counts) {
    let Counts { messages, objects, failures, .. } = counts;
    let mut family = |name: &str, help: &str, rows: &[(&str, &crate::counts::Count)]| {
        let rows: Vec<_> =
            rows.iter().map(|(labels, count)| (*labels, as_f64(count.get()))).collect();
        text.family(&format!("trailhound_watch_{name}_total"), "counter", help, &rows);
    };
    family(
        "messages",
        "Messages of the queue, by what became of them.",
        &[
            ("outcome=\"received\"", &messages.received),
            ("outcome=\"deleted\"", &messages.deleted),
            ("outcome=\"left\"", &messages.left),
            ("outcome=\"dead\"", &messages.dead),
            ("outcome=\"released\"", &messages.released),
        ],
    );
    family(
        "extensions",
        "How often a message was kept hidden for longer.",
        &[("", &messages.extended)],
    );
    family(
        "objects",
        "Objects, by what became of them.",
        &[
            ("outcome=\"read\"", &objects.read),
            ("outcome=\"skipped\"", &objects.skipped),
            ("outcome=\"damaged\"", &objects.damaged),
            ("outcome=\"failed\"", &objects.failed),
        ],
    );
    family(
        "failures",
        "What did not succeed, by what it was.",
        &[
            ("of=\"receive\"", &failures.receive),
            ("of=\"extend\"", &failures.extend),
            ("of=\"delete\"", &failures.delete),
            ("of=\"fetch\"", &failures.fetch),
            ("of=\"outbox\"", &failures.outbox),
        ],
    );
    family("records", "Records that were read.", &[("", &counts.records)]);
    family("candidates", "Records that a rule had to look at.", &[("", &counts.candidates)]);
    family(
        "findings",
        "Findings, by where they went; `below_level` went nowhere.",
        &[
            ("kind=\"taken\"", &counts.findings),
            ("kind=\"late\"", &counts.late),
            ("kind=\"below_level\"", &counts.below_level),
        ],
    );
    family("bytes", "Bytes that were fetched.", &[("", &counts.bytes)]);
    family("inflated_bytes", "Bytes of text that were read.", &[("", &counts.bytes_inflated)]);
    family(
        "rule_reloads",
        "Changed rules, by whether they were taken.",
        &[("outcome=\"taken\"", &counts.reloads), ("outcome=\"refused\"", &counts.reloads_refused)],
    );
}

fn lag(text: &mut Text, counts: &Counts) {
    let last = counts.lag_millis.load(std::sync::atomic::Ordering::Relaxed).max(0).unsigned_abs();
    let help = "From the last object's writing until its findings were kept.";
    text.family("trailhound_watch_lag_seconds", "gauge", help, &[("", as_f64(last) / 1_000.0)]);
    let sum = [("", as_f64(counts.lag_sum_millis.get()) / 1_000.0)];
    let help = "The same, of all objects together.";
    text.family("trailhound_watch_lag_seconds_sum", "counter", help, &sum);
    let help = "How many objects that is.";
    let count = [("", as_f64(counts.lag_count.get()))];
    text.family("trailhound_watch_lag_seconds_count", "counter", help, &count);
}

#[derive(Default)]
struct Text(String);

impl Text {
    fn family<L: AsRef<str>>(&mut self, name: &str, kind: &str, help: &str, rows: &[(L, f64)]) {
        self.0.push_str(&format!("# HELP {name} {help}\n# TYPE {name} {kind}\n"));
        for (labels, value) in rows {
            let labels = labels.as_ref();
            let labels = if labels.is_empty() { String::new() } else { format!("{{{labels}}}") };
            self.0.push_str(&format!("{name}{labels} {value}\n"));
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
fn as_f64(value: u64) -> f64 {
    value as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_has_its_line() {
        let counts = Counts::default();
        counts.messages.received.add(2);
        counts.records.add(7);
        counts.lag(1_500);
        crate::counts::tell(&counts.rules_error, Some("x".to_owned()));
        let hop = Hop {
            name: "alert",
            waiting: 3,
            oldest: Some(Timestamp::from_secs(90)),
            dead: 1,
            error: None,
        };
        let text = render(&counts, 5, &[hop], Timestamp::from_secs(100));
        for line in [
            "trailhound_watch_messages_total{outcome=\"received\"} 2",
            "trailhound_watch_records_total 7",
            "trailhound_watch_lag_seconds 1.5",
            "trailhound_watch_lag_seconds_count 1",
            "trailhound_rules 5",
            "trailhound_rules_stale 1",
            "trailhound_hop_waiting{hop=\"alert\"} 3",
            "trailhound_hop_oldest_seconds{hop=\"alert\"} 10",
            "trailhound_hop_dead{hop=\"alert\"} 1",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
    }
}
