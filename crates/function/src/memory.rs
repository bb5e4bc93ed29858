//! How much memory a process and its descendants use, and how many they are, read from `/proc`.

use std::{fs, path::PathBuf};

/// Processes looked at in one measurement; beyond the limit on processes of one instance.
const PROCESSES_MAX: usize = 4_096;

/// What a process and all its descendants use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    pub(crate) bytes: u64,
    /// Processes and their threads.
    pub(crate) threads: u64,
}

/// Measures the processes of a family. Shared pages count for each process that has them, and
/// where that would be more than `limit_bytes`, for each in part.
pub(crate) fn usage(family: &[u32], limit_bytes: u64) -> Usage {
    let mut usage = Usage::default();
    // What one process ever had, however short it was between two looks.
    let mut peak = 0;
    for pid in family {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        usage.bytes = usage.bytes.saturating_add(kibibytes(&status, "VmRSS:").unwrap_or(0));
        peak = peak.max(kibibytes(&status, "VmHWM:").unwrap_or(0));
        usage.threads = usage.threads.saturating_add(number(&status, "Threads:").unwrap_or(0));
    }
    if usage.bytes > limit_bytes {
        usage.bytes = family.iter().map(|pid| part(*pid)).fold(0, u64::saturating_add);
    }
    usage.bytes = usage.bytes.max(peak);
    usage
}

/// `root`, first, and all its descendants.
pub(crate) fn family(root: u32) -> Vec<u32> {
    let mut all = vec![root];
    let mut at = 0;
    while let Some(pid) = all.get(at).copied().filter(|_| all.len() < PROCESSES_MAX) {
        all.extend(children(pid));
        at += 1;
    }
    all
}

/// A process's memory, with its part of what it shares; what it has where the kernel tells no parts.
fn part(pid: u32) -> u64 {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
    kibibytes(&rollup, "Pss:").unwrap_or_else(|| {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        kibibytes(&status, "VmRSS:").unwrap_or(0)
    })
}

/// A line's value, in bytes.
fn kibibytes(lines: &str, name: &str) -> Option<u64> {
    let value = lines.lines().find_map(|line| line.strip_prefix(name))?;
    let kibibytes: u64 = value.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

fn number(lines: &str, name: &str) -> Option<u64> {
    lines.lines().find_map(|line| line.strip_prefix(name))?.trim().parse().ok()
}

/// Each thread may have children of its own.
fn children(pid: u32) -> Vec<u32> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let lists = threads.map(|thread| thread.path().join("children"));
    let read = |list: PathBuf| fs::read_to_string(list).unwrap_or_default();
    lists
        .flat_map(|list| {
            read(list).split_ascii_whitespace().flat_map(str::parse).collect::<Vec<u32>>()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_uses_memory() {
        let (own, plenty) = (family(std::process::id()), u64::MAX);
        let seen = usage(&own, plenty);
        assert!(seen.bytes > 0 && seen.threads > 0, "{seen:?}");
        assert!(usage(&own, 0).bytes > 0);
        assert_eq!(kibibytes("VmPeak:\t 10 kB\nVmRSS:\t  3 kB\n", "VmRSS:"), Some(3_072));
        assert_eq!(kibibytes("", "VmRSS:"), None);
        assert_eq!(number("Threads:\t7\n", "Threads:"), Some(7));
    }
}
