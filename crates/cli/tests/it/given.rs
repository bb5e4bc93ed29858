//! Log files that are given rather than made by calls, and where they lie.

/// Somebody makes a topic, then asks for its attributes.
pub(crate) const TOPIC_MADE: &str = include_str!("../../../../testdata/topic_made.json");
/// A log file that ends in the middle.
pub(crate) const TRUNCATED: &str = include_str!("../../../../testdata/truncated.json");

/// The function that is told of objects.
pub(crate) const DETECT: &str = "arn:aws:lambda:us-east-2:123456789012:function:detect";

/// `text` as one gzip member.
pub(crate) fn gzip(text: &str) -> Vec<u8> {
    use std::io::Write;
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(text.as_bytes()).unwrap();
    gzip.finish().unwrap()
}

/// A log file's path under a trail's key layout.
pub(crate) fn log_path(bucket: &str, name: &str) -> String {
    format!("{bucket}/AWSLogs/123456789012/CloudTrail/us-east-2/2026/11/22/{name}.json.gz")
}
