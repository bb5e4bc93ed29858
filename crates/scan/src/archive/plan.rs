//! What a scan of archives would ask for, and what that would cost.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{Arc, Mutex, atomic::Ordering::Relaxed},
};

use credentials::Encryption;
use tokio::{runtime::Builder, sync::mpsc, task::JoinSet};

use super::{
    Archives, LISTED_AHEAD_MAX, NETWORK_THREADS, Wanted,
    fetch::requests_for,
    ledger::Ledger,
    listing::Listing,
    walk::{Counts, Found},
};
use crate::{
    progress::Progress,
    report::{FAILURES_MAX, Failure, Skipped},
    window::{self, Window},
};

// Prices of us-east-1 in US dollars, looked up in November 2026 at
// https://aws.amazon.com/s3/pricing/ and https://aws.amazon.com/kms/pricing/, and compared with what
// others tell of these pages. S3 Standard: other classes cost more a GET.
/// `PUT, COPY, POST, LIST requests`: $0.005 per 1,000.
const DOLLARS_PER_LIST: f64 = 0.005 / 1_000.0;
/// `GET, SELECT, and all other requests`: $0.0004 per 1,000.
const DOLLARS_PER_GET: f64 = 0.0004 / 1_000.0;
/// Requests by symmetric keys: $0.03 per 10,000, after 20,000 a month that are free.
const DOLLARS_PER_KMS_CALL: f64 = 0.03 / 10_000.0;
/// Data transfer out to the internet, up to 10 TB a month, after 100 GB that are free.
const DOLLARS_PER_GB_OUT: f64 = 0.09;
const PRICES_OF: &str = "us-east-1, November 2026";

/// How many objects are asked how they are encrypted: one of each account and region.
const SAMPLES_MAX: usize = 64;

/// What a scan of an archive would ask for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// The archive.
    pub url: String,
    /// How many objects would be read.
    pub objects: u64,
    /// How many bytes they have, as stored.
    pub bytes: u64,
    /// How many accounts they are of.
    pub accounts: u64,
    /// How many regions.
    pub regions: u64,
    /// How many requests it took to list them; a scan takes as many.
    pub lists: u64,
    /// How many requests would read them.
    pub gets: u64,
    /// How often KMS would be asked.
    pub kms: Kms,
    /// Objects that lie in an archive class: they cannot be read before they are restored.
    pub archived: u64,
    /// Objects that would be passed over.
    pub skipped: Skipped,
    /// Folders that would be passed over: of digests, Insights, other services, and of accounts and
    /// regions that are not wanted.
    pub folders_passed_over: u64,
    /// What could not be listed.
    pub failures: Vec<Failure>,
    /// Whether it was stopped before its end.
    pub is_stopped: bool,
}

/// How often KMS would be asked, judged by one object of each account and region.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kms {
    /// Nobody can tell.
    #[default]
    Unknown,
    /// So often.
    Calls {
        /// Once for each object that is encrypted by a key of KMS.
        calls: u64,
        /// Of these objects, how many are of buckets' keys, for which KMS is asked seldom: they
        /// are not in `calls`.
        by_bucket_keys: u64,
    },
}

impl Plan {
    /// What the requests would cost in US dollars.
    pub fn dollars(&self) -> f64 {
        let calls = match self.kms {
            Kms::Unknown => 0,
            Kms::Calls { calls, .. } => calls,
        };
        dollars(self.lists, DOLLARS_PER_LIST)
            + dollars(self.gets, DOLLARS_PER_GET)
            + dollars(calls, DOLLARS_PER_KMS_CALL)
    }
}

#[expect(clippy::cast_precision_loss, reason = "an estimate")]
fn dollars(count: u64, each: f64) -> f64 {
    count as f64 * each
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { objects, bytes, accounts, regions, lists, gets, .. } = self;
        writeln!(f, "{}", self.url.escape_debug())?;
        writeln!(
            f,
            "  objects     {objects} ({bytes} bytes) of {accounts} accounts and {regions} regions"
        )?;
        let (folders, skipped) = (self.folders_passed_over, self.skipped.total());
        writeln!(f, "  passed over {folders} folders, {skipped} objects")?;
        if self.archived > 0 {
            let archived = self.archived;
            writeln!(
                f,
                "  archived    {archived} objects lie in an archive class: restore them first"
            )?;
        }
        writeln!(f, "  requests    {lists} LIST, {gets} GET")?;
        match self.kms {
            Kms::Unknown => writeln!(
                f,
                "  KMS calls   unknown: at most {objects} (${:.2}), one for each object",
                dollars(*objects, DOLLARS_PER_KMS_CALL)
            )?,
            Kms::Calls { calls, by_bucket_keys: 0 } => writeln!(
                f,
                "  KMS calls   {calls}, judged by one object of each account and region"
            )?,
            Kms::Calls { calls, by_bucket_keys } => writeln!(
                f,
                "  KMS calls   {calls}, and few for {by_bucket_keys} objects by the bucket's own key, \
                 judged by one object of each account and region"
            )?,
        }
        writeln!(f, "  cost        ${:.2} for the requests ({PRICES_OF})", self.dollars())?;
        write!(
            f,
            "              ${:.2} more for reading it from outside AWS, beyond the month's free 100 GB",
            dollars(*bytes, DOLLARS_PER_GB_OUT / 1e9)
        )
    }
}

/// What a scan of an archive would ask for: it is listed, and none of it is read. Ends early where
/// it is to stop.
///
/// # Errors
/// The bucket cannot be opened, or the operating system gives no threads.
pub fn plan(
    bucket: &str,
    prefix: &str,
    window: &Window,
    archives: &Archives,
    progress: &Progress,
) -> Result<Plan, Failure> {
    let wanted = Wanted {
        bucket: bucket.to_owned(),
        prefix: prefix.to_owned(),
        window: window.clone(),
        archives: archives.clone(),
    };
    let runtime = Builder::new_multi_thread().worker_threads(NETWORK_THREADS).enable_all().build();
    let runtime = runtime.map_err(|error| Failure {
        object: format!("s3://{bucket}/{prefix}"),
        offset: None,
        reason: error.to_string(),
    })?;
    runtime.block_on(async {
        let bucket = Arc::new(super::open(&wanted).await?);
        let (mut plan, samples) = count(&wanted, Arc::clone(&bucket), progress).await;
        let asked = samples.values().take(SAMPLES_MAX);
        let mut known = Vec::new();
        for sample in asked {
            if progress.is_stopped() {
                break;
            }
            known.push((sample.objects, bucket.encryption(&sample.key).await));
        }
        plan.kms = Kms::of(&known, plan.objects);
        Ok(plan)
    })
}

/// One object of an account and a region, and how many there are.
#[derive(Debug)]
pub(crate) struct Sample {
    key: String,
    objects: u64,
}

/// The samples by account and region.
type Samples = BTreeMap<(String, String), Sample>;

/// Lists everything.
pub(super) async fn count<L: Listing>(
    wanted: &Wanted,
    listing: Arc<L>,
    progress: &Progress,
) -> (Plan, Samples) {
    let (sender, mut found) = mpsc::channel(LISTED_AHEAD_MAX);
    let (ledger, counts) = (Arc::new(Mutex::new(Ledger::default())), Arc::new(Counts::default()));
    let walk = wanted.walk(listing, Arc::clone(&ledger), wanted.gate(), Arc::clone(&counts));
    let mut work = JoinSet::new();
    work.spawn(walk.run(sender));
    let mut plan =
        Plan { url: format!("s3://{}/{}", wanted.bucket, wanted.prefix), ..Plan::default() };
    let mut samples = Samples::new();
    while let Some(found) = found.recv().await {
        if progress.is_stopped() {
            plan.is_stopped = true;
            break;
        }
        match found {
            Found::Object { listed, .. } if listed.is_archived => plan.archived += 1,
            Found::Object { listed, unit } => {
                plan.objects += 1;
                plan.bytes += listed.size;
                plan.gets += requests_for(listed.size);
                let (account, region) = window::account_and_region(&listed.key);
                let place = (account.to_owned(), region.to_owned());
                if let Some(unit) = unit {
                    ledger.lock().expect("no holder panics").done(unit, &listed.key);
                }
                samples.entry(place).or_insert(Sample { key: listed.key, objects: 0 }).objects += 1;
            }
            Found::Skipped(skipped) => plan.skipped.add(&skipped),
            Found::Failed { prefix, reason, .. } if plan.failures.len() < FAILURES_MAX => {
                let object = format!("s3://{}/{prefix}", wanted.bucket);
                plan.failures.push(Failure { object, offset: None, reason });
            }
            Found::Failed { .. } => {}
        }
    }
    work.shutdown().await;
    let of = |part: fn(&(String, String)) -> &String| {
        let names: BTreeSet<&String> = samples.keys().map(part).collect();
        u64::try_from(names.iter().filter(|name| !name.is_empty()).count()).unwrap_or(u64::MAX)
    };
    plan.accounts = of(|(account, _)| account);
    plan.regions = of(|(_, region)| region);
    plan.lists = counts.lists.load(Relaxed);
    plan.folders_passed_over = counts.folders_passed_over.load(Relaxed);
    (plan, samples)
}

impl Kms {
    /// Judges by samples, each standing for so many objects. Those that are not known are as those
    /// that are.
    fn of(samples: &[(u64, Option<Encryption>)], objects: u64) -> Self {
        let sum = |wanted: Option<Encryption>| {
            let of = samples.iter().filter(|(_, encryption)| *encryption == wanted);
            of.map(|(objects, _)| u128::from(*objects)).sum::<u128>()
        };
        let (each, seldom) = (sum(Some(Encryption::Kms)), sum(Some(Encryption::KmsBucketKey)));
        let known = each + seldom + sum(Some(Encryption::WithoutKms));
        let share = |part: u128| {
            let all = (part * u128::from(objects)).checked_div(known);
            u64::try_from(all.unwrap_or(0)).unwrap_or(u64::MAX)
        };
        match known {
            0 => Self::Unknown,
            _ => Self::Calls { calls: share(each), by_bucket_keys: share(seldom) },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kms_is_judged_by_samples() {
        let check = |samples: &[(u64, Option<Encryption>)], wanted| {
            let objects = samples.iter().map(|(objects, _)| objects).sum();
            assert_eq!(Kms::of(samples, objects), wanted, "{samples:?}");
        };
        let (none, kms, bucket_key) =
            (Encryption::WithoutKms, Encryption::Kms, Encryption::KmsBucketKey);
        check(&[], Kms::Unknown);
        check(&[(10, None)], Kms::Unknown);
        check(&[(10, Some(none))], Kms::Calls { calls: 0, by_bucket_keys: 0 });
        check(
            &[(10, Some(none)), (30, Some(kms)), (5, Some(bucket_key))],
            Kms::Calls { calls: 30, by_bucket_keys: 5 },
        );
        check(&[(10, Some(kms)), (10, None)], Kms::Calls { calls: 20, by_bucket_keys: 0 });
    }

    #[test]
    fn a_plan_says_what_it_costs() {
        let plan = Plan {
            url: "s3://logs/".to_owned(),
            objects: 1_000_000,
            bytes: 10_000_000_000,
            accounts: 2,
            regions: 3,
            lists: 1_100,
            gets: 1_000_000,
            kms: Kms::Calls { calls: 1_000_000, by_bucket_keys: 0 },
            ..Plan::default()
        };
        assert_eq!(format!("{:.4}", plan.dollars()), "3.4055");
        let text = plan.to_string();
        for wanted in
            ["1000000 (10000000000 bytes)", "1100 LIST, 1000000 GET", "$3.41", "$0.90 more"]
        {
            assert!(text.contains(wanted), "{wanted}: {text}");
        }
    }
}
