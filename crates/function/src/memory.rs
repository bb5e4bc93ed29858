//! How much memory a process and its descendants use, read from `/proc`.

use std::{fs, path::PathBuf};

/// Processes looked at in one measurement; beyond the limit on processes of one instance.
const PROCESSES_MAX: usize = 4_096;

/// Resident bytes of `root` and all its descendants. A page that several share counts for each,
/// which errs on the safe side.
pub(crate) fn resident_bytes(root: u32) -> u64 {
    let mut waiting = vec![root];
    let mut seen = 0;
    let mut total: u64 = 0;
    while let Some(pid) = waiting.pop() {
        seen += 1;
        if seen > PROCESSES_MAX {
            break;
        }
        total = total.saturating_add(own_bytes(pid));
        waiting.extend(children(pid));
    }
    total
}

/// Zero where the process is gone.
fn own_bytes(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    resident(&status).unwrap_or(0)
}

fn resident(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
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
        assert!(resident_bytes(std::process::id()) > 0);
        assert_eq!(resident("VmPeak:\t 10 kB\nVmRSS:\t  3 kB\n"), Some(3_072));
        assert_eq!(resident(""), None);
    }
}
