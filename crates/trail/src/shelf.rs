//! The rows that outlive the process: trails, and the files that they delivered.

use std::sync::Arc;

use flow::Timestamp;
use store::Table;

use crate::{Error, cut::Delivered, progress::Progress, settings::Settings};

/// How long a delivered file is remembered, in milliseconds.
pub(crate) const DELIVERED_KEPT_MILLIS: i64 = 48 * HOUR_MILLIS;
const HOUR_MILLIS: i64 = 60 * 60 * 1000;
/// How far before that forgetting looks for rows, in hours: longer stops leave rows behind.
const FORGOTTEN_HOURS: i64 = 14 * 24;

/// A trail as it is kept: one row, so that a cut and how far it moves the trail are one write.
#[derive(serde::Serialize)]
struct RowRef<'a> {
    settings: &'a Settings,
    progress: &'a Progress,
}

#[derive(serde::Deserialize)]
struct Row {
    settings: Settings,
    progress: Progress,
}

/// The room's tables.
#[derive(Clone)]
pub(crate) struct Shelf {
    trails: Table,
    delivered: Table,
}

impl Shelf {
    pub(crate) async fn open(database: &store::Database) -> Result<Self, Error> {
        Ok(Self {
            trails: database.table("trail").await?,
            delivered: database.table("trail.delivered").await?,
        })
    }

    pub(crate) async fn trails(&self) -> Result<Vec<(Settings, Progress)>, Error> {
        let rows = self.trails.list("").await?;
        rows.into_iter()
            .map(|(row, bytes)| {
                let kept: Row = serde_json::from_slice(&bytes)
                    .map_err(|source| Error::Damaged { row, source: Arc::new(source) })?;
                Ok((kept.settings, kept.progress))
            })
            .collect()
    }

    pub(crate) async fn keep(&self, settings: &Settings, progress: &Progress) -> Result<(), Error> {
        let row = serde_json::to_vec(&RowRef { settings, progress })
            .expect("rows hold nothing that JSON cannot");
        Ok(self.trails.put(&settings.id, row).await?)
    }

    pub(crate) async fn forget(&self, settings: &Settings) -> Result<(), Error> {
        self.trails.delete(&settings.id).await?;
        Ok(())
    }

    /// Remembers a delivered file; again is the same as once.
    pub(crate) async fn remember(&self, file: &Delivered) -> Result<(), Error> {
        let row = serde_json::to_vec(file).expect("rows hold nothing that JSON cannot");
        let key = format!("{}/{}/{}", hour(file.made), file.trail_id, file.key);
        Ok(self.delivered.put(&key, row).await?)
    }

    /// Forgets the delivered files that nobody asks for any more.
    pub(crate) async fn forget_delivered(&self, now: Timestamp) -> Result<(), Error> {
        for hours in 0..FORGOTTEN_HOURS {
            let at = now.plus_millis(-DELIVERED_KEPT_MILLIS - hours * HOUR_MILLIS);
            for (key, _) in self.delivered.list(&hour(at)).await? {
                self.delivered.delete(&key).await?;
            }
        }
        Ok(())
    }
}

/// `20261122T10`: rows of one hour stand together.
fn hour(at: Timestamp) -> String {
    at.to_basic_text().chars().take(11).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(key: &str, made: Timestamp) -> Delivered {
        Delivered {
            trail_id: "id".to_owned(),
            region: "us-east-2".parse().unwrap(),
            bucket: "logs".to_owned(),
            key: key.to_owned(),
            sha256: String::new(),
            records: 1,
            oldest: made,
            newest: made,
            made,
            delivered: made,
        }
    }

    #[tokio::test]
    async fn delivered_files_are_remembered_for_two_days_and_no_longer() {
        let dir = tempfile::tempdir().unwrap();
        let database = store::Database::open(&dir.path().join("state.db"), "boot").unwrap();
        let shelf = Shelf::open(&database).await.unwrap();
        let now: Timestamp = "2026-11-22T10:30:00Z".parse().unwrap();
        for (key, hours) in [("new", 0), ("kept", 47), ("old", 49), ("older", 24 * 10)] {
            let file = file(key, now.plus_millis(-hours * HOUR_MILLIS));
            shelf.remember(&file).await.unwrap();
            shelf.remember(&file).await.unwrap();
        }
        shelf.forget_delivered(now).await.unwrap();
        let rows = shelf.delivered.list("").await.unwrap();
        let keys: Vec<_> = rows.iter().filter_map(|(key, _)| key.rsplit('/').next()).collect();
        assert_eq!(keys, ["kept", "new"]);
    }
}
