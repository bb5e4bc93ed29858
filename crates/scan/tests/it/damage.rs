//! What is damaged: named with its place, while all that is whole is read.

use scan::Failure;

use crate::given::{Place, Said, gzip, hit, log, miss};

/// Scans a damaged file between two whole ones.
#[track_caller]
fn damaged(name: &str, bytes: impl AsRef<[u8]>) -> (Said, Vec<Failure>) {
    let place = Place::new();
    place.file("a.json.gz", gzip(log(&[hit(1)])));
    let path = place.file(name, bytes);
    place.file("z.json", hit(9));
    let said = place.scan();
    assert_eq!((said.report.totals.logs, said.report.totals.failed), (2, 1), "{said:#?}");
    let failures = said.report.failures.clone();
    assert!(!failures.is_empty());
    for failure in &failures {
        assert_eq!(failure.object, path.to_str().unwrap());
    }
    let whole = |name: &str| said.objects().contains(&name);
    assert!(whole("a.json.gz") && whole("z.json"), "the scan goes on: {said:#?}");
    (said, failures)
}

/// How many findings the damaged file has.
fn found_in(said: &Said, name: &str) -> usize {
    said.objects().iter().filter(|object| **object == name).count()
}

/// Records that hardly compress, so that what is lost at the end is little.
fn many() -> Vec<String> {
    let mut state = 1_u64;
    (0..2_000)
        .map(|n| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(n);
            hit(u32::try_from(state >> 33).unwrap())
        })
        .collect()
}

#[test]
fn a_truncated_gzip_gives_what_was_whole_before_its_end() {
    let bytes = gzip(log(&many()));
    let (said, failures) = damaged("cut.json.gz", &bytes[..bytes.len() / 2]);
    assert!(failures[0].offset.is_some(), "{failures:?}");
    let found = found_in(&said, "cut.json.gz");
    assert!((500..1_500).contains(&found), "about half of 2,000: {found}");
}

#[test]
fn a_wrong_checksum_is_told_and_the_records_are_read() {
    let mut bytes = gzip(log(&[hit(1), hit(2)]));
    let at = bytes.len() - 6;
    bytes[at] ^= 0xff;
    let (said, _) = damaged("sum.json.gz", &bytes);
    assert_eq!(found_in(&said, "sum.json.gz"), 2);
}

#[test]
fn what_follows_the_gzip_members_is_told() {
    let mut bytes = gzip(log(&[hit(1)]));
    let end = bytes.len() as u64;
    bytes.extend_from_slice(b"more");
    let (said, failures) = damaged("tail.json.gz", &bytes);
    assert_eq!(failures[0].offset, Some(end), "{failures:?}");
    assert_eq!(found_in(&said, "tail.json.gz"), 1);
}

#[test]
fn a_file_of_several_members_is_whole() {
    let place = Place::new();
    let text = log(&[hit(1), miss(2), hit(3)]);
    let (head, tail) = text.split_at(text.len() / 2);
    place.file("members.json.gz", [gzip(head), gzip(tail)].concat());
    let said = place.scan();
    assert_eq!(said.report.failures, []);
    assert_eq!((said.report.totals.logs, said.found.len()), (1, 2));
}

#[test]
fn a_bomb_is_refused_within_bounds() {
    let place = Place::new();
    let zeros = vec![b' '; 64 * 1024 * 1024];
    let bomb = gzip(&zeros);
    assert!(bomb.len() < 100_000, "{}", bomb.len());
    place.file("bomb.json.gz", bomb);
    place.file("z.json", hit(9));
    let said = place.scan();
    assert_eq!(said.report.totals.failed, 1, "{said:#?}");
    assert_eq!(said.objects(), ["z.json"]);
}

#[test]
fn text_that_stops_being_json_is_told_by_its_offset() {
    let text = format!(r#"{{"Records":[{},{},{{"eventName":oops,{}]}}"#, hit(1), miss(2), hit(3));
    let wrong = text.find("oops").unwrap() as u64;
    for (name, bytes) in [("bad.json", text.clone().into_bytes()), ("bad.json.gz", gzip(&text))] {
        let (said, failures) = damaged(name, &bytes);
        let offset = failures[0].offset.unwrap();
        assert!(offset <= wrong && wrong - offset < 100, "{wrong}: {failures:?}");
        assert_eq!(said.found.iter().filter(|line| line.1 == hit(1)).count(), 2, "{said:#?}");
    }
}

#[test]
fn lines_before_a_bad_one_are_read() {
    let text = [hit(1), "{\"eventName\":".to_owned(), hit(2)].join("\n");
    let (said, failures) = damaged("lines.ndjson", &text);
    assert_eq!(found_in(&said, "lines.ndjson"), 1, "{said:#?}");
    assert!(failures[0].offset.unwrap() > hit(1).len() as u64, "{failures:?}");
}

#[test]
fn invalid_utf8_is_told_and_what_was_before_is_read() {
    let mut bytes = log(&[hit(1), hit(2)]).into_bytes();
    let at = bytes.len() - 100;
    bytes[at] = 0xff;
    let (said, failures) = damaged("latin.json", &bytes);
    assert!(found_in(&said, "latin.json") >= 1, "{said:#?}");
    assert!(failures[0].offset.is_some());
}

#[test]
fn a_log_file_that_ends_in_the_middle_gives_what_was_before() {
    let text = log(&[hit(1), hit(2)]);
    let (said, failures) = damaged("half.json", &text.as_bytes()[..text.len() - 40]);
    assert_eq!(found_in(&said, "half.json"), 1);
    assert!(failures[0].offset.is_some());
}

#[test]
fn failures_beyond_the_first_hundred_are_counted() {
    let place = Place::new();
    for n in 0..150 {
        place.file(&format!("{n}.json.gz"), &gzip(log(&[hit(1)]))[..40]);
    }
    let report = place.scan().report;
    assert_eq!(report.totals.failed, 150);
    let told = report.failures.len() as u64 + report.failures_left_out;
    assert_eq!(report.failures.len(), scan::FAILURES_MAX);
    assert!(told >= 150, "{told}");
}
