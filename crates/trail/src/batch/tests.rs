//! What a batch promises, as tables and as properties.

use proptest::prelude::*;

use super::*;

const LIMITS: Limits =
    Limits { records_max: 3, text_bytes_max: 100, waiting_bytes_max: 150, wait_max_millis: 10 };

fn region(number: u8) -> Region {
    format!("region-{number}").parse().unwrap()
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

/// Pushes (region, bytes, time) one after the other, asking for what is due before each, then
/// moves to `end`; expects these files, each as its offsets.
fn check(pushes: &[(u8, usize, i64)], end: i64, expected: &[&[u64]]) {
    let mut batches = Batches::new(LIMITS);
    let mut files = Vec::new();
    for (offset, (number, bytes, millis)) in pushes.iter().enumerate() {
        while let Some(batch) = batches.due(at(*millis)) {
            files.push(batch);
        }
        let waiting = Waiting { offset: offset as u64, bytes: *bytes, record: () };
        files.extend(batches.push(&region(*number), waiting, at(*millis)));
    }
    while let Some(batch) = batches.due(at(end)) {
        files.push(batch);
    }
    let told: Vec<Vec<u64>> = files
        .iter()
        .map(|batch| batch.records.iter().map(|waiting| waiting.offset).collect())
        .collect();
    assert_eq!(told, expected, "{pushes:?}");
}

#[test]
fn a_lone_record_waits_no_longer_than_wait_max() {
    check(&[(0, 5, 0)], 9, &[]);
    check(&[(0, 5, 0)], 10, &[&[0]]);
    check(&[(0, 5, 0), (0, 5, 4), (0, 5, 10)], 10, &[&[0, 1]]);
}

#[test]
fn a_file_holds_no_more_records_than_the_limit() {
    check(&[(0, 1, 0), (0, 1, 0), (0, 1, 0), (0, 1, 0)], 0, &[&[0, 1, 2]]);
}

#[test]
fn a_file_holds_no_more_text_than_the_limit() {
    // 14 bytes of frame, 42 + 1 + 43 of records: one hundred exactly.
    check(&[(0, 42, 0), (0, 43, 0)], 0, &[]);
    check(&[(0, 42, 0), (0, 44, 0)], 0, &[&[0]]);
}

#[test]
fn a_record_larger_than_a_file_is_a_file_of_its_own() {
    check(&[(0, 1, 0), (0, 120, 0), (0, 1, 0)], 10, &[&[0], &[1], &[2]]);
}

#[test]
fn regions_are_never_mixed() {
    check(&[(0, 1, 0), (1, 1, 1), (0, 1, 2)], 11, &[&[0, 2], &[1]]);
}

#[test]
fn the_largest_batch_goes_when_too_much_waits() {
    check(&[(0, 60, 0), (1, 70, 0), (2, 50, 0)], 0, &[&[1]]);
}

#[test]
fn full_files_do_not_hide_that_too_much_waits() {
    // Each of the last three finds no room in its region's file; each time too much would wait.
    let small = [(0, 1, 0), (1, 1, 0), (2, 1, 0)];
    let large = [(0, 90, 0), (1, 90, 0), (2, 90, 0)];
    check(&[small, large].concat(), 0, &[&[0], &[1], &[4], &[2], &[5]]);
}

#[test]
fn what_waits_is_told() {
    let mut batches = Batches::new(LIMITS);
    assert_eq!((batches.first(), batches.next_due(), batches.len()), (None, None, 0));
    for (offset, number, millis) in [(7, 1, 5), (8, 0, 6)] {
        assert!(
            batches
                .push(&region(number), Waiting { offset, bytes: 1, record: () }, at(millis))
                .is_empty()
        );
    }
    assert_eq!((batches.first(), batches.next_due()), (Some(7), Some(at(15))));
    let flushed = batches.flush().unwrap();
    assert_eq!((flushed.first(), flushed.next()), (8, 9));
    assert_eq!(batches.len(), 1);
}

proptest! {
    #[test]
    fn every_record_is_in_one_file_of_its_region_in_order_within_the_limits(
        pushes in proptest::collection::vec((0_u8..3, 0_usize..130, 0_i64..15), 0..60),
    ) {
        let mut batches = Batches::new(LIMITS);
        let mut files = Vec::new();
        let mut now = 0;
        for (offset, (number, bytes, later)) in pushes.iter().enumerate() {
            now += later;
            while let Some(batch) = batches.due(at(now)) {
                files.push(batch);
            }
            prop_assert!(batches.next_due().is_none_or(|due| due > at(now)));
            let waiting = Waiting { offset: offset as u64, bytes: *bytes, record: *number };
            files.extend(batches.push(&region(*number), waiting, at(now)));
            prop_assert!(batches.waiting_bytes <= LIMITS.waiting_bytes_max + 130);
        }
        while let Some(batch) = batches.flush() {
            files.push(batch);
        }
        prop_assert_eq!(batches.waiting_bytes, 0);
        let mut seen = Vec::new();
        for file in &files {
            prop_assert!(!file.records.is_empty() && file.records.len() <= LIMITS.records_max);
            let text = 13 + file.records.iter().map(|waiting| waiting.bytes + 1).sum::<usize>();
            prop_assert!(text <= LIMITS.text_bytes_max || file.records.len() == 1);
            prop_assert!(file.records.iter().all(|w| region(w.record) == file.region));
            prop_assert!(file.records.is_sorted_by_key(|waiting| waiting.offset));
            seen.extend(file.records.iter().map(|waiting| waiting.offset));
        }
        // Files of one region follow each other, so a region's cursor never goes back.
        for number in 0..3 {
            let of_region = files.iter().filter(|file| file.region == region(number));
            prop_assert!(of_region.map(Batch::first).is_sorted());
        }
        seen.sort_unstable();
        prop_assert_eq!(seen, (0..pushes.len() as u64).collect::<Vec<_>>());
    }
}
