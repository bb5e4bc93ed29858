//! The lines that Lambda writes around every invocation.

use std::time::Duration;

/// One invocation in numbers.
pub(super) struct Report<'a> {
    pub(super) request_id: &'a str,
    pub(super) took: Duration,
    /// How long the start took, for the first invocation of an instance.
    pub(super) init: Option<Duration>,
    pub(super) memory_bytes: u64,
    pub(super) used_bytes: u64,
    /// `timeout` or `error`, where it did not end well.
    pub(super) status: Option<&'a str>,
}

pub(super) fn start_line(request_id: &str, version: &str) -> String {
    format!("START RequestId: {request_id} Version: {version}")
}

pub(super) fn end_line(request_id: &str) -> String {
    format!("END RequestId: {request_id}")
}

impl Report<'_> {
    pub(super) fn line(&self) -> String {
        let Self { request_id, took, init, memory_bytes, used_bytes, status } = self;
        let megabytes = |bytes: u64| bytes.div_ceil(1024 * 1024);
        let millis = millis(*took);
        let billed = took.as_nanos().div_ceil(1_000_000);
        let mut line = format!(
            "REPORT RequestId: {request_id}\tDuration: {millis} ms\tBilled Duration: {billed} ms\t\
             Memory Size: {} MB\tMax Memory Used: {} MB",
            megabytes(*memory_bytes),
            megabytes(*used_bytes),
        );
        if let Some(init) = init {
            line.push_str(&format!("\tInit Duration: {} ms", self::millis(*init)));
        }
        if let Some(status) = status {
            line.push_str(&format!("\tStatus: {status}"));
        }
        line
    }
}

fn millis(duration: Duration) -> String {
    format!("{:.2}", duration.as_secs_f64() * 1_000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_reads_as_lambdas() {
        let report = Report {
            request_id: "X",
            took: Duration::from_micros(1_230),
            init: Some(Duration::from_millis(12)),
            memory_bytes: 128 * 1024 * 1024,
            used_bytes: 29 * 1024 * 1024 + 1,
            status: Some("timeout"),
        };
        assert_eq!(
            report.line(),
            "REPORT RequestId: X\tDuration: 1.23 ms\tBilled Duration: 2 ms\tMemory Size: 128 MB\t\
             Max Memory Used: 30 MB\tInit Duration: 12.00 ms\tStatus: timeout"
        );
    }
}
