//! What has arrived of the two calls, and what is missing.

use std::collections::BTreeSet;

use anyhow::Context;
use flow::Finding;
use serde_json::{Value, json};
use server::Passage;
use store::Offset;
use tokio::{
    sync::{broadcast, watch},
    time::Instant,
};

use crate::demo::{
    RULE_ID, TOPIC,
    scene::{BUCKET, Scene},
};

/// Entries of the journal that one look takes.
const ENTRIES_AT_ONCE: usize = 256;
/// The calls whose way is shown.
const CALLS: [&str; 2] = ["CreateTopic", "GetTopicAttributes"];

/// Something that arrived.
pub(crate) enum Sighting {
    Record(Value),
    LogObject { url: String, records: usize },
    Event { name: String, key: String, function: String },
    Invocation { function: String, request_id: String },
    Finding(Finding),
    Alert(Value),
}

/// What the calls of the demo mean for an alert or a finding.
enum Meaning {
    /// It is what the demo is about.
    Awaited,
    /// No rule shall name this call.
    Unexpected(&'static str),
    /// Another rule's, or about how the scene was set.
    Aside,
}

impl Meaning {
    fn of(rule_id: &str, record: &Value) -> Self {
        let text = |pointer: &str| record.pointer(pointer).and_then(Value::as_str);
        match text("/eventName") {
            Some("GetTopicAttributes") => Self::Unexpected("GetTopicAttributes"),
            Some("CreateTopic")
                if rule_id == RULE_ID && text("/requestParameters/name") == Some(TOPIC) =>
            {
                Self::Awaited
            }
            Some(_) => Self::Aside,
            None => Self::Unexpected("something unreadable"),
        }
    }
}

/// What has arrived so far.
pub(crate) struct Watch {
    passages: broadcast::Receiver<Passage>,
    journal: watch::Receiver<Offset>,
    next_entry: Offset,
    begun: Instant,
    waiting: Vec<Sighting>,
    records: Vec<Value>,
    log_object: Option<String>,
    notified: bool,
    answered: bool,
    alert: Option<Value>,
    call_to_alert_ms: Option<u64>,
    unexpected: Vec<&'static str>,
    others: BTreeSet<String>,
}

impl Watch {
    pub(crate) fn begin(scene: &Scene) -> Self {
        let journal = scene.server.journal();
        Self {
            passages: scene.server.watch(),
            journal: journal.watch(),
            next_entry: journal.end(),
            begun: Instant::now(),
            waiting: Vec::new(),
            records: Vec::new(),
            log_object: None,
            notified: false,
            answered: false,
            alert: None,
            call_to_alert_ms: None,
            unexpected: Vec::new(),
            others: BTreeSet::new(),
        }
    }

    /// The next thing that arrives.
    pub(crate) async fn next(&mut self, scene: &Scene) -> anyhow::Result<Sighting> {
        loop {
            if !self.waiting.is_empty() {
                return Ok(self.waiting.remove(0));
            }
            tokio::select! {
                biased;
                changed = self.journal.changed() => {
                    changed.context("the journal has gone")?;
                    self.read_journal(scene).await?;
                }
                passage = self.passages.recv() => self.pass(scene, passage?).await?,
                alert = scene.listener.alert() => self.alerted(alert?),
            }
        }
    }

    async fn read_journal(&mut self, scene: &Scene) -> anyhow::Result<()> {
        let entries = scene.server.journal().read(self.next_entry, ENTRIES_AT_ONCE).await?;
        for entry in entries {
            self.next_entry = Offset(entry.offset.0 + 1);
            let record: Value = serde_json::from_slice(&entry.body)?;
            if ours(&record) {
                self.records.push(record.clone());
                self.waiting.push(Sighting::Record(record));
            }
        }
        Ok(())
    }

    async fn pass(&mut self, scene: &Scene, passage: Passage) -> anyhow::Result<()> {
        match passage {
            Passage::Announced(object) if object.bucket == BUCKET => {
                let records = read_log(scene, &object.key).await?;
                if self.log_object.is_none() && records.iter().any(ours) {
                    let url = format!("s3://{BUCKET}/{}", object.key);
                    self.log_object = Some(url.clone());
                    self.waiting.push(Sighting::LogObject { url, records: records.len() });
                }
            }
            Passage::Notified { function, event } => {
                let event: Value = serde_json::from_slice(&event)?;
                let text = |pointer: &str| {
                    event.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
                };
                let (bucket, key) =
                    (text("/Records/0/s3/bucket/name"), text("/Records/0/s3/object/key"));
                if self.log_object.as_deref() == Some(&format!("s3://{bucket}/{key}")) {
                    self.notified = true;
                    let name = text("/Records/0/eventName");
                    self.waiting.push(Sighting::Event { name, key, function });
                }
            }
            Passage::Answered { function, request_id, findings } => {
                let (awaited, others): (Vec<_>, Vec<_>) = findings
                    .into_iter()
                    .filter(|finding| ours(&finding.record))
                    .partition(|f| matches!(Meaning::of(&f.rule.id, &f.record), Meaning::Awaited));
                self.others.extend(others.into_iter().map(|finding| finding.rule.title));
                if awaited.is_empty() {
                    return Ok(());
                }
                self.answered = true;
                self.waiting.push(Sighting::Invocation { function, request_id });
                self.waiting.extend(awaited.into_iter().map(Sighting::Finding));
            }
            Passage::Announced(_) => {}
        }
        Ok(())
    }

    fn alerted(&mut self, alert: Value) {
        let rule_id = alert.pointer("/rule/id").and_then(Value::as_str).unwrap_or_default();
        match Meaning::of(rule_id, alert.get("record").unwrap_or(&Value::Null)) {
            Meaning::Awaited if self.alert.is_none() => {
                let millis = self.begun.elapsed().as_millis();
                self.call_to_alert_ms = Some(u64::try_from(millis).unwrap_or(u64::MAX));
                self.alert = Some(alert.clone());
            }
            Meaning::Awaited => self.unexpected.push("a CreateTopic that had alerted"),
            Meaning::Unexpected(what) => self.unexpected.push(what),
            Meaning::Aside => return,
        }
        self.waiting.push(Sighting::Alert(alert));
    }

    /// Whether everything has arrived and was handed out.
    pub(crate) fn complete(&self) -> bool {
        self.waiting.is_empty() && self.missing().is_empty()
    }

    /// What has not arrived, in the order of the road; what should not have is named too.
    pub(crate) fn missing(&self) -> Vec<String> {
        let recorded = |name: &str| {
            self.records.iter().any(|record| record["eventName"].as_str() == Some(name))
        };
        let mut missing: Vec<String> = CALLS
            .iter()
            .filter(|name| !recorded(name))
            .map(|name| format!("the record of {name}"))
            .collect();
        let parts = [
            (self.log_object.is_some(), "the log object"),
            (self.notified, "the object-created event"),
            (self.answered, "the invocation of detect with its finding"),
            (self.alert.is_some(), "the alert at the listener"),
        ];
        missing.extend(parts.iter().filter(|(here, _)| !here).map(|(_, what)| (*what).to_owned()));
        let unexpected = self.unexpected.iter();
        missing.extend(unexpected.map(|name| format!("silence about {name}, which alerted")));
        missing
    }

    /// The titles of the other rules that name the two calls.
    pub(crate) fn others(&self) -> Vec<&str> {
        self.others.iter().map(String::as_str).collect()
    }

    /// What `--json` prints.
    pub(crate) fn summary(&self) -> Value {
        json!({
            "call_to_alert_ms": self.call_to_alert_ms,
            "log_object": self.log_object,
            "digest_verified": null,
            "records": self.records,
            "alert": self.alert,
        })
    }

    pub(crate) fn call_to_alert_ms(&self) -> u64 {
        self.call_to_alert_ms.unwrap_or_default()
    }
}

/// Whether a record is of one of the two calls.
fn ours(record: &Value) -> bool {
    let name = record.get("eventName").and_then(Value::as_str);
    name.is_some_and(|name| CALLS.contains(&name))
}

/// The records of a log object, read as any client would.
async fn read_log(scene: &Scene, key: &str) -> anyhow::Result<Vec<Value>> {
    let answer = scene.client.s3("GET", &format!("/{BUCKET}/{key}"), &[], "").await?;
    let mut records = Vec::new();
    let mut reader = record::log_file::Reader::new();
    reader.whole(key, &answer.body, &[], &mut |raw| records.push(raw.json().to_vec()));
    records.iter().map(|json| Ok(serde_json::from_slice(json)?)).collect()
}
