//! What log files look like.

use crate::given::{Place, gzip, hit, log, miss};

/// One file of this name and these bytes, in which the first topic is made and nothing is damaged.
#[track_caller]
fn check(name: &str, bytes: impl AsRef<[u8]>, records: u64) {
    let place = Place::new();
    place.file(name, bytes);
    let said = place.scan();
    assert_eq!(said.report.failures, [], "{said:#?}");
    assert_eq!(said.found, [(name.to_owned(), hit(1))]);
    assert_eq!((said.report.totals.records, said.report.totals.logs), (records, 1), "{said:#?}");
}

fn some() -> Vec<String> {
    vec![miss(0), hit(1), miss(2)]
}

#[test]
fn a_log_file_is_gzip_or_plain() {
    check("a.json.gz", gzip(log(&some())), 3);
    check("a.json", log(&some()), 3);
    check("no name that says anything", gzip(log(&some())), 3);
}

#[test]
fn a_log_file_may_have_been_packed_anew_as_zstd() {
    let packed = ruzstd::encoding::compress_to_vec(
        log(&some()).as_bytes(),
        ruzstd::encoding::CompressionLevel::Fastest,
    );
    check("a.json.zst", packed, 3);
}

#[test]
fn records_stand_in_an_array_one_a_line_or_alone() {
    check("array.json", format!("[{}]", some().join(",")), 3);
    check("lines.ndjson", some().join("\n"), 3);
    check("lines.ndjson.gz", gzip(some().join("\r\n") + "\n"), 3);
    check("one.json", hit(1), 1);
}

#[test]
fn records_stand_in_envelopes_of_eventbridge() {
    let envelope = |record: &str| {
        format!(
            r#"{{"version":"0","id":"x","detail-type":"AWS API Call via CloudTrail","source":"aws.sns","account":"111122223333","time":"2026-11-22T10:00:00Z","region":"us-east-2","resources":[],"detail":{record}}}"#
        )
    };
    check("event.json", envelope(&hit(1)), 1);
    check("events.ndjson", [envelope(&miss(0)), envelope(&hit(1))].join("\n"), 2);
}

#[test]
fn records_stand_as_text_in_what_lookup_events_answers() {
    let event = |record: &str| {
        let text = serde_json::to_string(record).unwrap();
        format!(
            r#"{{"EventId":"x","EventName":"CreateTopic","ReadOnly":"false","CloudTrailEvent":{text}}}"#
        )
    };
    check("lookup.json", format!(r#"{{"Events":[{},{}]}}"#, event(&miss(0)), event(&hit(1))), 2);
}

#[test]
fn what_lies_beside_logs_is_recognised_and_skipped() {
    let place = Place::new();
    place.file(
        "111122223333/CloudTrail-Digest/us-east-2/2026/11/22/d.json.gz",
        gzip(
            r#"{"awsAccountId":"111122223333","digestStartTime":"2026-11-22T10:00:00Z","digestEndTime":"2026-11-22T11:00:00Z","digestS3Bucket":"b","digestS3Object":"o","digestSignatureAlgorithm":"SHA256withRSA","logFiles":[]}"#,
        ),
    );
    place.file(
        "111122223333/CloudTrail-Insight/us-east-2/2026/11/22/i.json.gz",
        gzip(
            r#"{"Records":[{"eventVersion":"1.08","eventTime":"2026-11-22T10:00:00Z","awsRegion":"us-east-2","eventID":"x","eventType":"AwsCloudTrailInsight","recipientAccountId":"111122223333","sharedEventID":"y","insightDetails":{"state":"Start"},"eventCategory":"Insight"}]}"#,
        ),
    );
    place.file("111122223333/CloudTrail/marker", []);
    place.file("readme.txt", "Logs of ours.");
    place.file("picture.png", b"\x89PNG\r\n\x1a\n\0\0\0");
    place.file("log.json.gz", gzip(log(&some())));
    let said = place.scan();
    let skipped = said.report.totals.skipped;
    assert_eq!(said.report.failures, []);
    assert_eq!((skipped.digests, skipped.insights), (1, 1), "{said:#?}");
    assert_eq!((skipped.markers, skipped.others), (1, 2), "{said:#?}");
    assert_eq!(said.objects(), ["log.json.gz"]);
}

#[test]
fn records_of_network_activity_are_asked_as_others_are() {
    let event = r#"{"eventVersion":"1.09","userIdentity":{"type":"AWSAccount","accountId":"111122223333"},"eventTime":"2026-11-22T10:00:00Z","eventSource":"sns.amazonaws.com","eventName":"CreateTopic","awsRegion":"us-east-2","sourceIPAddress":"10.0.0.1","errorCode":"VpceAccessDenied","eventID":"x","eventType":"AwsVpceEvent","recipientAccountId":"111122223333","vpcEndpointId":"vpce-1","eventCategory":"NetworkActivity"}"#;
    let place = Place::new();
    let key = "AWSLogs/111122223333/CloudTrail-NetworkActivity/us-east-2/2026/11/22/n.json.gz";
    place.file(key, gzip(log(&[event.to_owned()])));
    let said = place.scan();
    assert_eq!(said.found, [(key.to_owned(), event.to_owned())], "{said:#?}");
}

#[test]
fn an_object_beyond_what_is_held_whole_is_read_as_its_bytes_come() {
    let place = Place::new();
    let line = miss(0) + "\n";
    let limit = usize::try_from(record::log_file::GZIP_BYTES_MAX).unwrap();
    let before = limit / line.len() + 1;
    place.file("large.ndjson", line.repeat(before) + &hit(1) + "\n" + &miss(2));
    let said = place.scan();
    assert_eq!(said.report.failures, []);
    assert_eq!(said.found, [("large.ndjson".to_owned(), hit(1))]);
    assert_eq!(said.report.totals.records, before as u64 + 2);
    assert!(said.report.totals.bytes_in > record::log_file::GZIP_BYTES_MAX);
}
