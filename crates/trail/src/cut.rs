//! A log file that is fixed: which records, which bytes, which key.

use flow::{AccountId, Region, Timestamp};
use sha2::{Digest, Sha256};

use crate::{key, offsets::Offsets, settings::Settings};

/// All that a log file is made of, written down before the first attempt to store it, so that
/// every attempt stores the same bytes under the same key.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Cut {
    /// The region of its records.
    pub(crate) region: Region,
    /// Where its records stand in the journal, in order.
    pub(crate) offsets: Offsets,
    /// How many they are.
    pub(crate) records: usize,
    /// Where it goes.
    pub(crate) bucket: String,
    /// Its key there.
    pub(crate) key: String,
    /// SHA-256 of its text, in hex.
    pub(crate) sha256: String,
    /// The first event time of its records.
    pub(crate) oldest: Timestamp,
    /// The last event time of its records.
    pub(crate) newest: Timestamp,
    /// When it was cut.
    pub(crate) made: Timestamp,
    /// How many keys were taken by other bytes.
    pub(crate) conflicts: u32,
}

/// A record as a cut sees it.
pub(crate) struct Source<'a> {
    pub(crate) offset: u64,
    pub(crate) json: &'a [u8],
    pub(crate) time: Timestamp,
}

impl Cut {
    /// Fixes a file of these records. Nothing but the arguments decides its key.
    pub(crate) fn of(
        settings: &Settings,
        account: &AccountId,
        region: Region,
        records: &[Source<'_>],
        now: Timestamp,
    ) -> Self {
        let times = || records.iter().map(|record| record.time);
        let mut cut = Self {
            region,
            offsets: records.iter().map(|record| record.offset).collect(),
            records: records.len(),
            bucket: settings.bucket.clone(),
            key: String::new(),
            sha256: text_sha256(records.iter().map(|record| record.json)),
            oldest: times().min().unwrap_or(now),
            newest: times().max().unwrap_or(now),
            made: now,
            conflicts: 0,
        };
        cut.name(settings, account);
        cut
    }

    /// The same file under another key, because other bytes stand under this one.
    pub(crate) fn rename(&mut self, settings: &Settings, account: &AccountId) {
        self.conflicts = self.conflicts.saturating_add(1);
        self.name(settings, account);
    }

    fn name(&mut self, settings: &Settings, account: &AccountId) {
        let first = self.offsets.first().unwrap_or_default().to_string();
        let conflicts = self.conflicts.to_string();
        let unique = key::unique(&[
            &settings.id,
            self.region.as_str(),
            &first,
            &self.sha256,
            &self.made.to_millis_text(),
            &conflicts,
        ]);
        self.key = key::log_file(&settings.prefix, account, &self.region, self.made, &unique);
    }
}

/// SHA-256 of the text of a log file of these records, in hex.
fn text_sha256<'a>(records: impl Iterator<Item = &'a [u8]>) -> String {
    let mut hash = Sha256::new();
    hash.update(b"{\"Records\":[");
    for (at, record) in records.enumerate() {
        if at > 0 {
            hash.update(b",");
        }
        hash.update(record);
    }
    hash.update(b"]}");
    hex::encode(hash.finalize())
}

/// A delivered log file, as the digests list it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Delivered {
    pub(crate) trail_id: String,
    pub(crate) region: Region,
    pub(crate) bucket: String,
    pub(crate) key: String,
    pub(crate) sha256: String,
    pub(crate) records: usize,
    pub(crate) oldest: Timestamp,
    pub(crate) newest: Timestamp,
    pub(crate) made: Timestamp,
    pub(crate) delivered: Timestamp,
}

impl Delivered {
    /// `cut` of the trail `trail_id`, delivered at `now`.
    pub(crate) fn of(trail_id: &str, cut: &Cut, now: Timestamp) -> Self {
        Self {
            trail_id: trail_id.to_owned(),
            region: cut.region.clone(),
            bucket: cut.bucket.clone(),
            key: cut.key.clone(),
            sha256: cut.sha256.clone(),
            records: cut.records,
            oldest: cut.oldest,
            newest: cut.newest,
            made: cut.made,
            delivered: now,
        }
    }
}
