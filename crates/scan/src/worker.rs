//! One thread of a scan: reads object after object.

use std::{
    fs::File,
    io::{self, Cursor, Read},
    ops::ControlFlow,
    path::Path,
};

use detect::{Contents, Examined, Examiner, Found};
use rule::RuleSet;

use crate::{
    fact::Facts,
    item::{Body, Fetched, Item},
    local,
    progress::Progress,
    read::{Buffer, Counted, Filled, Stdin},
    report::Failure,
    run::Sink,
    tally::Tally,
    window::Window,
};

/// The largest object that is held whole, in bytes as stored: log files are far smaller, and what is
/// larger loses nothing by being read in pieces.
const WHOLE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// What standard input is called.
const STDIN: &str = "-";

/// How many places of damage are told of one object; others are counted.
const DAMAGES_OF_OBJECT_MAX: usize = 5;

/// Reads objects one after another.
pub(crate) struct Worker<'a, S> {
    asked: Asked<'a>,
    progress: &'a Progress,
    examiner: Examiner,
    buffer: Option<Buffer>,
    told: Told<S>,
}

/// What is asked of each record.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) rules: &'a RuleSet,
    pub(crate) window: &'a Window,
    /// Whether to count when and for whom rules hold.
    pub(crate) details: bool,
}

/// Where findings go.
struct Told<S> {
    tally: Tally,
    sink: S,
    /// The facts of the record that begins at this offset: several rules may hold for it.
    known: Option<(u64, Facts)>,
}

impl<'a, S: Sink> Worker<'a, S> {
    pub(crate) fn new(asked: Asked<'a>, progress: &'a Progress, sink: S) -> Self {
        let told = Told { tally: Tally::default(), sink, known: None };
        Self { asked, progress, examiner: Examiner::new(), buffer: None, told }
    }

    /// What was counted.
    pub(crate) fn into_tally(self) -> Tally {
        self.told.tally
    }

    /// Reads one object; gives how many bytes it has, as stored.
    pub(crate) fn read(&mut self, item: Item) -> u64 {
        let (bytes, findings) = (self.told.tally.totals.bytes_in, self.told.tally.totals.findings);
        let mut receipt = None;
        match item {
            Item::File(path) => self.file(&path),
            Item::Stdin => self.stdin(),
            Item::Fetched(mut fetched) => {
                receipt = fetched.receipt.take();
                self.fetched(fetched);
            }
            Item::NotAFile => {
                self.told.tally.totals.objects += 1;
                self.told.tally.totals.skipped.others += 1;
            }
            Item::Skipped(skipped) => {
                self.told.tally.totals.objects += skipped.total();
                self.told.tally.totals.skipped.add(&skipped);
            }
            Item::Failed(failure) => self.failed(failure),
        }
        self.progress.object_ended(self.told.tally.totals.findings - findings);
        if self.told.sink.flush().is_break() {
            self.progress.stop();
        }
        // An object that was not read to its end is read again by whoever goes on.
        if let Some(receipt) = receipt
            && !self.progress.is_stopped()
        {
            receipt.done();
        }
        self.told.tally.totals.bytes_in - bytes
    }

    fn file(&mut self, path: &Path) {
        let name = path.to_string_lossy();
        if !self.asked.window.wants_key(&name) {
            return self.unwanted();
        }
        let mut buffer = self.take_buffer();
        let opened = File::open(path).and_then(|mut file| {
            let filled = buffer.fill(&mut file)?;
            Ok((file, filled))
        });
        match opened {
            Ok((_, Filled::Whole(bytes))) => self.whole(&name, &name, bytes),
            Ok((file, Filled::Beginning(bytes))) => {
                self.stream(&name, &name, Cursor::new(bytes).chain(file));
            }
            Err(error) => self.not_read(path, &error),
        }
        self.buffer = Some(buffer);
    }

    fn not_read(&mut self, path: &Path, error: &io::Error) {
        if let Item::Failed(failure) = local::failed(path, error) {
            self.failed(failure);
        }
    }

    fn stdin(&mut self) {
        match Stdin::open(self.progress) {
            Ok(stdin) => self.stream(STDIN, STDIN, stdin),
            Err(error) => self.not_read(Path::new(STDIN), &error),
        }
    }

    fn fetched(&mut self, fetched: Fetched) {
        let Fetched { name, key, body, .. } = fetched;
        match body {
            Body::Whole(bytes) => self.whole(&name, &key, &bytes),
            Body::Stream(source) => self.stream(&name, &key, source),
        }
    }

    fn take_buffer(&mut self) -> Buffer {
        self.buffer.take().unwrap_or_else(|| Buffer::new(WHOLE_BYTES_MAX))
    }

    fn whole(&mut self, name: &str, key: &str, bytes: &[u8]) {
        let Self { asked, examiner, told, progress, .. } = self;
        let count = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        progress.read(count);
        told.known = None;
        let mut found = |found: Found<'_>| {
            if told.found(*asked, name, &found).is_break() {
                progress.stop();
            }
        };
        let examined = examiner.whole(asked.rules, key, bytes, &mut found);
        self.examined(name, count, examined);
    }

    fn stream(&mut self, name: &str, key: &str, source: impl Read) {
        let Self { asked, examiner, told, progress, .. } = self;
        let mut source = Counted::new(source, progress);
        told.known = None;
        let mut found = |found: Found<'_>| {
            if told.found(*asked, name, &found).is_break() {
                progress.stop();
            }
        };
        let examined = examiner.stream(asked.rules, key, &mut source, &mut found);
        let count = source.count_read();
        self.examined(name, count, examined);
    }

    fn examined(&mut self, name: &str, bytes: u64, examined: Examined) {
        let Examined { contents, records, candidates, bytes_inflated, damage, .. } = examined;
        let totals = &mut self.told.tally.totals;
        totals.objects += 1;
        totals.bytes_in += bytes;
        totals.records += records;
        totals.candidates += candidates;
        totals.bytes_inflated += bytes_inflated;
        // What was not read to its end because somebody wished so is not damaged.
        if !damage.is_empty() && !self.progress.is_stopped() {
            totals.failed += 1;
            let untold = damage.len().saturating_sub(DAMAGES_OF_OBJECT_MAX);
            for damage in damage.into_iter().take(DAMAGES_OF_OBJECT_MAX) {
                let object = name.to_owned();
                let failure = Failure { object, offset: damage.offset, reason: damage.reason };
                self.told.tally.failed(failure);
            }
            self.told.tally.untold(untold);
            return;
        }
        match contents {
            Contents::Log => totals.logs += 1,
            Contents::Digest => totals.skipped.digests += 1,
            Contents::Insights => totals.skipped.insights += 1,
            Contents::Marker => totals.skipped.markers += 1,
            Contents::Other => totals.skipped.others += 1,
        }
    }

    fn unwanted(&mut self) {
        self.told.tally.totals.objects += 1;
        self.told.tally.totals.skipped.unwanted += 1;
    }

    fn failed(&mut self, failure: Failure) {
        self.told.tally.totals.objects += 1;
        self.told.tally.totals.failed += 1;
        self.told.tally.failed(failure);
    }
}

impl<S: Sink> Told<S> {
    /// Hands on a finding that is wanted. Break where nobody listens any more.
    fn found(&mut self, asked: Asked<'_>, object: &str, found: &Found<'_>) -> ControlFlow<()> {
        let needed = asked.details || !asked.window.is_open();
        if needed && self.known.as_ref().is_none_or(|(offset, _)| *offset != found.offset) {
            self.known = Some((found.offset, Facts::of(found.record)));
        }
        let facts = self.known.as_ref().map(|(_, facts)| facts);
        if facts.is_some_and(|facts| !asked.window.wants(facts)) {
            return ControlFlow::Continue(());
        }
        self.tally.found(found.rule, facts);
        self.sink.found(object, found)
    }
}
