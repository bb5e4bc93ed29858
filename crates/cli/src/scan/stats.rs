//! What a scan took, as one JSON object.

use std::{fs, path::Path};

use anyhow::Context;
use nix::sys::{
    resource::{UsageWho, getrusage},
    time::TimeValLike,
};
use scan::Report;

#[derive(serde::Serialize)]
struct Stats {
    objects: u64,
    skipped: u64,
    failed: u64,
    records: u64,
    candidates: u64,
    findings: u64,
    bytes_in: u64,
    bytes_inflated: u64,
    seconds: f64,
    cpu_seconds: f64,
    peak_rss_bytes: u64,
}

/// Writes the file of `--stats`.
pub(crate) fn write(path: &Path, report: &Report, seconds: f64) -> anyhow::Result<()> {
    let totals = &report.totals;
    let stats = Stats {
        objects: totals.objects,
        skipped: totals.skipped.total(),
        failed: totals.failed,
        records: totals.records,
        candidates: totals.candidates,
        findings: totals.findings,
        bytes_in: totals.bytes_in,
        bytes_inflated: totals.bytes_inflated,
        seconds,
        cpu_seconds: cpu_seconds()?,
        peak_rss_bytes: peak_rss_bytes()?,
    };
    let mut text = serde_json::to_string(&stats).expect("numbers are JSON");
    text.push('\n');
    Ok(fs::write(path, text)?)
}

/// Processor time of all threads, in seconds.
#[expect(clippy::cast_precision_loss, reason = "microseconds of centuries fit into a double")]
fn cpu_seconds() -> anyhow::Result<f64> {
    let usage = getrusage(UsageWho::RUSAGE_SELF).context("the system tells no processor time")?;
    let micros = (usage.user_time() + usage.system_time()).num_microseconds();
    Ok(micros as f64 / 1e6)
}

/// The most memory that the process has held at a time, in bytes.
fn peak_rss_bytes() -> anyhow::Result<u64> {
    let status = fs::read_to_string("/proc/self/status").context("the system tells no memory")?;
    let kib = status.lines().find_map(|line| {
        line.strip_prefix("VmHWM:")?.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()
    });
    Ok(kib.context("/proc/self/status has no VmHWM")? * 1024)
}
