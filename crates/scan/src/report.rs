//! What a scan came to.

use flow::{Level, Timestamp};

/// How many failures are kept; others are counted.
pub const FAILURES_MAX: usize = 100;

/// What a scan came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Sums over all objects.
    pub totals: Totals,
    /// The rules that held at least once: the gravest first, then the most frequent.
    pub rules: Vec<RuleReport>,
    /// What could not be read, or not in full; the first [`FAILURES_MAX`].
    pub failures: Vec<Failure>,
    /// How many more could not be read.
    pub failures_left_out: u64,
    /// Whether the scan was stopped before its end.
    pub is_stopped: bool,
    /// What was asked of buckets.
    pub requests: Requests,
}

/// What was asked of buckets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Requests {
    /// For parts of listings.
    pub lists: u64,
    /// For objects, or parts of large ones.
    pub gets: u64,
    /// How many of them were made again, because the one before failed.
    pub repeated: u64,
    /// How often S3 or KMS said: less often.
    pub slow_downs: u64,
    /// Folders that were passed over: of digests, Insights, other services, and of accounts and
    /// regions that are not wanted.
    pub folders_passed_over: u64,
}

/// Sums over all objects. Each object is a log, skipped or failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// How many objects were taken up.
    pub objects: u64,
    /// Log files that were read whole.
    pub logs: u64,
    /// Objects that hold no records, or none that are wanted.
    pub skipped: Skipped,
    /// Objects that could not be read, or not in full, and sources that could not be opened.
    pub failed: u64,
    /// Records that were read, of damaged objects too.
    pub records: u64,
    /// How many of them the rules had to look at.
    pub candidates: u64,
    /// How often a rule held for a record that is wanted.
    pub findings: u64,
    /// Bytes that were read, as stored.
    pub bytes_in: u64,
    /// Bytes of text that they hold.
    pub bytes_inflated: u64,
}

/// Why objects were skipped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Skipped {
    /// Digest files.
    pub digests: u64,
    /// Records of CloudTrail Insights.
    pub insights: u64,
    /// Empty objects.
    pub markers: u64,
    /// Something other than logs; links in folders.
    pub others: u64,
    /// Objects of times, accounts or regions that are not wanted.
    pub unwanted: u64,
}

/// How often a rule held, when and for whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleReport {
    /// The rule's id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Its severity.
    pub level: Level,
    /// How often it held.
    pub findings: u64,
    /// When the first of these events was.
    pub first: Option<Timestamp>,
    /// When the last of these events was.
    pub last: Option<Timestamp>,
    /// Who acted, and how often; the most frequent first.
    pub who: Vec<(String, u64)>,
    /// How often somebody acted who is not among these.
    pub others: u64,
}

/// Something that could not be read, or not in full.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// A path, an S3 URL, or `-`.
    pub object: String,
    /// The byte at which it is damaged, where one is known.
    pub offset: Option<u64>,
    /// What is wrong.
    pub reason: String,
}

impl Report {
    /// The gravest level of all findings.
    pub fn gravest(&self) -> Option<Level> {
        self.rules.iter().map(|rule| rule.level).max()
    }
}

impl Totals {
    pub(crate) fn add(&mut self, other: &Self) {
        self.objects += other.objects;
        self.logs += other.logs;
        self.skipped.add(&other.skipped);
        self.failed += other.failed;
        self.records += other.records;
        self.candidates += other.candidates;
        self.findings += other.findings;
        self.bytes_in += other.bytes_in;
        self.bytes_inflated += other.bytes_inflated;
    }
}

impl Requests {
    pub(crate) fn add(&mut self, other: &Self) {
        let Self { lists, gets, repeated, slow_downs, folders_passed_over } = other;
        self.lists += lists;
        self.gets += gets;
        self.repeated += repeated;
        self.slow_downs += slow_downs;
        self.folders_passed_over += folders_passed_over;
    }
}

impl Skipped {
    pub(crate) fn add(&mut self, other: &Self) {
        let Self { digests, insights, markers, others, unwanted } = other;
        self.digests += digests;
        self.insights += insights;
        self.markers += markers;
        self.others += others;
        self.unwanted += unwanted;
    }

    /// How many objects were skipped.
    pub fn total(&self) -> u64 {
        self.digests + self.insights + self.markers + self.others + self.unwanted
    }
}
