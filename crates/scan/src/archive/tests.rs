//! An archive in memory, listed and read by the page.

use std::collections::BTreeSet;

use futures_util::TryStreamExt;
use object_store::{ObjectMeta, memory::InMemory, path::Path};

use super::{
    listing::{Ask, Page},
    plan::count,
    *,
};

/// How many keys or folders a page holds.
const PAGE: usize = 3;

/// A bucket that keeps what it was asked.
struct Memory {
    store: Arc<InMemory>,
    asked: Mutex<Vec<Ask>>,
    page: usize,
}

impl Listing for Memory {
    async fn page(&self, ask: Ask) -> object_store::Result<Page> {
        self.asked.lock().unwrap().push(ask.clone());
        let mut found: Vec<ObjectMeta> = self.store.list(None).try_collect().await?;
        found.sort_by(|a, b| a.location.cmp(&b.location));
        let from = ask.token.clone().or(ask.after);
        let mut page = Page::default();
        let mut last = String::new();
        for meta in found {
            let key = String::from(meta.location);
            let Some(rest) = key.strip_prefix(&ask.prefix) else { continue };
            let folder = rest.split_once('/').filter(|_| ask.folders);
            let entry = match folder {
                Some((folder, _)) => format!("{}{folder}/", ask.prefix),
                None => key.clone(),
            };
            // The token stands for what was given last; a folder is not given again.
            if from.as_ref().is_some_and(|from| entry <= *from) || entry == last {
                continue;
            }
            if page.folders.len() + page.objects.len() == self.page {
                page.next = Some(last);
                break;
            }
            match folder {
                Some(_) => page.folders.push(entry.clone()),
                None => page.objects.push(Listed { key, size: meta.size, ..Listed::default() }),
            }
            last = entry;
        }
        Ok(page)
    }

    async fn odd(&self, _: &str) -> object_store::Result<bytes::Bytes> {
        unreachable!("memory has no odd keys")
    }
}

async fn memory(keys: &[&str], page: usize) -> Arc<Memory> {
    let store = Arc::new(InMemory::new());
    for key in keys {
        let bytes = if key.ends_with("marker") { "" } else { "{\"Records\":[]}" };
        store.put(&Path::from(*key), bytes.into()).await.unwrap();
    }
    Arc::new(Memory { store, asked: Mutex::default(), page })
}

fn wanted(prefix: &str, window: Window) -> Wanted {
    let archives = Archives::default();
    Wanted { bucket: "logs".to_owned(), prefix: prefix.to_owned(), window, archives }
}

/// What is handed on of an archive; each is said to be read.
async fn all(memory: &Arc<Memory>, wanted: Wanted, ledger: &Arc<Mutex<Ledger>>) -> Vec<String> {
    some(memory, wanted, ledger, usize::MAX).await
}

async fn some(
    memory: &Arc<Memory>,
    wanted: Wanted,
    ledger: &Arc<Mutex<Ledger>>,
    count: usize,
) -> Vec<String> {
    let (sender, mut items) = mpsc::channel(READ_AHEAD_MAX);
    let asked = Asked::new(&wanted);
    let objects: Arc<dyn ObjectStore> = Arc::clone(&memory.store) as _;
    let mut work = JoinSet::new();
    work.spawn(read_from(wanted, Arc::clone(memory), objects, Arc::clone(ledger), asked, sender));
    let mut told = Vec::new();
    while told.len() < count
        && let Some(item) = items.recv().await
    {
        match item {
            Item::Fetched(fetched) => {
                told.push(fetched.key);
                fetched.receipt.unwrap().done();
            }
            Item::Failed(failure) => told.push(format!("{}: {}", failure.object, failure.reason)),
            Item::Skipped(_) => {}
            _ => panic!("nothing else comes of an archive"),
        }
    }
    told.sort();
    told
}

const EAST: &str = "AWSLogs/111122223333/CloudTrail/us-east-2";

fn keys(prefix: &str, days: &[&str]) -> Vec<String> {
    days.iter().map(|day| format!("{prefix}/{day}/x.json.gz")).collect()
}

fn window(from: &str, to: &str, accounts: &[&str], regions: &[&str]) -> Window {
    let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    Window::new(from.parse().ok(), to.parse().ok(), owned(accounts), owned(regions))
}

/// Asserts what is read below a prefix, and how many requests it takes to list it.
async fn check(keys: &[String], wanted: Wanted, read: &[String], lists: usize) {
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let memory = memory(&keys, 1_000).await;
    let told = all(&memory, wanted, &Arc::default()).await;
    let mut read = read.to_vec();
    read.sort();
    assert_eq!(told, read);
    let asked = memory.asked.lock().unwrap();
    assert_eq!(asked.len(), lists, "{asked:#?}");
}

#[tokio::test]
async fn accounts_and_regions_are_found_and_days_never_asked_for() {
    let mut all = Vec::new();
    for account in ["111122223333", "123456789012"] {
        for region in ["us-east-2", "eu-west-1"] {
            let days = ["2026/10/31", "2026/11/21", "2026/11/22"];
            all.extend(keys(&format!("AWSLogs/{account}/CloudTrail/{region}"), &days));
            all.push(format!("AWSLogs/{account}/CloudTrail-Digest/{region}/2026/11/22/d.json.gz"));
            all.push(format!("AWSLogs/{account}/CloudTrail-Insight/{region}/2026/11/22/i.json.gz"));
            all.push(format!("AWSLogs/{account}/Config/{region}/2026/11/22/c.json.gz"));
        }
    }
    let logs: Vec<_> = all.iter().filter(|key| key.contains("/CloudTrail/")).cloned().collect();
    // The root, AWSLogs, two accounts, two CloudTrail folders, four regions.
    check(&all, wanted("", Window::default()), &logs, 10).await;
    // One account and one region less each.
    let east = keys(EAST, &["2026/10/31", "2026/11/21", "2026/11/22"]);
    let only = window("", "", &["111122223333"], &["us-east-2"]);
    check(&all, wanted("", only), &east, 5).await;
    // Whoever points at a region asks for no more.
    check(&all, wanted(EAST, Window::default()), &east, 2).await;
    check(&all, wanted(&format!("{EAST}/"), Window::default()), &east, 1).await;
    check(&all, wanted(&format!("{EAST}/2026/11/"), Window::default()), &east[1..], 1).await;
    check(&all, wanted(&east[2], Window::default()), &east[2..], 1).await;
    // Digests that somebody points at are passed over all the same.
    let digests = "AWSLogs/111122223333/CloudTrail-Digest/";
    check(&all, wanted(digests, Window::default()), &[], 1).await;
}

#[tokio::test]
async fn all_layouts_are_found() {
    let day = ["2026/11/22"];
    let trail = "111122223333/CloudTrail/us-east-2";
    for (at, lists) in [
        ("AWSLogs/", 5),
        ("prod/AWSLogs/", 6),
        ("AWSLogs/o-example/", 6),
        ("o-example/AWSLogs/o-example/", 7),
        ("copies/of/AWSLogs/", 7),
        ("", 4),
        ("backup/", 5),
    ] {
        let logs = keys(&format!("{at}{trail}"), &day);
        check(&logs, wanted("", Window::default()), &logs, lists).await;
    }
}

#[tokio::test]
async fn folders_of_another_order_are_listed_flat() {
    let all: Vec<String> = ["a.json", "x/b.json", "x/y/z/q/c.json", "x/y/z/q/r/d.json"]
        .into_iter()
        .map(str::to_owned)
        .collect();
    check(&all, wanted("", Window::default()), &all, 5).await;
    check(&all, wanted("x/y/z/q/", Window::default()), &all[2..], 2).await;
}

#[tokio::test]
async fn only_days_that_are_wanted_are_listed_and_the_day_of_a_late_delivery() {
    let days: Vec<String> = (1..=28).map(|day| format!("2026/11/{day:02}")).collect();
    let days: Vec<&str> = days.iter().map(String::as_str).collect();
    let all = keys(EAST, &days);
    let names: Vec<&str> = all.iter().map(String::as_str).collect();
    let memory = memory(&names, PAGE).await;
    let three = window("2026-11-10T12:00:00Z", "2026-11-11T12:00:00Z", &[], &[]);
    let told = self::all(&memory, wanted(&format!("{EAST}/"), three), &Arc::default()).await;
    assert_eq!(told, all[9..12]);
    let asked = memory.asked.lock().unwrap();
    // The tenth to the twelfth fill one page; the next shows that the last day is past.
    assert_eq!(asked.len(), 2, "{asked:#?}");
    assert_eq!(asked[0].after.as_deref(), Some(format!("{EAST}/2026/11/10").as_str()));
}

#[tokio::test]
async fn many_accounts_are_found_page_by_page() {
    let accounts: Vec<String> = (0..10).map(|n| format!("11112222330{n}")).collect();
    let all: Vec<String> = accounts
        .iter()
        .flat_map(|account| {
            keys(&format!("AWSLogs/{account}/CloudTrail/us-east-2"), &["2026/11/22"])
        })
        .collect();
    let names: Vec<&str> = all.iter().map(String::as_str).collect();
    let memory = memory(&names, PAGE).await;
    assert_eq!(
        self::all(&memory, wanted("AWSLogs/", Window::default()), &Arc::default()).await,
        all
    );
    // Four pages of accounts, then three requests for each account.
    assert_eq!(memory.asked.lock().unwrap().len(), 4 + 30);
}

#[tokio::test]
async fn a_plan_counts_and_reads_nothing() {
    let mut all = keys(EAST, &["2026/11/21", "2026/11/22"]);
    all.push(format!("{EAST}/marker"));
    all.push("AWSLogs/111122223333/CloudTrail-Digest/us-east-2/2026/11/22/d.json.gz".to_owned());
    let names: Vec<&str> = all.iter().map(String::as_str).collect();
    let memory = memory(&names, 1_000).await;
    let (plan, samples) =
        count(&wanted("", Window::default()), Arc::clone(&memory), &Progress::new()).await;
    assert_eq!((plan.objects, plan.bytes, plan.lists, plan.gets), (2, 28, 5, 2));
    assert_eq!((plan.accounts, plan.regions), (1, 1));
    assert_eq!((plan.skipped.markers, plan.folders_passed_over), (1, 1));
    assert_eq!((plan.kms, samples.len()), (Kms::Unknown, 1));
}

#[tokio::test]
async fn a_scan_that_goes_on_misses_nothing_and_repeats_nothing() {
    let days: Vec<String> = (1..=28).map(|day| format!("2026/11/{day:02}")).collect();
    let days: Vec<&str> = days.iter().map(String::as_str).collect();
    let mut all = keys(EAST, &days);
    all.extend(keys(&EAST.replace("us-east-2", "eu-west-1"), &days));
    all.push("AWSLogs/notes.json".to_owned());
    let names: Vec<&str> = all.iter().map(String::as_str).collect();
    let memory = memory(&names, PAGE).await;
    let mut told: Vec<String> = Vec::new();
    let mut ledger: Arc<Mutex<Ledger>> = Arc::default();
    let mut runs = 0;
    while told.len() < all.len() {
        runs += 1;
        assert!(runs < 20, "{told:?}");
        let wanted = wanted("AWSLogs/", Window::default());
        told.extend(some(&memory, wanted, &ledger, 7).await);
        // What is kept is all that the next run knows.
        let kept = serde_json::to_string(&ledger.lock().unwrap().progress()).unwrap();
        ledger = Arc::new(Mutex::new(Ledger::after(serde_json::from_str(&kept).unwrap())));
    }
    let once: BTreeSet<&String> = told.iter().collect();
    assert_eq!((told.len(), once.len()), (all.len(), all.len()));
    // And then there is nothing left, which one look at the ledger tells.
    let asked = memory.asked.lock().unwrap().len();
    let rest = self::all(&memory, wanted("AWSLogs/", Window::default()), &ledger).await;
    assert_eq!(rest, Vec::<String>::new());
    assert!(memory.asked.lock().unwrap().len() - asked <= 6);
}

#[tokio::test]
async fn what_could_not_be_read_is_read_by_the_next_run() {
    let all = keys(EAST, &["2026/11/21", "2026/11/22"]);
    let names: Vec<&str> = all.iter().map(String::as_str).collect();
    let memory = memory(&names, 1_000).await;
    let ledger: Arc<Mutex<Ledger>> = Arc::default();
    let gone = Path::from(all[0].as_str());
    // It vanishes after it was listed, as far as this reader can tell.
    let hidden: Arc<InMemory> = Arc::default();
    hidden.put(&Path::from(all[1].as_str()), "{}".into()).await.unwrap();
    let (sender, mut items) = mpsc::channel(READ_AHEAD_MAX);
    let wanted = wanted("", Window::default());
    let asked = Asked::new(&wanted);
    let read =
        read_from(wanted.clone(), Arc::clone(&memory), hidden, Arc::clone(&ledger), asked, sender);
    let mut work = JoinSet::new();
    work.spawn(read);
    let mut failed = Vec::new();
    while let Some(item) = items.recv().await {
        match item {
            Item::Fetched(fetched) => fetched.receipt.unwrap().done(),
            Item::Failed(failure) => failed.push(failure),
            _ => {}
        }
    }
    assert_eq!(failed.len(), 1, "{failed:?}");
    assert_eq!(failed[0].object, format!("s3://logs/{gone}"));
    assert!(failed[0].reason.contains("no longer there"), "{failed:?}");
    let kept = ledger.lock().unwrap().progress();
    let ledger = Arc::new(Mutex::new(Ledger::after(kept)));
    assert_eq!(self::all(&memory, wanted, &ledger).await, [all[0].clone()]);
    assert!(ledger.lock().unwrap().progress().failed.is_empty());
}
