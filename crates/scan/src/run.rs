//! A scan from its beginning to its end.

use std::{fs, num::NonZeroUsize, ops::ControlFlow, sync::Mutex, thread};

use detect::Found;
use rule::RuleSet;

use crate::{
    archive::Archives,
    item::Item,
    progress::Progress,
    report::Report,
    source::Source,
    supply::Supply,
    tally::Tally,
    window::Window,
    worker::{Asked, Worker},
};

/// How many objects a thread takes up at a time where they are small: few enough that the last
/// ones are shared fairly, enough that threads seldom meet.
const SMALL_OBJECTS_AT_A_TIME: usize = 16;
/// Up to which mean size objects are small, in bytes as stored.
const SMALL_BYTES_MAX: u64 = 64 * 1024;

/// What to look for, and where.
#[derive(Clone, Debug)]
pub struct Scan<'a> {
    /// The rules that are asked.
    pub rules: &'a RuleSet,
    /// Where.
    pub sources: Vec<Source>,
    /// Which times, accounts and regions.
    pub window: Window,
    /// How buckets are read.
    pub archives: Archives,
    /// How many threads read.
    pub threads: NonZeroUsize,
    /// Whether the report says when and for whom rules hold, beside how often.
    pub details: bool,
}

impl<'a> Scan<'a> {
    /// Everything that these hold, read by one thread.
    pub fn of(rules: &'a RuleSet, sources: Vec<Source>) -> Self {
        Self {
            rules,
            sources,
            window: Window::default(),
            archives: Archives::default(),
            threads: NonZeroUsize::MIN,
            details: true,
        }
    }
}

impl Scan<'_> {
    fn supply<'a>(&'a self, progress: &'a Progress) -> Supply<'a> {
        Supply::of(self.sources.clone(), &self.window, &self.archives, progress)
    }
}

/// Where a thread's findings go as they are found.
pub trait Sink {
    /// A rule holds for a record of `object`, which is a path, an S3 URL, or `-`. Break where nobody
    /// listens any more: the scan ends.
    fn found(&mut self, object: &str, found: &Found<'_>) -> ControlFlow<()>;

    /// Called after each object. Break where nobody listens any more.
    fn flush(&mut self) -> ControlFlow<()>;
}

/// Reads everything; each thread has a sink of its own. Nothing that cannot be read ends the scan.
pub fn run<S: Sink>(scan: &Scan<'_>, progress: &Progress, sinks: impl Fn() -> S + Sync) -> Report {
    let asked = Asked { rules: scan.rules, window: &scan.window, details: scan.details };
    let mut supply = scan.supply(progress);
    let mut tally = if scan.threads.get() == 1 {
        let mut worker = Worker::new(asked, progress, sinks());
        while !progress.is_stopped()
            && let Some(item) = supply.next()
        {
            worker.read(item);
        }
        worker.into_tally()
    } else {
        let shared_supply = Mutex::new(supply);
        let work = || shared(Worker::new(asked, progress, sinks()), progress, &shared_supply);
        let tally = thread::scope(|scope| {
            let threads: Vec<_> = (0..scan.threads.get()).map(|_| scope.spawn(work)).collect();
            let tallies = threads.into_iter().map(|thread| match thread.join() {
                Ok(tally) => tally,
                Err(panic) => std::panic::resume_unwind(panic),
            });
            tallies.reduce(|mut all, tally| {
                all.add(tally);
                all
            })
        })
        .unwrap_or_default();
        supply = shared_supply.into_inner().expect("no holder panics");
        tally
    };
    let (requests, failures) = supply.close();
    for failure in failures {
        tally.totals.failed += 1;
        tally.failed(failure);
    }
    Report { requests, ..tally.report(scan.rules, progress.is_stopped()) }
}

/// Takes up objects beside other threads until there are none left.
fn shared<S: Sink>(
    mut worker: Worker<'_, S>,
    progress: &Progress,
    supply: &Mutex<Supply<'_>>,
) -> Tally {
    let mut taken: Vec<Item> = Vec::with_capacity(SMALL_OBJECTS_AT_A_TIME);
    let mut at_a_time = 1;
    while !progress.is_stopped() {
        supply.lock().expect("no holder panics").take_up(at_a_time, &mut taken);
        let count = u64::try_from(taken.len()).unwrap_or(u64::MAX);
        let mut bytes = 0;
        for item in taken.drain(..) {
            if progress.is_stopped() {
                break;
            }
            bytes += worker.read(item);
        }
        match bytes.checked_div(count) {
            None => break,
            Some(mean) if mean <= SMALL_BYTES_MAX => at_a_time = SMALL_OBJECTS_AT_A_TIME,
            Some(_) => at_a_time = 1,
        }
    }
    worker.into_tally()
}

/// Adds up how many bytes there are to read, for whoever wants to know how long a scan takes. Says
/// nothing where it cannot be known, as with standard input.
pub fn measure(scan: &Scan<'_>, progress: &Progress) {
    let is_known = |source: &Source| matches!(source, Source::Path(_) | Source::Pattern(_));
    if !scan.sources.iter().all(is_known) {
        return;
    }
    for item in scan.supply(progress) {
        if progress.is_stopped() {
            return;
        }
        if let Item::File(path) = item
            && scan.window.wants_key(&path.to_string_lossy())
            && let Ok(found) = fs::metadata(&path)
        {
            progress.expect(found.len());
        }
    }
    progress.measured();
}
