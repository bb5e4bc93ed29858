//! Archives in buckets: their objects, found and read while others are examined.

mod layout;
mod listing;
mod page;
mod refusal;
mod walk;

mod gate;
mod pace;

mod fetch;
mod receipt;
mod verdict;

mod ledger;
mod resume;

mod plan;

use std::{
    io,
    num::{NonZeroU32, NonZeroUsize},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use credentials::{Access, Bucket};
use object_store::{ObjectStore, ObjectStoreExt, RetryConfig};
use tokio::{
    runtime::{Builder, Runtime},
    sync::mpsc,
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

pub(crate) use self::receipt::Receipt;
use self::{
    fetch::Fetcher,
    gate::Gate,
    ledger::Ledger,
    listing::{Listed, Listing},
    walk::{Counts, Found, Walk},
};
pub use self::{
    plan::{Kms, Plan, plan},
    resume::{Resume, ResumeError},
};
use crate::{
    item::Item,
    progress::Progress,
    report::{Failure, Requests},
    window::Window,
};

/// How many requests for objects run at a time at most, unless somebody says otherwise.
const AT_A_TIME_MAX: usize = 256;
/// How many objects are listed ahead of those that are read.
const LISTED_AHEAD_MAX: usize = 4_096;
/// How many objects are read ahead of those that are examined.
const READ_AHEAD_MAX: usize = 256;
/// How many threads wait for the network.
const NETWORK_THREADS: usize = 2;
/// How often a thread that waits for an object looks whether the scan is to stop.
const STOP_LOOKED_AT_EVERY: Duration = Duration::from_millis(200);

/// How buckets are read.
#[derive(Clone, Debug, Default)]
pub struct Archives {
    /// Whose keys, and where.
    pub access: Access,
    /// How many requests of all kinds may begin in a second; as many as S3 bears where none is
    /// given.
    pub requests_per_second: Option<NonZeroU32>,
    /// How many objects may be asked for at a time, at most.
    pub at_a_time_max: Option<NonZeroUsize>,
    /// Where to go on, and to say how far the scan got.
    pub resume: Option<Resume>,
}

/// The objects of one archive.
pub(crate) struct Archive {
    runtime: Option<Runtime>,
    items: mpsc::Receiver<Item>,
    url: String,
    ledger: Arc<Mutex<Ledger>>,
    resume: Option<Resume>,
    asked: Asked,
    _work: JoinSet<()>,
}

/// What counts requests.
#[derive(Clone)]
struct Asked {
    gate: Arc<Gate>,
    counts: Arc<Counts>,
    gets: Arc<AtomicU64>,
}

/// What is wanted of which bucket.
#[derive(Clone, Debug)]
struct Wanted {
    bucket: String,
    prefix: String,
    window: Window,
    archives: Archives,
}

impl Archive {
    /// Begins to list and read; objects are there as soon as they are asked for.
    ///
    /// # Errors
    /// The operating system gives no threads.
    pub(crate) fn open(
        bucket: &str,
        prefix: &str,
        window: &Window,
        archives: &Archives,
    ) -> io::Result<Self> {
        let runtime =
            Builder::new_multi_thread().worker_threads(NETWORK_THREADS).enable_all().build()?;
        let url = format!("s3://{bucket}/{prefix}");
        let before = archives.resume.as_ref().map(|resume| resume.progress(&url));
        let ledger = Arc::new(Mutex::new(Ledger::after(before.unwrap_or_default())));
        let wanted = Wanted {
            bucket: bucket.to_owned(),
            prefix: prefix.to_owned(),
            window: window.clone(),
            archives: archives.clone(),
        };
        let (sender, items) = mpsc::channel(READ_AHEAD_MAX);
        let asked = Asked::new(&wanted);
        let reading = read(wanted, Arc::clone(&ledger), asked.clone(), sender);
        let mut work = JoinSet::new();
        work.spawn_on(reading, runtime.handle());
        if let Some(resume) = archives.resume.clone() {
            work.spawn_on(keep(resume, url.clone(), Arc::clone(&ledger)), runtime.handle());
        }
        let (runtime, resume) = (Some(runtime), archives.resume.clone());
        Ok(Self { runtime, items, url, ledger, resume, asked, _work: work })
    }

    /// The next object; none at the end, or where the scan is to stop.
    pub(crate) fn next(&mut self, progress: &Progress) -> Option<Item> {
        loop {
            if let Some(item) = self.at_once() {
                return Some(item);
            }
            let runtime = self.runtime.as_ref()?;
            let next = async { timeout(STOP_LOOKED_AT_EVERY, self.items.recv()).await };
            match runtime.block_on(next) {
                Ok(item) => return item,
                Err(_) if progress.is_stopped() => return None,
                Err(_) => {}
            }
        }
    }

    /// The next object, where it is here already.
    pub(crate) fn at_once(&mut self) -> Option<Item> {
        self.items.try_recv().ok()
    }

    /// What was asked until now.
    pub(crate) fn requests(&self) -> Requests {
        let Asked { gate, counts, gets } = &self.asked;
        Requests {
            lists: counts.lists.load(Relaxed),
            gets: gets.load(Relaxed),
            repeated: gate.retried(),
            slow_downs: gate.refused(),
            folders_passed_over: counts.folders_passed_over.load(Relaxed),
        }
    }

    /// Ends; what is under way is dropped. Says how far the scan got.
    pub(crate) fn close(mut self) -> Option<Failure> {
        self.stop();
        let resume = self.resume.take()?;
        let progress = self.ledger.lock().expect("no holder panics").progress();
        let error = resume.write(&self.url, progress).err()?;
        let object = resume.file().display().to_string();
        Some(Failure { object, offset: None, reason: format!("cannot write it: {error}") })
    }

    fn stop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Drop for Archive {
    fn drop(&mut self) {
        // A runtime that is dropped waits for what it does.
        self.stop();
    }
}

/// Lists and reads until the end.
async fn read(wanted: Wanted, ledger: Arc<Mutex<Ledger>>, asked: Asked, items: mpsc::Sender<Item>) {
    let bucket = match open(&wanted).await {
        Ok(bucket) => bucket,
        Err(failure) => {
            // Where nobody takes it, nobody wants it.
            items.send(Item::Failed(failure)).await.ok();
            return;
        }
    };
    let objects = bucket.store();
    read_from(wanted, Arc::new(bucket), objects, ledger, asked, items).await;
}

async fn open(wanted: &Wanted) -> Result<Bucket, Failure> {
    // The gate tries again: it must see what is refused.
    let once = RetryConfig { max_retries: 0, ..RetryConfig::default() };
    let opened = wanted.archives.access.bucket(&wanted.bucket, once).await;
    opened.map_err(|error| {
        let object = format!("s3://{}/{}", wanted.bucket, wanted.prefix);
        Failure { object, offset: None, reason: with_causes(&error) }
    })
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let words = error.to_string();
        if !text.contains(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        cause = error.source();
    }
    text
}

async fn read_from<L: Listing>(
    wanted: Wanted,
    listing: Arc<L>,
    objects: Arc<dyn ObjectStore>,
    ledger: Arc<Mutex<Ledger>>,
    asked: Asked,
    items: mpsc::Sender<Item>,
) {
    let Asked { gate, counts, gets } = asked;
    let (sender, found) = mpsc::channel(LISTED_AHEAD_MAX);
    let fetcher = Arc::new(Fetcher {
        listing: Arc::clone(&listing),
        objects: Arc::clone(&objects),
        bucket: wanted.bucket.clone(),
        gate: Arc::clone(&gate),
        ledger: Arc::clone(&ledger),
        gets,
        items,
        budget: fetch::budget(),
        verdict: Mutex::default(),
        ended: CancellationToken::new(),
    });
    let walk = wanted.walk(listing, Arc::clone(&ledger), Arc::clone(&gate), counts);
    let mut work = JoinSet::new();
    work.spawn(Arc::clone(&gate).watch());
    work.spawn(async move {
        again(&ledger, &*objects, &gate, &sender).await;
        walk.run(sender).await;
    });
    fetcher.run(found).await;
    work.shutdown().await;
}

/// Finds what an earlier run could not read.
async fn again(
    ledger: &Mutex<Ledger>,
    objects: &dyn ObjectStore,
    gate: &Gate,
    found: &mpsc::Sender<Found>,
) {
    let keys = ledger.lock().expect("no holder panics").failed_before();
    for key in keys {
        let asked = match fetch::path_of(&key) {
            Some(path) => Some(gate.tried(|| objects.head(&path)).await),
            None => None,
        };
        let (size, etag) = match asked {
            Some(Ok(meta)) => (meta.size, meta.e_tag),
            Some(Err(object_store::Error::NotFound { .. })) => {
                ledger.lock().expect("no holder panics").read_after_all(&key);
                continue;
            }
            // The request for it will tell what is wrong.
            Some(Err(_)) | None => (0, None),
        };
        let listed = Listed { key, size, etag, ..Listed::default() };
        if found.send(Found::Object { listed, unit: None }).await.is_err() {
            return;
        }
    }
}

/// Writes from time to time how far the scan got.
async fn keep(resume: Resume, url: String, ledger: Arc<Mutex<Ledger>>) {
    loop {
        sleep(resume::WRITTEN_EVERY).await;
        let progress = ledger.lock().expect("no holder panics").progress();
        // The end of the scan writes once more, and says what is wrong.
        resume.write(&url, progress).ok();
    }
}

impl Wanted {
    fn gate(&self) -> Arc<Gate> {
        let at_a_time = self.archives.at_a_time_max.map_or(AT_A_TIME_MAX, NonZeroUsize::get);
        let per_second = self.archives.requests_per_second;
        Arc::new(Gate::new(at_a_time, per_second.map(|requests| f64::from(requests.get()))))
    }

    fn walk<L>(
        &self,
        listing: Arc<L>,
        ledger: Arc<Mutex<Ledger>>,
        gate: Arc<Gate>,
        counts: Arc<Counts>,
    ) -> Walk<L> {
        Walk {
            listing,
            bucket: self.bucket.clone(),
            prefix: self.prefix.clone(),
            window: self.window.clone(),
            ledger,
            counts,
            gate,
        }
    }
}

impl Asked {
    fn new(wanted: &Wanted) -> Self {
        Self { gate: wanted.gate(), counts: Arc::default(), gets: Arc::default() }
    }
}

#[cfg(test)]
mod tests;
