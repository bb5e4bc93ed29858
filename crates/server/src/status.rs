//! What waits and what is dead, hop by hop.

use flow::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{config, server::Rooms};

/// One hop of the road.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Hop {
    /// Its name, such as `notification`, or `trail NAME`.
    pub hop: String,
    /// What waits or is being worked on.
    pub waiting: u64,
    /// Since when the oldest of these waits.
    pub oldest: Option<Timestamp>,
    /// Dead letters.
    pub dead: u64,
    /// Whether this is over its limit.
    pub over_limit: bool,
    /// What went wrong last, where something did.
    pub error: Option<String>,
}

/// Everything that `trailhound status` and `/metrics` say.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Whether no hop is over its limit.
    pub healthy: bool,
    /// In the order of the road.
    pub hops: Vec<Hop>,
    /// Calls since the start, by what became of them.
    #[serde(default)]
    pub calls: Vec<(String, u64)>,
    /// Messages of a watched queue since the start, by what became of them.
    #[serde(default)]
    pub messages: Vec<(String, u64)>,
    /// How many rules run.
    #[serde(default)]
    pub rules: u64,
}

/// The hop that says whether changed rules are used.
pub(crate) const RULES_HOP: &str = "rules";

impl Rooms {
    /// Looks at every hop.
    pub(crate) async fn report(&self, limits: &config::Status) -> anyhow::Result<Report> {
        let mut hops = Vec::new();
        for trail in self.trails.status().await {
            let undelivered = trail.undelivered_records + trail.waiting_records;
            hops.push(Hop {
                hop: format!("trail {}", trail.name),
                // What the trail has not looked at yet may be a record that it takes.
                waiting: undelivered as u64 + trail.unread_entries,
                oldest: trail.oldest,
                error: trail.latest_error,
                ..Hop::default()
            });
        }
        let waiting = self.buckets.pending_count().await?;
        let first = self.buckets.pending(1).await?.into_iter().next();
        let oldest = first.map(|(_, object)| object.time);
        hops.push(Hop { hop: "bucket".to_owned(), waiting, oldest, ..Hop::default() });
        for (name, queue) in self.queues() {
            let counts = queue.counts().await?;
            hops.push(Hop {
                hop: name.to_owned(),
                waiting: counts.waiting + counts.leased,
                oldest: counts.oldest,
                dead: counts.dead,
                ..Hop::default()
            });
        }
        let rules = self.rules.now();
        hops.push(Hop { hop: RULES_HOP.to_owned(), error: rules.error, ..Hop::default() });
        let report = Report::of(hops, limits, self.clock.now());
        let calls = calls(self.gateway.counts());
        Ok(Report { calls, rules: rules.count as u64, ..report })
    }
}

impl Report {
    /// Judges hops by the limits.
    pub fn of(mut hops: Vec<Hop>, limits: &config::Status, now: Timestamp) -> Self {
        for hop in &mut hops {
            let waited = hop.oldest.map_or(0, |oldest| now.millis_since(oldest));
            hop.over_limit = waited > limits.oldest_max.millis() || hop.dead > limits.dead_max;
        }
        let healthy = !hops.iter().any(|hop| hop.over_limit);
        Self { healthy, hops, ..Self::default() }
    }

    /// The same for Prometheus (text exposition format 0.0.4).
    pub(crate) fn to_metrics(&self, now: Timestamp) -> String {
        let mut text = String::new();
        let mut family = |name: &str, kind: &str, help: &str, rows: Vec<(String, f64)>| {
            text.push_str(&format!("# HELP {name} {help}\n# TYPE {name} {kind}\n"));
            for (labels, value) in rows {
                let labels = if labels.is_empty() { labels } else { format!("{{{labels}}}") };
                text.push_str(&format!("{name}{labels} {value}\n"));
            }
        };
        let hops = |value: &dyn Fn(&Hop) -> f64| {
            self.hops.iter().map(|hop| (label("hop", &hop.hop), value(hop))).collect::<Vec<_>>()
        };
        #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
        let number = |value: u64| value as f64;
        let age = |hop: &Hop| {
            hop.oldest.map_or(0.0, |oldest| {
                number(now.millis_since(oldest).max(0).unsigned_abs()) / 1000.0
            })
        };
        let calls = self.calls.iter().map(|(name, n)| (label("outcome", name), number(*n)));
        family("trailhound_calls_total", "counter", "Calls since the start.", calls.collect());
        family(
            "trailhound_hop_waiting",
            "gauge",
            "What waits at a hop of the road.",
            hops(&|hop| number(hop.waiting)),
        );
        family(
            "trailhound_hop_oldest_seconds",
            "gauge",
            "How long the oldest of these has waited.",
            hops(&age),
        );
        family("trailhound_hop_dead", "gauge", "Dead letters.", hops(&|hop| number(hop.dead)));
        let stale = self.hops.iter().any(|hop| hop.hop == RULES_HOP && hop.error.is_some());
        let bare = |value| vec![(String::new(), value)];
        family("trailhound_rules", "gauge", "Rules that run.", bare(number(self.rules)));
        let help = "1 while changed rules are refused and those from before still run.";
        family("trailhound_rules_stale", "gauge", help, bare(f64::from(u8::from(stale))));
        let over = hops(&|hop| f64::from(u8::from(hop.over_limit)));
        family("trailhound_hop_over_limit", "gauge", "1 where a hop is over its limit.", over);
        text
    }
}

fn calls(counts: gateway::Counts) -> Vec<(String, u64)> {
    let gateway::Counts { calls, recorded, unselected, unrecorded, unverified, refused } = counts;
    let named = [
        ("served", calls),
        ("recorded", recorded),
        ("unselected", unselected),
        ("unrecorded", unrecorded),
        ("unverified", unverified),
        ("refused", refused),
    ];
    named.into_iter().map(|(name, count)| (name.to_owned(), count)).collect()
}

/// A label with its value escaped.
fn label(name: &str, value: &str) -> String {
    let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("{name}=\"{value}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_say_what_status_says() {
        let now = Timestamp::from_secs(100);
        let hop = Hop {
            hop: "trail \"a\"".to_owned(),
            waiting: 3,
            oldest: Some(Timestamp::from_secs(90)),
            dead: 1,
            over_limit: true,
            error: None,
        };
        let rules =
            Hop { hop: RULES_HOP.to_owned(), error: Some("x".to_owned()), ..Hop::default() };
        let report = Report {
            hops: vec![hop, rules],
            calls: vec![("recorded".into(), 7)],
            rules: 5,
            ..Report::default()
        };
        let text = report.to_metrics(now);
        for line in [
            "trailhound_calls_total{outcome=\"recorded\"} 7",
            "trailhound_hop_waiting{hop=\"trail \\\"a\\\"\"} 3",
            "trailhound_hop_oldest_seconds{hop=\"trail \\\"a\\\"\"} 10",
            "trailhound_hop_dead{hop=\"trail \\\"a\\\"\"} 1",
            "trailhound_rules 5",
            "trailhound_rules_stale 1",
            "trailhound_hop_over_limit{hop=\"trail \\\"a\\\"\"} 1",
        ] {
            assert!(text.lines().any(|l| l == line), "{line}\n{text}");
        }
    }
}
