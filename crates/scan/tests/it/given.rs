//! Files in a temporary folder, and what a scan of them says.

use std::{
    fs,
    io::Write,
    num::NonZeroUsize,
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::Mutex,
};

use detect::Found;
use rule::RuleSet;
use scan::{Progress, Report, Scan, Sink, Source};
use tempfile::TempDir;

/// The account of all records.
pub(crate) const ACCOUNT: &str = "111122223333";

/// A folder, and one question: which records are of `CreateTopic`?
pub(crate) struct Place {
    dir: TempDir,
    pub(crate) rules: RuleSet,
}

/// A finding: the object's path below the folder, and the record.
pub(crate) type Line = (String, String);

/// What a scan said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) report: Report,
    pub(crate) found: Vec<Line>,
}

impl Place {
    pub(crate) fn new() -> Self {
        let rule = rule::when("sns:CreateTopic").unwrap();
        Self { dir: tempfile::tempdir().unwrap(), rules: RuleSet::from_rules(vec![rule]) }
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Writes a file, and the folders that it lies in.
    pub(crate) fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    /// Scans the folder by one thread and by three, which must say the same.
    pub(crate) fn scan(&self) -> Said {
        self.scan_of(vec![Source::Path(self.path().to_owned())])
    }

    pub(crate) fn scan_of(&self, sources: Vec<Source>) -> Said {
        self.scanned(&Scan::of(&self.rules, sources))
    }

    /// Scans by one thread and by three, which must say the same.
    pub(crate) fn scanned(&self, scan: &Scan<'_>) -> Said {
        let alone = self.run(scan);
        let three = NonZeroUsize::new(3).unwrap();
        let beside = self.run(&Scan { threads: three, ..scan.clone() });
        assert_eq!(beside.found, alone.found);
        assert_eq!(beside.report.totals, alone.report.totals);
        assert_eq!(beside.report.rules, alone.report.rules);
        alone
    }

    fn run(&self, scan: &Scan<'_>) -> Said {
        let found = Mutex::new(Vec::new());
        let sink = || Kept { found: &found, within: self.path() };
        let report = scan::run(scan, &Progress::new(), sink);
        let totals = report.totals;
        let accounted = totals.logs + totals.skipped.total() + totals.failed;
        assert_eq!(
            totals.objects, accounted,
            "each object is a log, skipped or failed: {totals:?}"
        );
        let mut found = found.into_inner().unwrap();
        found.sort();
        assert_eq!(totals.findings, found.len() as u64);
        Said { report, found }
    }
}

/// Keeps findings.
struct Kept<'a> {
    found: &'a Mutex<Vec<Line>>,
    within: &'a Path,
}

impl Sink for Kept<'_> {
    fn found(&mut self, object: &str, found: &Found<'_>) -> ControlFlow<()> {
        let object = Path::new(object);
        let name = object.strip_prefix(self.within).unwrap_or(object).to_str().unwrap().to_owned();
        let record = String::from_utf8(found.record.to_vec()).unwrap();
        self.found.lock().unwrap().push((name, record));
        ControlFlow::Continue(())
    }

    fn flush(&mut self) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

impl Said {
    /// The objects of findings, in order.
    pub(crate) fn objects(&self) -> Vec<&str> {
        self.found.iter().map(|(object, _)| object.as_str()).collect()
    }
}

/// A record of an SNS call.
pub(crate) fn record(name: &str, n: u32) -> String {
    format!(
        r#"{{"eventVersion":"1.09","userIdentity":{{"type":"IAMUser","arn":"arn:aws:iam::{ACCOUNT}:user/ada"}},"eventTime":"2026-11-22T10:00:{:02}Z","eventSource":"sns.amazonaws.com","eventName":"{name}","awsRegion":"us-east-2","requestParameters":{{"name":"t{n}"}},"eventID":"00000000-0000-0000-0000-{n:012}","eventType":"AwsApiCall","recipientAccountId":"{ACCOUNT}"}}"#,
        n % 60
    )
}

/// A topic made.
pub(crate) fn hit(n: u32) -> String {
    record("CreateTopic", n)
}

/// Topics listed.
pub(crate) fn miss(n: u32) -> String {
    record("ListTopics", n)
}

/// `{"Records":[…]}`.
pub(crate) fn log(records: &[String]) -> String {
    format!(r#"{{"Records":[{}]}}"#, records.join(","))
}

/// One gzip member.
pub(crate) fn gzip(text: impl AsRef<[u8]>) -> Vec<u8> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(text.as_ref()).unwrap();
    gzip.finish().unwrap()
}
