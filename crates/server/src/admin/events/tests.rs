//! Pages of records, forwards and backwards, and what is asked of them.

use std::sync::Arc;

use flow::ManualClock;
use serde_json::json;
use tempfile::TempDir;

use super::*;

struct Place {
    _folder: TempDir,
    clock: Arc<ManualClock>,
    journal: Journal,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::new(Timestamp::from_secs(1_000)));
        let shared: Arc<ManualClock> = Arc::clone(&clock);
        let journal = Journal::open(&folder.path().join("journal"), shared).unwrap();
        Self { _folder: folder, clock, journal }
    }

    /// Appends records of these names, a second apart.
    async fn append(&self, names: impl IntoIterator<Item = String>) {
        for name in names {
            let record = json!({
                "userIdentity": {"type": "IAMUser", "userName": "alice",
                                 "arn": "arn:aws:iam::111122223333:user/team/alice"},
                "eventSource": "sns.amazonaws.com", "eventName": name,
                "errorCode": (name == "Denied").then_some("AccessDenied"),
            });
            self.journal.append(Kind::Record, record.to_string().into_bytes()).await.unwrap();
            self.clock.advance(1_000);
        }
    }
}

fn names(page: &EventsPage) -> Vec<String> {
    let name = |record: &String| {
        let record: serde_json::Value = serde_json::from_str(record).unwrap();
        record["eventName"].as_str().unwrap().to_owned()
    };
    page.records.iter().map(name).collect()
}

fn wanted(query: EventsQuery) -> Wanted {
    Wanted::of(&query).unwrap()
}

fn all() -> Wanted {
    wanted(EventsQuery::default())
}

#[tokio::test]
async fn pages_forwards_hold_each_record_once() {
    let place = Place::new();
    place.append((0..10).map(|n| format!("E{n}"))).await;
    let (mut next, mut seen) = (0, Vec::new());
    loop {
        let page = forwards(&place.journal, Offset(next), &mut all(), 4).await.unwrap();
        assert!(page.records.len() <= 4);
        seen.extend(names(&page));
        next = page.next;
        if !page.more {
            break;
        }
    }
    assert_eq!(seen, (0..10).map(|n| format!("E{n}")).collect::<Vec<_>>());
}

#[tokio::test]
async fn pages_backwards_end_with_the_newest_and_hold_each_record_once() {
    let place = Place::new();
    place.append((0..10).map(|n| format!("E{n}"))).await;
    let (mut before, mut seen) = (place.journal.end(), Vec::new());
    loop {
        let page = backwards(&place.journal, before, &mut all(), 4).await.unwrap();
        let mut these = names(&page);
        these.extend(seen);
        seen = these;
        before = Offset(page.next);
        if !page.more {
            break;
        }
    }
    assert_eq!(seen, (0..10).map(|n| format!("E{n}")).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_time_is_found_among_what_was_recorded() {
    let place = Place::new();
    for at in [0, 1_000, 5_000] {
        assert_eq!(first_since(&place.journal, Timestamp::from_secs(at)).await.unwrap(), Offset(0));
    }
    place.append((0..10).map(|n| format!("E{n}"))).await;
    for (secs, offset) in [(0, 0), (1_000, 0), (1_001, 1), (1_009, 9), (1_010, 10), (9_000, 10)] {
        let found = first_since(&place.journal, Timestamp::from_secs(secs)).await.unwrap();
        assert_eq!(found, Offset(offset), "{secs}");
    }
}

#[tokio::test]
async fn only_records_of_the_kind_are_given() {
    let place = Place::new();
    place.append(["Made", "Denied"].map(str::to_owned)).await;
    let text = |text: &str| Some(text.to_owned());
    for (query, expected) in [
        (EventsQuery { when: text("sns:Made"), ..EventsQuery::default() }, vec!["Made"]),
        (EventsQuery { when: text("s3:Made"), ..EventsQuery::default() }, vec![]),
        (EventsQuery { errors: true, ..EventsQuery::default() }, vec!["Denied"]),
        (EventsQuery { user: text("alice"), ..EventsQuery::default() }, vec!["Made", "Denied"]),
        (EventsQuery { user: text("team"), ..EventsQuery::default() }, vec![]),
        (EventsQuery { source: text("sns"), ..EventsQuery::default() }, vec!["Made", "Denied"]),
        (EventsQuery { source: text("s3"), ..EventsQuery::default() }, vec![]),
    ] {
        let page =
            forwards(&place.journal, Offset(0), &mut wanted(query.clone()), 9).await.unwrap();
        assert_eq!(names(&page), expected, "{query:?}");
        assert_eq!((page.next, page.more), (2, false));
    }
    let query = EventsQuery { when: text("a and"), ..EventsQuery::default() };
    assert!(Wanted::of(&query).is_err_and(|why| why.contains("at character")));
}
