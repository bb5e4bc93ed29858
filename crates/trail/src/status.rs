//! How each trail fares, for people and for metrics.

use flow::Timestamp;

use crate::Trails;

/// How a trail fares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrailStatus {
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// Where its log files go.
    pub bucket: String,
    /// Whether it logs.
    pub logging: bool,
    /// Whether it was deleted and only delivers what it took.
    pub deleted: bool,
    /// Records that wait for their log file to be cut.
    pub waiting_records: usize,
    /// Entries of the journal that it has not looked at.
    pub unread_entries: u64,
    /// Log files that are cut and not delivered.
    pub undelivered_files: usize,
    /// Records in those.
    pub undelivered_records: usize,
    /// When the oldest undelivered log file was cut.
    pub oldest: Option<Timestamp>,
    /// The last successful delivery.
    pub latest_delivery: Option<Timestamp>,
    /// The code of the last failure, such as `NoSuchBucket`; none after a success.
    pub latest_error: Option<String>,
    /// Failures since the last success.
    pub failures: u32,
}

impl TrailStatus {
    /// Whether all that the trail took is delivered and it has read the whole journal.
    pub fn is_idle(&self) -> bool {
        self.waiting_records == 0 && self.unread_entries == 0 && self.undelivered_files == 0
    }
}

impl Trails {
    /// How every trail fares, deleted ones too that still deliver.
    pub async fn status(&self) -> Vec<TrailStatus> {
        let mut all = Vec::new();
        for trail in self.0.all() {
            let end = self.0.journal.end().0;
            let progress = trail.progress.lock().await;
            let glance = *trail.glance.borrow();
            let position = glance.position.max(progress.base());
            let reads = progress.phase() != crate::progress::Phase::Off;
            all.push(TrailStatus {
                name: trail.settings.name.to_string(),
                arn: trail.settings.arn(&self.0.account),
                bucket: trail.settings.bucket.clone(),
                logging: progress.logging,
                deleted: progress.deleted.is_some(),
                waiting_records: glance.records,
                unread_entries: if reads { end.saturating_sub(position) } else { 0 },
                undelivered_files: progress.cuts.len(),
                undelivered_records: progress.cuts.iter().map(|cut| cut.records).sum(),
                oldest: progress.cuts.iter().map(|cut| cut.made).min(),
                latest_delivery: progress.deliveries.succeeded,
                latest_error: progress.deliveries.error.clone(),
                failures: progress.deliveries.failures,
            });
        }
        all
    }
}
