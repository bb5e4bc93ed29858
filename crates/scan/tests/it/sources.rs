//! What is pointed at: paths, patterns, links, and windows over them.

use std::os::unix::fs::{PermissionsExt, symlink};

use scan::{Scan, Source, Window};

use crate::given::{ACCOUNT, Place, gzip, hit, log, miss};

fn key(region: &str, day: &str) -> String {
    format!("AWSLogs/{ACCOUNT}/CloudTrail/{region}/{day}/x.json.gz")
}

#[test]
fn folders_are_walked_and_links_in_them_are_not_followed() {
    let (place, elsewhere) = (Place::new(), Place::new());
    let outside = elsewhere.file("out.json", hit(1));
    place.file("a/b/c/in.json", hit(2));
    symlink(&outside, place.path().join("link.json")).unwrap();
    symlink(elsewhere.path(), place.path().join("a/folder")).unwrap();
    symlink(place.path(), place.path().join("a/loop")).unwrap();
    let said = place.scan();
    assert_eq!(said.objects(), ["a/b/c/in.json"]);
    assert_eq!((said.report.totals.skipped.others, said.report.totals.objects), (3, 4));
}

#[test]
fn a_link_that_is_given_itself_is_followed() {
    let (place, elsewhere) = (Place::new(), Place::new());
    elsewhere.file("out.json", hit(1));
    let link = place.path().join("link");
    symlink(elsewhere.path(), &link).unwrap();
    assert_eq!(place.scan_of(vec![Source::Path(link)]).objects(), ["link/out.json"]);
}

#[test]
fn a_pattern_gives_each_file_once() {
    let place = Place::new();
    place.file("a/1.json", hit(1));
    place.file("a/b/2.json", hit(2));
    place.file("c/3.json", hit(3));
    place.file("c/4.txt", hit(4));
    let of = |pattern: &str| {
        let path = place.path().join(pattern);
        place.scan_of(vec![Source::of(path.as_os_str())])
    };
    assert_eq!(of("*/*.json").objects(), ["a/1.json", "c/3.json"]);
    assert_eq!(of("**/*").objects(), ["a/1.json", "a/b/2.json", "c/3.json", "c/4.txt"]);
    assert_eq!(of("*").objects(), ["a/1.json", "a/b/2.json", "c/3.json", "c/4.txt"]);
    let nothing = of("*.gz").report;
    assert_eq!((nothing.totals.objects, nothing.totals.failed), (1, 1));
    assert!(nothing.failures[0].reason.contains("no file matches"), "{nothing:?}");
}

#[test]
fn a_path_that_is_not_there_is_named_and_the_rest_is_read() {
    let place = Place::new();
    let here = place.file("here.json", hit(1));
    let gone = place.path().join("gone.json");
    let said = place.scan_of(vec![Source::Path(gone.clone()), Source::Path(here)]);
    assert_eq!(said.objects(), ["here.json"]);
    assert_eq!(said.report.failures[0].object, gone.to_str().unwrap());
    assert!(said.report.failures[0].reason.contains("no such file"), "{said:?}");
}

#[test]
fn a_file_that_may_not_be_read_is_named() {
    let place = Place::new();
    let path = place.file("secret.json", hit(1));
    let mode = |mode| std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
    mode(0o000);
    if std::fs::read(&path).is_ok() {
        // Whoever may read everything cannot be refused.
        return;
    }
    let said = place.scan();
    assert_eq!(said.report.failures[0].object, path.to_str().unwrap());
    assert_eq!(said.report.totals.failed, 1);
}

#[test]
fn what_is_given_twice_is_read_twice() {
    let place = Place::new();
    let path = place.file("a.json.gz", gzip(log(&[hit(1), miss(2)])));
    let said = place.scan_of(vec![Source::Path(path.clone()), Source::Path(path)]);
    assert_eq!((said.report.totals.objects, said.found.len()), (2, 2));
}

#[test]
fn times_accounts_and_regions_choose_objects_and_records() {
    let place = Place::new();
    place.file(&key("us-east-2", "2026/11/22"), gzip(log(&[hit(5), hit(10), hit(15)])));
    place.file(&key("us-east-1", "2026/11/22"), gzip(log(&[hit(1)])));
    place.file(&key("us-east-2", "2026/11/20"), gzip(log(&[hit(1)])));
    place.file(&key("us-east-2", "2026/11/25"), gzip(log(&[hit(1)])));
    let check = |window: Window, findings: usize, unwanted: u64| {
        let sources = vec![Source::Path(place.path().to_owned())];
        let said = place.scanned(&Scan { window, ..Scan::of(&place.rules, sources) });
        assert_eq!((said.found.len(), said.report.totals.skipped.unwanted), (findings, unwanted));
    };
    let time = |text: &str| text.parse().ok();
    let words = |word: &str| vec![word.to_owned()];
    check(Window::default(), 6, 0);
    check(Window::new(None, None, words(ACCOUNT), words("us-east-2")), 5, 1);
    check(Window::new(None, None, words("999988887777"), Vec::new()), 0, 4);
    let (from, to) = (time("2026-11-22T10:00:05Z"), time("2026-11-22T10:00:10Z"));
    check(Window::new(from, to, Vec::new(), words("us-east-2")), 2, 3);
}

#[test]
fn a_report_says_when_and_for_whom_a_rule_holds() {
    let place = Place::new();
    place.file("a.json", log(&[hit(5), miss(1), hit(40)]));
    place.file("b.json", hit(2));
    let report = place.scan().report;
    let [rule] = report.rules.as_slice() else { panic!("{report:?}") };
    assert_eq!((rule.title.as_str(), rule.findings), ("sns:CreateTopic", 3));
    assert_eq!(rule.first, "2026-11-22T10:00:02Z".parse().ok());
    assert_eq!(rule.last, "2026-11-22T10:00:40Z".parse().ok());
    assert_eq!(rule.who, [(format!("arn:aws:iam::{ACCOUNT}:user/ada"), 3)]);
}
