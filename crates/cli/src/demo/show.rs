//! How the demo reads in a terminal, and without one.

use std::{path::Path, time::Duration};

use serde_json::Value;

use crate::{
    demo::watch::{Sighting, Watch},
    output::{bold, dim, good, line, safe},
};

/// Prints, unless a script reads the JSON.
pub(crate) struct Show {
    pub(crate) quiet: bool,
}

impl Show {
    fn say(&self, text: &str) {
        if !self.quiet {
            line(text);
        }
    }

    pub(crate) fn opening(&self, account: &str, region: &str, endpoint: &str) {
        self.say(&bold("An API call becomes an alert"));
        self.say(&format!("A server of its own at {endpoint}, account {account} in {region}."));
    }

    pub(crate) fn heading(&self, text: &str) {
        self.say("");
        self.say(&bold(text));
    }

    pub(crate) fn call(&self, operation: &str, with: &str, result: &str) {
        self.say(&format!("  {operation} {}", safe(with)));
        self.say(&dim(&format!("      {}", safe(result))));
    }

    pub(crate) fn sighting(&self, since: Duration, seen: &Sighting) {
        let (what, text) = described(seen);
        let seconds = since.as_secs_f64();
        let mut lines = text.into_iter();
        let first = lines.next().unwrap_or_default();
        let what = if matches!(seen, Sighting::Alert(_)) { good(what) } else { bold(what) };
        self.say(&format!("  {seconds:>6.3} s  {what}  {}", safe(&first)));
        for more in lines {
            self.say(&dim(&format!("                         {}", safe(&more))));
        }
    }

    pub(crate) fn end(&self, watch: &Watch, dir: Option<&Path>) {
        self.say("");
        self.say(&format!(
            "{} CreateTopic alerted after {} ms; GetTopicAttributes did not, for no rule names it.",
            good("Done."),
            watch.call_to_alert_ms()
        ));
        let others = watch.others();
        if !others.is_empty() {
            let titles = others.join(", ");
            self.say(&dim(&safe(&format!("Other rules alert of root's calls as well: {titles}."))));
        }
        if let Some(dir) = dir {
            self.say(&format!("What the server wrote is in {}.", dir.display()));
        }
        self.heading("Next");
        for (command, about) in [
            ("trailhound up", "a server that stays, with a default trail"),
            ("eval \"$(trailhound env)\"", "in another shell: AWS's clients find it"),
            ("aws sns create-topic --name hello", "a call that alerts"),
            ("trailhound status", "what waits and what is dead, hop by hop"),
            ("trailhound rules list", "the rules that were asked"),
        ] {
            self.say(&format!("  {command:<36} {}", dim(about)));
        }
        self.say(&dim("  (from a clone: cargo run --release -- up, and so on)"));
    }
}

/// A name of fixed width, and lines.
fn described(seen: &Sighting) -> (&'static str, Vec<String>) {
    match seen {
        Sighting::Record(record) => ("record    ", of_record(record)),
        Sighting::LogObject { url, records } => {
            ("log file  ", vec![format!("{records} records"), url.clone()])
        }
        Sighting::Event { name, key, function } => {
            ("event     ", vec![format!("{name} → {function}"), key.clone()])
        }
        Sighting::Invocation { function, request_id } => {
            ("invocation", vec![format!("{function}, request {request_id}")])
        }
        Sighting::Finding(finding) => {
            ("finding   ", vec![format!("{} ({})", finding.rule.title, finding.rule.level)])
        }
        Sighting::Alert(alert) => ("alert     ", of_alert(alert)),
    }
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or("-")
}

fn of_record(record: &Value) -> Vec<String> {
    vec![
        format!("{} by {}", text(record, "/eventName"), text(record, "/userIdentity/arn")),
        format!("requestParameters {}", record["requestParameters"]),
        format!("responseElements {}", record["responseElements"]),
    ]
}

fn of_alert(alert: &Value) -> Vec<String> {
    vec![
        format!("{} did {}", text(alert, "/who"), text(alert, "/what")),
        format!(
            "in {} {}, from {}, {}",
            text(alert, "/account"),
            text(alert, "/region"),
            text(alert, "/source_ip"),
            text(alert, "/outcome")
        ),
        format!("rule: {} ({})", text(alert, "/rule/title"), text(alert, "/rule/level")),
        format!("id: {}", text(alert, "/id")),
    ]
}
