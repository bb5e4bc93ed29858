//! The room's door: findings become rows of the outbox.

use std::sync::Arc;

use flow::{AccountId, Clock, Finding, Publish, Region, Secret};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use store::{BackOff, Database, Queue};

use crate::{Destination, Error, Means, Output, send::Sender};

/// The longest alert id, in bytes; flow's have 32.
const ID_BYTES_MAX: usize = 128;

/// What the room needs to know.
#[derive(Clone)]
pub struct Config {
    /// Where each alert goes; the same one twice counts once.
    pub destinations: Vec<Destination>,
    /// What webhooks are signed with.
    pub signing_key: Secret,
    /// The account of topics that are given by name.
    pub account: AccountId,
    /// Their region.
    pub region: Region,
    /// What the destination `stdout` writes to.
    pub output: Output,
    /// The waits between tries.
    pub back_off: BackOff,
    /// How old an alert may get before it is given up, in milliseconds.
    pub age_max_millis: i64,
}

impl Config {
    /// Waits from one second up to five minutes, for a day.
    pub fn new(
        destinations: Vec<Destination>,
        signing_key: Secret,
        account: AccountId,
        region: Region,
        output: Output,
    ) -> Self {
        Self {
            destinations,
            signing_key,
            account,
            region,
            output,
            back_off: BackOff { base_millis: 1_000, max_millis: 300_000 },
            age_max_millis: 86_400_000,
        }
    }
}

/// The room; clones share it.
#[derive(Clone)]
pub struct Alerts(pub(crate) Arc<Room>);

pub(crate) struct Room {
    pub(crate) queue: Queue,
    pub(crate) sender: Sender,
    pub(crate) back_off: BackOff,
    pub(crate) age_max_millis: i64,
    pub(crate) clock: Arc<dyn Clock>,
}

/// A row of the outbox.
#[derive(Serialize, Deserialize)]
pub(crate) struct Due {
    /// The destination as it is shown.
    pub(crate) destination: String,
    pub(crate) finding: Finding,
}

impl Alerts {
    /// The room over its outbox in `database`, with all that an earlier run left in it.
    ///
    /// # Errors
    /// [`Error::Reject`] for a URL that the client refuses whatever happens,
    /// [`Error::Unusable`] where the outbox cannot be opened.
    pub async fn open(
        config: Config,
        database: &Database,
        client: outgoing::Client,
        publish: Arc<dyn Publish>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Error> {
        let queue = database.queue("alert").await.map_err(Error::Unusable)?;
        let Config { destinations, signing_key, account, region, output, back_off, age_max_millis } =
            config;
        let home = Some((account, region));
        let means = Means { signing_key, home, output, client, publish, clock: Arc::clone(&clock) };
        let sender = Sender::new(destinations, means)?;
        Ok(Self(Arc::new(Room { queue, sender, back_off, age_max_millis, clock })))
    }

    /// Accepts findings: a row for each and each destination, all in one write. Durable when it
    /// resolves. An id that was accepted before, even if long since sent, changes nothing.
    ///
    /// # Errors
    /// [`Error::Retry`] where the store failed; then none was accepted.
    pub async fn accept(&self, findings: &[Finding]) -> Result<(), Error> {
        let mut rows = Vec::new();
        for finding in findings {
            let finding = Finding { id: safe_id(&finding.id), ..finding.clone() };
            for destination in self.0.sender.destinations() {
                rows.push((format!("{} {destination}", finding.id), row(destination, &finding)));
            }
        }
        if rows.is_empty() {
            if !findings.is_empty() {
                tracing::warn!(
                    findings = findings.len(),
                    "There are findings, and no destination that alerts go to"
                );
            }
            return Ok(());
        }
        let put = self.0.queue.put_all(rows, self.0.clock.now()).await;
        put.map(drop).map_err(|source| Error::Retry { findings: findings.len(), source })
    }

    /// Where alerts go, as it may be shown: without what is secret of a URL.
    pub fn destinations(&self) -> Vec<String> {
        self.0.sender.destinations().map(str::to_owned).collect()
    }

    /// The outbox: what waits and what is dead.
    pub fn queue(&self) -> &Queue {
        &self.0.queue
    }
}

fn row(destination: &str, finding: &Finding) -> Vec<u8> {
    let due = Due { destination: destination.to_owned(), finding: finding.clone() };
    serde_json::to_vec(&due).expect("a finding is plain data")
}

/// The id, or a hash of one that would not do in a header or a row's id: a function of the user's
/// own may have made it.
fn safe_id(id: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b':');
    if (1..=ID_BYTES_MAX).contains(&id.len()) && id.bytes().all(plain) {
        return id.to_owned();
    }
    let digest = hex::encode(Sha256::digest(id));
    digest.get(..32).unwrap_or(&digest).to_owned()
}
