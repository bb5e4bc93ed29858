//! Dead letters of every hop: what gave up, why, and once more.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use flow::Timestamp;
use serde::{Deserialize, Serialize};
use store::Queue;

use crate::admin::{Admin, Failed};

/// Dead letters that one list shows of a hop.
const LISTED_MAX: usize = 1_000;

/// Something that gave up, as `trailhound dead list --json` shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// Where it gave up: `notification`, `function`, `destination`, `alert` or `topic`, or `watch`.
    pub hop: String,
    /// Its id there.
    pub id: String,
    /// The bucket of the object that it is about.
    pub bucket: Option<String>,
    /// That object's key.
    pub key: Option<String>,
    /// Where in the object, in bytes of its inflated text.
    pub offset: Option<u64>,
    /// Why it gave up.
    pub reason: String,
    /// After how many tries.
    pub attempts: u32,
    /// When.
    pub since: Timestamp,
    /// What it was about to hand on.
    pub body: serde_json::Value,
}

/// Which dead letters to try once more.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ReplayRequest {
    /// Of this hop; of all where it is missing.
    pub hop: Option<String>,
    /// With this id; all where it is missing.
    pub id: Option<String>,
}

/// How many are tried once more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replayed {
    /// The number.
    pub replayed: u64,
}

pub(super) async fn list(State(admin): State<Arc<Admin>>) -> Result<Response, Failed> {
    Ok(Json(admin.letters().await?).into_response())
}

pub(super) async fn replay(
    State(admin): State<Arc<Admin>>,
    Json(wanted): Json<ReplayRequest>,
) -> Result<Response, Failed> {
    let mut replayed = 0;
    let now = admin.view.now();
    for (hop, queue) in admin.view.queues() {
        if wanted.hop.as_deref().is_some_and(|wanted| wanted != hop) {
            continue;
        }
        replayed += match &wanted.id {
            Some(id) => u64::from(queue.revive(id, now).await?),
            None => revive_all(queue, now).await?,
        };
    }
    Ok(Json(Replayed { replayed }).into_response())
}

/// Revives as many as are dead now, however many; what dies again meanwhile is not tried for ever.
async fn revive_all(queue: &Queue, now: Timestamp) -> Result<u64, store::Error> {
    let dead = queue.counts().await?.dead;
    let mut revived = 0;
    while revived < dead {
        let before = revived;
        for letter in queue.dead(LISTED_MAX).await? {
            revived += u64::from(queue.revive(&letter.id, now).await?);
        }
        if revived == before {
            break;
        }
    }
    Ok(revived)
}

impl Admin {
    async fn letters(&self) -> Result<Vec<DeadLetter>, store::Error> {
        let mut letters = Vec::new();
        for (hop, queue) in self.view.queues() {
            for dead in queue.dead(LISTED_MAX).await? {
                let text = |name| dead.detail.get(name).and_then(|value| value.as_str());
                letters.push(DeadLetter {
                    hop: hop.to_owned(),
                    bucket: text("bucket").map(str::to_owned),
                    key: text("key").map(str::to_owned),
                    offset: dead.detail.get("offset").and_then(serde_json::Value::as_u64),
                    reason: dead.reason,
                    attempts: dead.attempts,
                    since: dead.since,
                    body: serde_json::from_slice(&dead.body).unwrap_or_default(),
                    id: dead.id,
                });
            }
        }
        Ok(letters)
    }
}
